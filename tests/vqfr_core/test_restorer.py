"""The steps in a row, with the embedded detector and a tiny network of random weights."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vqfr_core import Cancelled, FaceRestorer, InputError, RestoreOptions, read_picture
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2
from vqfr_core.types import Box

DATA = Path(__file__).parents[1] / "data"
SIZES = {"channels": (32,) * 6, "num_codes": 16, "code_channels": 32, "encoder_blocks": 1, "decoder_blocks": 1}


def save_tiny(path: Path, generation: int) -> Path:
    torch.manual_seed(generation)
    network = VqfrV1(V1Config(**SIZES)) if generation == 1 else VqfrV2(V2Config(**SIZES))
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=(1 / parameter[0].numel()) ** 0.5)
    save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def restorer(tmp_path_factory) -> FaceRestorer:
    folder = tmp_path_factory.mktemp("models")
    return FaceRestorer(save_tiny(folder / "tiny.safetensors", 2), device="cpu", folder=folder)


@pytest.fixture(scope="module")
def group() -> torch.Tensor:
    return read_picture(DATA / "group.jpg").images[0]


def test_only_the_chosen_face_changes(restorer, group):
    before = group.clone()
    result = restorer.restore(group, RestoreOptions(select="largest"))
    assert torch.equal(group, before), "the input is never modified"
    assert result.image.shape == group.shape
    assert result.report.num_restored == 1 and len(result.faces) == 1
    outside = result.mask[0] == 0
    assert torch.equal(result.image[:, outside], group[:, outside]) and outside.float().mean() > 0.5
    assert not torch.equal(result.image, group)
    skipped = [face for face in result.report.faces if face.status == "skipped"]
    assert skipped and all(face.reason for face in skipped)


def test_an_image_without_faces_comes_back_and_says_so(restorer):
    empty = torch.full((3, 120, 160), 0.4)
    result = restorer.restore(empty)
    assert torch.equal(result.image, empty) and not result.mask.any()
    assert "no face found" in result.report.summary()


def test_an_empty_selection_touches_nothing(restorer, group):
    result = restorer.restore(group, RestoreOptions(select="none"))
    assert torch.equal(result.image, group)
    assert result.report.num_restored == 0 and len(result.report.faces) > 1


def test_faces_of_several_images_share_batches(restorer, group):
    seen = []
    options = RestoreOptions(max_faces=1, batch_size=8)
    results = restorer.restore_many([group, group[:, :, 40:]], options, progress=lambda *p: seen.append(p))
    assert seen == [(0, 2), (2, 2)]
    single = restorer.restore(group, options)
    assert torch.allclose(results[0].image, single.image, atol=1e-4)
    assert results[1].image.shape == group[:, :, 40:].shape


def test_on_a_cpu_faces_go_one_by_one_unless_told_otherwise(restorer, group):
    seen = []
    restorer.restore(group, RestoreOptions(max_faces=2), progress=lambda *p: seen.append(p))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_boxes_and_areas_limit_the_faces(restorer, group):
    whole = restorer.detect([group])[0].faces
    assert len(whole) > 1
    (chosen,) = restorer.detect([group], boxes=[Box(*whole[-1].box)])
    assert [face.box for face in chosen.faces] == [whole[-1].box]
    (nothing,) = restorer.detect([group], area=torch.zeros(group.shape[1:]))
    assert not nothing.faces and len(nothing.skipped) >= len(whole)


def test_given_faces_replace_detection(restorer, group):
    face = restorer.detect([group])[0].faces[0]
    result = restorer.restore(group, faces=[face])
    assert result.report.faces[0].box == pytest.approx(tuple(face.box), abs=0.01)


def test_an_aligned_face_is_taken_whole(restorer):
    face = read_picture(DATA / "face.jpg").images[0]
    size = min(face.shape[1:])
    result = restorer.restore(face[:, :size, :size], RestoreOptions(aligned=True, fidelity=0.3))
    assert result.image.shape == (3, 512, 512) and result.report.detector.startswith("none")
    crop = result.faces[0].crop.image
    direct = restorer.network(crop[None] * 2 - 1, 0.3)[0].clamp(-1, 1) / 2 + 0.5
    assert torch.allclose(result.image, direct, atol=1e-6)


def test_an_aligned_face_is_enlarged_on_request(restorer):
    result = restorer.restore(torch.rand(3, 512, 512), RestoreOptions(aligned=True, scale=1.5))
    assert result.image.shape == (3, 768, 768) and result.mask.shape == (1, 768, 768)


def test_the_precision_of_the_options_counts(restorer):
    result = restorer.restore(torch.rand(3, 512, 512), RestoreOptions(aligned=True, precision="bf16"))
    assert result.report.precision == "bf16"
    with pytest.raises(InputError, match="fp16 is many times slower"):
        restorer.restore(torch.rand(3, 512, 512), RestoreOptions(aligned=True, precision="fp16"))


def test_scale_enlarges_picture_and_mask(restorer, group):
    result = restorer.restore(group, RestoreOptions(select="largest", scale=2.0))
    assert result.image.shape == (3, 2 * group.shape[1], 2 * group.shape[2])
    assert result.mask.shape == (1, *result.image.shape[1:])


def test_a_sweep_equals_single_runs(restorer, group):
    swept = restorer.sweep(group, [0.0, 1.0], RestoreOptions(select="largest"))
    alone = restorer.restore(group, RestoreOptions(select="largest", fidelity=1.0))
    assert torch.allclose(swept[1].image, alone.image, atol=1e-6)
    assert swept[1].report.options["fidelity"] == 1.0


def test_the_report_is_plain_json_and_names_what_was_used(restorer, group):
    report = json.loads(restorer.restore(group).report.to_json())
    assert report["model"]["name"] == "tiny" and len(report["model"]["sha256"]) == 64
    assert report["detector"] == "retinaface_mobile0.25" and report["mask"] == "soft"
    assert report["precision"] == "fp32" and report["device"] == "cpu"
    assert {"detect", "align", "restore", "mask", "blend"} <= set(report["timings_s"])


def test_a_v1_says_that_it_ignores_fidelity(tmp_path, group):
    restorer = FaceRestorer(save_tiny(tmp_path / "one.safetensors", 1), device="cpu", folder=tmp_path)
    report = restorer.restore(group, RestoreOptions(select="largest", fidelity=0.9)).report
    assert any("ignored" in note for note in report.notes)
    with pytest.raises(InputError, match="v1 has no fidelity"):
        restorer.sweep(group, [0.0, 1.0])


def test_stopping_takes_effect_before_detection(restorer, group):
    with pytest.raises(Cancelled):
        restorer.restore(group, should_stop=lambda: True)


def test_wrong_input_is_named(restorer):
    with pytest.raises(InputError):
        restorer.restore(torch.zeros(3, 3, 3, 3))
    with pytest.raises(InputError, match="faces were given for 2 images"):
        restorer.restore_many([torch.zeros(3, 64, 64)], faces=[[], []])
