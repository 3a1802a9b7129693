"""Methods on a real encoder: every kind of task, continuation, precision, dropout, micro-batches, cost."""

import dataclasses
from collections.abc import Iterator
from typing import get_args

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.stage import Precision
from spaces.task import Recipe, TaskKind
from tests.trainables.conftest import SHAPE, tiny_encoder
from tests.trainables.trainings import (
    ONE_STEP,
    RECIPE,
    TASKS,
    assert_continues,
    batch_of,
    drop_nothing,
    part,
    training_of,
)
from trainables.features.features import IGNORED, Tensors
from trainables.kinds import KINDS
from trainables.methods.adversarial import plain_fine_tuning
from trainables.methods.agreement import divergence
from trainables.methods.step import TrainingStep, build_step
from trainables.models.encoder import compute_hidden_states
from trainables.training.fine_tuning import FineTuning

NAMES = ("fgm", "pgd", "freelb", "smart", "r3f", "synonyms")  # layers and salt have tests of their own


def entry(name: str, **changes: float) -> dict[str, object]:
    return {"name": name, **METHODS[name].settings, **changes}


def begin(
    method: str | None, kind: str = "pair", *, recipe: Recipe = RECIPE, precision: Precision = "fp32", **changes: float
) -> FineTuning:
    """A training that has not begun, with a method whose settings are changed so."""
    chosen = None if method is None else {"name": method, **METHODS[method].settings, **changes}
    return training_of(TASKS[kind], recipe=recipe, precision=precision, method=chosen)


def gradients(training: FineTuning) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss and the gradients of the first batch."""
    training.model.train()
    loss = training._compute_gradients(*training.batches.batch_at(0))
    return loss, {name: value.grad for name, value in training.model.named_parameters() if value.grad is not None}


def far(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference, as a share of the largest gradient."""
    assert one.keys() == other.keys()
    scale = max(float(value.abs().max()) for value in other.values())
    return max(float((one[name] - other[name]).abs().max()) for name in other) / scale


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_every_method_trains_every_kind_it_has_a_meaning_for(name: str, kind: TaskKind) -> None:
    if kind in METHODS[name].unsuited_kinds:
        with pytest.raises(UsageError, match=f"{TASKS[kind]}~{name}: {name} cannot train tasks of kind {kind}"):
            begin(name, kind)
        return
    loss, own = gradients(begin(name, kind))
    _, usual = gradients(begin(None, kind))
    assert loss.isfinite() and all(value.isfinite().all() for value in own.values())
    assert far(own, usual) > 1e-7


def test_the_table_of_kinds_names_kinds_and_leaves_each_method_some() -> None:
    kinds = set(get_args(TaskKind)) - {"retrieval"}  # nothing is trained there
    for method in METHODS.values():
        assert set(method.unsuited_kinds) < kinds and all(method.unsuited_kinds.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_run_continues_bit_for_bit(name: str) -> None:
    assert_continues(4, lambda: begin(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_passes_of_the_table_are_those_that_are_done(name: str) -> None:
    # Attention has no weights. Without their gradients, an encoder this narrow does up to 6 % more.
    def operations(method: str | None) -> int:
        training = begin(method, recipe=ONE_STEP)
        with FlopCounterMode(display=False) as counter:
            gradients(training)
        return counter.get_total_flops()

    assert operations(name) / operations(None) == pytest.approx(METHODS[name].passes, rel=0.06)


@pytest.fixture
def even_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that do not depend on their number. They are not constant: the first norm would remove constants."""

    def even(values: torch.Tensor) -> torch.Tensor:
        return torch.linspace(0, 1, values.shape[-1]).expand_as(values)

    monkeypatch.setattr(torch, "rand_like", even)
    monkeypatch.setattr(torch, "randn_like", even)


@pytest.mark.usefixtures("even_draws")
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "synonyms"])
def test_the_micro_batch_has_no_part_in_the_gradients(name: str, kind: str) -> None:
    whole, halves = (drop_nothing(begin(name, kind)) for _ in range(2))
    halves.limit_micro_batch(3)
    (loss, own), (same, usual) = gradients(halves), gradients(whole)
    torch.testing.assert_close(loss, same, rtol=1e-4, atol=1e-6)
    assert far(own, usual) < 1e-4


@pytest.mark.parametrize(
    ("name", "zeros"),
    [
        ("freelb", {"radius": 0.0, "rate": 0.0, "start": 0.0}),
        ("pgd", {"radius": 0.0, "rate": 0.0, "start": 0.0}),
        ("smart", {"noise": 0.0, "rate": 0.0, "radius": 0.0}),
        ("r3f", {"noise": 0.0}),
    ],
)
def test_all_passes_of_a_step_drop_the_same_units(name: str, zeros: dict[str, float]) -> None:
    # So without a perturbation every method is plain fine-tuning.
    training, usual = begin(name, **zeros), begin(None)
    torch.manual_seed(3)
    loss, own = gradients(training)
    after = torch.get_rng_state()
    torch.manual_seed(3)
    expected, theirs = gradients(usual)
    torch.testing.assert_close(loss, expected)
    assert far(own, theirs) < 1e-5
    torch.manual_seed(3)
    assert not torch.equal(after, torch.get_rng_state())  # the next step drops others


def seen(training: FineTuning) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The perturbations and the logits of the passes of the first batch that replace words."""
    passes = []

    def watched(step: TrainingStep) -> torch.Tensor:
        def logits(batch: Tensors, words: torch.Tensor | None) -> torch.Tensor:
            result = step.compute_logits(batch, words)
            if words is not None:
                passes.append((words.detach() - step.embed_words().detach(), result.detach()))
            return result

        return own(dataclasses.replace(step, compute_logits=logits))

    own, training.method = training.method, watched
    gradients(training)
    return iter(passes)


@pytest.mark.parametrize("name", ["fgm", "pgd", "freelb", "smart", "r3f"])
def test_only_ordinary_tokens_are_perturbed(name: str) -> None:
    training = begin(name)
    _, features = training.batches.batch_at(0)
    batch = batch_of(features, training.encoder)
    special = torch.isin(batch["input_ids"], torch.tensor([0, 1, 2, 4]))  # <s>, <pad>, </s>, <mask>
    *_, (perturbation, _) = seen(training)
    assert not perturbation[special].any()
    assert (perturbation[~special].abs().amax(-1) > 0).all()


@pytest.mark.parametrize("name", ["smart", "r3f"])
def test_noise_below_the_resolution_of_bf16_is_not_lost(name: str) -> None:
    tiny = {"noise": 1e-5} if name == "r3f" else {"noise": 1e-5, "rate": 1e-5, "radius": 1e-5}
    training = drop_nothing(begin(name, precision="bf16", **tiny))
    _, features = training.batches.batch_at(0)
    batch = batch_of(features, training.encoder)
    training.model.train()
    words = training.encoder.model.get_input_embeddings()(batch["input_ids"]).detach()
    clean = training.encoder.compute_logits(training.heads[0], batch).detach()
    *_, (perturbation, logits) = seen(training)
    assert ((words + perturbation).bfloat16() != words.bfloat16()).float().mean() < 0.01  # there it would be lost
    size = words.norm(dim=-1).mean() / words.shape[-1] ** 0.5
    largest = float(perturbation.abs().max() / size)
    assert 0.5e-5 < largest < 2e-5
    assert not torch.equal(logits, clean)


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
def test_words_stand_in_place_of_word_embeddings_alone(architecture: str) -> None:
    # Positions, types and norms are zeros added, so the table's own words give what the ids give, beside padding too.
    encoder = tiny_encoder()
    if architecture == "bert":
        config = BertConfig(**{**SHAPE, "type_vocab_size": 2})
        encoder = dataclasses.replace(encoder, model=BertModel(config, add_pooling_layer=False))
    encoder.model.eval()
    table = part("mnli", tiny_encoder()).table
    batch = batch_of([table[i] for i in range(8)], encoder)
    if architecture == "bert":
        batch["token_type_ids"] = (batch["marks"] == 1).to(torch.int64)
    read = batch["attention_mask"] == 1
    assert not read.all()
    words = encoder.model.get_input_embeddings()(batch["input_ids"])
    torch.testing.assert_close(
        compute_hidden_states(encoder.model, batch, words)[read], compute_hidden_states(encoder.model, batch)[read]
    )


def test_a_step_of_plain_fine_tuning_is_what_it_was() -> None:
    training = drop_nothing(begin(None))
    assert training.method is plain_fine_tuning
    loss, _ = gradients(training)
    number, features = training.batches.batch_at(0)
    batch = batch_of(features, training.encoder)
    logits = training.encoder.compute_logits(training.heads[number], batch)
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, batch["target"]).detach())


def test_unknown_words_are_ordinary() -> None:
    encoder = tiny_encoder()
    ids = torch.tensor([[0, 3, 4, 9, 2, 1]])  # <s> <unk> <mask> word </s> <pad>
    batch = {"input_ids": ids, "attention_mask": (ids != 1).to(torch.int64)}
    step = build_step(encoder, torch.nn.Identity(), KINDS["pair"], batch, 1.0)
    assert step.word_mask.tolist() == [[False, True, False, True, False, False]]


@pytest.mark.parametrize("kind", TASKS)
def test_the_loss_of_a_kind_is_about_its_outcomes(kind: str) -> None:
    # Passes are thus compared in everything that is trained and in nothing else: no padding, no second sub-token.
    training = drop_nothing(begin(None, kind))
    _, features = training.batches.batch_at(0)
    functions = KINDS[kind]  # type: ignore[index]
    batch = batch_of(features, training.encoder, kind)
    logits = training.encoder.compute_logits(training.heads[0], batch)
    labels = batch["target"].T.flatten() if kind == "span" else batch["target"].flatten()
    outcomes = functions.flatten_logits(logits, batch)
    loss = torch.nn.functional.cross_entropy(outcomes, labels[labels != IGNORED])
    torch.testing.assert_close(loss, functions.compute_loss(logits, batch))


def test_options_that_are_not_have_no_part_in_a_divergence() -> None:
    logits = torch.tensor([[1.0, 2.0, -torch.inf], [0.5, 0.0, 1.0]], requires_grad=True)
    outcomes = KINDS["choice"].flatten_logits(logits, {})
    gap = divergence(outcomes, outcomes.detach() + torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    gap.backward()
    expected = (torch.sigmoid(torch.tensor(1.0)) - torch.sigmoid(torch.tensor(0.0))) / 2  # (p - q) (z - z'), two rows
    torch.testing.assert_close(gap.detach(), expected)
    assert logits.grad is not None and logits.grad.isfinite().all() and logits.grad[0, 2] == 0
