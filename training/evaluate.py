"""What is in the texture? `python -m training.evaluate --weights FILE --faces FOLDER --alexnet FILE --out FOLDER`.

A look inside a network in training; `python -m vqfr_core evaluate` measures what users get, with more metrics.

Every face is brought to 512x512 and degraded at fixed, seeded levels; LPIPS (Zhang et al., CVPR 2018, AlexNet) and PSNR
against the sharp face are reported for the degraded input and for the answer, and a sheet shows them side by side.
"""

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from vqfr_core.arch import V1Config, VqfrV1
from vqfr_core.evaluation.degrade import LEVELS, degrade_level
from vqfr_core.evaluation.perceptual import Lpips

from .data import to_tensor, whole_face
from .state import nearest_code_of
from .validate import psnr, write_picture


@dataclass(frozen=True)
class FaceResult:
    """Figures of one face at one level. LPIPS: lower is better; PSNR in dB."""

    face: str
    level: str
    input_lpips: float
    answer_lpips: float
    texture_lpips: float
    input_psnr: float
    answer_psnr: float
    texture_psnr: float


def load_network(path: Path) -> VqfrV1:
    """A network from safetensors, in float32."""
    weights = {key: value.float() for key, value in load_file(path).items()}
    net = VqfrV1(V1Config.from_state_dict(weights))
    net.load_state_dict(weights)
    return net.eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def restore_and_texture(net: VqfrV1, x: Tensor) -> tuple[Tensor, Tensor]:
    """The answer and the texture image, clamped to [-1, 1] and rounded to 8 bits."""
    textures = net.decoder(nearest_code_of(net)(net.encoder(x)))
    texture = net.decoder.conv_out(textures["Level_1"])
    answer = net.main_decoder(textures, net.inpfeat_extraction(x), x)
    answer, texture = (((image.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1 for image in (answer, texture))
    return answer, texture


def evaluate_face(net: VqfrV1, lpips: Lpips, path: Path, level: str, seed: int) -> tuple[FaceResult, Tensor]:
    """Degrade, restore and measure one face; also gives the row of the sheet: input, texture, answer, sharp."""
    sharp = whole_face(path.read_bytes())
    x, target = to_tensor([degrade_level(sharp, level, seed)]), to_tensor([sharp])
    answer, texture = restore_and_texture(net, x)
    images = {"input": x, "answer": answer, "texture": texture}
    figures = {
        f"{name}_lpips": round(lpips((image[0] + 1) / 2, (target[0] + 1) / 2), 4) for name, image in images.items()
    }
    figures |= {f"{name}_psnr": round(psnr(image, target), 3) for name, image in images.items()}
    return FaceResult(path.name, level, **figures), torch.cat([x, texture, answer, target], dim=3)


def summarise(results: list[FaceResult]) -> dict[str, dict[str, float]]:
    """Per level: means of every figure, and on how many faces the answer is better than the input."""
    table: dict[str, dict[str, float]] = {}
    for level in dict.fromkeys(result.level for result in results):
        rows = [result for result in results if result.level == level]
        names = [field.name for field in dataclasses.fields(FaceResult) if field.type is float]
        means = {name: round(float(np.mean([getattr(row, name) for row in rows])), 4) for name in names}
        wins = {
            "lpips_wins": sum(row.answer_lpips < row.input_lpips for row in rows),
            "psnr_wins": sum(row.answer_psnr >= row.input_psnr for row in rows),
            "faces": len(rows),
        }
        table[level] = {**means, **wins}
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="safetensors of a v1 network")
    parser.add_argument("--faces", type=Path, required=True, help="folder of sharp face pictures")
    parser.add_argument("--alexnet", type=Path, required=True, help="state dict with AlexNet's convolutions")
    parser.add_argument("--out", type=Path, required=True, help="folder for evaluation.json and the sheets")
    parser.add_argument("--levels", nargs="+", choices=list(LEVELS), default=list(LEVELS))
    parser.add_argument("--max-faces", type=int, help="only the first faces by name")
    parser.add_argument("--num-shown", type=int, default=6, help="faces on the sheets")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    paths = sorted(p for p in options.faces.iterdir() if p.suffix.lower() in (".jpg", ".png"))[: options.max_faces]
    net, lpips = load_network(options.weights), Lpips(options.alexnet)
    results = []
    for level in options.levels:
        shown: list[Tensor] = []
        for seed, path in enumerate(paths):
            result, row = evaluate_face(net, lpips, path, level, seed)
            results.append(result)
            if len(shown) < options.num_shown:
                shown.append(row)
        write_picture(options.out / f"sheet_{level}.png", torch.cat(shown, dim=2))
    summary = summarise(results)
    report = {"weights": options.weights.name, "levels": summary, "faces": [dataclasses.asdict(r) for r in results]}
    (options.out / "evaluation.json").write_text(json.dumps(report, indent=1))
    for level, figures in summary.items():
        print(level, json.dumps(figures))
    return 0


if __name__ == "__main__":
    cv2.setNumThreads(1)
    raise SystemExit(main())
