"""Which faces are already sharp: `python -m benchmarks.sharpness FACES... --photographs DIR --svg docs/sharpness.svg`.

Every sharp face is degraded in each way below, and its sharpness measured. A threshold is good if at most 2 % of the
degraded faces are left alone, and at least half of the sharp ones. The faces with even numbers show which thresholds
are good; the others, how good the one in use is.
"""

import argparse
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from vqfr_core.evaluation.degrade import LEVELS, degrade, through_jpeg
from vqfr_core.evaluation.faces import pictures_in, read_face
from vqfr_core.pictures import to_array, to_tensor
from vqfr_core.pipeline.degradation import SHARP, measure_degradation
from vqfr_core.weights.store import WeightStore

from .machine import describe_machine, seconds_of

SHARP_KIND, MOST_SKIPPED, LEAST_KEPT = "sharp", 0.02, 0.5
THRESHOLDS = np.linspace(0, 1, 101)

Degrade = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Maps a face, uint8 (512, 512, 3) RGB, to a degraded one."""


def by_level(level: str) -> Degrade:
    return lambda face, rng: degrade(face, LEVELS[level], rng)


def compressed(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(through_jpeg(face, round(rng.uniform(15, 50))))


def noisy(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.uniform(6, 25) * rng.standard_normal(face.shape)
    return np.clip(np.rint(face + noise), 0, 255).astype(np.uint8)


def blurred(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(face, (0, 0), rng.uniform(1.5, 5))


def blurred_and_noisy(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return noisy(blurred(face, rng), rng)


def small(face: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = round(len(face) / rng.uniform(1.5, 10))
    reduced = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(reduced, face.shape[1::-1], interpolation=cv2.INTER_CUBIC)


WAYS: Mapping[str, Degrade] = {
    **{level: by_level(level) for level in LEVELS},
    "JPEG, quality 15 to 50": compressed,
    "noise, sigma 6 to 25": noisy,
    "blur, sigma 1.5 to 5 px": blurred,
    "blur and noise": blurred_and_noisy,
    "1.5 to 10 times smaller": small,
}


class Measured(NamedTuple):
    """One face in one state."""

    number: int
    kind: str
    """SHARP_KIND, or how it was degraded."""
    sharpness: float


def measured(faces: Sequence[Tensor]) -> Iterator[Measured]:
    for number, face in enumerate(faces):
        yield Measured(number, SHARP_KIND, sharpness_of(face))
        for way, (kind, change) in enumerate(WAYS.items()):
            degraded = change(to_array(face), np.random.default_rng([number, way]))
            yield Measured(number, kind, sharpness_of(to_tensor(degraded)))


def sharpness_of(face: Tensor) -> float:
    measures = measure_degradation(face)
    assert measures is not None  # 512 px are enough
    return measures.sharpness


def left_alone(rows: Sequence[Measured], is_sharp: bool) -> np.ndarray:
    """The share of sharp or degraded faces left alone at each of THRESHOLDS."""
    values = np.array([row.sharpness for row in rows if (row.kind == SHARP_KIND) == is_sharp])
    shares: np.ndarray = (values[:, None] >= THRESHOLDS).mean(axis=0)
    return shares


def draw(halves: Mapping[str, Sequence[Measured]]) -> str:
    """An SVG: the share of faces left alone over the threshold."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure((7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for (name, rows), style in zip(halves.items(), ("--", "-"), strict=True):
        for is_sharp, colour in ((True, "tab:green"), (False, "tab:red")):
            label = f"{'sharp' if is_sharp else 'degraded'} faces, {name}"
            axes.plot(THRESHOLDS, left_alone(rows, is_sharp), style, color=colour, label=label)
    axes.axvline(SHARP, color="grey", linewidth=1)
    axes.set_xlabel("threshold of sharpness")
    axes.set_ylabel("share of faces left alone")
    axes.legend()
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "vqfr", "svg.fonttype": "none"}):  # the same bytes on every run
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def print_table(rows: Sequence[Measured]) -> None:
    print(f"| faces | sharpness: 2 % | median | 98 % | left alone at {SHARP} |\n|{' --- |' * 5}")
    for kind in (SHARP_KIND, *WAYS):
        own = np.array([row.sharpness for row in rows if row.kind == kind])
        low, middle, high = np.quantile(own, (0.02, 0.5, 0.98))
        print(f"| {kind} | {low:.2f} | {middle:.2f} | {high:.2f} | {(own >= SHARP).mean():.1%} of {len(own)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path, nargs="*", help="folders of sharp, aligned faces of at least 512 px")
    parser.add_argument("--photographs", type=Path, help="folder of sharp photographs with one such face each")
    parser.add_argument("--svg", type=Path, help="draw the curves to this file")
    arguments = parser.parse_args()
    store = WeightStore()
    detector = store.open("detector", store.packaged_name("detector"), "cpu")
    faces = [read_face(path) for folder in arguments.faces for path in pictures_in(folder).values()]
    if arguments.photographs:
        faces += [read_face(path, detector) for path in pictures_in(arguments.photographs).values()]
    rows = list(measured(faces))
    chosen_on, judged_on = ([row for row in rows if row.number % 2 == half] for half in (0, 1))
    is_good = (left_alone(chosen_on, False) <= MOST_SKIPPED) & (left_alone(chosen_on, True) >= LEAST_KEPT)
    good = THRESHOLDS[is_good]
    shown = f"{good.min():.2f} to {good.max():.2f}" if good.size else "none"
    milliseconds = 1000 * min(seconds_of(lambda: measure_degradation(faces[0])) for _ in range(20))
    print(f"{describe_machine()}; {len(faces)} faces, {milliseconds:.1f} ms each to measure")
    print(f"good on the faces with even numbers: {shown}; the others at {SHARP}:\n")
    print_table(judged_on)
    degraded = [row.sharpness >= SHARP for row in judged_on if row.kind != SHARP_KIND]
    print(f"\nleft alone of all degraded faces: {np.mean(degraded):.2%} of {len(degraded)}")
    if arguments.svg:
        arguments.svg.write_text(draw({"even numbers": chosen_on, "odd numbers": judged_on}), encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
