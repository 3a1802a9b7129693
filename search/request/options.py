"""The command line of `search/run.py`. Only the standard library and the nouns: `--help` starts at once."""

import argparse
import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from search.request.resources import AUTO, MAX_TRIALS_PER_GPU
from spaces.benchmark import BENCHMARKS, Benchmark, Budget
from spaces.chain import MLM
from spaces.errors import UsageError
from spaces.named_spaces import SPACES, find_space
from spaces.phase import MaskedWords
from spaces.probe_columns import PROBE_FAMILIES
from spaces.space import Range, Space

EXAMPLES = """examples:
  python search/run.py --space full                     the miniature, on this machine; run it again to continue
  python search/run.py --space quick --plan             what would run, without running it
  python search/run.py --space full --benchmark xtreme --data DIR --check
  python search/run.py --space quick --benchmark xtreme --data DIR --model intfloat/multilingual-e5-small --limit 2000
  python search/run.py --space full --benchmark xtreme --model FacebookAI/xlm-roberta-large --gpus-per-trial 1

exit codes: 0 all done, 1 some stages failed, 2 bad usage or data that lack something (nothing was written),
130 interrupted (run it again)
"""

SCHEDULERS = ("halving", "racing", "asha", "none")

Value = TypeVar("Value")
Settings = TypeVar("Settings", Budget, MaskedWords)


def build_parser() -> argparse.ArgumentParser:
    """Every flag with a sentence."""
    p = argparse.ArgumentParser(
        prog="search/run.py",
        description="Search for the intermediate task that helps zero-shot transfer most.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = p.add_argument_group("what to search")
    named = "; ".join(f"{space.name}: {space.about}" for space in SPACES.values())
    what.add_argument(
        "--space", default="full", metavar="NAME|FILE", help=f"{named}; or a Python file, which is executed"
    )
    what.add_argument("--benchmark", default="miniature", help=f"{' or '.join(BENCHMARKS)} (default: %(default)s)")
    what.add_argument("--model", metavar="ID|DIR", help="encoder for xtreme (default: XLM-R Large)")
    what.add_argument("--data", metavar="DIR", help="folder laid out like the hub (default: the hub itself)")
    what.add_argument(
        "--intermediates",
        metavar="A,B",
        help="instead of the space's, e.g. mnli,mnli@sw,mnli+squad,squad~freelb,none:salt",
    )
    what.add_argument("--targets", metavar="A,B", help="instead of the space's")
    what.add_argument("--learning-rates", metavar="X,Y|LOW..HIGH[:DRAWS]", help="a list, or a range to sample from")
    what.add_argument("--seeds", metavar="0,1", help="each a replicate of the whole chain")
    what.add_argument(
        "--limit", type=_parse_positive_int, metavar="N", help="training examples per task; marks the sweep"
    )
    what.add_argument("--test-limit", type=_parse_positive_int, metavar="N", help="dev and test examples per language")
    what.add_argument(
        "--steps", type=_parse_positive_int, metavar="N", help="of every intermediate phase, whatever its recipe says"
    )
    what.add_argument(
        "--examples", type=_parse_positive_int, metavar="N", help="distinct rows of every intermediate phase"
    )
    what.add_argument("--skip-missing", action="store_true", help="leave out tasks that the data lack, and say so")
    what.add_argument("--floor", action="store_true", help="also train the targets from a random encoder")
    what.add_argument(
        "--precision",
        choices=("auto", "bf16", "fp32"),
        default="auto",
        help="of matrix products; part of what names a stage (default: bf16 for xtreme on GPUs, else fp32)",
    )
    words = p.add_argument_group("masked words beside a task (chains such as mnli+mlm)")
    words.add_argument("--mlm-share", type=_parse_non_negative_float, metavar="F", help="of all steps (default: 0.5)")
    words.add_argument("--mlm-languages", metavar="A,B", help="(default: all that have text)")
    words.add_argument(
        "--mlm-smoothing", type=_parse_non_negative_float, metavar="F", help="languages are drawn by n^F (default: 0.3)"
    )
    world = p.add_argument_group("the miniature's world")
    world.add_argument(
        "--world-seed", type=_parse_non_negative_int, default=0, metavar="N", help="another seed, another lexicon"
    )
    world.add_argument("--null-world", action="store_true", help="a world in which no intermediate task can help")
    how = p.add_argument_group("how to run it")
    how.add_argument(
        "--results", default="runs", metavar="DIR|URL", help="folder, or s3://bucket/prefix (default: %(default)s)"
    )
    how.add_argument(
        "--scratch", metavar="DIR", help="each machine's own disk for tokenised data (default: the results)"
    )
    how.add_argument("--name", help="name of the sweep (default: <space>-<benchmark>)")
    how.add_argument(
        "--scheduler",
        choices=SCHEDULERS,
        default=SCHEDULERS[0],
        help="early stopping on English dev; racing is halving, and no more seeds for tasks that are clearly worse "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--max-concurrent", type=_parse_positive_int, metavar="N", help="trials at once (default: what fits)"
    )
    how.add_argument(
        "--cpus-per-trial", type=_parse_positive_int, default=1, metavar="N", help="(default: %(default)s)"
    )
    how.add_argument(
        "--gpus-per-trial",
        type=_parse_gpus,
        default=0.0,
        metavar=f"F|{AUTO}",
        help=f"may be a fraction; {AUTO}: up to {MAX_TRIALS_PER_GPU} trials on one, by the memory that such stages took",
    )
    how.add_argument("--address", metavar="ADDR", help="address of a running Ray cluster")
    how.add_argument(
        "--hang-after",
        type=_parse_non_negative_float,
        default=30.0,
        metavar="MINUTES",
        help="end a worker without progress for so long; 0: never (default: %(default)g)",
    )
    how.add_argument("--keep", choices=("none", "winners", "all"), default="winners", help="encoders to keep")
    how.add_argument(
        "--predictions",
        action="store_true",
        help="keep test predictions: for a submission, and for intervals over test items",
    )
    how.add_argument(
        "--probes", metavar="A,B", help=f"also measure the encoder of every trained stage: {', '.join(PROBE_FAMILIES)}"
    )
    how.add_argument("--plan", action="store_true", help="print stages, cost and disk; start nothing")
    how.add_argument("--check", action="store_true", help="look at all data that the sweep needs; start nothing")
    how.add_argument("--retry-failed", action="store_true", help="try failed stages again")
    return p


def space_of(options: argparse.Namespace, benchmark: Benchmark) -> Space:
    """The space that the flags describe: the named one with its axes replaced where flags say so."""
    space = find_space(options.space, benchmark)
    changes: dict[str, object] = {}
    if options.intermediates is not None:
        changes["intermediates"] = _parse_list("intermediates", options.intermediates, str)
    elif "alignment" in probes_of(options):
        changes["intermediates"] = _add_controls(space, benchmark)
    if options.targets is not None:
        changes["targets"] = _parse_list("targets", options.targets, str)
    if options.seeds is not None:
        changes["seeds"] = _parse_list("seeds", options.seeds, _parse_seed)
    if options.learning_rates is not None:
        changes["learning_rates"] = _parse_rates(options.learning_rates)
    if options.test_limit is not None:
        changes["test_limit"] = options.test_limit
    if options.floor:
        changes["floor"] = True
    budget = {"steps": options.steps, "examples": options.examples}
    changes["budget"] = _apply_flags(space.budget, budget)
    languages = None if options.mlm_languages is None else _parse_list("mlm-languages", options.mlm_languages, str)
    masked = {"share": options.mlm_share, "languages": languages, "smoothing": options.mlm_smoothing}
    changes["masked"] = _apply_flags(space.masked, masked)
    return dataclasses.replace(space, **changes)  # type: ignore[arg-type]


def probes_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The families of probes that the flags ask for, in table order."""
    asked = (
        ()
        if options.probes is None
        else _parse_list("probes", options.probes, lambda name: PROBE_FAMILIES.find(name).name)
    )
    return tuple(name for name in PROBE_FAMILIES if name in asked)


def _add_controls(space: Space, benchmark: Benchmark) -> tuple[str, ...]:
    """The chains of a space, and those that tell what alignment owes to any training: random labels, masked words."""
    names = benchmark.intermediate_names() if space.intermediates is None else space.intermediates
    controls = (task.name for task in benchmark.intermediates.values() if task.is_control or task.name == MLM)
    return tuple(dict.fromkeys((*names, *controls)))


def resolve_sweep_name(options: argparse.Namespace) -> str:
    """The sweep's name: a plain folder name below the results folder."""
    given = Path(options.space).stem if options.space.endswith(".py") else options.space
    name: str = options.name if options.name is not None else f"{given}-{options.benchmark}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or name in ("stages", "encoded"):
        raise UsageError(
            f"--name {name!r}: a sweep's name has letters, digits, '.', '_' and '-', begins with a letter or digit, "
            "and is not 'stages' or 'encoded'."
        )
    return name


def _apply_flags(given: Settings, flags: Mapping[str, object]) -> Settings:
    """A record with the fields that flags say."""
    changes: Any = {name: value for name, value in flags.items() if value is not None}
    return dataclasses.replace(given, **changes)


def _parse_list(axis: str, text: str, read: Callable[[str], Value]) -> tuple[Value, ...]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise UsageError(f"--{axis} {text!r}: an axis is a list like a,b without empty items.")
    return tuple(read(item) for item in items)


def _parse_seed(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"--seeds: a seed is a whole number from 0 up, got {text!r}.")
    return int(text)


def _parse_rates(text: str) -> tuple[float, ...] | Range:
    if ".." in text:
        low, _, rest = text.partition("..")
        high, _, draws = rest.partition(":")
        if draws and not draws.isdecimal():
            raise UsageError(f"--learning-rates {text!r}: the number of draws is a whole number, got {draws!r}.")
        return Range(_parse_rate(low), _parse_rate(high), *([int(draws)] if draws else []))
    return _parse_list("learning-rates", text, _parse_rate)


def _parse_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise UsageError(f"--learning-rates: a learning rate is a number such as 1e-5, got {text!r}.") from None
    if not 0 < rate < math.inf:
        raise UsageError(f"--learning-rates: a learning rate is above 0, got {text}.")
    return rate


def _parse_positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 up is needed, got {text!r}")
    return int(text)


def _parse_non_negative_int(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number from 0 up is needed, got {text!r}")
    return int(text)


def _parse_non_negative_float(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < math.inf:
        raise argparse.ArgumentTypeError(f"a number from 0 up is needed, got {text!r}")
    return share


def _parse_gpus(text: str) -> float | str:
    return AUTO if text == AUTO else _parse_non_negative_float(text)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; argparse itself ends with exit code 2 on unknown flags."""
    return build_parser().parse_args(argv)
