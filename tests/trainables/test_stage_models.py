"""A target stage with --keep-models: the model is there at its end, and nothing else has changed."""

import dataclasses

import polars as pl
import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoModelForTokenClassification, AutoTokenizer

from spaces.model_files import NO_MODEL_NOTE
from spaces.stage import Stage
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import TARGET, intermediate_stage, run_stage, target_stage
from trainables.record.context import MODEL, SCORES, StageContext
from trainables.storage.local_storage import LocalStorage

TAGGING = target_stage("udpos-en", {"udpos": ("en",)})
PAIRS = target_stage("xnli-en", {"xnli": ("en",)})


@pytest.fixture
def keeping(context: StageContext) -> StageContext:
    return dataclasses.replace(context, keep_models=True)


@pytest.mark.parametrize(
    ("stage", "kind"), [(TARGET, AutoModelForQuestionAnswering), (TAGGING, AutoModelForTokenClassification)]
)
def test_the_model_is_kept_and_scores_are_the_same(
    context: StageContext, keeping: StageContext, stage: Stage, kind: type
) -> None:
    run_stage(keeping, stage)
    folder = folder_of(keeping, stage.key)
    model = kind.from_pretrained(folder / MODEL)  # type: ignore[attr-defined]
    assert all(torch.isfinite(weight).all() for weight in model.parameters())
    assert AutoTokenizer.from_pretrained(folder / MODEL).pad_token_id is not None
    kept = pl.read_parquet(folder / SCORES)
    plain = dataclasses.replace(context, results=LocalStorage(folder.parents[1] / "plain"))
    run_stage(plain, stage)
    assert not (folder_of(plain, stage.key) / MODEL).exists()
    assert drop_costs(pl.read_parquet(folder_of(plain, stage.key) / SCORES)).equals(drop_costs(kept))


def test_a_head_that_cannot_be_kept_leaves_a_note_and_no_folder(keeping: StageContext) -> None:
    outcome = run_stage(keeping, PAIRS)
    assert outcome.status in ("finished", "degenerate") and NO_MODEL_NOTE in (outcome.note or "")
    assert not (folder_of(keeping, PAIRS.key) / MODEL).exists()


def test_a_phase_keeps_no_model(keeping: StageContext) -> None:
    stage = intermediate_stage("csqa")
    run_stage(keeping, stage)
    assert not (folder_of(keeping, stage.key) / MODEL).exists()
