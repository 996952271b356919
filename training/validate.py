"""A quick look at a few fixed validation faces: figures for the log and a sheet to look at."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vqfr_core.arch import VqfrV1
from vqfr_core.evaluation.degrade import degrade_level

from .data import to_tensor, whole_face
from .losses import Perceptual, half_size
from .state import TrainState, nearest_code_of


def validate(state: TrainState, pictures: list[bytes], perceptual: Perceptual, sheet: Path) -> dict[str, float]:
    """PSNR and perceptual distance of input, texture and answer at the medium and heavy level, on whole faces.

    Writes a sheet with one row a face: degraded, texture, answer, sharp.
    """
    net = (state.ema if state.stage == 2 else state.net).eval()
    rows, found = [], []
    for number, encoded in enumerate(pictures):
        level = ("medium", "heavy")[number % 2]
        sharp = whole_face(encoded)
        degraded = sharp if state.stage == 1 else degrade_level(sharp, level, number)
        x, target = to_tensor([degraded]), to_tensor([sharp])
        answers = {"input": x, **_answers(net, x, with_main=state.stage == 2)}
        for name, image in answers.items():
            found.append((f"{level}_{name}_psnr", psnr(image, target)))
            with torch.no_grad():
                distance = perceptual(half_size(image), half_size(target))
            found.append((f"{level}_{name}_perceptual", float(distance)))
        rows.append(torch.cat([*answers.values(), target], dim=3))
    write_picture(sheet, torch.cat(rows, dim=2))
    names = dict.fromkeys(name for name, _ in found)
    return {name: round(float(np.mean([value for key, value in found if key == name])), 4) for name in names}


@torch.inference_mode()
def _answers(net: VqfrV1, x: Tensor, with_main: bool) -> dict[str, Tensor]:
    code = nearest_code_of(net)
    textures = net.decoder(code(net.encoder(x)))
    answers = {"texture": net.decoder.conv_out(textures["Level_1"])}
    if with_main:
        answers["answer"] = net.main_decoder(textures, net.inpfeat_extraction(x), x)
    return {name: image.clamp(-1, 1) for name, image in answers.items()}


def psnr(image: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images in [-1, 1]."""
    error = ((image.clamp(-1, 1) - target) / 2).square().mean().clamp(min=1e-10)
    return float(-10 * error.log10())


def write_picture(path: Path, image: Tensor) -> None:
    """Write an image (1, 3, H, W) in [-1, 1]."""
    pixels = ((image[0].permute(1, 2, 0).float().cpu().numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(path), pixels[..., ::-1])
