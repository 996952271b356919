import dataclasses
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vqfr_core.errors import DownloadError, InputError, WeightsError
from vqfr_core.networks import registry
from vqfr_core.networks.base import Detector, Parser, Restorer
from vqfr_core.networks.registry import Architecture
from vqfr_core.weights import catalog
from vqfr_core.weights.catalog import RECORDS, WeightRecord, get_record
from vqfr_core.weights.check import build_empty
from vqfr_core.weights.find import ABSENT
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore


@pytest.fixture
def packaged(monkeypatch, tmp_path) -> Path:
    """An empty folder in place of the package's own weights, for files whose hash is not looked at."""
    monkeypatch.setattr("vqfr_core.weights.hashes.packaged_problem", lambda record, sha256: None)
    folder = tmp_path / "packaged"
    folder.mkdir()
    monkeypatch.setattr(catalog, "PACKAGED_FOLDER", folder)
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def store(folder) -> WeightStore:
    return WeightStore(lambda: Folders(folder), download=False)


def empty_state(name: str) -> dict[str, torch.Tensor]:
    """Weights of the right shapes with nothing in them, so that they cost no time."""
    row = next(row for row in registry.ARCHITECTURES if row.name == name)
    expected = build_empty(row, {}, Path("x")).module.state_dict()
    return {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in expected.items()}


def put(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(name.encode())
    return path


# --- names and menus


def test_names_are_the_catalogues_in_their_order(store):
    assert store.roles() == ["restorer", "detector", "parser", "upscaler"]
    assert store.names("restorer") == [
        *("vqfr_v2", "vqfr_v1", "vqfr_small2"),
        *("codeformer", "gfpgan", "restoreformer"),
    ]
    assert store.names("detector") == ["retinaface_resnet50", "retinaface_mobile0.25"]
    assert store.names("parser") == ["parsenet", "bisenet"]


def test_choices_say_where_weights_are(folder):
    path = put(folder, "vqfr_v1.safetensors")
    put(folder, os.path.join("sub", "mine.pth"))
    store = WeightStore(lambda: Folders(folder))
    choices = {choice.name: choice for choice in store.choices("restorer")}
    own = os.path.join("sub", "mine.pth")
    assert list(choices) == ["auto", "vqfr_v2", "vqfr_v1", "vqfr_small2", own]
    states = [choice.state for choice in choices.values()]
    assert states == ["auto", "downloadable", "present", "packaged", "present"]
    assert choices["auto"].path == choices["vqfr_v1"].path == path
    assert choices["vqfr_small2"].path == get_record("vqfr_small2").packaged_path
    assert choices["vqfr_v2"].licence == get_record("vqfr_v2").licence
    assert store.locate("restorer", own) == choices[own].path == folder / own
    known = WeightStore(lambda: Folders(folder), download=False).known("restorer")
    assert [choice.state for choice in known] == ["absent", "present", "packaged"]


def test_choices_never_reach_outside_the_folders_nor_repeat_known_files(folder, tmp_path):
    listed, search = tmp_path / "listed", tmp_path / "search"
    for record in RECORDS:
        for name in record.file_names:
            put(folder, name)
            put(folder, os.path.join("sub", name))
    put(listed, "ours.pth")
    put(search, "theirs.pth")
    put(tmp_path, "outside.pth")
    store = WeightStore(lambda: Folders(folder, (search,), listed=(listed,)))
    names = [choice.name for choice in store.choices("restorer")]
    assert names == ["auto", "vqfr_v2", "vqfr_v1", "vqfr_small2", "ours.pth"]
    assert not any(Path(name).is_absolute() or ".." in Path(name).parts for name in names)


def test_folders_are_asked_at_each_call(tmp_path):
    now = tmp_path / "one"
    store = WeightStore(lambda: Folders(now), download=False)
    assert store.locate("parser") is None and store.auto_name("parser") is None
    now = tmp_path / "two"
    path = put(now, "bisenet.pth")
    assert store.locate("parser") == path and store.auto_name("parser") == "bisenet"
    path.unlink()
    assert store.locate("parser") is None


def test_state_changes_with_the_weights_behind_a_name(store, folder, packaged):
    states = [store.state("restorer"), store.state("restorer", "vqfr_v1")]
    assert states == [ABSENT, ABSENT]
    for name in ("vqfr_small2.safetensors", "vqfr_v1.pth", "VQFR_v1-33a1fac5.pth", "vqfr_v2.pth"):
        put(folder, name)
        states.append(store.state("restorer"))
    assert len(set(states)) == 5
    assert str(folder / "vqfr_v2.pth") in states[-1]
    assert store.state("restorer", "vqfr_v1") == states[-2]
    mine = put(folder, "mine.pth")
    before = store.state("restorer", "mine.pth")
    os.utime(mine, ns=(1, 1))
    assert before != store.state("restorer", "mine.pth")
    mine.unlink()
    assert store.state("restorer", "mine.pth") == ABSENT


# --- finding files


def test_auto_restorer_is_the_first_present_and_the_packaged_one_the_last_resort(store, folder, packaged):
    with pytest.raises(WeightsError, match="no restorer weights") as failure:
        store.find("restorer")
    assert str(folder) in str(failure.value) and "VQFR_v2.pth" in str(failure.value)
    put(packaged, "vqfr_small2.safetensors")
    found = store.find("restorer")
    assert (found.name, found.source) == ("vqfr_small2", "embedded")
    for name in ("vqfr_v1", "vqfr_v2"):
        put(folder, f"{name}.pth")
        found = store.find("restorer")
        assert (found.name, found.source, found.path) == (name, "file", folder / f"{name}.pth")
    assert store.find("restorer", "vqfr_small2").source == "embedded"


def test_a_former_name_means_its_successor_and_stands_in_no_menu(store, folder, packaged, caplog):
    put(packaged, "vqfr_small2.safetensors")
    found = store.find("restorer", "vqfr_small")
    assert (found.name, found.source) == ("vqfr_small2", "embedded")
    assert [record.message for record in caplog.records] == ["vqfr_small is now vqfr_small2"]
    assert store.locate("restorer", "vqfr_small") == found.path
    assert store.state("restorer", "vqfr_small") == store.state("restorer", "vqfr_small2")
    assert "vqfr_small" not in [choice.name for choice in store.choices("restorer")]
    assert store.former_names("restorer") == ["vqfr_small"] and store.former_names("detector") == []


def test_a_file_of_a_former_name_is_one_of_the_users_own(store, folder, packaged):
    put(packaged, "vqfr_small2.safetensors")
    own = put(folder, "vqfr_small.safetensors")
    assert store.choices("restorer")[-1].name == own.name
    assert store.find("restorer", own.name).path == own
    assert store.find("restorer", "vqfr_small").source == "embedded"


def test_auto_detector_is_resnet50_when_it_is_there(store, folder, packaged):
    assert store.find_present("detector") is None
    put(packaged, "retinaface_mobile0.25.safetensors")
    assert store.find("detector").name == "retinaface_mobile0.25"
    put(folder, "detection_Resnet50_Final.safetensors")
    assert store.find("detector").name == "retinaface_resnet50"


def test_auto_parser_is_one_that_is_there(store, folder):
    assert store.find_present("parser") is None
    with pytest.raises(WeightsError, match=r"no parser weights.*parsenet to download"):
        store.open("parser", device="cpu")
    put(folder, "bisenet.pth")
    assert store.find("parser").name == "bisenet"
    put(folder, "parsenet.pth")
    assert store.find("parser").name == "parsenet"


def test_a_path_or_the_name_of_a_file(store, folder, tmp_path):
    put(folder, "mine.pth")
    outside = put(tmp_path, "x.pth")
    assert store.find("restorer", "mine.pth").path == folder / "mine.pth"
    found = store.find("restorer", outside)
    assert (found.name, found.path, found.source) == ("x", outside, "file")
    assert store.find_present("restorer", "yours.pth") is None
    assert store.find("restorer", put(tmp_path, "VQFR_v2.pth")).name == "vqfr_v2"
    with pytest.raises(WeightsError, match=r"no file yours.pth.*known restorers are vqfr_v2"):
        store.find("restorer", "yours.pth")
    with pytest.raises(WeightsError, match=r"no file parsenet.*known detectors are retinaface_resnet50"):
        store.find("detector", "parsenet")


NO_NAMES = ["n" * 300, "n" * 10**6, "a\0b", "~nobody_of_this_name/x", "/dev/zero", "\x1b[31m", "\udc80"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_no_file_can_have_is_no_file(store, name):
    assert store.find_present("restorer", name) is None
    assert store.state("restorer", name) == ABSENT
    with pytest.raises(WeightsError, match=r"no file .* known restorers are vqfr_v2") as failure:
        store.find("restorer", name)
    assert len(str(failure.value)) < 1000 and str(failure.value).isprintable()


def test_what_is_missing_is_told(store, packaged):
    with pytest.raises(WeightsError, match="put it into") as failure:
        store.find("parser", "parsenet")
    assert "parsing_parsenet.pth" in str(failure.value)
    with pytest.raises(WeightsError, match="part of this package, but not in this copy"):
        store.find("restorer", "vqfr_small2")


def test_a_wrong_file_under_a_published_name_is_refused(store, folder):
    put(folder, "VQFR_v1-33a1fac5.pth")
    assert store.locate("restorer") == folder / "VQFR_v1-33a1fac5.pth"
    for look in (store.find, store.find_present):
        with pytest.raises(WeightsError, match="starting with 33a1fac5"):
            look("restorer", "vqfr_v1")


def test_one_of_several_published_names_with_its_own_hash(folder):
    record = WeightRecord(
        "x", "metric", "x.pt", (), "none", "a test", "12" * 32, aliases=(("x-ba7816bf.pt", "ba7816bf"),)
    )
    store = WeightStore(lambda: Folders(folder), download=False, records=(record,))
    (folder / "x-ba7816bf.pt").write_bytes(b"abc")
    found = store.find("metric", "x")
    assert found.path.name == "x-ba7816bf.pt" and found.sha256.startswith("ba7816bf")
    (folder / "x.pt").write_bytes(b"abc")
    with pytest.raises(WeightsError, match="12121212"):
        store.find("metric", "x")


def test_known_files_that_are_here(store, folder):
    copy = put(folder, "vqfr_small2.safetensors")
    found = store.present_files()
    assert copy in found and get_record("vqfr_small2").packaged_path in found
    assert store.locate(None, "parsenet") is None
    assert store.locate(None, "retinaface_mobile0.25") == get_record("retinaface_mobile0.25").packaged_path


def test_downloads_what_is_missing_and_checks_its_tensors(tiny_states, tmp_path, server):
    torch.save({"params": tiny_states["vqfr_v2"]}, tmp_path / "source")
    record = dataclasses.replace(get_record("vqfr_v2"), urls=(f"{server.url}/VQFR_v2.pth",), page=None)
    folders = Folders(tmp_path / "models")
    store = WeightStore(lambda: folders, records=(record,))
    with pytest.raises(DownloadError, match="not a weight file"):
        store.open("restorer", "vqfr_v2", "cpu")
    server.content = (tmp_path / "source").read_bytes()
    seen = []
    info = store.open("restorer", "vqfr_v2", "cpu", progress=lambda done, total: seen.append(done)).info
    assert (info.source, info.path) == ("downloaded", tmp_path / "models" / "VQFR_v2.pth")
    assert seen[-1] == len(server.content)
    assert store.open("restorer", "vqfr_v2", "cpu").info.source == "file"
    assert store.fetch("vqfr_v2") == info.path
    with pytest.raises(WeightsError, match="known are vqfr_v2"):
        store.fetch("vqfr_v1")
    other = WeightStore(lambda: Folders(tmp_path / "others"), records=(record,), download=False)
    with pytest.raises(WeightsError, match="put it into"):
        other.find("restorer", "vqfr_v2")


@pytest.mark.parametrize("name", ["vqfr_small2", "retinaface_mobile0.25"])
def test_a_flipped_bit_of_a_packaged_file_is_found(store, tmp_path, monkeypatch, name):
    record = get_record(name)
    assert store.find(record.role, name).sha256 == record.packaged_sha256
    data = bytearray(record.packaged_path.read_bytes())
    data[-100] ^= 1
    (tmp_path / record.packaged).write_bytes(data)
    monkeypatch.setattr(catalog, "PACKAGED_FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="install the package again") as failure:
        store.open(record.role, name, "cpu")
    assert str(tmp_path / record.packaged) in str(failure.value)


def test_numbers_that_are_none_are_found_when_loading(store, folder, tiny_states):
    state = {name: tensor.clone() for name, tensor in tiny_states["vqfr_v2"].items()}
    state["encoder.conv_in.bias"][0] = float("nan")
    save_file(state, folder / "m.safetensors")
    with pytest.raises(WeightsError, match="non-finite numbers in encoder"):
        store.open("restorer", "m.safetensors", "cpu")


# --- opening networks


@pytest.mark.parametrize("generation", [1, 2])
def test_a_restorer_says_what_it_is(store, folder, tiny_states, generation):
    torch.save({"params": tiny_states[f"vqfr_v{generation}"]}, folder / "mine.pth")
    restorer = store.open("restorer", "mine.pth", "cpu")
    assert isinstance(restorer, Restorer)
    assert (restorer.name, restorer.generation, restorer.info.generation) == ("mine", generation, generation)
    assert restorer.module.info is restorer.info and restorer.info.path == folder / "mine.pth"
    weight = restorer.module.get_parameter("encoder.conv_in.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.requires_grad
    assert not restorer.module.training and restorer.precision == "fp32"


def test_precision_and_the_way_back_to_float32(store, folder, tiny_states):
    state = {name: tensor * 1.001 for name, tensor in tiny_states["vqfr_v1"].items()}
    save_file(state, folder / "VQFR_v1-33a1fac5.safetensors", {"licence": "none"})
    restorer = store.open("restorer", "vqfr_v1", "cpu", "bf16")
    key = "inpfeat_extraction.conv.weight"
    rounded = restorer.module.state_dict()[key]
    assert restorer.precision == "bf16" and restorer.info.metadata == {"licence": "none"}
    exact = restorer.in_float32()
    assert (exact.precision, exact.name, exact.info) == ("fp32", "vqfr_v1", restorer.info)
    assert torch.equal(exact.module.state_dict()[key], state[key]) and not torch.equal(rounded.float(), state[key])


def test_float32_comes_to_where_the_network_is_now(store, folder, tiny_states):
    save_file(tiny_states["vqfr_v1"], folder / "m.safetensors")
    restorer = store.open("restorer", "m.safetensors", "cpu", "bf16")
    restorer.module.to("meta")
    assert restorer.reopen().device.type == "meta"


def test_half_weights_become_float32_unless_asked(store, folder, tiny_states):
    save_file({name: t.half() for name, t in tiny_states["vqfr_v2"].items()}, folder / "h.safetensors")
    module = store.open("restorer", "h.safetensors", "cpu").module
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}


def test_precision_is_judged_for_the_device_it_will_be_used_on(store, folder, tiny_states):
    save_file(tiny_states["vqfr_v2"], folder / "m.safetensors")
    with pytest.raises(InputError, match="fp16"):
        store.open("restorer", "m.safetensors", "cpu", "fp16")
    restorer = store.open("restorer", "m.safetensors", "cpu", "fp16", for_device=torch.device("xpu"))
    assert (restorer.precision, restorer.device.type) == ("fp16", "cpu")
    weight = restorer.module.get_parameter("encoder.conv_in.weight")
    assert weight.is_contiguous() and not weight.is_contiguous(memory_format=torch.channels_last)


def test_a_restorer_that_nobody_holds_is_freed_at_once(store, folder, tiny_states):
    """Without waiting for the garbage collector: the next one may need its memory."""
    import weakref

    save_file(tiny_states["vqfr_v2"], folder / "m.safetensors")
    restorer = store.open("restorer", "m.safetensors", "cpu")
    module = weakref.ref(restorer.module)
    del restorer
    assert module() is None


@pytest.mark.slow
def test_detectors_and_parsers_are_known_by_their_kind_and_stay_float32(store, folder):
    assert store.open("detector", device="cpu").name == "retinaface_mobile0.25"
    save_file(empty_state("retinaface_resnet50"), folder / "mine.safetensors")
    detector = store.open("detector", "mine.safetensors", "cpu", "bf16")
    assert isinstance(detector, Detector)
    assert (detector.name, detector.info.path.name) == ("retinaface_resnet50", "mine.safetensors")
    assert detector.precision == "fp32" and not detector.module.training
    assert not any(tensor.is_meta for tensor in detector.module.state_dict().values())
    for name in ("bisenet", "parsenet"):
        save_file(empty_state(name), folder / f"parsing_{name}.safetensors")
        parser = store.open("parser", device="cpu")
        assert isinstance(parser, Parser) and parser.name == name
        assert parser.label(torch.zeros(1, 3, 512, 512)).shape == (1, 512, 512)


def test_a_file_of_another_role_is_refused(store, folder, tiny_states):
    save_file(tiny_states["vqfr_v1"], folder / "x.safetensors")
    with pytest.raises(WeightsError, match="seems to be VQFR v1; RetinaFace ResNet50 or"):
        store.open("detector", "x.safetensors", "cpu")


def test_opened_in_inference_mode_it_is_usable_outside(store):
    with torch.inference_mode():
        detector = store.open("detector", "retinaface_mobile0.25", "cpu")
        restorer = store.open("restorer", "vqfr_small2", "cpu", "bf16")
    for network in (detector, restorer):
        assert not any(parameter.is_inference() for parameter in network.module.parameters())


# --- a network of somebody else's: a row in the registry, and a file


class ToyRestorer(Restorer):
    def run(self, images):
        return self.module(images)


class ToyDetector(Detector):
    stride_px, look_px, min_view_px, max_face_px = 32, 320, 320, 400
    fill = (0.5, 0.5, 0.5)

    def find(self, pictures, min_score):
        return []


class ToyParser(Parser):
    def run(self, crops):
        return self.module(crops)[:, 0].long()


TOYS = {"restorer": ToyRestorer, "detector": ToyDetector, "parser": ToyParser}


@pytest.mark.parametrize("role", TOYS)
def test_a_row_and_a_file_make_a_network(store, folder, packaged, monkeypatch, role):
    toy = Architecture(f"toy_{role}", role, "a toy", ("toy_weight",), lambda state: TOYS[role](Toy(), "toy", "a toy"))
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, toy))
    assert store.names(role)[-1] == toy.name
    assert store.choices(role)[-1].state == "absent" and store.find_present(role) is None
    with pytest.raises(WeightsError, match=f"{toy.name} is not in .*Put your file"):
        store.find(role, toy.name)
    with pytest.raises(WeightsError, match="known are vqfr_v2"):
        store.fetch(toy.name)
    path = folder / f"{toy.name}.safetensors"
    save_file({"toy_weight": torch.full((3, 3, 1, 1), 0.5)}, path)
    assert [(c.name, c.state) for c in store.choices(role)][-1] == (toy.name, "present")
    assert not any(c.name == path.name for other in TOYS for c in store.choices(other))
    for name in (toy.name, "auto", path):
        network = store.open(role, name, "cpu")
        assert isinstance(network, TOYS[role]) and network.name == toy.name
        assert network.info.path == path and float(network.module.toy_weight.sum()) == 4.5
    for record in (r for r in RECORDS if r.role == role):
        put(folder, f"{record.name}.pth")
        assert store.auto_name(role) in [r.name for r in RECORDS]  # those of the catalogue come first
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match="not a weight file"):
        store.open(role, toy.name, "cpu")


class Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.toy_weight = nn.Parameter(torch.zeros(3, 3, 1, 1))

    def forward(self, x):
        return nn.functional.conv2d(x, self.toy_weight)


def test_files_of_other_projects(folder, tmp_path):
    """In the menus with their network; found by file, by file without suffix, by menu text, and by network."""
    other = tmp_path / "facerestore_models"
    for name in ("GFPGANv1.3.pth", "GFPGANv1.4.pth"):
        put(other, name)
        torch.save({"conv_body_first.weight": torch.zeros(1), "final_linear.bias": torch.zeros(1)}, other / name)
    store = WeightStore(lambda: Folders(folder, (other,)))
    listed = store.files("restorer")
    assert [choice.text for choice in listed] == ["GFPGANv1.3.pth (GFPGAN)", "GFPGANv1.4.pth (GFPGAN)"]
    assert listed[0].origin == "a file in the folder facerestore_models"
    for name in ("GFPGANv1.4.pth", "GFPGANv1.4", "GFPGANv1.4.pth (GFPGAN)", "gfpgan", other / "GFPGANv1.4.pth"):
        assert store.locate("restorer", name) == other / "GFPGANv1.4.pth"
        assert store.find("restorer", name).name == "GFPGANv1.4"
    assert store.auto_name("restorer") == "vqfr_small2"
    with pytest.raises(WeightsError, match=r"codeformer is not in .*Put your file of this .*non-commercial"):
        store.find("restorer", "codeformer")
