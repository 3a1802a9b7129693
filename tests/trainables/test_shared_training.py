"""A phase leaves a target that is trained alike its weights: the same scores as those of two trainings."""

import dataclasses
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spaces.method import LORA
from spaces.phase import build_method_entry
from spaces.stage import TENTHS, Stage
from tests.hub_layout import PAIR, XNLI, Layout
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE, run_stage
from trainables.data.task_data import DataSource
from trainables.record.context import CHECKPOINT, SCORES, StageContext, write_spec
from trainables.record.outcome import Outcome, read_outcome
from trainables.stage_run import StageRun
from trainables.storage.local_storage import LocalStorage
from trainables.training.fine_tuning import FineTuning

BASE: dict[str, Any] = {
    "benchmark": "xtreme", "seed": 0, "learning_rate": 1e-3, "profile": "pretrained", "precision": "fp32",
    "data": {"fingerprint": "f"}, "start": {"name": "tiny", "random": False}, "version": 1,
}  # fmt: skip
PHASE = Stage(
    kind="intermediate", task="mnli", intermediate="mnli", targets={},
    recipe={**RECIPE, "ingredients": [["mnli", "en"]]}, **BASE,
)  # fmt: skip
TARGET = Stage(
    kind="target", task="xnli-en", intermediate="none", targets={"xnli": ("en", "de")}, recipe=RECIPE, **BASE
)
WORDS = "w1 w2 w3 w4 w5 w6 w7 w8 w9".split()


@pytest.fixture
def real(context: StageContext, tmp_path: Path) -> StageContext:
    """A context with MNLI's training rows, and other English dev rows for XNLI than for MNLI."""
    draw, layout = random.Random(0), Layout(tmp_path / "hub")

    def sentence() -> str:
        return " ".join(draw.choices(WORDS, k=4))

    for split, count in (("train", 60), ("validation_matched", 20)):
        rows = [{"premise": sentence(), "hypothesis": sentence(), "label": draw.randrange(3)} for _ in range(count)]
        layout.write(f"nyu-mll/glue/mnli/{split}", PAIR, rows)
    for split in ("validation", "test"):
        labels = ("entailment", "neutral", "contradiction")
        rows = [
            {"language": language, "sentence1": sentence(), "sentence2": sentence(), "gold_label": draw.choice(labels)}
            for language in ("en", "de")
            for _ in range(20)
        ]
        layout.write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    source = DataSource(benchmark="xtreme", data=str(layout.folder))
    return dataclasses.replace(context, source=source)


def elsewhere(context: StageContext, folder: Path) -> StageContext:
    return dataclasses.replace(context, results=LocalStorage(folder))


def run_phase(context: StageContext, phase: Stage = PHASE, target: Stage = TARGET, *, cut: int = 0) -> Outcome:
    """Run the phase for the target, with an interruption after some tenth."""
    for stage in (phase, target):
        write_spec(context, stage)
    for tenths in (cut, TENTHS - cut):
        with closing(StageRun(context, phase.key, targets=[target.key])) as stage_run:
            for _ in range(tenths):
                outcome = stage_run.advance()
            if tenths == cut:
                stage_run.pause()
    return outcome


def scores_of(context: StageContext, stage: Stage) -> pl.DataFrame:
    return drop_costs(pl.read_parquet(folder_of(context, stage.key) / SCORES))


@pytest.mark.parametrize("cut", [0, 4])
def test_a_target_that_a_phase_has_trained_has_the_scores_of_its_own_training(
    real: StageContext, tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, together = elsewhere(real, tmp_path / "apart"), elsewhere(real, tmp_path / "together")
    phase, target = run_stage(apart, PHASE), run_stage(apart, TARGET)
    shared_phase = run_phase(together, cut=cut)
    monkeypatch.setattr(FineTuning, "train", lambda *_: pytest.fail("it is trained already"))
    shared_target = run_stage(together, TARGET, tenths=1)
    for one, other in ((phase, shared_phase), (target, shared_target)):
        assert (one.curve, one.best_tenth, one.status, one.steps) == (
            other.curve,
            other.best_tenth,
            other.status,
            other.steps,
        )
    assert phase.curve != target.curve, "the dev sets must differ for this to mean something"
    for stage in (PHASE, TARGET):
        assert scores_of(apart, stage).equals(scores_of(together, stage))
    assert shared_target.note == f"trained by stage {PHASE.key}, whose training is the same work"
    assert not (folder_of(together, TARGET.key) / CHECKPOINT).exists()
    assert shared_target.spent["training"] == pytest.approx(0, abs=0.05) and shared_phase.spent["training"] > 0


def test_a_target_with_other_rows_is_left_alone(real: StageContext) -> None:
    write_spec(real, PHASE)
    other = dataclasses.replace(TARGET, task="pawsx-en", targets={"xnli": ("en",)}, recipe={**RECIPE, "max_length": 5})
    write_spec(real, other)
    with closing(StageRun(real, PHASE.key, targets=[other.key])) as stage_run:
        for _ in range(TENTHS):
            stage_run.advance()
    assert not (folder_of(real, other.key) / CHECKPOINT).exists()


def test_adapters_that_a_phase_has_trained_are_those_of_the_target(real: StageContext, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed (the extra `lora`)")
    method = {"method": build_method_entry(LORA)}
    phase, target = (dataclasses.replace(each, recipe={**(each.recipe or {}), **method}) for each in (PHASE, TARGET))
    apart, together = elsewhere(real, tmp_path / "apart"), elsewhere(real, tmp_path / "together")
    own = run_stage(apart, target)
    run_phase(together, phase, target, cut=4)
    shared = run_stage(together, target, tenths=1)
    assert own.curve == shared.curve and shared.note == f"trained by stage {phase.key}, whose training is the same work"
    assert scores_of(apart, target).equals(scores_of(together, target))


@pytest.mark.parametrize("state", ["begun", "at work"])
def test_a_target_that_somebody_has_begun_is_left_alone(real: StageContext, state: str) -> None:
    run_stage(real, TARGET, tenths=2)
    file = folder_of(real, TARGET.key) / CHECKPOINT / "state.safetensors"
    before = file.read_bytes()
    if state == "at work":
        file.unlink()
        with closing(StageRun(real, TARGET.key)):
            run_phase(real)
        assert not file.exists()
        return
    run_phase(real)
    assert file.read_bytes() == before and read_outcome(real, PHASE.key) is not None
    assert run_stage(real, TARGET, tenths=TENTHS - 2).note is None
