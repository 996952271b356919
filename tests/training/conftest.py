"""Tiny stand-ins for the training material."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

VGG_CHANNELS = {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256)}
VGG_CHANNELS |= {14: (256, 256), 17: (256, 512), 19: (512, 512), 21: (512, 512)}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks spend their time waiting for threads on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def faces_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six smooth random pictures of 96 px in a tar."""
    path = tmp_path_factory.mktemp("faces") / "faces.tar"
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as tar:
        for number in range(6):
            noise = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            content = cv2.imencode(".jpg", cv2.resize(noise, (96, 96), interpolation=cv2.INTER_CUBIC))[1].tobytes()
            member = tarfile.TarInfo(f"faces/{number:04d}.jpg")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the shape of VGG16's convolutions."""
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for index, (before, after) in VGG_CHANNELS.items():
        weight = torch.randn(after, before, 3, 3, generator=generator) * (2 / (9 * before)) ** 0.5
        weights[f"features.{index}.weight"] = weight.half()
        weights[f"features.{index}.bias"] = torch.zeros(after).half()
    save_file(weights, path)
    return path
