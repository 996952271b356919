"""The steps, one after the other, as a program of one's own would call them."""

import torch

from vqfr_core import FaceRestorer, RestoreOptions, pipeline
from vqfr_core.options import BlendOptions, FindOptions, SelectOptions
from vqfr_core.pipeline import blend_faces, crop_faces, find_faces, finish_faces, restore_faces, select_faces


def test_every_step_is_there():
    assert all(callable(getattr(pipeline, name)) for name in pipeline.__all__)
    assert sorted(pipeline.__all__) == pipeline.__all__ and "find_faces" in (pipeline.__doc__ or "")


def test_the_steps_in_a_row_are_a_restoration(mobilenet, tiny_v2, small_store, group, face_picture):
    """Faces keep their places and numbers all the way, and a step takes its own settings."""
    restorer = FaceRestorer(tiny_v2, device="cpu", store=small_store)
    found = find_faces([group, face_picture], restorer.detector(), FindOptions())
    chosen = select_faces(found, SelectOptions(select="-1,1"))
    cropped = crop_faces(chosen, restorer.model.crop_px)
    restored = restore_faces(cropped, restorer.model, 0.3)
    finished = finish_faces(restored, BlendOptions(mask="crop"))
    results = blend_faces(finished)
    places = [[face.detection.box[:2] for face in entry.faces] for entry in (found[0], finished[0])]
    numbers = [[face.number for face in entry.faces] for entry in (chosen[0], cropped[0], restored[0], finished[0])]
    assert all(len(set(map(str, each))) == 1 for each in (places, numbers))
    assert [face.number for face in finished[0].used] == [1, 4] and numbers[0] == [0, 1, 2, 3, 4]
    options = RestoreOptions(select="-1,1", mask="crop", fidelity=0.3)
    for result, expected in zip(results, restorer.restore_many([group, face_picture], options), strict=True):
        assert torch.equal(result.image, expected.image) and torch.equal(result.mask, expected.mask)


def test_one_face_given_twice_with_two_pictures_is_two_faces(group, mobilenet):
    """No face is found again by comparing boxes."""
    (found,) = find_faces([group], mobilenet)
    detection = found.used[0].detection
    (entry,) = crop_faces(select_faces(pipeline.given_faces([group], [[detection, detection]])), 64)
    pictures = [torch.zeros(3, 64, 64), torch.ones(3, 64, 64)]
    edited = entry.with_used(map(pipeline.edit_face, entry.used, pictures))
    assert [float(face.restored.mean()) for face in edited.used] == [0, 1]
    assert [face.number for face in edited.used] == [0, 1]
