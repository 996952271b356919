"""How much of a face stays what it was: `python -m benchmarks.keeping --portraits FOLDER --faces FOLDER`.

- Portraits: sharp photographs of one face larger than the network's crop, as they are, and blurred, noisy and as JPEG.
  Fine detail is the energy above a Gaussian of 1.5 px inside the mask, in percent of the sharp portrait's; PSNR inside
  the mask is against the sharp portrait. Each without and with `detail`.
- Faces: sharp pictures of one face. Degraded at the levels of `evaluate`, with nothing in front of them: what the mask
  auto changes in PSNR against the mask soft. And with shapes painted over them: the change inside the shapes, in
  percent of the mask soft's, as the network gives it, and if it gave the face without the shape.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from vqfr_core import FaceRestorer, RestoreOptions, read_picture
from vqfr_core.evaluation.degrade import LEVELS, degrade_level
from vqfr_core.evaluation.faces import pictures_in, read_face
from vqfr_core.options import BlendOptions
from vqfr_core.pictures import to_array, to_tensor
from vqfr_core.pipeline import blend_faces, finish_faces, restore_faces
from vqfr_core.pipeline.align import FFHQ_TEMPLATE
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces

from .machine import describe_machine

Drawing = Callable[[np.ndarray], object]
"""Paints white into a black picture (512, 512), where an aligned face is."""


def _noisy(picture: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(picture.shape)
    return np.clip(np.rint(picture + 10 * noise), 0, 255).astype(np.uint8)


def _as_jpeg(picture: np.ndarray) -> np.ndarray:
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])


DAMAGES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "sharp": lambda picture: picture,
    "blurred (2 px)": lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), 2)),
    "noisy (10 of 255)": _noisy,
    "JPEG of quality 30": _as_jpeg,
}


def _draw_hand(shape: np.ndarray) -> None:
    cv2.ellipse(shape, (250, 430), (70, 60), 0, 0, 360, 255, -1)
    for finger in range(4):
        cv2.line(shape, (200 + 33 * finger, 400), (170 + 45 * finger, 280), 255, 26)


def _draw_spectacles(shape: np.ndarray) -> None:
    for middle in (193, 319):
        cv2.ellipse(shape, (middle, 242), (48, 38), 0, 0, 360, 255, 12)
    cv2.line(shape, (240, 236), (272, 236), 255, 12)


SHAPES: Mapping[str, tuple[Drawing, tuple[int, int, int]]] = {
    "hand": (_draw_hand, (224, 172, 140)),
    "bar": (lambda shape: cv2.line(shape, (0, 380), (511, 300), 255, 30), (30, 160, 60)),
    "spectacles": (_draw_spectacles, (20, 20, 22)),
    "text": (lambda shape: cv2.putText(shape, "SAMPLE", (110, 330), 0, 2.6, 255, 14), (255, 255, 255)),
    "scratch": (lambda shape: cv2.line(shape, (210, 90), (235, 440), 255, 3), (235, 235, 235)),
}
"""What is painted over a face, and its colour. A scratch is what users want gone."""


def psnr(image: Tensor, truth: Tensor, mask: Tensor) -> float:
    return float(-10 * torch.log10(((image - truth) ** 2 * mask).sum() / (3 * mask.sum())))


def fine_energy(image: Tensor, mask: Tensor) -> float:
    rows = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    fine = torch.from_numpy(rows - cv2.GaussianBlur(rows, (0, 0), 1.5)).permute(2, 0, 1)
    return float((fine**2 * mask).sum() / mask.sum())


def measure_portrait(restorer: FaceRestorer, path: Path) -> None:
    truth = read_picture(path).images[0]
    faces = restorer.detect([truth], RestoreOptions(select="largest"))[0].faces
    for damage, apply in DAMAGES.items():
        damaged = to_tensor(apply(to_array(truth)))
        found = restorer.restore(damaged, faces=[faces[0]]).found
        cells = []
        for detail in (0.0, 1.0):
            (finished,) = finish_faces([found], BlendOptions(detail=detail))
            ((image, mask),) = blend_faces([finished])
            share = fine_energy(image, mask) / fine_energy(truth, mask)
            cells.append((share, psnr(image, truth, mask)))
        (before, dull), (after, kept) = cells
        size = f"{max(faces[0].box.width, faces[0].box.height):.0f}"
        print(
            f"| {path.stem} | {size} | {damage} | {before:.0%} | {after:.0%} | {dull:.2f} | {kept - dull:+.2f} |",
            flush=True,
        )


def aligned_entry(restorer: FaceRestorer, picture: np.ndarray, fidelity: float) -> ImageFaces:
    """A picture (512, 512, 3) that is an aligned face, restored."""
    image = to_tensor(picture)
    detection = FaceDetection(Box(0, 0, 511, 511), FFHQ_TEMPLATE, 1.0)
    face = Face(detection, 0, crop=FaceCrop(detection, image, np.eye(2, 3)))
    return restore_faces([ImageFaces(image, (512, 512), (face,))], restorer.model, fidelity)[0]


def pasted(entry: ImageFaces, mask: str) -> tuple[Tensor, Tensor]:
    ((image, shown),) = blend_faces(finish_faces([entry], BlendOptions(mask=mask)))
    return image, shown


def measure_bare(restorer: FaceRestorer, paths: list[Path], level: str, fidelity: float) -> None:
    gains = []
    for number, path in enumerate(paths):
        truth = read_face(path, restorer.detector("auto"))
        entry = aligned_entry(restorer, degrade_level(to_array(truth), level, number), fidelity)
        soft, where = pasted(entry, "soft")
        gains.append(psnr(pasted(entry, "auto")[0], truth, where) - psnr(soft, truth, where))
    print(f"| {level} | {len(paths)} | {np.mean(gains):+.3f} | {min(gains):+.3f} | {max(gains):+.3f} |", flush=True)


def measure_covered(restorer: FaceRestorer, paths: list[Path], fidelity: float) -> None:
    faces = [to_array(read_face(path, restorer.detector("auto"))) for path in paths]
    bare = [aligned_entry(restorer, face, fidelity).used[0].restored for face in faces]
    for name, (draw, colour) in SHAPES.items():
        changes = []
        for face, without in zip(faces, bare, strict=True):
            shape = np.zeros(face.shape[:2], np.uint8)
            draw(shape)
            entry = aligned_entry(restorer, np.where(shape[..., None] > 0, np.array(colour, np.uint8), face), fidelity)
            painted = entry.with_used([replace(entry.used[0], restored=without)])
            changes.append([_change(case, mask, shape) for case in (entry, painted) for mask in ("soft", "auto")])
        soft, auto, soft_painted, auto_painted = np.mean(changes, axis=0)
        cells = f"{soft * 255:.1f} | {auto / soft:.0%} | {soft_painted * 255:.1f} | {auto_painted / soft_painted:.0%}"
        print(f"| {name} | {cells} |", flush=True)


def _change(entry: ImageFaces, mask: str, shape: np.ndarray) -> float:
    """Mean change of the input inside the shape, as far as the mask soft reaches."""
    image, _ = pasted(entry, mask)
    assert entry.image is not None
    where = torch.from_numpy(shape > 0) & (pasted(entry, "soft")[1][0] > 0.5)
    return float((image - entry.image)[:, where].abs().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, help="folder of sharp photographs with one large face each")
    parser.add_argument("--faces", type=Path, help="folder of sharp pictures with one face each")
    parser.add_argument("--limit", type=int, help="use only so many of each")
    parser.add_argument("--covered", type=int, default=4, help="faces that shapes are painted over (default 4)")
    parser.add_argument("--fidelity", type=float, default=0.5, help="of the faces (default 0.5)")
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    arguments = parser.parse_args()
    with FaceRestorer(arguments.model, device="cpu") as restorer, torch.inference_mode():
        print(f"{describe_machine()}; model {restorer.model.name}\n")
        if arguments.portraits:
            print("| portrait | face, px | input | detail before | after | PSNR before | after |\n" + "|---" * 7 + "|")
            for path in list(pictures_in(arguments.portraits).values())[: arguments.limit]:
                measure_portrait(restorer, path)
        if arguments.faces:
            paths = list(pictures_in(arguments.faces).values())[: arguments.limit]
            print("\n| shape | change | with auto | face painted over it | with auto |\n" + "|---" * 5 + "|")
            measure_covered(restorer, paths[:: max(1, len(paths) // arguments.covered)], arguments.fidelity)
            print("\n| level | faces | PSNR, mean | least | most |\n" + "|---" * 5 + "|")
            for level in LEVELS:
                measure_bare(restorer, paths, level, arguments.fidelity)


if __name__ == "__main__":
    main()
