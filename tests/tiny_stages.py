"""Small stages for tests: a few steps on the miniature, from a tiny encoder."""

from typing import Any

from spaces.stage import TENTHS, Stage
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
TARGET = Stage(
    kind="target",
    task="squad-en",
    intermediate="none",
    learning_rate=1e-3,
    targets={"xquad": ("en", "qfa"), "mlqa": ("en",)},
    recipe=RECIPE,
    **BASE,
)


def run_stage(context: StageContext, stage: Stage, tenths: int = TENTHS) -> Outcome:
    """Run `tenths` tenths of a stage and close it. A retrieval stage is done after one, and the rest change nothing."""
    write_spec(context, stage)
    stage_run = StageRun(context, stage.key)
    for _ in range(tenths):
        outcome = stage_run.advance()
    stage_run.close()
    return outcome
