"""GFPGAN's network in our pipeline, beside facexlib's helper, which GFPGAN's own program uses.

`python -m benchmarks.gfpgan_helper` needs spandrel. The weights are random, which changes neither times nor what
happens around the network; what the faces themselves look like is not measured. Two plain networks show the rest: one
that gives its input back, and one that only tints it. Both sides find faces with RetinaFace mobile0.25. The helper
pastes a square, because the weights of its face parser are not part of this repository.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from facexlib.parsing.parsenet import ParseNet
from facexlib.utils.face_restoration_helper import FaceRestoreHelper
from PIL import Image
from torch import Tensor, nn

from stand_ins import restorers
from vqfr_core.networks.base import Detector, Restorer
from vqfr_core.networks.by_spandrel import GfpganRestorer
from vqfr_core.pipeline import blend_faces, crop_faces, find_faces, finish_faces, restore_faces, select_faces
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore

from .machine import alternate, describe_machine, peak_bytes
from .pipeline import photograph

Way = Callable[[np.ndarray, Restorer], np.ndarray]
"""From a picture (H, W, 3), RGB of 8 or 16 bits, and a network to the picture with its faces restored."""
TINT = (8 / 255, 0.0, -8 / 255)


class Plain(Restorer):
    """A function of the picture in place of a network."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__(nn.Identity(), "plain", "Plain")
        self._change = change

    def run(self, images: Tensor) -> Tensor:
        return self._change(images)


def tinted(images: Tensor) -> Tensor:
    return images + torch.tensor(TINT).view(1, 3, 1, 1)


class TheHelper:
    """facexlib's helper, called in the order of GFPGAN's own program, without enlarging."""

    def __init__(self, folder: Path, store: WeightStore) -> None:
        torch.save(
            store.open("detector", device="cpu").module.state_dict(), folder / "detection_mobilenet0.25_Final.pth"
        )
        torch.save(ParseNet(in_size=512, out_size=512, parsing_ch=19).state_dict(), folder / "parsing_parsenet.pth")
        self._helper: Any = FaceRestoreHelper(
            1, det_model="retinaface_mobile0.25", device=torch.device("cpu"), model_rootpath=str(folder)
        )

    @property
    def matrices(self) -> list[np.ndarray]:
        """Of the last picture: for each face from image to crop."""
        return list(self._helper.affine_matrices)

    def __call__(self, picture: np.ndarray, network: Restorer) -> np.ndarray:
        helper = self._helper
        helper.clean_all()
        helper.read_image(picture[..., ::-1])
        helper.get_face_landmarks_5(eye_dist_threshold=5)
        helper.align_warp_face()
        for crop in helper.cropped_faces:
            x = torch.from_numpy(np.ascontiguousarray(crop[..., ::-1], np.float32)).permute(2, 0, 1) / 255
            answer = network.restore(x[None], [0.5]).answers[0][0].clamp(0, 1)
            helper.add_restored_face((answer * 255).round().byte().permute(1, 2, 0).numpy()[..., ::-1])
        helper.get_inverse_affine()
        pasted: np.ndarray = helper.paste_faces_to_input_image()
        return pasted[..., ::-1]


class OurPipeline:
    """The library's steps with their default settings."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.matrices: list[np.ndarray] = []
        """Of the last picture: for each face from image to crop."""

    def __call__(self, picture: np.ndarray, network: Restorer) -> np.ndarray:
        most = np.iinfo(picture.dtype).max
        image = torch.from_numpy(picture.astype(np.float32) / most).permute(2, 0, 1)
        chosen = select_faces(find_faces([image], self._detector))
        cropped = crop_faces(chosen, network.crop_px)
        self.matrices = [face.crop.image_to_crop for face in cropped[0].used if face.crop is not None]
        finished = finish_faces(restore_faces(cropped, network))
        (blended,) = blend_faces(finished)
        return (blended.image.permute(1, 2, 0).numpy() * most).round().astype(picture.dtype)


def squares_of(size: tuple[int, int], matrices: Sequence[np.ndarray]) -> np.ndarray:
    """bool (H, W): the 512 px squares that are cut out by these maps from image to crop, a little wider."""
    squares = np.zeros(size, np.uint8)
    for image_to_crop in matrices:
        corners = np.array([[0, 0, 1], [512, 0, 1], [512, 512, 1], [0, 512, 1]]) - [0.5, 0.5, 0]
        points = corners @ cv2.invertAffineTransform(image_to_crop).T
        cv2.fillConvexPoly(squares, np.asarray(points.round(), np.int32), 1)
    return cv2.dilate(squares, np.ones((9, 9), np.uint8)) > 0


def changed_outside(way: Way, network: Restorer, picture: np.ndarray, inside: np.ndarray) -> str:
    """How many of the pixels outside the squares differ, and by how much at most, in parts of the largest value."""
    answer = way(picture, network)
    most = np.iinfo(picture.dtype).max
    difference = np.abs(answer / np.iinfo(answer.dtype).max - picture / most).max(axis=2)[~inside]
    return f"{(difference > 0).mean():.1%}, up to {difference.max():.5f}" if difference.any() else "none"


def psnr_inside(way: Way, network: Restorer, picture: np.ndarray, inside: np.ndarray) -> str:
    """Of what comes back through a network that changes nothing."""
    error = (way(picture, network).astype(np.float64) - picture)[inside] / 255
    return f"{-10 * np.log10((error**2).mean()):.1f} dB"


def colour_cast(way: Way, network: Restorer, picture: np.ndarray, inside: np.ndarray) -> str:
    """Mean change of red, green and blue, of 255, in the pixels that changed."""
    change = (way(picture, network).astype(np.float64) - picture)[inside]
    changed = change[np.abs(change).max(axis=1) > 0]
    return ", ".join(f"{value:+.1f}" for value in changed.mean(axis=0))


def grey_range(way: Way, network: Restorer, picture: np.ndarray, inside: np.ndarray) -> str:
    """The largest distance between a pixel's channels, of 255."""
    answer = way(picture, network).astype(int)
    return str(int((answer.max(axis=2) - answer.min(axis=2)).max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=8, help="default 8")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each (default 3)")
    arguments = parser.parse_args()
    print(f"{describe_machine()}; spandrel's GFPGAN with random weights, {arguments.faces} faces in 12 megapixels\n")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        _compare(Path(folder), arguments.faces, arguments.runs)


def _compare(folder: Path, num_faces: int, runs: int) -> None:
    store = WeightStore(lambda: Folders(folder))
    helper, ours = TheHelper(folder, store), OurPipeline(store.open("detector", device="cpu"))
    ways: dict[str, Way] = {"helper": helper, "ours": ours}
    restorers.save(restorers.gfpgan(), folder / "GFPGANv1.4.pth")
    gfpgan = store.open("restorer", str(folder / "GFPGANv1.4.pth"), "cpu")
    assert isinstance(gfpgan, GfpganRestorer)
    with Image.open(photograph(num_faces, folder / "photograph.jpg")) as opened:
        eight_bit = np.asarray(opened.convert("RGB"))
    sixteen_bit = eight_bit.astype(np.uint16) * 257 + np.arange(eight_bit.shape[1], dtype=np.uint16)[:, None] % 128
    grey = np.repeat(np.asarray(Image.fromarray(eight_bit).convert("L"))[..., None], 3, axis=2)
    same, tint = Plain(lambda images: images), Plain(tinted)

    work = {name: partial(way, eight_bit, gfpgan) for name, way in ways.items()}
    seconds = alternate(work, runs)
    peaks = {name: peak_bytes(do) for name, do in work.items()}
    inside = squares_of(eight_bit.shape[:2], [*helper.matrices, *ours.matrices])
    print(f"faces found: {len(helper.matrices)} by the helper, {len(ours.matrices)} by ours\n")
    rows: dict[str, Callable[[Way], str]] = {
        "pixels changed outside the faces' squares, 8 bits": lambda way: changed_outside(
            way, gfpgan, eight_bit, inside
        ),
        "the same, 16 bits": lambda way: changed_outside(way, tint, sixteen_bit, inside),
        "type of the result for 16 bits": lambda way: str(way(sixteen_bit, same).dtype),
        "PSNR in the squares if the network changes nothing": lambda way: psnr_inside(way, same, eight_bit, inside),
        "colour cast if the network adds +8, 0, -8": lambda way: colour_cast(way, tint, eight_bit, inside),
        "largest distance between channels of a grey picture, the same network": lambda way: grey_range(
            way, tint, grey, inside
        ),
    }
    print("| | facexlib's helper | our pipeline |\n| --- | --- | --- |")
    print("| time | " + " | ".join(f"{seconds[name]:.1f} s" for name in ways) + " |")
    print("| peak memory above the start | " + " | ".join(f"{(peaks[name] or 0) / 1e9:.1f} GB" for name in ways) + " |")
    for title, measure in rows.items():
        print(f"| {title} | " + " | ".join(measure(way) for way in ways.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
