"""Quick validation on a few fixed faces: figures for the log, and a sheet of pictures."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vqfr_core.evaluation.degrade import degrade_level
from vqfr_core.evaluation.pixels import psnr

from .data import to_range, to_tensor, whole_face
from .losses import Perceptual
from .networks import Vqfr, answer, code_features, decode_texture, entries_of, nearest
from .state import TrainState


def validate(state: TrainState, pictures: list[bytes], perceptual: Perceptual, sheet: Path) -> dict[str, float]:
    """PSNR and LPIPS (VGG16) of input, texture and answer on whole faces: sharp in stage 1, degraded in stage 2.

    `lpips` is the relevant one for the stage: of the texture in stage 1, of the answer in stage 2, over both levels.
    `codes_in_use` counts different codes over all faces. Writes a sheet with one row per face: degraded, texture,
    answer, sharp.
    """
    net = (state.ema if state.stage == 2 else state.net).eval()
    device = next(net.parameters()).device
    judged = "answer" if state.stage == 2 else "texture"
    rows, found, codes = [], [], set[int]()
    for number, encoded in enumerate(pictures):
        level = ("medium", "heavy")[number % 2] if state.stage == 2 else "sharp"
        sharp = whole_face(encoded)
        degraded = sharp if state.stage == 1 else degrade_level(sharp, level, number)
        x, target = (to_range(to_tensor([image]).to(device)) for image in (degraded, sharp))
        answers = {"input": x, **_answers(net, x, with_main=state.stage == 2)}
        codes.update(net.codes(x).flatten().tolist())
        for name, image in answers.items():
            with torch.no_grad():
                distance = float(perceptual(image, target))
            found += [
                (f"{level}_{name}_psnr", psnr((image + 1) / 2, (target + 1) / 2)),
                (f"{level}_{name}_lpips", distance),
            ]
            found += [("lpips", distance)] if name == judged else []
        rows.append(torch.cat([*answers.values(), target], dim=3).cpu())
    write_picture(sheet, torch.cat(rows, dim=2))
    names = dict.fromkeys(name for name, _ in found)
    means = {name: float(np.mean([value for key, value in found if key == name])) for name in names}
    return {**means, "codes_in_use": len(codes)}


@torch.inference_mode()
def count_codes(net: Vqfr, pictures: list[bytes]) -> int:
    """How many different codes whole sharp faces use."""
    device = next(net.parameters()).device
    found = (net.codes(to_range(to_tensor([whole_face(encoded)]).to(device))) for encoded in pictures)
    return len(set(torch.cat([codes.flatten() for codes in found]).tolist()))


@torch.inference_mode()
def _answers(net: Vqfr, x: Tensor, with_main: bool) -> dict[str, Tensor]:
    z = code_features(net, x)
    textures = decode_texture(net, entries_of(net, nearest(net, z), z))
    answers = {"texture": net.decoder.conv_out(textures["Level_1"].clone())}
    if with_main:
        answers["answer"] = answer(net, textures, x)
    return {name: image.clamp(-1, 1) for name, image in answers.items()}


def write_picture(path: Path, image: Tensor) -> None:
    """Write an image (1, 3, H, W) in [-1, 1]."""
    pixels = ((image[0].permute(1, 2, 0).float().cpu().numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(path), pixels[..., ::-1])
