"""Where the time of a stage goes, on one thread of the CPU: seconds of the processor by phase and part, as a table.

    python tests/bench/profile_loop.py                                   # the miniature's stages, with random weights
    python tests/bench/profile_loop.py --encoder runs/stages/KEY/encoder # with a trained encoder
    python tests/bench/profile_loop.py --width 768 --stages mnli         # layers of XLM-R Base's width

A stage runs as in a sweep, tenth by tenth with checkpoints, in a folder of its own. Functions are timed where they
lie: what a function calls counts for the callee, if that one is timed too, so that parts add up to the whole. Data are
encoded before the clock starts, as they are for every stage of a worker but the first.
"""

import argparse
import dataclasses
import functools
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch
from transformers import XLMRobertaConfig, XLMRobertaModel
from transformers.utils import logging

from spaces.benchmark import BENCHMARKS
from spaces.encoders import MINIATURE_PRETRAINING
from spaces.stage import TENTHS, Stage
from trainables import stage_run, training_stage
from trainables.data.task_data import DataSource
from trainables.kinds import KINDS
from trainables.miniature import world
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.masked_words import build_fresh_head
from trainables.record.context import StageContext, write_spec
from trainables.stage_run import StageRun
from trainables.storage.local_storage import LocalStorage
from trainables.training import evaluation, fine_tuning
from trainables.training.batches import Batches
from trainables.training.fine_tuning import FineTuning

MINIATURE = BENCHMARKS["miniature"]
STAGES = ("mnli", "squad", "ccg", "hellaswag", "xquad", "udpos")
PHASES = ("open", "train", "dev", "test", "save")
# What is timed: part, owner, attribute. A phase is a part that others lie in.
TIMED: tuple[tuple[str, Any, str], ...] = (
    ("open", StageRun, "_open_training"),
    ("train", FineTuning, "train"),
    ("dev", FineTuning, "_evaluate_dev"),
    ("test", stage_run, "score_tests"),
    ("save", StageRun, "save"),
    ("save", stage_run, "store_encoder"),
    ("save", StageRun, "_finish"),
    ("batch", Batches, "batch_at"),
    ("collate", fine_tuning, "collate"),
    ("collate", evaluation, "collate"),
    ("forward", Encoder, "compute_logits"),
    ("backward", torch.Tensor, "backward"),
    ("clip", torch.nn.utils, "clip_grad_norm_"),
    ("optimizer", torch.optim.AdamW, "step"),
    ("keep best", fine_tuning, "copy_to_host"),
    ("majority", training_stage, "score_trivial_answer"),
)


class Stopwatch:
    """Seconds of the processor by (phase, part), each without what is timed inside it."""

    def __init__(self) -> None:
        self.spent: dict[tuple[str, str], float] = defaultdict(float)
        self.calls: dict[tuple[str, str], int] = defaultdict(int)
        self.open: list[tuple[str, str]] = [("rest", "")]
        self.since = time.process_time()

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time what runs inside."""
        phase = self.open[-1][0]
        place = (part, "") if part in PHASES else (phase, part)
        self._turn()
        self.open.append(place)
        self.calls[place] += 1
        try:
            yield
        finally:
            self._turn()
            self.open.pop()

    def _turn(self) -> None:
        now = time.process_time()
        self.spent[self.open[-1]] += now - self.since
        self.since = now

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @functools.wraps(function)
        def inner(*given: Any, **named: Any) -> Any:
            with self.of(part):
                return function(*given, **named)

        return inner


@contextmanager
def watched(watch: Stopwatch) -> Iterator[None]:
    """Time everything in TIMED, and what the kinds of task do."""
    functions = ("compute_loss", "decode", "merge", "score")
    timed = [*TIMED, *((name.removeprefix("compute_"), kind, name) for kind in KINDS.values() for name in functions)]
    own = [(owner, name, getattr(owner, name)) for _, owner, name in timed]
    for (part, _, _), (owner, name, function) in zip(timed, own, strict=True):
        setattr(owner, name, watch.timed(part, function))
    try:
        yield
    finally:
        for owner, name, function in own:
            setattr(owner, name, function)


def stage_of(name: str) -> Stage:
    """The intermediate stage of a task, or the target stage that evaluates it (with those that share its training)."""
    common: dict[str, Any] = {
        "benchmark": "miniature",
        "seed": 0,
        "learning_rate": 1e-3,
        "profile": "miniature",
        "precision": "fp32",
        "data": {},
        "start": {"name": "given", "fingerprint": None, "random": False},
        "version": 0,
    }
    if name in MINIATURE.intermediates:
        recipe = dataclasses.asdict(MINIATURE.intermediates[name].recipe)  # type: ignore[arg-type]
        recipe["ingredients"] = [[name, "en"]]
        return Stage(kind="intermediate", task=name, intermediate=name, targets={}, recipe=recipe, **common)
    training = MINIATURE.targets[name].training_set
    targets = {task.name: task.languages for task in MINIATURE.targets.values() if task.training_set == training}
    recipe = dataclasses.asdict(MINIATURE.targets[name].recipe)  # type: ignore[arg-type]
    return Stage(kind="target", task=str(training), intermediate="none", targets=targets, recipe=recipe, **common)


def random_encoder(folder: Path, width: int, layers: int) -> None:
    """An encoder of the miniature's architecture, in this width, with random weights."""
    words, recipe = world.build_tokenizer(world.build_world()), MINIATURE_PRETRAINING
    config = XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(recipe.heads, width // 64),
        intermediate_size=width * recipe.inner // recipe.width if width == recipe.width else 4 * width,
        max_position_embeddings=world.MAX_TOKENS + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=words.pad_token_id,
    )
    torch.manual_seed(0)
    model = XLMRobertaModel(config, add_pooling_layer=False)
    save_encoder(Encoder(model, words, masked_word_head=build_fresh_head(model)), folder)


def run(place: StageContext, stage: Stage) -> None:
    """The stage from its beginning, whatever is there of it."""
    folder = Path(place.results.url) / "stages" / stage.key
    shutil.rmtree(folder, ignore_errors=True)
    write_spec(place, stage)
    with closing(StageRun(place, stage.key)) as work:
        for _ in range(TENTHS):
            work.advance()


def profiled(place: StageContext, stage: Stage) -> Stopwatch:
    """One run of the stage under the stopwatch."""
    watch = Stopwatch()
    with watched(watch):
        watch.since = time.process_time()
        run(place, stage)
        watch._turn()
    return watch


def report(found: dict[str, list[Stopwatch]]) -> None:
    """One row for each part, one column for each stage: the median over runs, in milliseconds."""
    names = list(found)
    print("| phase | part | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(names))
    places = {place for watches in found.values() for watch in watches for place in watch.spent}
    median = {
        (name, place): statistics.median(watch.spent.get(place, 0.0) for watch in watches)
        for name, watches in found.items()
        for place in places
    }
    order = ["open", "train", "dev", "test", "save", "rest"]
    parts = [part for part, *_ in TIMED] + ["loss", "decode", "merge", "score", ""]
    for phase, part in sorted(places, key=lambda place: (order.index(place[0]), parts.index(place[1]))):
        cells = [f"{1000 * median[name, (phase, part)]:.0f}" for name in names]
        print(f"| {phase} | {part or 'else'} | " + " | ".join(cells) + " |")
    totals = [statistics.median(sum(watch.spent.values()) for watch in watches) for watches in found.values()]
    print("| all | | " + " | ".join(f"{1000 * total:.0f}" for total in totals) + " |")
    steps = [watches[0].calls["train", "optimizer"] for watches in found.values()]
    shares = [statistics.median(trained(watch) for watch in watches) for watches in found.values()]
    per_step = [f"{1000 * share / step:.2f}" for share, step in zip(shares, steps, strict=True)]
    print("| train | one step | " + " | ".join(per_step) + " |")


def trained(watch: Stopwatch) -> float:
    """Seconds of training."""
    return sum(value for (phase, _), value in watch.spent.items() if phase == "train")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, help="folder of an encoder with the miniature's tokenizer")
    parser.add_argument("--width", type=int, default=MINIATURE_PRETRAINING.width)
    parser.add_argument("--layers", type=int, default=MINIATURE_PRETRAINING.layers)
    parser.add_argument("--stages", nargs="+", default=list(STAGES), help="tasks (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of each stage (default: %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    stages = {name: stage_of(name) for name in options.stages}
    found: dict[str, list[Stopwatch]] = {name: [] for name in stages}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.encoder or Path(temporary) / "given"
        if options.encoder is None:
            random_encoder(folder, options.width, options.layers)
        place = StageContext(
            results=LocalStorage(Path(temporary)), source=DataSource(benchmark="miniature"), model=str(folder)
        )
        for stage in stages.values():  # data are encoded, imports are done
            run(place, stage)
        for _ in range(options.runs):
            for name, stage in stages.items():
                found[name].append(profiled(place, stage))
    report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
