"""Plot the curves of a run from its log."""

import json
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

PANELS = {
    "losses": ("l1", "perceptual", "colour", "commitment", "codes", "discriminator"),
    "validation LPIPS (VGG16)": (
        "lpips",
        "medium_input_lpips",
        "medium_answer_lpips",
        "heavy_input_lpips",
        "heavy_answer_lpips",
    ),
    "validation PSNR (dB)": (
        "sharp_texture_psnr",
        "medium_input_psnr",
        "medium_answer_psnr",
        "heavy_input_psnr",
        "heavy_answer_psnr",
    ),
    "codes": ("codes_in_use", "unused_codes"),
}
SMOOTHED = 0.9
"""Decay of the moving average of the loss curves, per step of the log."""


def draw_curves(log: Path, target: Path) -> None:
    """One column per stage, one row per panel, over steps. log: lines of JSON; target: .png or .svg."""
    series: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
    for line in log.read_text().splitlines():
        figures = json.loads(line)
        for name, value in figures.items():
            series[figures["stage"], name].append((figures["step"], value))
    figure = Figure(figsize=(12, 3 * len(PANELS)), layout="constrained")
    axes = figure.subplots(len(PANELS), 2, squeeze=False)
    for row, (title, names) in zip(axes, PANELS.items(), strict=True):
        for stage, axis in enumerate(row, start=1):
            axis.set_title(f"stage {stage}: {title}")
            for name in names:
                points = series.get((stage, name), [])
                values = _smooth([value for _, value in points]) if title == "losses" else [v for _, v in points]
                if points:
                    axis.plot([step for step, _ in points], values, label=name, marker="" if title == "losses" else ".")
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize="small")
                axis.grid(alpha=0.3)
    figure.savefig(target)


def _smooth(values: list[float]) -> list[float]:
    smoothed: list[float] = []
    for value in values:
        smoothed.append(SMOOTHED * smoothed[-1] + (1 - SMOOTHED) * value if smoothed else value)
    return smoothed
