from pathlib import Path

import numpy as np
import torch

from vqfr_core.networks.base import ModelInfo
from vqfr_core.pipeline.restoring.cache import KeptFaces
from vqfr_core.types import FaceCrop

CROP_BYTES = 3 * 8 * 8 * 4


def kept(num_bytes: int = 40) -> tuple[torch.Tensor]:
    return (torch.zeros(num_bytes // 4),)


def test_faces_are_known_by_network_precision_and_crop(recorder, make_faces):
    cache = KeptFaces(1 << 20)
    crop, other = (face.crop for face in make_faces(2))
    what = kept()
    cache.put(recorder, crop, what)
    assert cache.get(recorder, crop) is what and cache.get(recorder, other) is None
    same_picture = FaceCrop(crop.detection, crop.image, np.eye(2, 3))
    assert cache.get(recorder, same_picture) is None, "crops are told apart by identity"
    recorder.set_precision("bf16")
    assert cache.get(recorder, crop) is None
    recorder.set_precision("fp32")
    assert cache.get(type(recorder)(), crop) is None, "another network built by hand"


def test_networks_of_one_file_are_one_network(recorder, make_faces):
    cache, (face,) = KeptFaces(1 << 20), make_faces(1)
    again, another = type(recorder)(), type(recorder)()
    for network, sha256 in ((recorder, "a"), (again, "a"), (another, "b")):
        network.attach(ModelInfo("some", Path("some.pth"), sha256, "file", {}))
    cache.put(recorder, face.crop, kept())
    assert cache.get(again, face.crop) is not None and cache.get(another, face.crop) is None


def test_the_first_ones_go_first_and_the_last_one_stays(recorder, make_faces):
    first, second, third, large = (face.crop for face in make_faces(4))
    cache = KeptFaces(2 * (CROP_BYTES + 40))
    for crop in (first, second):
        cache.put(recorder, crop, kept())
    assert cache.num_bytes == 2 * (CROP_BYTES + 40)
    cache.put(recorder, third, kept())
    assert cache.get(recorder, first) is None and cache.get(recorder, second) is not None
    cache.put(recorder, large, kept(4000))
    assert cache.get(recorder, third) is None and cache.get(recorder, large) is not None
    assert cache.num_bytes == CROP_BYTES + 4000
    cache.clear()
    assert cache.num_bytes == 0 and cache.get(recorder, large) is None


def test_a_face_that_is_put_again_takes_no_others_place(recorder, make_faces):
    first, second = (face.crop for face in make_faces(2))
    cache = KeptFaces(2 * (CROP_BYTES + 40))
    cache.put(recorder, first, kept())
    cache.put(recorder, second, kept())
    newer = kept()
    cache.put(recorder, second, newer)
    assert cache.get(recorder, first) is not None and cache.get(recorder, second) is newer
