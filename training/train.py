"""Command line of the trainer: `python -m training.train --faces FILE.tar --vgg FILE --out FOLDER`.

With several GPUs, or on the CPU with one process per core: `torchrun --nproc-per-node N -m training.train ...`.
Restarted with the same folder, it continues from the last checkpoint.
"""

import argparse
import json
import logging
import math
import time
from dataclasses import fields
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from .curves import draw_curves
from .data import Batch, batches, make_batch
from .distributed import agree, join, leave, rank, world
from .faces import read_faces
from .graphs import StepGraphs
from .handover import hand_over
from .identity import Identity
from .losses import Judges, Perceptual, View, draw_view
from .networks import SIZES, with_levels
from .recipe import Recipe
from .stage1 import stage1_step, update_codebook
from .stage2 import stage2_step
from .state import TrainState, begin_stage2, continue_from, load, new_state, save, set_rate, update_average
from .validate import count_codes, validate

logger = logging.getLogger("training")

NUM_COUNTED = 100
"""Training faces on which the codes in use are counted at the end of stage 1."""


class Trainer:
    """Runs the stages of a folder: data in, checkpoints, log and sheets out."""

    def __init__(self, state: TrainState, recipe: Recipe, arguments: argparse.Namespace, device: torch.device) -> None:
        self.state, self.recipe, self.device = state, recipe, device
        self.out: Path = arguments.out
        self.every_s: float = arguments.every_minutes * 60
        self.max_steps: int | None = arguments.max_steps
        self.patience: int = arguments.patience
        self.faces = read_faces(arguments.faces, arguments.num_validation, arguments.align)
        identity = Identity(arguments.identity).to(self.device) if arguments.identity else None
        self.judges = Judges(Perceptual(arguments.vgg).to(self.device), identity)
        self.graphs = StepGraphs(device)
        self.num_workers: int = arguments.num_workers
        self.first_step = 0
        self.last_look = 0.0
        self.shown = self.faces.validation[: arguments.num_shown]

    def run(self) -> None:
        """Run both stages from the current state."""
        if self.state.stage == 1:
            self._run_stage(self.recipe.stage1_minutes * 60)
            if rank() == 0:
                pictures = self.faces.training[:NUM_COUNTED]
                self._log(
                    {
                        "step": self.state.step,
                        "faces": len(pictures),
                        "codes_used": count_codes(self.state.net.eval(), pictures),
                    }
                )
            if not self.state.had_stage2:
                hand_over(self.state.net, self._batch_for_handover())
            begin_stage2(self.state)
            self._save("stage1_done.pt", "last.pt")
        self._run_stage(self.recipe.stage2_minutes * 60)

    def _batch_for_handover(self) -> Batch:
        recipe = self.recipe
        return make_batch(self.faces.training, recipe.stage2_crop_px, 8, recipe.seed, True, 0).on(self.device)

    def _run_stage(self, limit_s: float) -> None:
        self.first_step, self.last_look = self.state.step, self.state.seconds
        for part, crop_px, batch_size in self.recipe.phases(self.state.stage):
            if self._goes_on(part * limit_s):
                self._run_phase(limit_s, part * limit_s, crop_px, batch_size)
        if self.state.looks_since_best >= self.patience:
            logger.info("no better for %d validations: stage %d ends here", self.patience, self.state.stage)
        self._look()
        if self.state.looks_since_best > self.patience:
            self.state = load(self.out / f"stage{self.state.stage}_best.pt", self.device)

    def _goes_on(self, until_s: float) -> bool:
        state = self.state
        has_steps = self.max_steps is None or state.step - self.first_step < self.max_steps
        return has_steps and state.seconds < until_s and state.looks_since_best < self.patience

    def _run_phase(self, limit_s: float, until_s: float, crop_px: int, batch_size: int) -> None:
        """Steps on crops of one size, until so many seconds of the stage's `limit_s`."""
        state, recipe = self.state, self.recipe
        seed, is_degraded = recipe.seed * 10 + state.stage, state.stage == 2
        source = batches(
            partial(make_batch, self.faces.training, crop_px, batch_size, seed, is_degraded),
            first=state.step * world() + rank(),
            stride=world(),
            num_workers=self.num_workers,
            pin_memory=self.device.type == "cuda",
        )
        while self._goes_on(until_s):
            start = time.monotonic()
            figures = self._step(next(source).on(self.device), state.seconds / limit_s)
            state.step += 1
            if state.step % 10 == 0:
                self._log({"step": state.step, "seconds": state.seconds, **{k: float(v) for k, v in figures.items()}})
            state.seconds = agree(state.seconds + time.monotonic() - start, self.device)
            if state.seconds - self.last_look > self.every_s:
                self.last_look = state.seconds
                self._look()

    def _step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        state, recipe = self.state, self.recipe
        set_rate(state.optimizer, recipe.rate(state.stage, state.step, progress))
        adversarial = recipe.adversarial_weight > 0 and progress >= recipe.adversarial_from
        halved, corner = draw_view(state.generator, batch.sharp.shape[-1], self.device)
        take_step = stage1_step if state.stage == 1 else stage2_step

        def step(sharp: Tensor, degraded: Tensor, corner: Tensor) -> dict[str, Tensor]:
            return take_step(state, Batch(sharp, degraded), View(halved, corner), self.judges, recipe, adversarial)

        phase = state.stage, batch.sharp.shape, adversarial, state.codebook.started
        found = self.graphs.run(phase, halved, step, *batch, corner)
        if state.stage == 1:
            return update_codebook(state, recipe, found)
        update_average(state)
        return found

    def _look(self) -> None:
        """Validate, write a sheet, save; the best state of each stage by validation LPIPS gets its own file."""
        state = self.state
        found = math.inf
        if rank() == 0:
            sheet = self.out / f"stage{state.stage}_{state.step:06d}.jpg"
            figures = validate(state, self.shown, self.judges.perceptual, sheet)
            found = figures.get("lpips", math.inf)
            self._log({"step": state.step, **figures})
            draw_curves(self.out / "log.jsonl", self.out / "curves.png")
        is_best = self._remember(agree(found, self.device))
        self._save("last.pt", *([f"stage{state.stage}_best.pt"] if is_best else []))

    def _remember(self, lpips: float) -> bool:
        """Whether this validation LPIPS is the best of the stage so far."""
        state = self.state
        is_best = lpips < state.best
        state.best = min(lpips, state.best)
        state.looks_since_best = 0 if is_best else state.looks_since_best + 1
        return is_best

    def _save(self, *names: str) -> None:
        if rank() == 0:
            for name in names:
                save(self.state, self.out / name)

    def _log(self, figures: dict[str, float]) -> None:
        if rank() != 0:
            return
        line = {"stage": self.state.stage, **{k: round(v, 5) for k, v in figures.items()}}
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        logger.info("%s", line)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="tar or folder of aligned face pictures")
    parser.add_argument(
        "--align", action="store_true", help="the folder holds photographs: cut out and align all faces"
    )
    parser.add_argument(
        "--vgg", type=Path, help="safetensors with VGG16's convolutions; torchvision downloads them if not given"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, log and sheets")
    parser.add_argument("--network", choices=list(SIZES), default="v1", help="generation; both about as large")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--num-workers", type=int, default=1, help="processes that make crops; use more with a GPU")
    parser.add_argument("--identity", type=Path, help="weights of MobileFaceNet, for the identity loss; else none")
    parser.add_argument("--begin-with", type=Path, help="weights to continue from, e.g. the bundled ones")
    parser.add_argument("--begin-stage", type=int, choices=[1, 2], default=2, help="the stage to continue with (2)")
    parser.add_argument("--num-validation", type=int, help="pictures kept for validation (4 %%)")
    parser.add_argument("--num-shown", type=int, default=6, help="validation faces used during the run")
    parser.add_argument(
        "--every-minutes", type=float, default=5.0, help="time between checkpoints, each with a validation"
    )
    parser.add_argument("--patience", type=int, default=6, help="validations without a better LPIPS until a stage ends")
    parser.add_argument("--max-steps", type=int, help="stop each stage after so many steps in this call")
    for field in fields(Recipe):
        name = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(name, type=type(field.default), default=field.default)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train, or continue training."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint, device = options.out / "last.pt", join(options.device)
    torch.backends.cudnn.benchmark = True  # sizes stay the same for thousands of steps
    if checkpoint.exists():
        state = load(checkpoint, device)
    elif options.begin_with:
        state = continue_from(options.begin_with, recipe.seed, device, options.begin_stage)
    else:
        state = new_state(with_levels(SIZES[options.network], recipe.levels), recipe.seed, device)
    Trainer(state, recipe, options, device).run()
    leave()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
