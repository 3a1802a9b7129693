"""Fake workers for the real plan, board and scheduler, without Ray or training."""

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
from search.sweep.throttle import Throttle
from spaces.checksum import checksum
from spaces.halving import Verdict
from spaces.plan import Stratum
from spaces.space import Space
from spaces.stage import ENCODER_KINDS, OUTCOME_FILE, TENTHS, Stage
from spaces.strata import expand_strata
from tests.on_disk import folder_of
from tests.stage_factory import MINIATURE, axes_of, make_factory
from trainables.data.task_data import DataSource
from trainables.record.context import ENCODER, SCORES, StageContext
from trainables.record.outcome import Outcome, write_outcome
from trainables.record.scores import build_score_rows, encode_scores
from trainables.storage.local_storage import LocalStorage
from trainables.worker.failures import FAILURE_KINDS, Failure

WEIGHTS = {"model.safetensors": {"weight": np.zeros(1200)}, "masked_words.safetensors": {"bias": np.zeros(12)}}
ENCODER_FILES = {"config.json": b"{}", "tokenizer.json": b"{}"}
ENCODER_FILES |= {name: safetensors.numpy.save(weights) for name, weights in WEIGHTS.items()}
ENCODER_BYTES = sum(map(len, ENCODER_FILES.values()))

FINISHED = Outcome(key="", status="finished", score=1.0, tenth=TENTHS)


def curve_of(stage: Stage) -> tuple[float, ...]:
    """Return a made-up English dev curve that depends on the stage alone."""
    top = np.random.default_rng(int(stage.key, 16)).random()
    return tuple(float(top * (tenth / TENTHS) ** 0.5) for tenth in range(1, TENTHS + 1))


def finish(store: Store, stage: Stage, status: str = "finished", curve: tuple[float, ...] | None = None) -> Outcome:
    """Write the files that a worker leaves of a finished stage; returns the outcome."""
    curve = curve_of(stage) if curve is None else curve
    outcome = Outcome(key=stage.key, status=status, score=max(curve), tenth=TENTHS, curve=curve, seconds=2.0)  # type: ignore[arg-type]
    folder = folder_of(store.context, stage.key)
    content = encode_scores(build_score_rows(stage, [], outcome))
    (folder / SCORES).write_bytes(content)
    outcome = dataclasses.replace(outcome, scores=checksum(content))
    if stage.kind in ENCODER_KINDS:
        (folder / ENCODER).mkdir(exist_ok=True)
        for name, content in ENCODER_FILES.items():
            (folder / ENCODER / name).write_bytes(content)
    write_outcome(store.context, outcome)
    return outcome


class AlwaysDue(Throttle):
    """A throttle that is always due, however long the last reading took."""

    is_due = True  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(0.0)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the contents of every file by name, to compare them later."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Room:
    """Fake workers, which run the stages that the board hands out one after the other."""

    results: Path
    space: Space
    early_stopping: EarlyStopping | None = None
    curve: Callable[[Stage], tuple[float, ...]] = curve_of
    # "finished", "degenerate", or a kind of failure; after a kind ": " and the reason may follow
    status: Callable[[Stage], str] = lambda stage: "finished"
    ran: list[Stage] = field(default_factory=list)
    keep: str = "winners"
    retry_failed: bool = False
    read_only: bool = False
    races: bool = False
    shared: dict[str, str] = field(default_factory=dict)

    def plan(self) -> tuple[Stratum, ...]:
        return expand_strata(axes_of(self.space), MINIATURE, pretrain=True)

    def board(self) -> Board:
        axes = axes_of(self.space)
        stage_factory = make_factory(axes.intermediates, axes.mixture, world={})
        context = StageContext(results=LocalStorage(self.results), source=DataSource(benchmark="miniature"))
        return Board(
            self.plan(),
            stage_factory,
            Store(context, "s", read_only=self.read_only),
            stopping_policy=self.early_stopping,
            race=RaceSeeds(self.plan()) if self.races else None,
            shared=self.shared,
            retry_failed=self.retry_failed,
            keep=self.keep,  # type: ignore[arg-type]
        )

    def stop_early(
        self, scheduler: str, folder: str = "rungs", *, kinds: Sequence[str] = ("intermediate", "target")
    ) -> None:
        """Use a rule of early stopping, with the scores on disk. A real sweep stops targets only."""
        competing = [stratum for stratum in self.plan() if stratum.arm_count > 1 and stratum.kind in kinds]
        arm_counts = {stratum.id: stratum.arm_count for stratum in competing}
        scores = RungScores(LocalStorage(self.results), folder)
        self.early_stopping = EarlyStopping(scores, RULES[scheduler], arm_counts)

    def stopped(self) -> set[str]:
        """Return the keys of the stages whose outcomes on disk are `stopped`."""
        outcomes = (json.loads(path.read_text()) for path in self.results.glob(f"stages/*/{OUTCOME_FILE}"))
        return {outcome["key"] for outcome in outcomes if outcome["status"] == "stopped"}

    def run(self, most: int = 10**6) -> Board:
        """Run up to `most` stages, then return, as if the driver was killed."""
        board = self.board()
        while most > 0 and (stage := board.start_next()) is not None:
            self.step(board, stage)
            most -= 1
        return board

    def write(self, board: Board, name: str = "s") -> None:
        """Write the sweep's own file, as a run does."""
        stages = {arm.stage.key: stratum.id for stratum, arm in board.iter_arms()}
        spec = {"benchmark": "miniature", "model": "miniature", "space": "s", "intermediates": [], "targets": []}
        write_sweep(
            LocalStorage(self.results), name, spec=spec, stages=stages, sources={}, repositories={}, strata=self.plan()
        )

    def step(self, board: Board, stage: Stage) -> None:
        """Run one stage that the board has handed out."""
        self.ran.append(stage)
        status = self.status(stage)
        if status not in ("finished", "degenerate"):
            kind, _, reason = status.partition(": ")
            board.fail(stage.key, Failure(FAILURE_KINDS[kind], reason or f"ValueError: made up for {stage.task}"))
            return
        if self.early_stopping is not None:
            state, _ = board.running[stage.key]
            curve = self.curve(stage)
            for tenth in range(1, TENTHS):
                if self.early_stopping.report(state.stratum.id, stage.key, curve[:tenth]) is not Verdict.GO:
                    board.halt(stage.key, tenth, tenth, 1.0)
                    return
                board.judge_stratum(state)
        board.end(stage.key, finish(board.store, stage, status, self.curve(stage)))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    axes = {"learning_rates": (1e-4, 1e-3, 2e-3), "seeds": (0, 1)}
    space = Space(name="s", intermediates=("mnli", "ccg"), targets=("xnli", "xquad", "tatoeba"), **axes)
    return Room(tmp_path, space)
