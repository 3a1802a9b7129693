"""LoRA as a method: what it trains and stores, how it continues, and what a stage hands on."""

import dataclasses
from typing import Any

import polars as pl
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import XLMRobertaConfig, XLMRobertaModel

from spaces.method import LORA, METHODS
from spaces.phase import build_method_entry
from spaces.probe_columns import PROBES_FILE
from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE as STEPS
from tests.tiny_stages import intermediate_stage, run_stage, target_stage
from tests.trainables.conftest import SHAPE, tiny_encoder
from tests.trainables.trainings import ONE_STEP, TASKS, assert_continues, training_of
from trainables.models.encoder import Encoder, load_encoder
from trainables.record.checkpoints import STATE
from trainables.record.context import CHECKPOINT, ENCODER, SCORES, StageContext
from trainables.training.fine_tuning import FineTuning

pytest.importorskip("peft", reason="peft is not installed (the extra `lora`)")
ENTRY = build_method_entry(LORA)
SETTINGS = METHODS[LORA].settings
PHASE = intermediate_stage("mnli", method=ENTRY)


def begin(*tasks: str, method: str | None = LORA, **options: Any) -> FineTuning:
    """A training that has not begun."""
    options["adapters"] = SETTINGS if method == LORA else None
    return training_of(*(tasks or ("mnli",)), method=None if method is None else ENTRY, **options)


def frozen_weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Copies of the encoder's own weights, by the names that they have without adapters."""
    weights = {name: value for name, value in encoder.model.state_dict().items() if "lora_" not in name}
    return {name.replace("base_layer.", ""): value.clone() for name, value in weights.items()}


def to_the_end(training: FineTuning) -> FineTuning:
    while training.tenth < TENTHS:
        training.advance()
    return training


@pytest.mark.parametrize("cut", [1, 4, 9])
@pytest.mark.parametrize("names", [("csqa",), ("squad",), ("mnli", "ccg")], ids="+".join)
def test_a_cut_run_continues_bit_for_bit(names: tuple[str, ...], cut: int) -> None:
    assert_continues(cut, lambda: begin(*names))


def test_so_it_does_in_bf16() -> None:
    assert_continues(4, lambda: begin("mnli", precision="bf16"))


@pytest.mark.parametrize("task", TASKS.values())
def test_adapters_and_heads_are_trained_and_the_encoder_s_weights_never_change(task: str) -> None:
    training = begin(task)
    before = frozen_weights(training.encoder)
    trained = {name: weight.clone() for name, weight in training.model.named_parameters() if weight.requires_grad}
    to_the_end(training)
    after = frozen_weights(training.encoder)
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    moved = {
        name
        for name, weight in training.model.named_parameters()
        if name in trained and not torch.equal(weight, trained[name])
    }
    assert moved == trained.keys()
    assert {name for name, _ in training.heads.named_parameters(prefix="heads")} == {
        name for name in trained if name.startswith("heads.")
    }


def test_the_best_tenth_is_merged_and_computes_what_it_did_beside_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("trainables.training.selection.compute_task_score", lambda task, metrics: next(scores))
    training, plain = begin(rate=5e-2), {*tiny_encoder().model.state_dict()}
    for _ in range(4):
        training.advance()
    other = begin(rate=5e-2)  # a second one, which is left beside the weights
    other.continue_from(training.take_state())
    to_the_end(training).restore_best()
    assert training.selection.best_tenth == 4 and {*training.encoder.model.state_dict()} == plain
    assert all(weight.requires_grad for weight in training.model.parameters())
    dev_set = training.selection.dev_sets[0]
    one, two = (each.evaluate(dev_set).predictions for each in (training, other))
    assert one == two
    start = tiny_encoder().model.state_dict()
    moved = {name for name, value in training.encoder.model.state_dict().items() if not torch.equal(value, start[name])}
    assert len(moved) == 12 and all("layer" in name and name.endswith("weight") for name in moved)


def test_the_state_holds_what_is_trained_and_nothing_of_the_frozen_encoder() -> None:
    training, plain = begin(), begin(method=None)
    for each in (training, plain):
        each.advance()
        each.advance()
    tensors = training.take_state().tensors
    names = {name for name in tensors if name.startswith("model.")}
    assert names == {f"model.{name}" for name, weight in training.model.named_parameters() if weight.requires_grad}
    moments = sum(tensors[name].numel() for name in tensors if name.startswith("optimizer.") and "exp_avg" in name)
    assert moments == 2 * sum(weight.numel() for weight in training.weights.trained)
    assert {*training.selection.best_weights} == {name.removeprefix("model.") for name in names}
    with pytest.raises(RuntimeError):
        begin().continue_from(plain.take_state())
    with pytest.raises(RuntimeError):
        begin(method=None).continue_from(training.take_state())


def test_the_micro_batch_has_no_part_in_the_gradients() -> None:
    def gradients(training: FineTuning) -> dict[str, torch.Tensor]:
        for module in training.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        training.model.train()
        training._compute_gradients(*training.batches.batch_at(0))
        return {name: value.grad for name, value in training.model.named_parameters() if value.grad is not None}

    whole, halves = begin(), begin()
    halves.limit_micro_batch(3)
    one, other = gradients(whole), gradients(halves)
    assert one.keys() == other.keys() == {name for name, value in whole.model.named_parameters() if value.requires_grad}
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-6)


def test_the_passes_of_the_table_are_those_that_are_done() -> None:
    # An encoder much wider than the rank: the adapters' own products, and the first layer's, are what is left.
    def operations(method: str | None) -> int:
        encoder = tiny_encoder()
        shape = {**SHAPE, "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6}
        wide = dataclasses.replace(encoder, model=XLMRobertaModel(XLMRobertaConfig(**shape), add_pooling_layer=False))
        training = begin(method=method, encoder=wide, recipe=ONE_STEP)
        training.model.train()
        with FlopCounterMode(display=False) as counter:
            training._compute_gradients(*training.batches.batch_at(0))
        return counter.get_total_flops()

    assert operations(LORA) / operations(None) == pytest.approx(METHODS[LORA].passes, rel=0.1)


def test_a_seed_draws_the_same_adapters_and_another_one_others() -> None:
    def first(seed: int) -> torch.Tensor:
        return next(value for name, value in begin(seed=seed).model.named_parameters() if "lora_A" in name)

    assert torch.equal(first(0), first(0)) and not torch.equal(first(0), first(1))


def scores_of(context: StageContext, stage: Stage) -> pl.DataFrame:
    rows = drop_costs(pl.read_parquet(folder_of(context, stage.key) / SCORES))
    return rows.sort("target", "tenth", "language", "split", "metric")


def test_a_stage_hands_on_a_plain_encoder_that_any_stage_starts_from(context: StageContext) -> None:
    outcome = run_stage(context, PHASE)
    assert outcome.status in ("finished", "degenerate")
    encoder = load_encoder(str(folder_of(context, PHASE.key) / ENCODER))
    assert {*encoder.model.state_dict()} == {*tiny_encoder().model.state_dict()}
    files = [path.name for path in (folder_of(context, PHASE.key) / ENCODER).iterdir()]
    assert not [name for name in files if "adapter" in name]
    for fields in ({}, {"recipe": {**STEPS, "method": ENTRY}}):
        target = target_stage("udpos-en", {"udpos": ("en", "qfa")}, PHASE, **fields)
        assert run_stage(context, target).status in ("finished", "degenerate")
        assert len(scores_of(context, target).filter(pl.col("split") == "test"))


def test_probes_measure_the_merged_encoder_with_gradients_of_all_its_weights(context: StageContext) -> None:
    run_stage(dataclasses.replace(context, probes=("similarity",)), PHASE)
    rows = pl.read_parquet(folder_of(context, PHASE.key) / PROBES_FILE)
    names = {name for name in rows["probe"].unique() if name.endswith(".weight")}
    assert len(names) == 12, rows["probe"].unique().to_list()


def test_a_stage_that_was_cut_has_the_scores_of_one_that_was_not(context: StageContext, tmp_path: Any) -> None:
    target = target_stage("udpos-en", {"udpos": ("en", "qfa")}, recipe={**STEPS, "method": ENTRY})
    cut = dataclasses.replace(context, results=type(context.results)(tmp_path / "cut"))
    run_stage(context, target)
    run_stage(cut, target, tenths=3)
    assert (folder_of(cut, target.key) / CHECKPOINT / STATE).exists()
    run_stage(cut, target, tenths=TENTHS - 3)
    assert scores_of(context, target).equals(scores_of(cut, target))


def test_checkpoints_are_small(context: StageContext) -> None:
    sizes = {}
    for name, recipe in (("plain", STEPS), (LORA, {**STEPS, "method": ENTRY})):
        target = target_stage("udpos-en", {"udpos": ("en",)}, recipe=recipe)
        run_stage(context, target, tenths=2)
        folder = folder_of(context, target.key) / CHECKPOINT
        sizes[name] = sum(path.stat().st_size for path in folder.iterdir())
    assert sizes[LORA] < 0.5 * sizes["plain"]


def test_another_rank_is_another_stage() -> None:
    entries = ({}, {"method": ENTRY}, {"method": {**ENTRY, "rank": 4}}, {"method": {**ENTRY, "places": "other"}})
    keys = [target_stage("udpos-en", {"udpos": ("en",)}, recipe={**STEPS, **entry}).key for entry in entries]
    assert len({*keys}) == len(keys)
    assert {*ENTRY} == {"name", "rank", "alpha", "dropout", "places"}
