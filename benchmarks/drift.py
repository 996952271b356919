"""How far restoring moves faces, by level and fidelity: `python -m benchmarks.drift FACES`.

FACES is a folder of sharp, aligned faces, degraded as `evaluate` does it. The limits in
`vqfr_core/pipeline/restoring/drift.py` should flag few faces where the restorer does well, and most where it does not.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from vqfr_core import FaceRestorer, RestoreOptions
from vqfr_core.evaluation.degrade import LEVELS
from vqfr_core.evaluation.faces import find_cases, load_face
from vqfr_core.pipeline.restoring.drift import has_drifted
from vqfr_core.types import Drift

from .machine import describe_machine


def measured(
    restorer: FaceRestorer, folder: Path, limit: int | None, level: str
) -> tuple[dict[float, list[Drift]], float]:
    """The drifts by fidelity, and what measuring one adds to restoring a face, as a fraction."""
    fidelities = [share * restorer.model.settles_at for share in (0.0, 0.5, 1.0)]
    found: dict[float, list[Drift]] = defaultdict(list)
    restoring, measuring = 0.0, 0.0
    for number, case in enumerate(find_cases(folder, None, [], limit)):
        image = load_face(case, number, level).degraded
        assert image is not None
        alone = restorer.restore(image, RestoreOptions(aligned=True)).report.timings_s
        restoring, measuring = restoring + alone["restore"], measuring + alone["measure"]
        results = restorer.sweep(image, fidelities, RestoreOptions(aligned=True))
        for fidelity, result in zip(fidelities, results, strict=True):
            drift = result.found.used[0].drift
            assert drift is not None
            found[fidelity].append(drift)
    return found, measuring / restoring


def row(level: str, fidelity: float, drifts: list[Drift]) -> str:
    landmarks = np.array([drift.landmarks for drift in drifts if drift.landmarks is not None])
    tones = np.array([drift.tones for drift in drifts])
    cells = [f"{np.median(landmarks):.1%}", f"{landmarks.max():.1%}", f"{np.median(tones):.1f}", f"{tones.max():.1f}"]
    return f"| {level} | {fidelity:g} | {' | '.join(cells)} | {sum(map(has_drifted, drifts))} of {len(drifts)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--limit", type=int, help="only the first faces by name")
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    arguments = parser.parse_args()
    restorer = FaceRestorer(arguments.model)
    print(f"{describe_machine()}; model {restorer.model.name}\n")
    print(f"| level | fidelity | landmarks: median | most | tones: median | most | warned |\n|{' --- |' * 7}")
    costs = []
    for level in LEVELS:
        found, cost = measured(restorer, arguments.faces, arguments.limit, level)
        costs.append(cost)
        print("\n".join(row(level, fidelity, drifts) for fidelity, drifts in found.items()), flush=True)
    print(f"\nmeasuring takes {np.mean(costs):.1%} of restoring")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
