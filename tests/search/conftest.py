"""A board without Ray or training: a virtual machine room that runs the real plan, board and scheduler."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from search.board.board import Board
from search.board.store import Store
from search.driver.early_stopping import RULES, EarlyStopping
from search.schedulers.rungs import RungScores
from search.schedulers.seeds import RaceSeeds
from search.sweep.sweep_file import write_sweep
from spaces.benchmark import BENCHMARKS, UNBOUNDED
from spaces.checksum import checksum
from spaces.encoders import PROFILES
from spaces.halving import Verdict
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.plan import StageFactory, StartEncoder, Stratum, expand_strata
from spaces.space import Space, resolve_axes
from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from trainables.data.task_data import DataSource
from trainables.record.context import ENCODER, SCORES, StageContext
from trainables.record.outcome import OUTCOME_FILE, Outcome, write_outcome
from trainables.record.scores import build_score_rows, encode_scores
from trainables.storage.local_storage import LocalStorage
from trainables.worker.failures import FAILURE_KINDS, Failure

MINIATURE = BENCHMARKS["miniature"]
ENCODER_FILES = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "model.safetensors": safetensors.numpy.save({"weight": np.zeros(1200)}),
    "masked_words.safetensors": safetensors.numpy.save({"bias": np.zeros(12)}),
}
ENCODER_BYTES = sum(map(len, ENCODER_FILES.values()))  # of a made-up encoder


def curve_of(stage: Stage) -> tuple[float, ...]:
    """A made-up English dev curve that depends on the stage alone."""
    top = np.random.default_rng(int(stage.key, 16)).random()
    return tuple(float(top * (t / TENTHS) ** 0.5) for t in range(1, TENTHS + 1))


def finish(store: Store, stage: Stage, status: str = "finished", curve: tuple[float, ...] | None = None) -> Outcome:
    """What a worker leaves of a stage."""
    curve = curve_of(stage) if curve is None else curve
    outcome = Outcome(key=stage.key, status=status, score=max(curve), tenth=TENTHS, curve=curve, seconds=2.0)  # type: ignore[arg-type]
    folder = folder_of(store.context, stage.key)
    content = encode_scores(build_score_rows(stage, [], status=outcome.status))
    (folder / SCORES).write_bytes(content)
    outcome = dataclasses.replace(outcome, scores=checksum(content))
    if stage.kind in ("pretrain", "intermediate"):
        (folder / ENCODER).mkdir(exist_ok=True)
        for name, content in ENCODER_FILES.items():
            (folder / ENCODER / name).write_bytes(content)
    write_outcome(store.context, outcome)
    return outcome


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file by name, to see whether anything was changed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Room:
    """Plays the workers: runs the stages that the board hands out, one after the other."""

    results: Path
    space: Space
    gate: EarlyStopping | None = None
    curve: Callable[[Stage], tuple[float, ...]] = curve_of
    status: Callable[[Stage], str] = lambda stage: "finished"  # or a kind of failure, with ": " and the reason
    ran: list[Stage] = field(default_factory=list)
    keep: str = "winners"
    retry_failed: bool = False
    read_only: bool = False
    races: bool = False

    def plan(self) -> tuple[Stratum, ...]:
        return expand_strata(resolve_axes(self.space, MINIATURE, PROFILES["miniature"]), MINIATURE, pretrain=True)

    def board(self) -> Board:
        resolved = resolve_axes(self.space, MINIATURE, PROFILES["miniature"])
        tasks = MINIATURE.intermediates.values()
        prints = {("intermediate", f"{task.name}@{name}"): "i" for task in tasks for name in task.training_languages}
        prints |= {("target", name): "t" for name in MINIATURE.targets}
        maker = StageFactory(
            benchmark=MINIATURE,
            start=StartEncoder(name="miniature", profile="miniature", recipe={"steps": 10}, data="d"),
            world={},
            fingerprints=prints,
            languages={task.name: task.languages for task in MINIATURE.targets.values()},
            phases=resolve_phases(
                resolved.intermediates,
                MINIATURE,
                mixture=resolved.mixture,
                budget=UNBOUNDED,
                masked=DEFAULT_MASKED_WORDS,
            ),
            limit=None,
            test_limit=None,
            precision="fp32",
        )
        store = Store(
            StageContext(results=LocalStorage(self.results), source=DataSource(benchmark="miniature")),
            read_only=self.read_only,
        )
        return Board(
            self.plan(),
            maker,
            store,
            None,
            stopping_policy=self.gate,
            race=RaceSeeds(self.plan()) if self.races else None,
            retry_failed=self.retry_failed,
            keep=self.keep,  # type: ignore[arg-type]
        )

    def stop_early(
        self, scheduler: str, folder: str = "rungs", *, kinds: Sequence[str] = ("intermediate", "target")
    ) -> None:
        """Give the room the early stopping of that name, from what is on disk; a sweep stops targets alone."""
        arms = {one.id: one.arm_count for one in self.plan() if one.arm_count > 1 and one.kind in kinds}
        self.gate = EarlyStopping(RungScores(LocalStorage(self.results), folder), RULES[scheduler], arms)

    def stopped(self) -> set[str]:
        """Keys of the stages that the outcomes on disk call stopped."""
        outcomes = (json.loads(path.read_text()) for path in self.results.glob(f"stages/*/{OUTCOME_FILE}"))
        return {outcome["key"] for outcome in outcomes if outcome["status"] == "stopped"}

    def run(self, most: int = 10**6) -> Board:
        """Run up to `most` stages, then vanish, as a killed driver does."""
        board = self.board()
        while most > 0 and (stage := board.start_next()) is not None:
            self.step(board, stage)
            most -= 1
        return board

    def write(self, board: Board, name: str = "s") -> None:
        """The sweep's own file, as a run leaves it."""
        stages = {arm.stage.key: stratum.id for stratum, arm in board.iter_arms()}
        planned = {one.id: {"arms": one.arm_count, "parent": one.parent} for one in self.plan()}
        spec = {"benchmark": "miniature", "model": "miniature", "space": "s", "intermediates": [], "targets": []}
        write_sweep(LocalStorage(self.results), name, spec, stages, {}, planned)

    def step(self, board: Board, stage: Stage) -> None:
        self.ran.append(stage)
        status = self.status(stage)
        if status not in ("finished", "degenerate"):
            kind, _, reason = status.partition(": ")
            board.fail(stage.key, Failure(FAILURE_KINDS[kind], reason or f"ValueError: made up for {stage.task}"))
            return
        if self.gate is not None:
            group, _ = board.running[stage.key]
            curve = self.curve(stage)
            for tenth in range(1, TENTHS):
                if self.gate.report(group.stratum.id, stage.key, curve[:tenth]) is not Verdict.GO:
                    board.halt(stage.key, tenth, 1.0)
                    return
                board.judge_stratum(group)
        board.end(stage.key, finish(board.store, stage, status, self.curve(stage)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that passes for an encoder as long as nobody loads it."""
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def room(tmp_path: Path) -> Room:
    space = Space(
        name="s",
        intermediates=("mnli", "ccg"),
        targets=("xnli", "xquad", "tatoeba"),
        learning_rates=(1e-4, 1e-3, 2e-3),
        seeds=(0, 1),
    )
    return Room(tmp_path, space)
