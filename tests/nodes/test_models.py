"""How networks are found, loaded once and put into the host's care."""

import json
import os
import shutil
import weakref

import pytest
import torch

from stand_ins import restorers


@pytest.fixture
def models(pack):
    return pack.nodes.models


def test_the_same_settings_give_the_same_object(run):
    first, second = (run("VQFR_LoadModel", model="tiny_v2.safetensors")["vqfr_model"] for _ in range(2))
    assert first is second
    other = run("VQFR_LoadModel", model="tiny_v2.safetensors", precision="bf16")["vqfr_model"]
    assert other is not first and other.network.precision == "bf16"


def test_the_float32_network_of_a_retry_is_in_the_hosts_care(run, host):
    half = run("VQFR_LoadModel", model="tiny_v2.safetensors", precision="bf16")["vqfr_model"]
    host.loaded.clear()
    exact = half.network.in_float32()
    ((patchers, working_bytes),) = host.loaded
    assert [patcher.model.network for patcher in patchers] == [half.network.module, exact.module]
    assert (exact.precision, working_bytes) == ("fp32", exact.working_bytes(1))
    assert half.network.in_float32() is exact, "loaded once"


def test_a_retried_network_can_be_forgotten(run, models):
    held = weakref.ref(run("VQFR_LoadModel", model="tiny_v2.safetensors", precision="bf16")["vqfr_model"])
    held().network.in_float32()
    models._kept.clear()
    assert held() is None


def test_networks_go_when_the_host_unloads_its_models(run, models, host):
    held = models.open_model("tiny_v2.safetensors", "fp32")
    patcher, network = held.hold._patcher, weakref.ref(held.network)
    del held
    patcher.detach()
    assert models.open_model("tiny_v2.safetensors", "fp32").network is network(), "a node needed the room"
    host.is_running_node = False
    patcher.detach()
    host.is_running_node = True
    del patcher
    assert network() is None


def test_what_the_hosts_cache_holds_is_not_loaded_twice(run, models, host):
    held = run("VQFR_LoadModel", model="tiny_v2.safetensors")["vqfr_model"]
    models._kept.clear()
    assert models.open_model("tiny_v2.safetensors", "fp32") is held


def test_a_file_that_was_replaced_is_loaded_again(run, models, host):
    path = host.models / "vqfr" / "other.safetensors"
    shutil.copy(host.models / "vqfr" / "tiny_v2.safetensors", path)
    first, state = run("VQFR_LoadModel", model="other.safetensors")["vqfr_model"], models.weights_state(path.name)
    os.utime(path, ns=(1, 1))
    assert models.weights_state(path.name) != state
    assert run("VQFR_LoadModel", model="other.safetensors")["vqfr_model"] is not first
    path.unlink()


def test_old_models_are_forgotten(run, models):
    for precision in ("fp32", "bf16"):
        for name in ("tiny_v1.safetensors", "tiny_v2.safetensors", "vqfr_small2"):
            run("VQFR_LoadModel", model=name, precision=precision)
    assert len(models._kept) <= 4


def test_the_menu_lists_known_models_and_files(pack, host):
    menu = pack.nodes_by_id["VQFR_LoadModel"].define_schema().inputs[0].settings["options"]
    assert menu == ["auto", "vqfr_v2", "vqfr_v1", "vqfr_small2", "tiny_v1.safetensors", "tiny_v2.safetensors"]
    published = host.models / "vqfr" / "VQFR_v2.pth"
    published.touch()  # it has a name in the menu already
    again = pack.nodes_by_id["VQFR_LoadModel"].define_schema().inputs[0].settings["options"]
    published.unlink()
    assert again == menu


def test_auto_is_run_again_when_better_weights_appear(pack, host):
    node = pack.nodes_by_id["VQFR_LoadModel"]
    before = node.fingerprint_inputs(model="auto", precision="auto")
    assert node.fingerprint_inputs(model="auto", precision="auto") == before
    path = host.models / "vqfr" / "VQFR_v2.pth"
    path.touch()
    after = node.fingerprint_inputs(model="auto", precision="auto")
    path.unlink()
    assert after != before


def test_weights_of_other_packs_are_found(pack, host):
    folder = host.models / "facedetection"
    folder.mkdir()
    assert folder in pack.nodes.host.search_folders()
    elsewhere = host.models / "elsewhere"
    host.folders["facerestore_models"] = ([str(elsewhere)], set())
    found = pack.nodes.host.search_folders()
    del host.folders["facerestore_models"]
    folder.rmdir()
    assert elsewhere in found


def test_the_users_own_folders_stay(pack, host, tmp_path):
    assert host.folders["vqfr"][0] == [str(host.models / "vqfr")]
    host.folders["vqfr"] = ([str(tmp_path), str(host.models / "vqfr")], {".ckpt"})
    pack.nodes.host.register_folders()
    paths, suffixes = host.folders["vqfr"]
    assert paths[0] == str(tmp_path) and suffixes == {".ckpt", ".safetensors", ".pth"}
    assert pack.nodes.host.model_folder() == tmp_path
    host.folders["vqfr"] = ([str(host.models / "vqfr")], {".safetensors", ".pth"})


def test_networks_are_in_the_hosts_care(run, host, portrait):
    host.loaded.clear()
    run("VQFR_Restore", image=portrait, model="tiny_v2.safetensors", fidelity=0.0)
    patchers = [patcher for patchers, _ in host.loaded for patcher in patchers]
    assert {type(patcher).__name__ for patcher in patchers} == {"ModelPatcher"}
    assert len({id(patcher) for patcher in patchers}) == 2  # detector and restorer
    assert max(needed for _, needed in host.loaded) > 100e6


def test_the_hosts_force_fp32_wins(pack, caplog):
    import sys

    sys.modules["comfy.cli_args"].args.force_fp32 = True
    try:
        assert pack.nodes.host.allowed_precision("bf16") == "fp32"
        assert pack.nodes.host.allowed_precision("auto") == "fp32"
    finally:
        sys.modules["comfy.cli_args"].args.force_fp32 = False
    assert "--force-fp32" in caplog.text


def test_a_failing_node_has_short_inputs(run, portrait):
    # The host puts the text of all inputs of a failing node into its message.
    faces = run("VQFR_DetectFaces", image=portrait)["found_faces"]
    assert str(faces) == "<1 faces of 1 images>"
    assert str(run("VQFR_LoadModel", model="vqfr_small2")["vqfr_model"]) == "<vqfr_small2, fp32>"


def test_another_detector_is_really_another(pack):
    small = pack.nodes.models.open_detector("retinaface_mobile0.25")
    assert pack.nodes.models.open_detector("retinaface_mobile0.25") is small
    with pytest.raises(
        Exception, match=r"detection_Resnet50_Final\.pth"
    ):  # it is not here, and nothing takes its place
        pack.nodes.models.open_detector("retinaface_resnet50")


@pytest.mark.slow
def test_little_room_is_asked_for_a_little_network(run, host, portrait):
    faces = run("VQFR_DetectFaces", image=portrait)["found_faces"]
    for name in ("tiny_v2.safetensors", "vqfr_small2"):
        host.loaded.clear()
        run("VQFR_RestoreFaces", vqfr_model=run("VQFR_LoadModel", model=name)["vqfr_model"], faces=faces, fidelity=0.0)
        assert 50e6 < host.loaded[0][1] < 500e6


def test_a_missing_parser_is_told_before_the_network_runs(run, host, portrait):
    host.progress.clear()
    with pytest.raises(Exception, match=r"parsing needs a face parser.*parsing_bisenet\.pth"):
        run("VQFR_Restore", image=portrait, model="tiny_v2.safetensors", mask="parsing")
    assert host.progress == []


def test_restorers_of_other_packs_are_in_the_menu(pack, host):
    gfpgan = {"conv_body_first.weight": torch.zeros(1), "final_linear.bias": torch.zeros(1)}
    for folder in ("facerestore_models", "upscale_models"):
        (host.models / folder).mkdir()
        torch.save(gfpgan, host.models / folder / f"of_{folder}.pth")
    menu = pack.nodes_by_id["VQFR_LoadModel"].define_schema().inputs[0].settings["options"]
    assert menu[-3:] == ["of_facerestore_models.pth (GFPGAN)", "tiny_v1.safetensors", "tiny_v2.safetensors"]
    store = pack.nodes.models._store
    assert store.locate("restorer", menu[-3]) == host.models / "facerestore_models" / "of_facerestore_models.pth"
    assert store.locate("restorer", "of_upscale_models.pth") is not None, "found by its name all the same"
    for folder in ("facerestore_models", "upscale_models"):
        shutil.rmtree(host.models / folder)


@pytest.mark.slow
def test_a_restorer_of_another_pack_restores(pack, host, run, portrait):
    pytest.importorskip("spandrel")
    restorers.save(restorers.restoreformer(), host.models / "facerestore_models" / "RestoreFormer.pth")
    name = "RestoreFormer.pth (RestoreFormer)"
    model = run("VQFR_LoadModel", model=name)["vqfr_model"]
    assert model.network.working_bytes(2) > 1e9
    found = run("VQFR_DetectFaces", image=portrait)["found_faces"]
    crops = run("VQFR_RestoreFaces", vqfr_model=model, faces=found)["crops"]
    simple = run("VQFR_Restore", image=portrait, model=name, fidelity=0.2)
    assert crops.shape == (1, 512, 512, 3) and not torch.equal(simple["result"], portrait)
    report = json.loads(simple["report"])
    assert report["restorer"]["name"] == "RestoreFormer" and report["restorer"]["fidelity"] is None
    assert any("has no fidelity" in note for note in report["notes"])
    shutil.rmtree(host.models / "facerestore_models")
