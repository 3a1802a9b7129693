"""Small stages for tests: a few steps on the miniature, from a tiny encoder."""

from contextlib import closing
from pathlib import Path
from typing import Any

from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from trainables.record.context import StageContext, write_spec
from trainables.record.outcome import Outcome
from trainables.stage_run import StageRun

BASE: dict[str, Any] = {
    "benchmark": "miniature",
    "seed": 0,
    "profile": "miniature",
    "precision": "fp32",
    "data": {"fingerprint": "f"},
    "start": {"name": "tiny", "fingerprint": "t", "random": False},
    "version": 1,
}
RECIPE = {"steps": 20, "batch_size": 8, "max_length": 64, "stride": 16}
Targets = dict[str, tuple[str, ...]]


def target_stage(task: str, targets: Targets, parent: Stage | None = None, **fields: Any) -> Stage:
    """A stage that trains on `task` after `parent`, or from the tiny encoder, and is scored on the targets."""
    intermediate, key = ("none", None) if parent is None else (parent.intermediate, parent.key)
    fields = {**BASE, "recipe": RECIPE, "learning_rate": 1e-3, **fields}
    return Stage(kind="target", task=task, intermediate=intermediate, parent=key, targets=targets, **fields)


def intermediate_stage(task: str, **settings: Any) -> Stage:
    recipe = {**RECIPE, "ingredients": [[task, "en"]], **settings}
    return Stage(
        kind="intermediate", task=task, intermediate=task, targets={}, learning_rate=1e-3, recipe=recipe, **BASE
    )


TARGET = target_stage("squad-en", {"xquad": ("en", "qfa"), "mlqa": ("en",)})
RETRIEVAL = Stage(kind="retrieval", task="tatoeba", intermediate="none", targets={"tatoeba": ("qna", "qfa")}, **BASE)


def start_stage(context: StageContext, stage: Stage) -> StageRun:
    """A stage after its first tenth; the caller closes it."""
    write_spec(context, stage)
    stage_run = StageRun(context, stage.key)
    stage_run.advance()
    return stage_run


def run_stage(context: StageContext, stage: Stage, tenths: int = TENTHS) -> Outcome:
    """Run `tenths` tenths of a stage, let it pause and close it. A retrieval stage is done after one."""
    write_spec(context, stage)
    with closing(StageRun(context, stage.key)) as stage_run:
        for _ in range(tenths):
            outcome = stage_run.advance()
        if outcome.status == "stopped":
            stage_run.pause()
    return outcome


def folder_after(context: StageContext, stage: Stage) -> Path:
    """Run a stage and return its folder."""
    run_stage(context, stage)
    return folder_of(context, stage.key)
