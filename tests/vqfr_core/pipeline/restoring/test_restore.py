"""Batches of faces through a stand-in network that records what it is given."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqfr_core.errors import Cancelled, InputError, OutOfMemoryError, RestorationError
from vqfr_core.networks.vqfr import V2Config, VqfrV2
from vqfr_core.pipeline.restoring.restore import restore_faces, sweep_faces
from vqfr_core.types import Box, FaceCrop, FaceDetection, Point


class Recorder(nn.Module):
    """Answers its input, after doing what a test asks for."""

    has_fidelity = True
    device = torch.device("cpu")

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        self.batches: list[int] = []
        self.fidelities: list[object] = []
        self.fits = 99
        self.nan_below_float32 = False
        self.always_nan = False

    def set_precision(self, dtype: torch.dtype) -> "Recorder":
        self.dtype = dtype
        return self

    def forward(self, x: Tensor, fidelity: object = None) -> Tensor:
        if x.shape[0] > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.batches.append(x.shape[0])
        self.fidelities.append(fidelity)
        if self.always_nan or (self.nan_below_float32 and self.dtype != torch.float32):
            x = x.clone()
            x[0] = float("nan")
        return x


def crops(count: int) -> list[FaceCrop]:
    detection = FaceDetection(Box(0, 0, 512, 512), (Point(1, 1),) * 5, 1.0)
    return [FaceCrop(detection, torch.full((3, 512, 512), i / 10), np.eye(2, 3)) for i in range(count)]


def test_batches_keep_the_order():
    network, seen = Recorder(), []
    faces = restore_faces(crops(5), network, batch_size=2, progress=lambda done, total: seen.append((done, total)))
    assert network.batches == [2, 2, 1]
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert [round(float(face.image.mean()), 3) for face in faces] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_no_faces_is_no_work():
    network = Recorder()
    assert restore_faces([], network) == [] and network.batches == []


def test_memory_that_runs_out_halves_the_batch():
    network = Recorder()
    network.fits = 2
    assert len(restore_faces(crops(5), network, batch_size=4)) == 5
    assert network.batches == [2, 2, 1]


def test_memory_too_small_for_one_face_says_what_to_do():
    network = Recorder()
    network.fits = 0
    with pytest.raises(OutOfMemoryError, match="choose fp16 or bf16"):
        restore_faces(crops(1), network)


def test_not_a_number_in_half_precision_is_done_again_in_float32():
    network = Recorder(torch.float16)
    network.nan_below_float32 = True
    faces = restore_faces(crops(3), network, batch_size=3)
    assert all(face.image.isfinite().all() for face in faces)
    assert network.dtype == torch.float16, "the network itself stays as it was"


def test_not_a_number_in_float32_is_an_error_that_names_the_face():
    network = Recorder()
    network.always_nan = True
    with pytest.raises(RestorationError, match="face 0"):
        restore_faces(crops(2), network)


def test_other_failures_are_errors_not_untouched_faces():
    network = Recorder()
    network.forward = lambda *a: (_ for _ in ()).throw(RuntimeError("boom"))
    with pytest.raises(RestorationError, match="boom"):
        restore_faces(crops(1), network)


def test_stopping_takes_effect_between_batches():
    network = Recorder()
    with pytest.raises(Cancelled, match="after 2 of 4"):
        restore_faces(crops(4), network, batch_size=2, should_stop=lambda: len(network.batches) == 1)


def test_fidelity_is_one_number_or_one_for_each_face_or_a_map():
    network = Recorder()
    restore_faces(crops(2), network, fidelity=0.25)
    assert network.fidelities == [0.25]
    restore_faces(crops(3), network, fidelity=[0.0, 0.5, 1.0], batch_size=2)
    assert [list(np.ravel(f)) for f in network.fidelities[1:]] == [[0.0, 0.5], [1.0]]
    restore_faces(crops(2), network, fidelity=torch.rand(2, 1, 512, 512))
    assert network.fidelities[-1].shape == (2, 1, 512, 512)


@pytest.mark.parametrize("fidelity", [1.5, -0.1, float("nan"), [0.1, 0.2, 0.3]])
def test_a_fidelity_that_makes_no_sense_is_refused(fidelity):
    with pytest.raises(InputError, match="fidelit"):
        restore_faces(crops(2), Recorder(), fidelity=fidelity)


def test_a_network_without_fidelity_is_not_given_one():
    network = Recorder()
    network.has_fidelity = False
    restore_faces(crops(1), network, fidelity=0.9)
    assert network.fidelities == [None]


def test_a_sweep_gives_what_single_runs_give():
    torch.manual_seed(0)
    sizes = {"channels": (32,) * 6, "num_codes": 8, "code_channels": 32, "encoder_blocks": 1, "decoder_blocks": 1}
    network = VqfrV2(V2Config(**sizes)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            nn.init.normal_(parameter, std=(1 / parameter[0].numel()) ** 0.5)
    swept = sweep_faces(crops(1), network, [0.0, 1.0])
    assert torch.equal(swept[1][0].image, restore_faces(crops(1), network, fidelity=1.0)[0].image)
    with pytest.raises(InputError, match="v1 has no fidelity"):
        sweep_faces(crops(1), Recorder(), [0.0])
