"""Stages without training: means of weights by hand, and ready encoders."""

import dataclasses
from pathlib import Path

import pytest
import torch

from spaces.stage import Stage
from tests.on_disk import folder_of
from tests.tiny_stages import BASE, intermediate_stage, run_stage, target_stage
from tests.trainables.conftest import tiny_encoder
from trainables.models.encoder import Encoder, load_encoder, save_encoder
from trainables.record.context import StageContext
from trainables.record.outcome import read_outcome
from trainables.untrained_stage import average_encoders


def filled(value: float, *, is_trained: bool = False) -> Encoder:
    """A tiny encoder of which all weights are `value`."""
    encoder = tiny_encoder()
    for module in (encoder.model, encoder.masked_word_head):
        for weight in module.parameters():
            torch.nn.init.constant_(weight, value)
    encoder.masked_word_head.is_trained = is_trained
    return encoder


def weights_of(encoder: Encoder) -> dict[str, torch.Tensor]:
    return dict(encoder.model.named_parameters())


def test_the_mean_of_three_encoders() -> None:
    mean = average_encoders([filled(1.0), filled(2.0, is_trained=True), filled(6.0)])
    for module in (mean.model, mean.masked_word_head):
        for weight in module.parameters():
            torch.testing.assert_close(weight, torch.full_like(weight, 3.0))
    assert mean.masked_word_head.is_trained


def test_it_is_the_start_and_the_mean_of_the_changes() -> None:
    start, one, other = (weights_of(tiny_encoder(seed)) for seed in (0, 1, 2))
    mean = weights_of(average_encoders([tiny_encoder(1), tiny_encoder(2)]))
    for name, weight in mean.items():
        changes = ((one[name] - start[name]) + (other[name] - start[name])) / 2
        torch.testing.assert_close(weight, start[name] + changes)


def test_encoders_of_other_forms_have_no_mean() -> None:
    wide = tiny_encoder()
    wide.model.resize_token_embeddings(len(wide.tokenizer) + 8)
    with pytest.raises(ValueError, match="have other weights: they do not come from one start"):
        average_encoders([tiny_encoder(), wide])
    with pytest.raises(ValueError, match="a merge needs encoders"):
        average_encoders([])


def untrained(recipe: dict[str, object], name: str) -> Stage:
    return Stage(kind="intermediate", task=name, intermediate=name, targets={}, recipe=recipe, **BASE)


def test_a_merge_leaves_the_mean_of_its_members_and_a_target_starts_from_it(context: StageContext) -> None:
    members = [intermediate_stage("mnli"), intermediate_stage("ccg")]
    for member in members:
        run_stage(context, member)
    merge = untrained({"merged": sorted(member.key for member in members)}, "mnli|ccg")
    outcome = run_stage(context, merge, tenths=1)
    assert (outcome.status, outcome.tenth, outcome.steps, outcome.score) == ("finished", 10, 0, None)
    mean, one, other = (
        weights_of(load_encoder(str(folder_of(context, stage.key) / "encoder"))) for stage in (merge, *members)
    )
    for name, weight in mean.items():
        torch.testing.assert_close(weight, (one[name] + other[name]) / 2)
    assert run_stage(context, target_stage("xnli-en", {"xnli": ("en",)}, parent=merge)).status == "finished"


def test_a_ready_encoder_is_handed_on_as_it_is(context: StageContext, tmp_path: Path) -> None:
    save_encoder(tiny_encoder(7), tmp_path / "ready")
    context = dataclasses.replace(context, ready_encoders={"folder:ready": str(tmp_path / "ready")})
    stage = untrained({"ready": "folder:ready"}, "folder:ready")
    outcome = run_stage(context, stage, tenths=1)
    assert outcome == read_outcome(context, stage.key) and outcome.status == "finished"
    left, given = load_encoder(str(folder_of(context, stage.key) / "encoder")), tiny_encoder(7)
    for name, weight in weights_of(left).items():
        assert torch.equal(weight, weights_of(given)[name])


def test_probes_that_need_a_training_are_named(context: StageContext, tmp_path: Path) -> None:
    save_encoder(tiny_encoder(7), tmp_path / "ready")
    context = dataclasses.replace(
        context, ready_encoders={"folder:ready": str(tmp_path / "ready")}, probes=("alignment", "similarity")
    )
    outcome = run_stage(context, untrained({"ready": "folder:ready"}, "folder:ready"), tenths=1)
    assert outcome.note == "similarity is not probed without training"
    assert (folder_of(context, outcome.key) / "probes.parquet").exists()
