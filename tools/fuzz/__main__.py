"""Read broken and hostile inputs, and count what must not happen: `python -m tools.fuzz`.

Crashes, hangs, errors that are not ours, writes outside the working folder, programs started, and more than 2 GB.
Inputs that did it are written to --keep. The same seed makes the same inputs.
"""

import argparse
import collections
import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

_SLOWEST_S = 60.0
"""Of one input, on a busy machine."""


@dataclass
class Counts:
    """What happened to the inputs of a kind."""

    num: int = 0
    num_deep: int = 0
    peak_bytes: int = 0
    slowest_s: float = 0.0
    faults: collections.Counter[str] = field(default_factory=collections.Counter)


def main() -> int:
    arguments = _parsed()
    os.environ["OMP_NUM_THREADS"] = "1"
    from .targets import TARGETS

    results = {}
    for name, (share, _) in TARGETS.items():
        if arguments.only in (None, name):
            results[name] = Run(name, arguments.seed, arguments.keep).work(range(round(share * arguments.inputs)))
            print(_line(name, results[name]), flush=True)
    num, num_deep = sum(c.num for c in results.values()), sum(c.num_deep for c in results.values())
    num_faults = sum(c.faults.total() for c in results.values())
    peak = max(c.peak_bytes for c in results.values())
    print(f"{num} inputs, {num_deep / num:.0%} came to a decoder, {num_faults} faults, peak {peak / 1e9:.2f} GB")
    return int(num_faults > 0 or num_deep * 3 < num)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one kind: pictures, weights, bodies or infotext")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "vqfr-fuzz"), help="for bad inputs")
    return parser.parse_args()


def _line(name: str, counts: Counts) -> str:
    faults = "".join(f"\n  {count} x {text}" for text, count in counts.faults.most_common())
    return (
        f"{name}: {counts.num} inputs, {counts.num_deep} came to a decoder, slowest {counts.slowest_s:.1f} s, "
        f"peak {counts.peak_bytes / 1e9:.2f} GB, {counts.faults.total()} faults{faults}"
    )


class Run:
    """The inputs of one kind, read by a process that is started anew when it dies or hangs."""

    def __init__(self, name: str, seed: int, keep: Path) -> None:
        self._name, self._seed, self._keep = name, seed, keep
        self._counts = Counts()

    def work(self, numbers: range) -> Counts:
        left = iter(numbers)
        with tempfile.TemporaryDirectory(prefix="vqfr-fuzz-") as folder:
            while self._serve(left, Path(tempfile.mkdtemp(dir=folder))):
                pass
        return self._counts

    def _serve(self, left: "collections.abc.Iterator[int]", folder: Path) -> bool:
        """With one process; False if all is done."""
        from .worker import serve

        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._name, self._seed, folder), daemon=True)
        process.start()
        theirs.close()
        try:
            pipe.recv()
            return any(not self._one(pipe, number) for number in left)
        finally:
            process.kill()
            process.join()

    def _one(self, pipe: "multiprocessing.connection.Connection", number: int) -> bool:
        counts, start = self._counts, time.monotonic()
        counts.num += 1
        pipe.send(number)
        fault, survives = "", True
        if not pipe.poll(_SLOWEST_S):
            fault, survives = "hang", False
        else:
            try:
                outcome = pipe.recv()
            except EOFError:
                fault, survives = "crash", False
            else:
                fault = outcome.fault
                counts.num_deep += outcome.is_deep
                counts.peak_bytes = max(counts.peak_bytes, outcome.peak_bytes)
        counts.slowest_s = max(counts.slowest_s, time.monotonic() - start)
        if fault:
            counts.faults[fault] += 1
            self._save(number)
        return survives

    def _save(self, number: int) -> None:
        """Only names the input: it is made anew from its number."""
        self._keep.mkdir(parents=True, exist_ok=True)
        (self._keep / f"{self._name}-{self._seed}-{number}").touch()


if __name__ == "__main__":
    raise SystemExit(main())
