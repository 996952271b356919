"""`evaluate`: measure how good models are, with the usual metrics."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files.outputs import make_folder, write_whole
from ..networks.fidelity import AUTO_FIDELITY, SWEEP_FIDELITIES
from .arguments import PROGRAM, add_models, add_settings, add_talk, fidelity_list, number_list, read_settings, word_list
from .console import Console

if TYPE_CHECKING:
    from ..evaluation.metrics import Tools
    from ..evaluation.run import Plan

_EPILOG = """\
examples:
  python -m vqfr_core evaluate --originals faces -o evaluation --models vqfr_small2,vqfr_v2
  python -m vqfr_core evaluate --originals hq --degraded lq -o evaluation --models vqfr_v2 --fidelities 0,0.5,1
  python -m vqfr_core evaluate --originals hq --restored results -o evaluation
  python -m vqfr_core evaluate --degraded lfw -o evaluation --models vqfr_v2 --reference ffhq --features inception

Faces are aligned like FFHQ's. Originals alone are degraded by a fixed, seeded recipe. OUT receives evaluation.md and
evaluation.json, a sheet of pictures for each level, and the trade-off as SVG for a model with several fidelities.
For what the metrics need see docs/evaluation.md.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "evaluate",
        usage=f"{PROGRAM} evaluate [--originals DIR] [--degraded DIR] [--restored DIR] -o OUT [options]",
        help="measure the quality of models: PSNR, SSIM, LPIPS, NIQE, identity, landmarks, FID, KID",
        description="Restore faces with several models and measure the results.",
        epilog=_EPILOG,
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help="Folder for the results.")
    _add_faces(parser)
    _add_metrics(parser)
    parser.add_argument(
        "--models",
        type=word_list,
        metavar="NAME|FILE,...",
        help="Models to compare. (default auto; none with --restored pictures)",
    )
    parser.add_argument(
        "--fidelities",
        type=_fidelities,
        default=SWEEP_FIDELITIES,
        metavar="F,F,...",
        help="Fidelities of models that have one; auto chooses one for each face. "
        "Above 0.5 a v1 does not change: equal rows are left out. "
        f"(default {number_list(SWEEP_FIDELITIES)})",
    )
    add_settings(parser, ("restore",), leave_out=("fidelity", "aligned"))
    add_models(parser, with_model=False)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """0 if everything asked for was measured. Raises InputError and whatever loading and restoring raise."""
    from ..evaluation.metrics import Tools
    from ..evaluation.report import make_files
    from ..evaluation.run import evaluate
    from ..evaluation.weights import MetricFolder
    from ..networks.devices import pick_device

    make_folder(arguments.output)
    tools = Tools(MetricFolder(arguments.metric_weights), pick_device(arguments.device))
    plan, absent = _plan(arguments, tools, console)
    for label, reason in absent.items():
        console.note(f"{label} is absent: {reason}")
    with console.bar("pictures", "picture") as progress:
        outcome = evaluate(plan, progress)
    names = [metric.kind.name for metric in plan.metrics]
    features = arguments.features if plan.describe else None
    files = make_files(outcome, names, features, absent, _about(arguments, plan, tools))
    for name, content in files.items():
        write_whole(arguments.output / name, content)
    console.say(files["evaluation.md"].decode().rstrip())
    console.say(f"written to {arguments.output}: {', '.join(files)}")
    return 0


def _add_faces(parser: argparse.ArgumentParser) -> None:
    faces = parser.add_argument_group("faces")
    faces.add_argument("--originals", type=Path, metavar="DIR", help="Sharp faces.")
    faces.add_argument("--degraded", type=Path, metavar="DIR", help="The same faces degraded, under the same names.")
    faces.add_argument(
        "--restored",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="The same faces restored elsewhere; may be given several times.",
    )
    faces.add_argument("--align", action="store_true", help="The originals are photographs: find and align the face.")
    faces.add_argument(
        "--levels",
        type=word_list,
        default=["light", "medium", "heavy"],
        metavar="LEVEL,...",
        help="How originals are degraded without --degraded. (default light,medium,heavy)",
    )
    faces.add_argument("--seed", type=int, default=0, metavar="N", help="Seed of the degradation. (default 0)")
    faces.add_argument("--limit", type=_positive, metavar="N", help="Only the first N faces by name.")
    faces.add_argument("--show", type=_positive, default=6, metavar="N", help="Faces on each sheet. (default 6)")


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    metrics = parser.add_argument_group("metrics")
    metrics.add_argument(
        "--metrics",
        type=word_list,
        metavar="NAME,...",
        help="Metrics to compute; docs/evaluation.md lists them. (default: the usual ones, as far as possible)",
    )
    metrics.add_argument(
        "--metric-weights",
        type=Path,
        metavar="DIR",
        help="Folder with the metrics' weights. (default $VQFR_METRIC_WEIGHTS)",
    )
    metrics.add_argument("--reference", type=Path, metavar="DIR", help="Sharp faces that FID and KID compare with.")
    metrics.add_argument(
        "--features",
        default="alexnet",
        metavar="NAME",
        help="Network whose features FID and KID use; docs/evaluation.md lists them. (default alexnet)",
    )


def _plan(arguments: argparse.Namespace, tools: "Tools", console: Console) -> tuple["Plan", dict[str, str]]:
    """What to do, and the reasons for metrics that cannot be computed."""
    from ..evaluation.contestants import check_names
    from ..evaluation.faces import find_cases
    from ..evaluation.metrics import USUAL, open_metrics
    from ..evaluation.run import Plan

    _check(arguments)
    cases = find_cases(arguments.originals, arguments.degraded, arguments.restored, arguments.limit)
    wanted = arguments.metrics or USUAL
    metrics, absent = open_metrics(wanted, tools, has_originals=arguments.originals is not None)
    if absent and arguments.metrics:
        raise InputError("; ".join(f"{label}: {reason}" for label, reason in absent.items()))
    describe: Any = None
    reference: list[Path] = []
    if arguments.reference is None:
        absent["FID, KID"] = "compare with a set of pictures: name a folder with --reference"
    else:
        describe, reference = _open_reference(arguments, tools, len(cases))
    if not metrics and describe is None:
        raise InputError("no metric can be computed: " + "; ".join(f"{k}: {v}" for k, v in absent.items()))
    contestants = _contestants(arguments, console)
    check_names(contestants)
    plan = Plan(
        cases=cases,
        levels=_levels(arguments),
        contestants=contestants,
        metrics=metrics,
        seed=arguments.seed,
        align=tools.detector if arguments.align else None,
        batch_size=arguments.batch_size or (1 if tools.device.type == "cpu" else 8),
        num_shown=arguments.show,
        describe=describe,
        reference=reference,
    )
    return plan, absent


def _check(arguments: argparse.Namespace) -> None:
    from ..evaluation.degrade import LEVELS
    from ..evaluation.features import FEATURES

    if arguments.features not in FEATURES:
        raise InputError(f"unknown features {arguments.features}; choose from {', '.join(FEATURES)}")
    unknown = [level for level in arguments.levels if level not in LEVELS]
    if unknown:
        raise InputError(f"unknown level {', '.join(unknown)}; choose from {', '.join(LEVELS)}")
    if arguments.restored and arguments.models and not arguments.degraded:
        raise InputError("--restored and --models together need --degraded, so that all restore the same pictures")
    if arguments.align and (arguments.degraded or arguments.restored or not arguments.originals):
        raise InputError("--align is for --originals that are degraded here; other pictures must already be aligned")


def _levels(arguments: argparse.Namespace) -> list[str]:
    from ..evaluation.faces import GIVEN

    return [GIVEN] if arguments.degraded or arguments.restored else list(arguments.levels)


def _contestants(arguments: argparse.Namespace, console: Console) -> list[Any]:
    from ..evaluation.contestants import Input, Model, Restored
    from .networks import open_restorers

    options = read_settings(arguments).replace(aligned=True)
    contestants: list[Any] = [Input()] if arguments.degraded or not arguments.restored else []
    contestants += [Restored(folder, number) for number, folder in enumerate(arguments.restored)]
    names = arguments.models or ([] if arguments.restored else ["auto"])
    opened = open_restorers(arguments, names, options, console)
    return contestants + [Model(restorer, arguments.fidelities, options) for restorer in opened]


def _open_reference(arguments: argparse.Namespace, tools: "Tools", num_cases: int) -> tuple[Any, list[Path]]:
    """The features for FID and KID and the reference pictures. Raises InputError, and MetricAbsent without weights."""
    from ..evaluation.faces import pictures_in
    from ..evaluation.features import open_features

    reference = list(pictures_in(arguments.reference).values())
    if min(num_cases, len(reference)) < 2:
        raise InputError(
            f"FID and KID compare sets of pictures, and there are {num_cases} faces and {len(reference)} in "
            f"{arguments.reference}; leave out --reference"
        )
    return open_features(arguments.features, tools.folder, tools.device), reference


def _about(arguments: argparse.Namespace, plan: "Plan", tools: "Tools") -> dict[str, Any]:
    """For the JSON: settings, models and weights."""
    from .. import __version__
    from ..evaluation.contestants import Model
    from ..evaluation.report import describe_levels

    models = [contestant.about for contestant in plan.contestants if isinstance(contestant, Model)]
    names = ("originals", "degraded", "restored", "align", "limit", "reference", "features", "precision")
    return {
        "vqfr_core": __version__,
        "settings": {name: _plain(getattr(arguments, name)) for name in names},
        "seed": plan.seed,
        "pictures_per_level": len(plan.cases),
        "reference_pictures": len(plan.reference),
        "levels": describe_levels(plan.levels),
        "models": [{key: about[key] for key in ("name", "file", "sha256")} for about in models],
        "metric_weights_sha256": tools.folder.used,
        "device": str(tools.device),
    }


def _plain(value: Any) -> Any:
    """Folders by name only: their paths mean nothing to others."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value


def _fidelities(text: str) -> tuple[float | str, ...]:
    """Numbers, and auto at most once, in the order given."""
    return tuple(
        word if word == AUTO_FIDELITY else fidelity_list(word)[0] for word in word_list(text)
    ) or fidelity_list(text)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
