"""The nodes one by one and in a row, in a stand-in of the host."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from stand_ins.comfyui import Interrupted
from vqfr_core import FaceRestorer, RestoreOptions

BLACK = torch.zeros(1, 80, 80, 3)


def detect(run, image, **given):
    return run("VQFR_DetectFaces", image=image, **given)


def model(run, name="tiny_v2.safetensors"):
    return run("VQFR_LoadModel", model=name)["vqfr_model"]


def restored(run, image, **given):
    faces = detect(run, image)["found_faces"]
    return run("VQFR_RestoreFaces", vqfr_model=model(run), faces=faces, **given)


def test_the_pack_leaves_nothing_behind(pack):
    import sys

    ours = [name for name in sys.modules if "vqfr" in name and name.startswith("comfyui_vqfr")]
    assert ours and pack.WEB_DIRECTORY == "./nodes/web"
    assert not any(str(path).endswith(("/nodes", "/web", "/nodes/web")) for path in sys.path)
    assert {name.rpartition(".")[2] for name in ours if name.count(".") == 1} <= {"nodes", "vqfr_core"}


def test_ids_are_unique_as_all_hosts_demand(pack):
    for node in pack.nodes_by_id.values():
        schema = node.define_schema()
        ids = [entry.id for entry in schema.inputs + schema.outputs]
        assert len(ids) == len(set(ids)), schema.node_id


def test_what_detection_gives(run, group, host):
    host.previews.clear()
    found = detect(run, group)
    assert found["count"] == found["face_crops"].shape[0] == found["face_masks"].shape[0] > 1
    assert found["face_crops"].shape[1:] == (512, 512, 3) and found["face_masks"].shape[1:] == (512, 512)
    assert found["preview"].shape[0] == 1 and torch.equal(host.previews[0], found["preview"])
    report = json.loads(found["report"])
    assert len(report["images"][0]["faces"]) >= found["count"]
    assert report["summary"].endswith("chosen")


def storage(picture: torch.Tensor) -> int:
    return picture.untyped_storage().data_ptr()


@pytest.mark.slow
def test_pictures_are_not_held_twice(run, group):
    found = detect(run, group)
    faces = found["found_faces"]
    assert {storage(crop.image) for crop in faces.crops} == {storage(found["face_crops"])}
    everything = run("VQFR_SelectFaces", faces=faces)
    assert storage(everything["face_crops"]) == storage(found["face_crops"])
    done = run("VQFR_RestoreFaces", vqfr_model=model(run), faces=everything["found_faces"], fidelity=0.0)
    assert {storage(picture) for picture in done["restored_faces"].restored} == {storage(done["crops"])}


@pytest.mark.parametrize("choice", [{"select": "1"}, {"sort": "left-right"}, {"sort": "score"}])
def test_crops_given_out_are_those_of_the_faces(run, group, choice):
    found = run("VQFR_SelectFaces", faces=detect(run, group)["found_faces"], **choice)
    for crop, picture in zip(found["found_faces"].crops, found["face_crops"], strict=True):
        assert torch.equal(crop.image.permute(1, 2, 0), picture)


@pytest.mark.slow
def test_the_chain_gives_the_picture_of_the_library(run, portrait, host):
    faces = restored(run, portrait, fidelity=0.3)["restored_faces"]
    blended = run("VQFR_BlendFaces", image=portrait, faces=faces, feather=0.1)
    weights = host.models / "vqfr" / "tiny_v2.safetensors"
    expected = FaceRestorer(weights, device="cpu").restore(
        portrait[0].permute(2, 0, 1), RestoreOptions(fidelity=0.3, feather=0.1)
    )
    assert torch.equal(blended["result"][0].permute(2, 0, 1), expected.image)
    assert torch.equal(blended["result_mask"], expected.mask)
    simple = run("VQFR_Restore", image=portrait, model="tiny_v2.safetensors", fidelity=0.3)
    plain = run("VQFR_BlendFaces", image=portrait, faces=faces)
    assert torch.equal(simple["result"], plain["result"])
    assert simple["ui"]["vqfr_summary"] == ["1 of 1 face restored"]


def test_the_report_tells_of_what_covers_a_face(pack, run, portrait, monkeypatch):
    monkeypatch.setattr(pack.vqfr_core.pipeline.blending.finish, "spare_occluders", lambda face: replace(face))
    faces = restored(run, portrait, fidelity=0.0)["restored_faces"]
    for report in (
        run("VQFR_BlendFaces", image=portrait, faces=faces)["report"],
        run("VQFR_Restore", image=portrait, model="tiny_v2.safetensors", fidelity=0.0)["report"],
    ):
        assert [note for note in json.loads(report)["notes"] if "seems to cover it" in note]


@pytest.mark.slow
def test_inputs_are_never_changed(run, portrait):
    before = portrait.clone()
    run("VQFR_Restore", image=portrait, model="tiny_v1.safetensors")
    assert torch.equal(portrait, before)


@pytest.mark.slow
@pytest.mark.parametrize("num_frames", [1, 3, 10])
def test_as_many_frames_come_out_as_go_in(run, portrait, num_frames, caplog):
    frames = portrait.repeat(num_frames, 1, 1, 1)
    frames[::2] = 0.5  # every other one has no face
    done = run("VQFR_Restore", image=frames, model="tiny_v2.safetensors", fidelity=0.0)
    assert done["result"].shape == frames.shape and done["result_mask"].shape == frames.shape[:3]
    assert torch.equal(done["result"][::2], frames[::2])
    if num_frames > 1:
        assert (done["result"][1] != frames[1]).any()
        # Detection of a batch of another size sums in another order, so landmarks differ in their last digits.
        assert torch.allclose(done["result"][1], done["result"][num_frames - 1 - num_frames % 2], atol=1 / 255)
    assert len(json.loads(done["report"])["images"]) == num_frames
    assert f"{num_frames // 2} of {num_frames // 2} face" in caplog.text or num_frames == 1
    assert "in image 1" not in caplog.text


@pytest.mark.parametrize("channels", [1, 4])
def test_gray_and_transparent_images(run, portrait, channels):
    image = portrait.mean(3, keepdim=True) if channels == 1 else torch.cat([portrait, portrait[..., :1]], 3)
    done = run("VQFR_Restore", image=image, model="tiny_v2.safetensors", fidelity=0.0, scale=1.5)
    assert done["result"].shape == (1, 240, 288, 3 if channels == 1 else 4)
    same = run("VQFR_Restore", image=image, model="tiny_v2.safetensors", fidelity=0.0)
    if channels == 4:
        assert torch.equal(same["result"][..., 3], image[..., 3])
    assert same["result_mask"].max() > 0.9


def test_no_face_is_said_and_the_graph_goes_on(run, host, caplog):
    blank = torch.rand(2, 64, 64, 3)
    found = detect(run, blank)
    assert found["count"] == 0 and found["face_crops"].shape == (1, 512, 512, 3) and not found["face_masks"].any()
    assert found["face_crops"].std() > 0  # it says so
    assert "no face" in caplog.text
    faces = run("VQFR_RestoreFaces", vqfr_model=model(run), faces=found["found_faces"])["restored_faces"]
    assert torch.equal(run("VQFR_BlendFaces", image=blank, faces=faces)["result"], blank)
    edited = run("VQFR_FacesFromCrops", faces=found["found_faces"], crops=found["face_crops"])["edited_faces"]
    assert torch.equal(run("VQFR_BlendFaces", image=blank, faces=edited)["result"], blank)
    assert run("VQFR_FidelitySweep", vqfr_model=model(run), faces=found["found_faces"])["grid"].shape == (
        1,
        512,
        512,
        3,
    )


@pytest.mark.slow
def test_a_number_a_list_and_a_map(run, portrait):
    frames = portrait.repeat(2, 1, 1, 1)
    number = restored(run, frames, fidelity=0.8)["crops"]
    listed = restored(run, frames, fidelity_list="0, 0.8")["crops"]
    assert torch.allclose(listed[1], number[1], atol=1e-6) and (listed[0] != number[0]).any()
    everywhere = torch.ones(1, 32, 32)
    painted = restored(run, frames, fidelity=0.0, fidelity_map=everywhere, map_fidelity=0.8)["crops"]
    assert torch.allclose(painted, number, atol=1e-5)
    placeholder = restored(run, frames, fidelity=0.8, fidelity_map=torch.zeros(1, 64, 64))["crops"]
    assert torch.equal(placeholder, number)


@pytest.mark.slow
def test_a_v1_takes_a_number_a_list_and_a_map(run, portrait):
    faces, network = detect(run, portrait)["found_faces"], model(run, "tiny_v1.safetensors")

    def crops(**inputs):
        done = run("VQFR_RestoreFaces", vqfr_model=network, faces=faces, **inputs)
        report = json.loads(done["report"])
        assert report["notes"] == []
        return done["crops"], report["restorer"]["fidelity"]

    (low, said), (published, _) = crops(fidelity=0.1), crops()
    assert said == 0.1 and (low != published).any()
    assert torch.equal(crops(fidelity_list="0.1")[0], low) and torch.equal(crops(fidelity=1.0)[0], published)
    painted, said = crops(fidelity=0.0, fidelity_map=torch.ones(1, 32, 32), map_fidelity=0.1)
    assert torch.allclose(painted, low, atol=1e-5) and said == "a map"


def test_selecting(run, group):
    faces = detect(run, group)["found_faces"]
    everything = [face.box for face in faces.by_image[0].detections.faces]
    first = run("VQFR_SelectFaces", faces=faces, select="0", sort="left-right")
    (face,) = first["found_faces"].by_image[0].detections.faces
    assert face.box == min(everything, key=lambda box: box.center.x)
    assert torch.equal(first["face_crops"][0], faces.crops[everything.index(face.box)].image.permute(1, 2, 0))
    reasons = [entry["reason"] for entry in json.loads(first["report"])["images"][0]["faces"] if entry["reason"]]
    assert sum(reason.startswith("not selected") for reason in reasons) == len(everything) - 1
    mask = torch.zeros(1, 50, 50)
    assert run("VQFR_SelectFaces", faces=faces, area=mask)["count"] == 0
    box = everything[-1]
    assert run("VQFR_SelectFaces", faces=faces, boxes=[list(box)])["count"] == 1


def test_boxes_and_areas_in_place_of_detection(run, group):
    found = [face.box for face in detect(run, group)["found_faces"].by_image[0].detections.faces]
    mask = torch.zeros(1, *group.shape[1:3])
    mask[:, 5:45, 5:45] = 1.0  # the background: no detector would find a face there
    replaced = detect(run, group, boxes=[list(found[0])], area=mask, area_use="replace detection")
    boxes = [face.box for face in replaced["found_faces"].by_image[0].detections.faces]
    assert set(boxes) == {found[0], (4.5, 4.5, 44.5, 44.5)}
    assert detect(run, group, boxes=[list(found[0])], area=mask)["count"] == 0
    with pytest.raises(Exception, match="nothing to take faces from"):
        detect(run, group, area_use="replace detection")


@pytest.mark.slow
def test_restored_faces_stay_restored_when_selected(run, group):
    faces = detect(run, group)["found_faces"]
    done = run("VQFR_RestoreFaces", vqfr_model=model(run), faces=faces, fidelity=0.0)["restored_faces"]
    few = run("VQFR_SelectFaces", faces=done, select="-1")["found_faces"]
    assert torch.equal(few.restored[0], done.restored[-1])


def numbers_of(outputs):
    faces = json.loads(outputs["report"])["images"][0]["faces"]
    return {tuple(face["box"]): face["number"] for face in faces if face["number"] is not None}


def test_selecting_never_renumbers(run, group):
    found = detect(run, group)
    few = run("VQFR_SelectFaces", faces=found["found_faces"], select="0,2")
    assert [face.number for face in few["found_faces"].used] == [0, 2]
    assert numbers_of(few) == numbers_of(found)
    again = run("VQFR_SelectFaces", faces=few["found_faces"], select="2")
    assert [face.number for face in again["found_faces"].used] == [2] and numbers_of(again) == numbers_of(found)
    assert (few["preview"] != again["preview"]).any()
    by_place = run("VQFR_SelectFaces", faces=few["found_faces"], sort="left-right")
    rights = [box for box, _ in sorted(numbers_of(by_place).items(), key=lambda entry: entry[1])]
    assert rights == sorted(numbers_of(found), key=lambda box: box[0] + box[2])


def test_the_same_box_twice_keeps_both_crops(run, portrait):
    box = list(detect(run, portrait)["found_faces"].used[0].detection.box)
    faces = run("VQFR_BoxesToFaces", image=portrait, boxes=[box, box])["found_faces"]
    crops = torch.stack([torch.zeros(512, 512, 3), torch.ones(512, 512, 3)])
    edited = run("VQFR_FacesFromCrops", faces=faces, crops=crops)["edited_faces"]
    everything = run("VQFR_SelectFaces", faces=edited, sort="score")["found_faces"]
    assert [float(picture.mean()) for picture in everything.restored] == [0, 1]
    second = run("VQFR_SelectFaces", faces=edited, select="1")["found_faces"]
    assert [float(picture.mean()) for picture in second.restored] == [1]


def test_a_list_of_fidelities_follows_the_numbers(run, portrait):
    box = list(detect(run, portrait)["found_faces"].used[0].detection.box)
    faces = run("VQFR_BoxesToFaces", image=portrait, boxes=[box, box])["found_faces"]
    second = run("VQFR_SelectFaces", faces=faces, select="1")["found_faces"]
    report = run("VQFR_RestoreFaces", vqfr_model=model(run), faces=second, fidelity_list="0.8, 0")["report"]
    assert json.loads(report)["restorer"]["fidelity"] == [0]


def test_crops_are_cut_anew_for_a_network_of_another_size(pack, run, portrait):
    found = detect(run, portrait)["found_faces"]
    small = pack.nodes.steps.crop(found, 256)
    assert small.crops[0].image.shape == (3, 256, 256) and storage(small.crops[0].image) == storage(small.crop_batch)
    assert pack.nodes.steps.crop(small, 256).crops == small.crops
    assert torch.equal(pack.nodes.steps.crop(small, 512).crops[0].image, found.crops[0].image)


def test_a_network_of_another_size_restores_what_was_detected(pack, run, portrait):
    class Negative(pack.vqfr_core.networks.base.Restorer):
        def run(self, images):
            return 1 - images

    restorer = Negative(torch.nn.Conv2d(1, 1, 1), "negative", "Negative", crop_px=256)
    vqfr_model = pack.nodes.models.Held(restorer, pack.nodes.host.HeldNetwork(restorer.module, lambda: None))
    faces = detect(run, portrait)["found_faces"]
    done = run("VQFR_RestoreFaces", vqfr_model=vqfr_model, faces=faces)
    (crop,) = done["restored_faces"].crops
    assert torch.equal(done["crops"][0], 1 - crop.image.permute(1, 2, 0)) and crop.image.shape == (3, 256, 256)
    assert json.loads(done["report"])["restorer"]["source"] == "built by hand"
    blended = run("VQFR_BlendFaces", image=portrait, faces=done["restored_faces"])
    assert (blended["result"] != portrait).any()


def test_edited_crops_of_another_size(run, portrait):
    found = detect(run, portrait)
    white = torch.ones(1, 1024, 1024, 3)
    edited = run("VQFR_FacesFromCrops", faces=found["found_faces"], crops=white)["edited_faces"]
    blended = run("VQFR_BlendFaces", image=portrait, faces=edited, color_match=0.0)
    full = blended["result_mask"] == 1
    assert full.any() and (blended["result"][full] > 0.999).all()
    assert torch.equal(blended["result"][blended["result_mask"] == 0], portrait[blended["result_mask"] == 0])


def test_crops_in_another_framing_go_out_and_come_back(pack, run, portrait):
    found = detect(run, portrait, crop_px=640, crop_factor=2.0)
    assert found["face_crops"].shape == (1, 640, 640, 3) and found["face_masks"].shape == (1, 640, 640)
    chosen = run("VQFR_SelectFaces", faces=found["found_faces"])
    assert torch.equal(chosen["face_crops"], found["face_crops"])

    def change(found):
        edited = run("VQFR_FacesFromCrops", faces=found["found_faces"], crops=1 - found["face_crops"])["edited_faces"]
        return run("VQFR_BlendFaces", image=portrait, faces=edited, color_match=0.0)

    standard = detect(run, portrait)
    wide, usual = change(found), change(standard)
    assert (wide["result_mask"] - usual["result_mask"]).abs().max() < 0.1, "the mask follows the face, not the crop"
    assert (wide["result"] - usual["result"]).abs().mean() < 0.01
    seen = pack.nodes.steps.crop(found["found_faces"], 512).crops[0]
    assert torch.equal(seen.image, standard["found_faces"].crops[0].image), "the network sees the standard crop"


@pytest.mark.parametrize("side", [384, 512, 1024])
def test_edited_crops_are_not_lost_by_restoring_them(run, portrait, side):
    found = detect(run, portrait)
    edited = run("VQFR_FacesFromCrops", faces=found["found_faces"], crops=torch.zeros(1, side, side, 3))["edited_faces"]
    for node in ("VQFR_RestoreFaces", "VQFR_FidelitySweep"):
        with pytest.raises(Exception, match="were edited, and restoring the faces would lose that"):
            run(node, vqfr_model=model(run), faces=edited)


def test_blending_into_an_enlarged_image(run, portrait):
    faces = restored(run, portrait, fidelity=0.0)["restored_faces"]
    large = torch.nn.functional.interpolate(portrait.permute(0, 3, 1, 2), scale_factor=3).permute(0, 2, 3, 1)
    for given in ({"image": large}, {"image": portrait, "background": large}):
        blended = run("VQFR_BlendFaces", faces=faces, **given)
        outside = blended["result_mask"] == 0
        assert blended["result"].shape == large.shape
        assert torch.equal(blended["result"][outside], large[outside])
        assert (blended["result"] != large).any()


def test_nothing_outside_the_area_changes(run, portrait):
    faces = restored(run, portrait, fidelity=0.0)["restored_faces"]
    area = torch.zeros(1, 160, 192)
    area[:, :, :96] = 1.0
    half = run("VQFR_BlendFaces", image=portrait, faces=faces, area=area)
    whole = run("VQFR_BlendFaces", image=portrait, faces=faces)
    assert torch.equal(half["result"][:, :, 96:], portrait[:, :, 96:]) and not half["result_mask"][:, :, 96:].any()
    assert torch.equal(half["result"][:, :, :96], whole["result"][:, :, :96])


@pytest.mark.slow
def test_the_sweep_starts_with_the_input(run, portrait):
    found = detect(run, portrait)
    grid = run("VQFR_FidelitySweep", vqfr_model=model(run), faces=found["found_faces"], fidelities="0, 1", cell_px=256)[
        "grid"
    ]
    assert 3 * 256 < grid.shape[2] < 3.3 * 256
    of_v1 = run(
        "VQFR_FidelitySweep", vqfr_model=model(run, "tiny_v1.safetensors"), faces=found["found_faces"], cell_px=64
    )
    assert of_v1["grid"].shape[2] > 6 * 64


@pytest.mark.slow
def test_several_models_in_one_grid(run, portrait):
    found = detect(run, portrait)
    grid = run(
        "VQFR_FidelitySweep",
        vqfr_model=model(run, "tiny_v1.safetensors"),
        vqfr_model_2=model(run),
        faces=found["found_faces"],
        fidelities="0, 1",
        cell_px=256,
    )["grid"]
    assert 5 * 256 < grid.shape[2] < 5.3 * 256


def test_there_and_back_with_other_packs(run, group):
    faces = detect(run, group)["found_faces"]
    boxes = run("VQFR_FacesToBoxes", faces=faces)["boxes"]
    assert len(boxes) == len(faces.used) and all(len(box) == 4 for box in boxes)
    back = run("VQFR_BoxesToFaces", image=group, boxes=boxes)["found_faces"]
    (dicts,) = run("VQFR_FacesToBoxes", faces=faces)["bounding_boxes"]
    assert [face.detection.box for face in run("VQFR_BoxesToFaces", image=group, boxes=dicts)["found_faces"].used] == [
        pytest.approx(box) for box in boxes
    ]
    assert [tuple(face.box) for face in back.by_image[0].detections.faces] == [tuple(box) for box in boxes]
    (segs,) = run("VQFR_FacesToSegs", faces=faces)["segs"]
    assert segs[0] == faces.size and len(segs[1]) == len(faces.used)
    for segment in segs[1]:
        x0, y0, x1, y1 = segment.crop_region
        assert segment.cropped_mask.shape == (y1 - y0, x1 - x0) and segment.cropped_mask.dtype == np.float32
        assert segment.cropped_mask.max() > 0.9
    assert run("VQFR_SegsToFaces", image=group, segs=segs)["count"] == len(faces.used)
    mask = run("VQFR_FacesToMask", faces=faces, shape="box")["mask"]
    assert mask.shape == (1, *faces.size)
    again = run("VQFR_MaskToFaces", image=group, mask=mask)
    assert again["count"] == len(faces.used)
    assert "given by hand" in json.loads(again["report"])["detector"]


@pytest.mark.parametrize(
    ("node", "given", "message"),
    [
        ("VQFR_DetectFaces", {"image": torch.zeros(4, 4, 3)}, r"image: needs a batch .* got \(4, 4, 3\)"),
        ("VQFR_DetectFaces", {"image": BLACK, "area": torch.zeros(3, 80, 80)}, "3 masks .* 1 images"),
        ("VQFR_DetectFaces", {"image": BLACK, "boxes": "all"}, "boxes: needs lists"),
        ("VQFR_SegsToFaces", {"image": BLACK, "segs": 3}, "SEGS: needs"),
        ("VQFR_MaskToFaces", {"image": BLACK, "mask": torch.zeros(1, 64, 64)}, "nothing to take faces from"),
        ("VQFR_DetectFaces", {"image": BLACK, "area_use": "nonsense"}, "area_use: 'nonsense' is not known"),
        ("VQFR_MaskToFaces", {"image": BLACK, "mask": torch.ones(1, 64, 64), "detector": "x"}, "detector: 'x' is not"),
        ("VQFR_FacesToMask", {"faces": None, "shape": "beard"}, "shape: 'beard' is not known; choose one of soft"),
        ("VQFR_RestoreFaces", {"vqfr_model": None, "faces": None, "batch_size": -3}, "batch_size: -3 is outside"),
        ("VQFR_RestoreFaces", {"vqfr_model": None, "faces": None, "map_fidelity": 7}, "map_fidelity: 7 is outside"),
        ("VQFR_FidelitySweep", {"vqfr_model": None, "faces": None, "batch_size": 65}, "batch_size: 65 is outside"),
        ("VQFR_LoadModel", {"model": "vqfr_v2"}, "VQFR_v2.pth"),
    ],
)
def test_bad_input_is_explained(run, node, given, message):
    with pytest.raises(Exception, match=message):
        run(node, **given)


def test_a_bypassed_restore_gives_the_image_back(run, portrait, host, caplog):
    faces = detect(run, portrait)["found_faces"]
    host.said.clear()
    blended = run("VQFR_BlendFaces", image=portrait, faces=faces)
    assert torch.equal(blended["result"], portrait) and not blended["result_mask"].any()
    report = json.loads(blended["report"])
    assert report["summary"] == "0 of 1 face restored (skipped: 1 not restored)"
    assert "the faces were not restored" in report["notes"][-1] and report["notes"][-1] in caplog.text
    assert host.said == [f"0 restored: {report['notes'][-1]}"]


def test_progress_is_told_and_shown(run, portrait, host):
    frames = portrait.repeat(2, 1, 1, 1)
    host.progress.clear()
    host.said.clear()
    restored(run, frames, fidelity=0.0)
    assert host.said == ["face 1 of 2", "face 2 of 2", "2 of 2 faces restored"]
    assert [kind for _, _, shown in host.progress if shown for kind in [shown[0], shown[1].size]] == [
        "JPEG",
        (512, 512),
    ] * 2
    assert max(done for done, *_ in host.progress) == 900, "the results are still to be measured"


def test_the_slider_has_all_pictures_of_a_small_batch(run, portrait):
    ui = run("VQFR_Restore", image=portrait.repeat(2, 1, 1, 1), model="tiny_v2.safetensors", fidelity=0.0)["ui"]
    assert len(ui["vqfr_before"]) == len(ui["vqfr_after"]) == 2


def test_nodes_that_show_something_say_so(pack):
    schemas = [node.define_schema() for node in pack.nodes_by_id.values()]
    shows = {schema.node_id for schema in schemas if schema.has_intermediate_output}
    found = {schema.node_id for schema in schemas if {"found_faces"} & {output.id for output in schema.outputs}}
    assert shows == found | {"VQFR_Restore", "VQFR_FidelitySweep"}
    assert {s.node_id for s in schemas if s.is_output_node} == {"VQFR_DetectFaces", "VQFR_FidelitySweep"}


def test_what_does_not_belong_together_is_refused(run, portrait):
    found = detect(run, portrait)
    with pytest.raises(Exception, match="2 crops were given for 1 faces"):
        run("VQFR_FacesFromCrops", faces=found["found_faces"], crops=torch.zeros(2, 512, 512, 3))
    faces = restored(run, portrait, fidelity=0.0)["restored_faces"]
    with pytest.raises(Exception, match="come from 1 images, but 2"):
        run("VQFR_BlendFaces", image=portrait.repeat(2, 1, 1, 1), faces=faces)
    with pytest.raises(Exception, match="'high' is not a list of numbers"):
        restored(run, portrait, fidelity_list="high")


@pytest.mark.slow
def test_cancelling_raises_the_hosts_own_exception(run, portrait, host):
    frames = portrait.repeat(4, 1, 1, 1)
    faces = detect(run, frames)["found_faces"]
    vqfr_model = model(run)
    host.progress.clear()
    host.interrupt_after = 2
    with pytest.raises(Interrupted):
        run("VQFR_RestoreFaces", vqfr_model=vqfr_model, faces=faces)
    assert host.progress[-1] == (450, 1000, None)
