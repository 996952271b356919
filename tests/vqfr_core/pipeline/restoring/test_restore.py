"""Batches of faces through a stand-in network that records what it is given, and through tiny real ones."""

import copy
import math
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqfr_core.errors import Cancelled, InputError, OutOfMemoryError, RestorationError, is_out_of_memory
from vqfr_core.networks.base import Restored, Restorer
from vqfr_core.pipeline.restoring.cache import KeptFaces
from vqfr_core.pipeline.restoring.restore import restore_faces, sweep_faces
from vqfr_core.types import ImageFaces


def restore(entry: ImageFaces, restorer: Restorer, fidelity=0.0, **named) -> list[torch.Tensor]:
    """What the faces of one image are restored to."""
    (result,) = restore_faces([entry], restorer, fidelity, **named)
    return [face.restored for face in result.used]


def means(images: list[torch.Tensor]) -> list[float]:
    return [round(float(image.mean()), 3) for image in images]


def test_batches_keep_the_order(recorder, entry):
    seen: list[tuple[int, int]] = []
    images = restore(entry(5), recorder, batch_size=2, progress=lambda done, total: seen.append((done, total)))
    assert recorder.batches == [2, 2, 1]
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert means(images) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_faces_of_several_images_share_batches(recorder, entry, make_faces):
    other = ImageFaces(None, (5, 5), tuple(make_faces(3)[2:]))
    first, empty, second = restore_faces([entry(2), entry(0), other], recorder, 0.0, batch_size=8)
    assert recorder.batches == [3] and means([f.restored for f in first.used + second.used]) == [0.0, 0.1, 0.2]
    assert empty.used == [] and second.size == (5, 5)
    assert [f.restored for f in other.used] == [None], "the images given stay as they were"


def test_faces_go_by_number_and_skipped_ones_not_at_all(recorder, make_faces):
    first, second, third = make_faces(3)
    places = (replace(first, number=2), replace(second, skipped="not selected"), replace(third, number=0))
    (result,) = restore_faces([ImageFaces(None, (9, 9), places)], recorder, [0.0, 1.0], batch_size=9)
    assert recorder.batches == [2] and list(recorder.asked[0][0]) == [0.0, 1.0]
    assert [face.number for face in result.faces] == [2, 1, 0] and result.faces[1].restored is None
    assert means([result.faces[0].restored, result.faces[2].restored]) == [0.0, 0.2]


def test_on_a_cpu_faces_go_one_by_one_unless_told_otherwise(recorder, entry):
    restore(entry(3), recorder)
    assert recorder.batches == [1, 1, 1]


def test_no_faces_is_no_work(recorder, entry):
    seen: list[object] = []
    assert restore_faces([], recorder) == [] and restore(entry(0), recorder, progress=lambda *p: seen.append(p)) == []
    assert recorder.batches == [] and seen == []


def test_memory_that_runs_out_halves_the_batch(recorder, entry):
    recorder.fits = 2
    assert len(restore(entry(5), recorder, batch_size=4)) == 5
    assert recorder.batches == [2, 2, 1]


def test_memory_too_small_for_one_face_says_what_to_do(recorder, entry):
    recorder.fits = 0
    with pytest.raises(OutOfMemoryError, match="choose fp16 or bf16"):
        restore(entry(3), recorder, batch_size=2)


def test_the_memory_of_a_failed_attempt_is_free_before_the_next(recorder, entry, monkeypatch):
    held: list[weakref.ref] = []

    def demanding(images, fidelities, keep=False):
        assert all(each() is None for each in held)
        features = torch.zeros(9)
        held.append(weakref.ref(features))
        if keep or len(images) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return type(recorder).restore(recorder, images, fidelities)

    monkeypatch.setattr(recorder, "restore", demanding)
    assert len(restore(entry(4), recorder, batch_size=4, cache=KeptFaces(1 << 20))) == 4
    assert len(held) == 10  # with 4, 2, 1 and not keeping; from then on each face with and without


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("[enforce fail] not enough memory: you tried to allocate"), True),
        (RuntimeError("boom"), False),
    ],
)
def test_what_means_that_memory_ran_out(error, is_memory):
    assert is_out_of_memory(error) == is_memory


def test_not_a_number_in_half_precision_is_done_again_in_float32(recorder, entry):
    recorder.set_precision("fp16")
    recorder.nan_below_float32 = True
    images = restore(entry(3), recorder, batch_size=3)
    assert all(image.isfinite().all() for image in images) and means(images) == [0.0, 0.1, 0.2]
    assert recorder.precision == "fp16", "the network itself stays as it was"


def test_the_second_attempt_takes_the_weights_of_the_file_not_rounded_ones(small_v2, random_entry):
    half, exact = copy.deepcopy(small_v2), copy.deepcopy(small_v2)
    half.precision, half.reopen = "bf16", lambda: exact  # in name alone: a CPU may be very slow at it
    half.network.decoder.conv_out.register_forward_hook(lambda module, inputs, output: output * float("nan"))
    expected = restore(random_entry(2), exact, 0.3)
    again = restore(random_entry(2), half, 0.3)
    assert all(torch.equal(a, b) for a, b in zip(again, expected, strict=True))
    assert half.precision == "bf16" and half.in_float32() is exact and exact.in_float32() is exact


def test_a_network_built_by_hand_is_widened_for_the_second_attempt(small_v2):
    half = copy.deepcopy(small_v2)
    half.set_precision("bf16")
    exact = half.in_float32()
    assert (half.precision, exact.precision) == ("bf16", "fp32") and exact is not half
    assert next(exact.module.decoder.parameters()).dtype == torch.float32
    assert next(half.module.decoder.parameters()).dtype == torch.bfloat16


def test_not_a_number_in_float32_is_an_error_that_names_the_face(recorder, entry):
    recorder.always_nan = True
    with pytest.raises(RestorationError, match="no usable image for face 0, even in float32"):
        restore(entry(2), recorder)
    recorder.set_precision("bf16")
    with pytest.raises(RestorationError, match="face 0"):
        restore(entry(2), recorder)


def test_other_failures_are_errors_not_untouched_faces(recorder, entry):
    recorder.error = RuntimeError("boom")
    with pytest.raises(RestorationError, match="the network failed on face 0 to 0: boom"):
        restore(entry(1), recorder)


def test_stopping_takes_effect_between_batches(recorder, entry):
    with pytest.raises(Cancelled, match="after 2 of 4"):
        restore(entry(4), recorder, batch_size=2, should_stop=lambda: len(recorder.batches) == 1)


def test_fidelity_is_one_number_or_one_for_each_face_or_a_map(recorder, entry):
    restore(entry(2), recorder, 0.25)
    assert recorder.asked[-1] == [0.25]
    restore(entry(3), recorder, [0.0, 0.5, 1.0], batch_size=2)
    assert [list(np.ravel(f)) for (f,) in recorder.asked[-2:]] == [[0.0, 0.5], [1.0]]
    restore(entry(2), recorder, torch.rand(2, 1, 8, 8), batch_size=2)
    assert recorder.asked[-1][0].shape == (2, 1, 8, 8)


def test_a_map_of_one_number_is_that_number(recorder, entry):
    """The number 0 lets the network leave out its main branch."""
    restore(entry(2), recorder, torch.zeros(2, 1, 8, 8), batch_size=2)
    assert recorder.asked == [[0.0]] and isinstance(recorder.asked[0][0], float)


@pytest.mark.parametrize("fidelity", [1.5, -0.1, float("nan"), [0.1, 0.2, 0.3]])
def test_a_fidelity_that_makes_no_sense_is_refused(fidelity, recorder, entry):
    with pytest.raises(InputError, match="fidelit"):
        restore(entry(2), recorder, fidelity)


def test_a_map_is_refused_where_one_number_is_taken(recorder, entry):
    recorder.fidelity = "number"
    with pytest.raises(InputError, match=r"recorder \(a recorder\) takes one fidelity per face, not a map"):
        restore(entry(2), recorder, torch.rand(2, 1, 8, 8))


@pytest.mark.parametrize("side", [7, None])
def test_crops_have_to_have_the_restorers_size(side, recorder, entry):
    faces = entry(1) if side is None else entry(1, side)
    if side is None:
        faces = faces.with_used([replace(face, crop=None) for face in faces.used])
    with pytest.raises(InputError, match=r"recorder needs crops \(3, 8, 8\), got"):
        restore(faces, recorder)


def test_what_it_was_done_with_is_noted(recorder, entry):
    (result,) = restore_faces([entry(1)], recorder, 0.25)
    assert result.made_by.model == {
        "name": "recorder",
        "kind": "a recorder",
        "generation": None,
        "file": None,
        "sha256": None,
        "source": "built by hand",
        "device": "cpu",
        "precision": "fp32",
        "precision_reason": "as asked for",
        "fidelity": 0.25,
    }
    assert result.notes == ()
    (by_map,) = restore_faces([entry(1)], recorder, torch.rand(1, 1, 8, 8))
    assert by_map.made_by.model["fidelity"] == "a map"


@pytest.mark.parametrize("fidelity", [0.9, [0.5], torch.rand(1, 1, 8, 8)], ids=["number", "list", "map"])
def test_a_network_without_fidelity_says_that_it_ignored_what_was_set(fidelity, recorder, entry):
    recorder.fidelity = "none"
    (result,) = restore_faces([entry(1)], recorder, fidelity)
    assert result.notes == ("recorder (a recorder) has no fidelity: the setting was ignored",)
    assert result.made_by.model["fidelity"] is None


def test_what_was_said_of_an_earlier_network_goes(recorder, entry):
    (first,) = restore_faces([replace(entry(1), notes=("kept",))], without_fidelity(recorder), 0.9)
    assert len(first.notes) == 2
    (second,) = restore_faces([first], recorder, 0.9)
    assert second.notes == ("kept",)


def without_fidelity(recorder: Restorer) -> Restorer:
    other = copy.copy(recorder)
    other.fidelity = "none"
    return other


def test_nobody_who_set_no_fidelity_hears_of_it(recorder, entry):
    recorder.fidelity = "none"
    (result,) = restore_faces([entry(1)], recorder)
    assert result.notes == ()


def test_notes_of_earlier_steps_stay(recorder, entry):
    recorder.fidelity = "none"
    (result,) = restore_faces([replace(entry(1), notes=("earlier",))], recorder, 0.9)
    assert len(result.notes) == 2 and result.notes[0] == "earlier"


def test_a_v1_takes_one_fidelity_for_each_face(small_v1, random_entry):
    faces = random_entry(3)
    (result,) = restore_faces([faces], small_v1, [0.0, 0.2, 0.9], batch_size=3)
    assert result.notes == () and result.made_by.model["fidelity"] == [0.0, 0.2, 0.9]
    for index, fidelity in enumerate((0.0, 0.2, 0.5)):
        alone = restore(faces, small_v1, fidelity, batch_size=3)[index]
        assert torch.equal(result.used[index].restored, alone)
    assert len({float(face.restored.mean()) for face in result.used}) == 3


def test_a_v1_whose_texture_is_no_number_in_half_precision_is_done_again(small_v1, random_entry):
    half, exact = copy.deepcopy(small_v1), copy.deepcopy(small_v1)
    half.precision, half.reopen = "bf16", lambda: exact  # in name alone: a CPU may be very slow at it
    half.network.decoder.conv_out.register_forward_hook(lambda module, inputs, output: output * float("nan"))
    cache = KeptFaces(1 << 30)
    for fidelity in (0.5, 0.2, 0.0):  # the first needs no texture image, and keeps the bad one
        expected = restore(random_entry(2), exact, fidelity, batch_size=1)
        again = restore(random_entry(2), half, fidelity, batch_size=1, cache=cache)
        assert all(torch.equal(a, b) for a, b in zip(again, expected, strict=True))


def test_a_v1_keeps_two_images_of_a_face(small_v1, random_entry):
    cache = KeptFaces(1 << 30)
    restore(random_entry(1), small_v1, cache=cache)
    assert cache.num_bytes == 3 * (3 * 128 * 128 * 4), "the crop, the texture image and the answer"


def test_answers_are_the_networks_in_the_range_of_images(small_v1, small_v2, random_entry):
    entry = random_entry(1)
    x = entry.used[0].crop.image[None] * 2 - 1
    with torch.inference_mode():
        direct = [restorer.module(x, 0.3) for restorer in (small_v2, small_v1)]
    for answer, restorer in zip(direct, (small_v2, small_v1), strict=True):
        (image,) = restore(entry, restorer, 0.3)
        assert torch.equal(image, ((answer[0].clamp(-1, 1)) + 1) / 2)


def test_a_sweep_gives_what_single_runs_give(small_v2, random_entry):
    swept = sweep_faces([random_entry(1)], small_v2, [0.0, 0.5, 1.0])
    for fidelity, (result,) in zip([0.0, 0.5, 1.0], swept, strict=True):
        alone = restore(random_entry(1), small_v2, fidelity)
        assert all(torch.equal(face.restored, image) for face, image in zip(result.used, alone, strict=True))
        assert result.made_by.model["fidelity"] == fidelity
    assert sweep_faces([random_entry(1)], small_v2, []) == []


def test_a_sweep_runs_the_network_once(recorder, entry):
    first, second = sweep_faces([entry(2)], recorder, [0.0, [0.5, 1.0]], batch_size=2)
    assert recorder.batches == [2] and recorder.asked[0][0] == 0.0 and list(recorder.asked[0][1]) == [0.5, 1.0]
    assert means([f.restored for f in first[0].used]) == [0.0, 0.1]
    assert means([f.restored for f in second[0].used]) == [0.0, 0.09]
    with pytest.raises(InputError, match="fidelity must be from 0 to 1"):
        sweep_faces([entry(2)], recorder, [0.0, 1.1])


def test_maps_change_the_face_from_place_to_place(small_v2, random_entry):
    strength = torch.zeros(1, 1, 128, 128)
    strength[..., 64:] = 1.0
    low, high, mixed = (restore(random_entry(1), small_v2, f)[0] for f in (0.0, 1.0, strength))
    left, right = slice(0, 48), slice(80, 128)  # without the middle, where the head sees both

    def difference(other: torch.Tensor, part: slice) -> float:
        return float((mixed - other).abs()[..., part].mean())

    assert 1.5 * difference(low, left) < difference(high, left)
    assert 1.5 * difference(high, right) < difference(low, right)


# --- with a memory of what was done before


@pytest.mark.parametrize("network", ["small_v1", "small_v2"])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_with_a_memory_results_are_the_same(network, batch_size, random_entry, request):
    """When faces are added to it and when they come from it, at this and at another fidelity."""
    restorer, entry, cache = request.getfixturevalue(network), random_entry(2), KeptFaces(1 << 30)
    for fidelity in (0.4, [0.9, 0.0]):
        plain = restore(entry, restorer, fidelity, batch_size=batch_size)
        for _ in range(2):
            kept = restore(entry, restorer, fidelity, batch_size=batch_size, cache=cache)
            # Faces are rendered one by one, and a batch of several may round the last bit differently.
            most = max(float((a - b).abs().max()) for a, b in zip(kept, plain, strict=True))
            assert most == 0 if batch_size == 1 else most < 1e-5


def test_only_new_faces_go_through_the_network(recorder, entry):
    cache, faces, seen = KeptFaces(1 << 20), entry(5), []
    some = ImageFaces(None, (9, 9), faces.faces[1:3])
    restore(some, recorder, 0.0, cache=cache, batch_size=4)
    assert recorder.batches == [2]
    images = restore(faces, recorder, 1.0, cache=cache, batch_size=4, progress=lambda *p: seen.append(p))
    assert recorder.batches == [2, 1, 2] and recorder.rendered == [1.0, 1.0]
    assert means(images) == [0.0, 0.09, 0.18, 0.27, 0.36]
    assert seen == [(0, 5), (1, 5), (2, 5), (3, 5), (5, 5)]
    restore(faces, recorder, 0.5, cache=cache)
    assert recorder.batches == [2, 1, 2]


def test_too_little_memory_to_keep_a_face_is_no_reason_to_give_up(recorder, entry):
    recorder.fits_with_keeping = 0
    cache = KeptFaces(1 << 20)
    images = restore(entry(3), recorder, 0.0, cache=cache, batch_size=2)
    assert means(images) == [0.0, 0.1, 0.2] and recorder.batches == [1, 1, 1] and cache.num_bytes == 0
    recorder.fits = 0
    with pytest.raises(OutOfMemoryError):
        restore(entry(3), recorder, 0.0, cache=cache)


def test_what_is_kept_in_vain_is_made_again(recorder, entry):
    """A face whose kept part gives no image goes through the whole network, in float32 where that is needed."""
    recorder.set_precision("fp16")
    recorder.nan_below_float32 = True
    cache = KeptFaces(1 << 20)
    for _ in range(2):
        assert means(restore(entry(2), recorder, 0.0, cache=cache, batch_size=2)) == [0.0, 0.1]


def test_kept_faces_keep_what_was_done_when_it_is_stopped(recorder, entry):
    cache, faces = KeptFaces(1 << 20), entry(4)
    with pytest.raises(Cancelled, match="Stopped after 2 of 4 faces"):
        restore(faces, recorder, cache=cache, batch_size=2, should_stop=lambda: len(recorder.batches) == 1)
    restore(faces, recorder, cache=cache, batch_size=2)
    assert recorder.batches == [2, 2]


class Rounded(Restorer):
    """Gives its fidelity as a picture; in half precision no numbers at all."""

    def __init__(self, precision: str = "bf16") -> None:
        super().__init__(torch.nn.Conv2d(1, 1, 1), "rounded", "Rounded", crop_px=8, fidelity="number")
        self.precision = precision
        self.reopen = lambda: Rounded("fp32")

    def run(self, images):
        raise AssertionError("restore is what is called")

    def restore(self, images, fidelities, keep=False):
        (fidelity,) = (torch.as_tensor(value).expand(len(images)) for value in fidelities)
        answer = torch.ones_like(images) * fidelity.view(-1, 1, 1, 1)
        return Restored([answer if self.precision == "fp32" else answer * math.nan], None)


def test_a_face_done_again_keeps_its_own_fidelity(entry):
    (done,) = restore_faces([entry(5, 8)], Rounded(), [0.0, 0.2, 0.4, 0.6, 0.8], batch_size=2)
    assert [float(face.restored.mean()) for face in done.used] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
