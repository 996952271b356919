"""The steps in a row, with the embedded detector and tiny networks of random weights for crops of 128 px."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from stand_ins.upscalers import SmallUpscaler
from vqfr_core import Cancelled, FaceRestorer, InputError, RestoreOptions
from vqfr_core.interactive import InteractiveImage
from vqfr_core.networks.base import Parser
from vqfr_core.networks.precision import full_float32
from vqfr_core.networks.vqfr import V2Config
from vqfr_core.pictures import to_pil
from vqfr_core.pipeline.enlarging.enlarger import Enlarger
from vqfr_core.timing import Stopwatch
from vqfr_core.types import Box
from vqfr_core.weights.store import WeightStore

SIDE = 128
ONE = RestoreOptions(select="largest")


@pytest.fixture(scope="module")
def restorer(tiny_v2: str, small_store: WeightStore) -> FaceRestorer:
    return FaceRestorer(tiny_v2, device="cpu", store=small_store)


@pytest.fixture(scope="module")
def restorer_v1(tiny_v1: str, small_store: WeightStore) -> FaceRestorer:
    return FaceRestorer(tiny_v1, device="cpu", store=small_store)


@pytest.fixture(scope="module")
def square() -> torch.Tensor:
    """Random, of the network's size."""
    return torch.rand((3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))


class UnusedParser(Parser):
    def __init__(self) -> None:
        super().__init__(torch.nn.Identity(), "unused", "a parser that is never asked")

    def run(self, crops: torch.Tensor) -> torch.Tensor:
        pytest.fail("the parser ran")


def test_only_the_chosen_face_changes(restorer, group):
    before = group.clone()
    result = restorer.restore(group, ONE)
    assert torch.equal(group, before), "the input is never modified"
    assert result.image.shape == group.shape
    assert result.report.num_restored == 1 and len(result.faces) == 1
    outside = result.mask[0] == 0
    assert torch.equal(result.image[:, outside], group[:, outside]) and outside.float().mean() > 0.5
    assert not torch.equal(result.image, group)
    skipped = [face for face in result.report.faces if face.status == "skipped"]
    assert len(skipped) == 4 and all(face.reason for face in skipped)


def test_reports_number_faces_by_the_sort_order_whichever_are_chosen(restorer, group):
    report = restorer.restore(group, RestoreOptions(select="-1,1", sort="left-right")).report
    assert [(face.number, face.status) for face in report.faces] == [
        (1, "restored"),
        (4, "restored"),
        (0, "skipped"),
        (2, "skipped"),
        (3, "skipped"),
    ]
    assert report.faces[2].reason == "not selected (selected: -1,1)"
    boxes = sorted(report.faces, key=lambda face: face.number)
    assert [face.box[0] for face in boxes] == sorted(face.box[0] for face in report.faces)


def test_an_image_without_faces_comes_back_and_says_so(restorer):
    empty = torch.full((3, 120, 160), 0.4)
    result = restorer.restore(empty)
    assert torch.equal(result.image, empty) and not result.mask.any()
    assert result.report.summary().startswith("no face found, tiny_v2 on cpu in fp32, ")


def test_an_empty_selection_touches_nothing(restorer, group):
    result = restorer.restore(group, RestoreOptions(select="none"))
    assert torch.equal(result.image, group)
    assert result.report.num_restored == 0 and len(result.report.faces) == 5


def test_faces_of_several_images_share_batches(restorer, group):
    seen: list[tuple[int, int]] = []
    options = RestoreOptions(max_faces=1, batch_size=8)
    results = restorer.restore_many([group, group[:, :, 40:]], options, progress=lambda *p: seen.append(p))
    assert seen == [(0, 2), (2, 2)]
    single = restorer.restore(group, options)
    assert torch.allclose(results[0].image, single.image, atol=1e-4)
    assert results[1].image.shape == group[:, :, 40:].shape
    assert restorer.restore_many([], options) == []


def test_images_of_any_kind(restorer, face_picture):
    pixels = (face_picture * 255).round().byte().permute(1, 2, 0).numpy()
    expected = restorer.restore(face_picture)
    for image in (to_pil(face_picture), pixels):
        assert (restorer.restore(image).image - expected.image).abs().max() < 1e-3


def test_boxes_and_areas_limit_the_faces(restorer, group):
    whole = restorer.detect([group])[0].faces
    assert len(whole) > 1
    (chosen,) = restorer.detect([group], boxes=[Box(*whole[-1].box)])
    assert [face.box for face in chosen.faces] == [whole[-1].box]
    (nothing,) = restorer.detect([group], area=torch.zeros(group.shape[1:]))
    assert not nothing.faces and len(nothing.skipped) >= len(whole)
    report = restorer.restore(group, boxes=[whole[-1].box]).report
    assert [face.number for face in report.faces] == [0, None, None, None, None]


def test_an_aligned_image_is_the_face_that_is_detected(restorer, face_picture):
    aligned = RestoreOptions(aligned=True)
    (found,) = restorer.detect([face_picture], aligned)
    height, width = face_picture.shape[1:]
    assert [face.box for face in found.faces] == [Box(0.0, 0.0, width - 1.0, height - 1.0)]
    with pytest.raises(InputError, match="aligned"):
        restorer.detect([face_picture], aligned, area=torch.ones(height, width))


def test_given_faces_need_no_detector(tiny_v2, small_store, restorer, group, monkeypatch):
    """None looks for them, and none is named."""
    faces = restorer.detect([group])[0].faces[2:]
    fresh = FaceRestorer(tiny_v2, device="cpu", store=small_store)
    monkeypatch.setattr("vqfr_core.restorer.find_faces", lambda *_, **__: pytest.fail("faces were looked for"))
    result = fresh.restore(group, RestoreOptions(max_faces=1), faces=faces)
    assert [face.number for face in result.report.faces] == [0, 1, 2]
    assert result.report.faces[0].box == pytest.approx(tuple(faces[0].box), abs=0.01)
    assert result.report.detector == "none: the faces were given"


def test_given_faces_in_the_places_of_their_images(restorer, group, face_picture):
    faces = [found.faces[:1] for found in restorer.detect([group, face_picture])]
    many = restorer.restore_many([group, face_picture], faces=faces)
    assert torch.equal(many[1].image, restorer.restore(face_picture, faces=faces[1]).image)
    assert many[0].report.num_restored == 1 and len(many[0].report.faces) == 1
    with pytest.raises(InputError, match="faces were given for 2 images, but there are 1"):
        restorer.restore_many([group], faces=faces)


def test_an_aligned_face_is_taken_whole(restorer, face_picture):
    result = restorer.restore(face_picture, RestoreOptions(aligned=True, fidelity=0.3))
    assert result.image.shape == (3, SIDE, SIDE) and result.report.detector == "none: the input is an aligned face"
    assert result.report.mask == "none" and result.report.faces[0].number == 0
    crop = result.faces[0].crop.image
    with torch.inference_mode():
        direct = restorer.network(crop[None] * 2 - 1, 0.3)[0].clamp(-1, 1) / 2 + 0.5
    assert torch.allclose(result.image, direct, atol=1e-6)


def test_an_aligned_face_is_enlarged_on_request(restorer, square):
    result = restorer.restore(square, RestoreOptions(aligned=True, scale=1.5))
    assert result.image.shape == (3, 192, 192) and result.mask.shape == (1, 192, 192)


def test_an_aligned_face_has_no_background_and_the_network_does_not_run_for_it(restorer, square, monkeypatch):
    monkeypatch.setattr(restorer.model, "restore", lambda *inputs: pytest.fail("the network ran"))
    with pytest.raises(InputError, match="aligned: there is nothing around the face"):
        restorer.restore(square, RestoreOptions(aligned=True), background=square)


@pytest.mark.parametrize("given", ["faces", "boxes", "area"])
def test_an_aligned_face_leaves_nothing_to_choose(given, restorer, square):
    values = {"faces": [], "boxes": [Box(0, 0, 9, 9)], "area": torch.ones(4, 4)}
    with pytest.raises(InputError, match="aligned: the whole image is the face; faces, boxes and area cannot"):
        restorer.restore(square, RestoreOptions(aligned=True), **{given: values[given]})


@pytest.mark.slow
def test_half_precision_is_computed(restorer, square):
    result = restorer.restore(square, RestoreOptions(aligned=True, precision="bf16"))
    assert result.report.precision == "bf16" and result.image.isfinite().all()


def test_the_precision_of_the_options_counts_and_is_said(tiny_v2, small_store, square):
    restorer = FaceRestorer(tiny_v2, device="cpu", store=small_store)
    exact = restorer.model
    half = restorer.model_for(RestoreOptions(precision="bf16"))
    assert (half.precision, exact.precision) == ("bf16", "fp32") and restorer.model_for(
        RestoreOptions()
    ).precision == "fp32"
    weights = {p.dtype for p in half.module.parameters()}
    assert weights == {torch.bfloat16, torch.float32}, "what chooses codes stays float32"
    assert half.in_float32().precision == "fp32"
    originals = dict(exact.module.named_parameters())
    again = half.in_float32().module.named_parameters()
    assert all(torch.equal(parameter, originals[name]) for name, parameter in again), "of the file, not rounded"
    assert FaceRestorer(tiny_v2, device="cpu", precision="bf16", store=small_store).model.precision == "bf16"
    with pytest.raises(InputError, match="fp16 is many times slower"):
        restorer.restore(square, RestoreOptions(aligned=True, precision="fp16"))


def test_scale_enlarges_picture_and_mask(restorer, group):
    result = restorer.restore(group, RestoreOptions(select="largest", scale=2.0))
    assert result.image.shape == (3, 2 * group.shape[1], 2 * group.shape[2])
    assert result.mask.shape == (1, *result.image.shape[1:])


def test_a_background_of_ones_own(restorer, face_picture):
    given = torch.rand((3, 640, 640), generator=torch.Generator().manual_seed(1))
    for background in (given, lambda image, size: given):
        result = restorer.restore(face_picture, RestoreOptions(scale=2.0), background=background)
        outside = result.mask[0] == 0
        assert torch.equal(result.image[:, outside], given[:, outside]) and result.mask.max() == 1


def test_a_background_made_by_an_upscaler(restorer, face_picture):
    enlarger = Enlarger(SmallUpscaler(2))
    behind = enlarger(face_picture, (480, 480))
    result = restorer.restore(face_picture, RestoreOptions(scale=1.5, fidelity=0.0), background=enlarger)
    outside = result.mask[0] == 0
    assert torch.equal(result.image[:, outside], behind[:, outside]) and not torch.equal(result.image, behind)
    report = result.report
    assert report.background == {
        "name": "small", "kind": "two convolutions", "scale": 2,
        "file": None, "sha256": None, "source": "built by hand",
    }  # fmt: skip
    assert report.notes == ["small enlarges 2 times; the background was reduced to the output scale 1.5"]
    assert "background by small" in report.summary() and report.timings_s["background"] > 0
    nobody = restorer.restore(face_picture, RestoreOptions(select="none"), background=enlarger)
    assert torch.equal(nobody.image, enlarger(face_picture, (320, 320))), "it is wanted without a face, too"
    with pytest.raises(Cancelled, match="of the background"):
        restorer.restore(face_picture, faces=[], background=enlarger, should_stop=lambda: True)


def test_sharp_faces_are_left_alone_in_every_way(restorer, group, monkeypatch):
    monkeypatch.setattr("vqfr_core.pipeline.degradation.SHARP", 0.0)
    options = ONE.replace(only_degraded=True)
    result, detected = restorer.restore(group, options), InteractiveImage(group).detect(restorer, options)
    assert torch.equal(result.image, group) and result.report.num_restored == 0
    first = result.report.faces[0]
    assert first.number == 0 and first.reason == f"already sharp (sharpness {first.sharpness:.2f})"
    assert detected.left_out[0].skipped == first.reason == restorer.detect([group], options)[0].skipped[0].reason
    (aligned,) = restorer.find([group[:, :128, :128]], RestoreOptions(aligned=True))
    assert not restorer.without_sharp([aligned], options)[0].used


def test_the_fidelity_of_each_face(restorer, group):
    report = restorer.restore(group, ONE.replace(auto_fidelity=True)).report
    (face,) = (face for face in report.faces if face.status == "restored")
    assert 0 < face.fidelity <= 1 and face.tone_drift is not None and report.options["auto_fidelity"]


def test_a_sweep_equals_single_runs(restorer, group):
    swept = restorer.sweep(group, [0.0, 1.0], ONE)
    for fidelity, result in zip([0.0, 1.0], swept, strict=True):
        alone = restorer.restore(group, ONE.replace(fidelity=fidelity))
        assert torch.equal(result.image, alone.image) and result.report.options["fidelity"] == fidelity
        assert result.report.faces == alone.report.faces
    assert restorer.sweep(group, [], ONE) == []


def test_all_results_share_the_seconds_before(restorer):
    options, watch = RestoreOptions(), Stopwatch()
    watch.seconds["detect"] = 8.0
    chosen = restorer.find([torch.zeros(3, 64, 64)] * 2, options)
    swept = restorer.restore_chosen(chosen, options, [0.0, 1.0], watch)
    assert [result.report.timings_s["detect"] for results in swept for result in results] == [2.0] * 4


def test_the_report_is_plain_json_and_names_what_was_used(restorer, face_picture):
    report = json.loads(json.dumps(restorer.restore(face_picture).report.to_dict()))
    assert report["model"]["name"] == "tiny_v2" and len(report["model"]["sha256"]) == 64
    assert report["model"]["generation"] == 2 and report["model"]["source"] == "file"
    assert report["detector"] == "retinaface_mobile0.25" and report["mask"] == "soft"
    assert report["precision"] == "fp32" and report["device"] == "cpu"
    assert list(report["timings_s"]) == ["detect", "align", "restore", "measure", "mask", "blend"]


def test_a_v1_has_a_fidelity_too(restorer_v1, face_picture):
    plain, low, high = (
        restorer_v1.restore(face_picture, options)
        for options in (None, RestoreOptions(fidelity=0.2), RestoreOptions(fidelity=0.9))
    )
    assert torch.equal(plain.image, high.image) and not torch.equal(plain.image, low.image)
    assert not low.report.notes and not high.report.notes and low.report.options["fidelity"] == 0.2
    swept = restorer_v1.sweep(face_picture, [0.2, 0.5])
    assert torch.equal(swept[0].image, low.image) and torch.equal(swept[1].image, plain.image)


def test_a_network_built_by_hand_gives_a_report(small_v2, mobilenet, face_picture):
    assert small_v2.info is None

    class ByHand(WeightStore):
        def open(self, role, *args, **named):
            return {"restorer": small_v2, "detector": mobilenet}[role]

        def find_present(self, *args, **named):
            return None

    report = FaceRestorer(device="cpu", store=ByHand()).restore(face_picture).report
    assert report.model == {
        "name": "vqfr_v2",
        "kind": "VQFR v2",
        "generation": 2,
        "file": None,
        "sha256": None,
        "source": "built by hand",
    }
    assert "vqfr_v2 on cpu in fp32" in report.summary() and report.num_restored == 1


def test_stopping_takes_effect_before_detection(restorer, group):
    with pytest.raises(Cancelled):
        restorer.restore(group, should_stop=lambda: True)


def test_wrong_input_is_named(restorer):
    with pytest.raises(InputError):
        restorer.restore(torch.zeros(3, 3, 3, 3))
    with pytest.raises(InputError, match="faces were given for 0 images"):
        restorer.restore_many([torch.zeros(3, 64, 64)], faces=[])


@pytest.mark.parametrize(
    ("has_parser", "settings", "message"),
    [
        (False, {"mask": "parsing"}, "mask: parsing needs a face parser"),
        (True, {"mask": "parsing", "regions": ""}, "regions: none chosen"),
        (True, {"mask": "auto", "regions": ""}, "regions: none chosen"),
    ],
)
def test_a_mask_that_cannot_be_made_is_refused_before_the_network_runs(
    has_parser, settings, message, restorer, group, monkeypatch
):
    monkeypatch.setattr(restorer, "parser", lambda fetch: UnusedParser() if has_parser else None)
    monkeypatch.setattr(restorer.model, "restore", lambda *inputs: pytest.fail("the network ran"))
    with pytest.raises(InputError, match=message):
        restorer.restore(group, ONE.replace(**settings))


# --- one after the other, let go, and from several threads


def test_images_one_by_one_when_each_is_asked_for(restorer, group, face_picture):
    taken: list[str] = []

    def images() -> Iterator[torch.Tensor]:
        for name, image in (("face", face_picture), ("group", group)):
            taken.append(name)
            yield image

    results = restorer.restore_iter(images(), ONE)
    assert taken == []
    assert torch.equal(next(results).image, restorer.restore(face_picture, ONE).image) and taken == ["face"]
    assert torch.equal(next(results).image, restorer.restore(group, ONE).image) and list(results) == []
    with pytest.raises(Cancelled):
        next(restorer.restore_iter([group], should_stop=lambda: True))


def test_networks_can_be_let_go_and_come_again(tiny_v2, small_store, face_picture):
    with FaceRestorer(tiny_v2, device="cpu", store=small_store) as restorer:
        first, model, detector = restorer.restore(face_picture), restorer.model, restorer.detector()
        assert restorer.model is model and restorer.detector() is detector
    assert restorer.model is not model and restorer.detector() is not detector
    assert torch.equal(restorer.restore(face_picture).image, first.image)
    with pytest.raises(ZeroDivisionError), restorer:  # noqa: PT012  what is raised inside is the point
        model = restorer.model
        raise ZeroDivisionError
    assert restorer.model is not model


def test_threads_get_what_one_after_the_other_gets(restorer, group, face_picture):
    work = [
        (face_picture, RestoreOptions(fidelity=0.2)),
        (group, ONE),
        (face_picture, RestoreOptions(aligned=True)),
    ] * 2
    expected = [restorer.restore(image, options) for image, options in work]
    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(lambda each: restorer.restore(*each), work))
    for result, alone in zip(results, expected, strict=True):
        assert torch.equal(result.image, alone.image) and result.report.faces == alone.report.faces


def test_full_float32_comes_back_when_the_last_thread_is_done(monkeypatch):
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)

    def settings() -> list[bool]:
        return [backend.allow_tf32 for backend in backends]

    before = settings()
    for backend in backends:
        backend.allow_tf32 = True
    entered, leave = threading.Barrier(3), [threading.Event(), threading.Event()]
    left = [threading.Event(), threading.Event()]

    def use(index: int) -> None:
        with full_float32():
            entered.wait(5)
            leave[index].wait(5)
        left[index].set()

    threads = [threading.Thread(target=use, args=(index,)) for index in range(2)]
    try:
        for thread in threads:
            thread.start()
        entered.wait(5)
        assert settings() == [False, False]
        leave[0].set()
        assert left[0].wait(5) and settings() == [False, False], "the other one still needs it"
        leave[1].set()
        assert left[1].wait(5) and settings() == [True, True]
    finally:
        for event in leave:
            event.set()
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def test_the_whole_size_of_a_network_is_512_px(tiny_v2):
    with FaceRestorer(tiny_v2, device="cpu", download=False) as restorer:
        assert restorer.model.crop_px == 512 and restorer.model.sizes["channels"] == (32,) * 6
        assert isinstance(restorer.network.config, V2Config)
        assert restorer.model.generation == 2 and np.isfinite(restorer.model.working_bytes(2))
