"""The command line of `search/run.py`, and its values as a record.

It imports the standard library and `spaces` only, so that `--help` starts at once.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

from search.request import flag_values as values
from search.request.flag_values import AUTO, MAX_TRIALS_PER_GPU
from spaces.benchmark import BENCHMARKS
from spaces.named_spaces import SPACES
from spaces.probe_columns import PROBE_FAMILIES
from spaces.recipe_set import OURS
from spaces.recipes import RECIPE_SETS
from spaces.stage import TENTHS

EXAMPLES = """examples:
  python search/run.py --space full                     the miniature, on this machine; run it again to continue
  python search/run.py --space quick --plan             print what would run, and start nothing
  python search/run.py --space full --benchmark xtreme --data DIR --check
  python search/run.py --space quick --benchmark xtreme --data DIR --model intfloat/multilingual-e5-small --limit 2000
  python search/run.py --space full --benchmark xtreme --model FacebookAI/xlm-roberta-large --gpus-per-trial 1

exit codes: 0 all done, 1 some stages failed, Ray did not start or output was lost, 2 bad usage or missing data
(nothing was written), 130 interrupted (run the same command again)
"""

Scheduler = Literal["halving", "racing", "asha", "none"]
DEFAULT_PREVIEW = TENTHS  # of the phases: whole ones were right more often (docs/preview.md)
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The values of all flags, with their defaults. None stands for a flag that was not given."""

    space: str = "full"
    benchmark: str = "miniature"
    model: str | None = None
    data: str | None = None
    intermediates: str | None = None
    targets: str | None = None
    learning_rates: str | None = None
    recipe: str = OURS
    seeds: str | None = None
    limit: int | None = None
    test_limit: int | None = None
    pool_limit: int | None = None
    probe_limit: int | None = None
    target_steps: int | None = None
    batch_size: int | None = None
    max_length: int | None = None
    steps: int | None = None
    examples: int | None = None
    skip_missing: bool = False
    floor: bool = False
    translate_train: bool = False
    target_shots: int | None = None
    target_method: str | None = None
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    mlm_share: float | None = None
    mlm_languages: str | None = None
    mlm_smoothing: float | None = None
    world_seed: int = 0
    null_world: bool = False
    results: str = "runs"
    scratch: str | None = None
    name: str | None = None
    scheduler: Scheduler = "halving"
    max_concurrent: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | Literal["auto"] = 0.0
    memory_per_trial: float | None = None  # GB of the host
    address: str | None = None
    hang_after: float = 30.0  # minutes
    hours: float | None = None
    preview: int | None = None  # tenths of the phases
    keep: Literal["none", "winners", "all"] = "winners"
    keep_models: bool = False
    predictions: bool = False
    target_dev: bool = False
    probes: str | None = None
    plan: bool = False
    check: bool = False
    print_space: bool = False
    retry_failed: bool = False
    new_commits: bool = False

    @property
    def is_dry_run(self) -> bool:
        """True if nothing is to be trained: `--plan`, `--check` or `--print-space`."""
        return self.plan or self.check or self.print_space

    @property
    def uses_cluster(self) -> bool:
        """True if trials run on a Ray cluster that exists already."""
        return self.address is not None

    @property
    def packs_gpus(self) -> bool:
        """True if measured memory decides how many trials share a GPU."""
        return self.gpus_per_trial == AUTO


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all flags. Its defaults are those of RunOptions."""
    p = argparse.ArgumentParser(
        prog="search/run.py",
        description="Search for the intermediate task that helps zero-shot cross-lingual transfer most.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    count: dict[str, Any] = {"type": values.parse_whole_number, "metavar": "N"}
    number: dict[str, Any] = {"type": values.parse_non_negative_float, "metavar": "F"}

    add = p.add_argument_group("what to search").add_argument
    named = "; ".join(f"{space.name}: {space.about}" for space in SPACES.values())
    files = "or a TOML file, or a Python file, which is executed"
    add("--space", metavar="NAME|FILE", help=f"{named}; {files} (default: %(default)s)")
    add("--benchmark", help=f"{' or '.join(BENCHMARKS)} (default: %(default)s)")
    add("--model", metavar="ID|DIR", help="encoder for xtreme (default: XLM-R Large)")
    add("--data", metavar="DIR", help="folder laid out like the hub (default: the hub itself)")
    names = "instead of the space's, e.g. mnli,mnli@sw,mnli+squad,squad~freelb,none:salt"
    add("--intermediates", metavar="A,B", help=names)
    add("--targets", metavar="A,B", help="instead of the space's")
    add("--learning-rates", metavar="X,Y|LOW..HIGH[:DRAWS]", help="a list, or a range to sample from")
    sets = "; ".join(f"{each.name}: {each.about}" for each in RECIPE_SETS.values())
    add("--recipe", metavar="NAME", help=f"schedules, inputs and selection; {sets} (default: %(default)s)")
    seeds = "replicates of the whole chain, e.g. 0,1 or 0..2; CHAIN=0..5 gives one chain more, e.g. 0..2,none=0..5"
    add("--seeds", metavar="A..B[,CHAIN=A..B]", help=seeds)
    add("--limit", **count, help="training examples per task at most; the results say so")
    add("--test-limit", **count, help="dev and test examples per language at most")
    add("--pool-limit", **count, help="queries, and candidates, of a retrieval pool at most: a smaller one is easier")
    add("--probe-limit", **count, help="sentences per language that alignment probes read at most")
    add("--target-steps", **count, help="training steps of every target at most")
    add("--batch-size", **count, help="examples of a batch at most; `--steps` counts such batches")
    add("--max-length", **count, help="sub-tokens of an input at most; longer ones are cut, or windowed")
    add("--steps", **count, help="training steps of every intermediate phase, instead of its recipe's")
    add("--examples", **count, help="distinct training rows of every intermediate phase")
    add("--skip-missing", action="store_true", help="leave out tasks whose data are missing, and list them")
    commits = "read the newest commits of the hub, not those that the sweep recorded; with another --name"
    add("--new-commits", action="store_true", help=commits)
    add("--floor", action="store_true", help="also train the targets from a randomly initialised encoder")
    translations = "a ceiling: also train the targets on translations of their training rows, where there are any"
    add("--translate-train", action="store_true", help=translations)
    shots = "a ceiling: also train the targets on N rows of every evaluation language beside the English ones"
    add("--target-shots", **count, help=shots)
    method = "of the fine-tuning on the target, as after a colon, for chains that name none, e.g. lora"
    add("--target-method", metavar="NAME", help=method)
    precision = "of matrix products; part of a stage's key (default: bf16 for xtreme on GPUs, else fp32)"
    add("--precision", choices=("auto", "bf16", "fp32"), help=precision)

    add = p.add_argument_group("masked words beside a task (chains such as mnli+mlm)").add_argument
    add("--mlm-share", **number, help="share of all steps (default: 0.5)")
    add("--mlm-languages", metavar="A,B", help="languages of the texts (default: all that have texts)")
    add("--mlm-smoothing", **number, help="draw a language with n texts in proportion to n^F (default: 0.3)")

    add = p.add_argument_group("the miniature's world").add_argument
    seeds = "another seed gives another lexicon"
    add("--world-seed", type=partial(values.parse_whole_number, least=0), metavar="N", help=seeds)
    add("--null-world", action="store_true", help="a world in which no intermediate task can help")

    add = p.add_argument_group("how to run it").add_argument
    add("--results", metavar="DIR|URL", help="results folder, or s3://bucket/prefix (default: %(default)s)")
    add("--scratch", metavar="DIR", help="each machine's own disk for tokenised data (default: the results folder)")
    add("--name", help="name of the sweep (default: <space>-<benchmark>)")
    stopping = "early stopping on English dev; racing: halving, and no further seeds for clearly worse tasks"
    add("--scheduler", choices=SCHEDULERS, help=f"{stopping} (default: %(default)s)")
    add("--max-concurrent", **count, help="trials at the same time (default: as many as fit)")
    add("--cpus-per-trial", **count, help="(default: %(default)s)")
    shares = f"a share of a GPU, at most 1, or {AUTO}: up to {MAX_TRIALS_PER_GPU} trials on one GPU"
    shares += ", by the memory measured for similar stages"
    add("--gpus-per-trial", type=values.parse_gpus, metavar=f"F|{AUTO}", help=shares)
    memory = "of the host's memory, by which trials are placed; 0: by no memory (default: predicted, see --plan)"
    add("--memory-per-trial", type=values.parse_non_negative_float, metavar="GB", help=memory)
    add("--address", metavar="ADDR", help="address of a running Ray cluster: HOST:PORT or auto")
    hang = "end a worker after so long without progress; 0: never (default: %(default)g)"
    add("--hang-after", type=values.parse_non_negative_float, metavar="MINUTES", help=hang)
    hours = "begin nothing that cannot end in so many hours, then stop and rank; the same command goes on"
    add("--hours", **number, help=hours)
    preview = "train only the phases of one seed (or the first N tenths of each), measure them on the targets, predict"
    tenths = values.parse_tenths
    add("--preview", nargs="?", const=DEFAULT_PREVIEW, type=tenths, metavar="N", help=f"{preview} which will help")
    add("--keep", choices=("none", "winners", "all"), help="encoders to keep (default: %(default)s)")
    models = "also keep the fine-tuned model of each target at its best rate, for analysis/winner.py --target"
    add("--keep-models", action="store_true", help=models)
    predictions = "keep test predictions, for a submission and for intervals over test items"
    add("--predictions", action="store_true", help=predictions)
    dev = "also score the dev sets of languages other than English, by which nothing is selected"
    add("--target-dev", action="store_true", help=dev)
    probes = f"also measure the encoder of every trained stage: {', '.join(PROBE_FAMILIES)}"
    add("--probes", metavar="A,B", help=probes)
    add("--plan", action="store_true", help="print stages, cost, memory and disk; start nothing")
    add("--check", action="store_true", help="look at all data that the sweep needs; start nothing")
    add("--print-space", action="store_true", help="print the space as a TOML file to start from; start nothing")
    add("--retry-failed", action="store_true", help="try failed stages again")

    p.set_defaults(**dataclasses.asdict(RunOptions()))
    return p


def parse_options(argv: Sequence[str] | None) -> RunOptions:
    """Parse the command line, `sys.argv` if None is given. argparse ends the process with exit code 2 on bad flags."""
    return RunOptions(**vars(build_parser().parse_args(argv)))
