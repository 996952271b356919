"""Command line of the trainer: `python -m training.train --faces FILE.tar --vgg FILE --out FOLDER`.

Started again with the same folder it goes on from the last checkpoint.
"""

import argparse
import json
import logging
import time
from dataclasses import fields
from pathlib import Path

import torch

from .data import Batch, batches, make_batch, read_faces
from .handover import hand_over
from .losses import Perceptual
from .recipe import Recipe
from .stage1 import stage1_step
from .stage2 import stage2_step
from .state import SMALL, TrainState, begin_stage2, load, new_state, save
from .validate import validate

logger = logging.getLogger("training")


class Trainer:
    """Runs the stages of one folder: data in, checkpoints, log and sheets out."""

    def __init__(self, state: TrainState, recipe: Recipe, arguments: argparse.Namespace) -> None:
        self.state, self.recipe = state, recipe
        self.out: Path = arguments.out
        self.device = torch.device(arguments.device)
        self.every_s: float = arguments.every_minutes * 60
        self.max_steps: int | None = arguments.max_steps
        self.faces = read_faces(arguments.faces, arguments.num_validation)
        self.perceptual = Perceptual(arguments.vgg).to(self.device)
        self.shown = self.faces.validation[: arguments.num_shown]

    def run(self) -> None:
        """Both stages, from wherever the state stands."""
        if self.state.stage == 1:
            self._run_stage(self.recipe.stage1_minutes * 60, self.recipe.stage1_crop_px, self.recipe.stage1_batch)
            hand_over(self.state.net, self._batch_for_handover())
            begin_stage2(self.state)
            save(self.state, self.out / "stage1_done.pt")
            save(self.state, self.out / "last.pt")
        self._run_stage(self.recipe.stage2_minutes * 60, self.recipe.stage2_crop_px, self.recipe.stage2_batch)

    def _batch_for_handover(self) -> Batch:
        batch = make_batch(self.faces.training, self.recipe.stage2_crop_px, 8, self.recipe.seed, 0)
        return Batch(*(image.to(self.device) for image in batch))

    def _run_stage(self, limit_s: float, crop_px: int, batch_size: int) -> None:
        state = self.state
        source = batches(self.faces.training, crop_px, batch_size, self.recipe.seed * 10 + state.stage, state.step)
        last_look = state.seconds
        steps = 0
        while state.seconds < limit_s and (self.max_steps is None or steps < self.max_steps):
            start = time.monotonic()
            figures = self._step(next(source), state.seconds / limit_s)
            state.step += 1
            steps += 1
            state.seconds += time.monotonic() - start
            if state.step % 10 == 0:
                self._log({"step": state.step, "seconds": round(state.seconds, 1), **figures})
            if state.seconds - last_look > self.every_s:
                last_look = state.seconds
                state.seconds += self._look()
        source.close()
        self._look()

    def _step(self, batch: Batch, progress: float) -> dict[str, float]:
        state, recipe = self.state, self.recipe
        rate = recipe.rate(state.stage, state.step, progress)
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0)
        batch = Batch(*(image.to(self.device, non_blocking=True) for image in batch))
        if state.stage == 1:
            return stage1_step(state, batch, self.perceptual, recipe)
        adversarial = recipe.adversarial_weight > 0 and progress >= recipe.adversarial_from
        return stage2_step(state, batch, self.perceptual, recipe, adversarial)

    def _look(self) -> float:
        """Save, validate, write a sheet; returns the seconds it took."""
        start, state = time.monotonic(), self.state
        save(state, self.out / "last.pt")
        sheet = self.out / f"stage{state.stage}_{state.step:06d}.jpg"
        self._log({"step": state.step, **validate(state, self.shown, self.perceptual, sheet)})
        return time.monotonic() - start

    def _log(self, figures: dict[str, float]) -> None:
        line = {"stage": self.state.stage, **{k: round(v, 5) for k, v in figures.items()}}
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        logger.info("%s", line)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="tar of aligned face pictures")
    parser.add_argument("--vgg", type=Path, required=True, help="safetensors with VGG16 convolutions up to conv4_3")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, log and sheets")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--num-validation", type=int, default=38, help="pictures kept for validation")
    parser.add_argument("--num-shown", type=int, default=6, help="validation faces looked at during the run")
    parser.add_argument("--every-minutes", type=float, default=5.0, help="time between checkpoints")
    parser.add_argument("--max-steps", type=int, help="stop each stage after so many steps of this call")
    for field in fields(Recipe):
        name = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(name, type=type(field.default), default=field.default)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train, or go on training."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint, device = options.out / "last.pt", torch.device(options.device)
    state = load(checkpoint, device) if checkpoint.exists() else new_state(SMALL, recipe.seed, device)
    Trainer(state, recipe, options).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
