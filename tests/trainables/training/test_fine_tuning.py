"""The training loop: exact continuation, seeds, the best tenth, mixtures, time in tenths."""

import dataclasses

import numpy as np
import pytest
import torch

from spaces.encoders import PROFILES
from spaces.stage import TENTHS
from spaces.task import Recipe
from tests.trainables.conftest import tiny_encoder
from tests.trainables.trainings import (
    MINIATURE,
    PROFILE,
    RECIPE,
    SOURCE,
    assert_continues,
    equal,
    part,
    train_table,
    training_of,
)
from trainables.training.batches import TrainingPart
from trainables.training.encoding import Encoding, encode_split
from trainables.training.fine_tuning import FineTuning
from trainables.training.losses import DivergedError, sum_losses


@pytest.mark.parametrize("cut", [1, 4, 9])
@pytest.mark.parametrize("names", [("csqa",), ("ccg",), ("squad",), ("mnli", "ccg")], ids="+".join)
def test_a_cut_run_continues_bit_for_bit(names: tuple[str, ...], cut: int) -> None:
    assert_continues(cut, lambda: training_of(*names))


def test_so_it_does_in_bf16_with_batches_by_length() -> None:
    # 40 examples in batches of 8 make pools of 5 batches, which the tenths of 2 steps cut.
    assert_continues(1, lambda: training_of("mnli", "ccg", profile=PROFILES["pretrained"], precision="bf16"))


def test_a_seed_changes_heads_order_and_dropout() -> None:
    first, same, other = (training_of("mnli", seed=seed) for seed in (0, 0, 1))
    assert equal(first.model.state_dict(), same.model.state_dict())
    assert not torch.equal(first.heads[0].out.weight, other.heads[0].out.weight)  # type: ignore[union-attr,arg-type]
    assert first.batches.orders[0].batch_indices(0) != other.batches.orders[0].batch_indices(0)


def test_the_last_tenth_is_handed_on_where_the_recipe_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.9, *[0.2] * 8, 0.1])
    monkeypatch.setattr("trainables.training.selection.compute_task_score", lambda task, metrics: next(scores))
    training = training_of("csqa", recipe=dataclasses.replace(RECIPE, selection="last"))
    for _ in range(TENTHS):
        training.advance()
    last = {name: value.clone() for name, value in training.model.state_dict().items()}
    training.restore_best()
    assert (training.selection.best_tenth, training.selection.best_score) == (10, 0.1)
    assert equal(training.model.state_dict(), last)
    again = training_of("csqa", recipe=dataclasses.replace(RECIPE, selection="last"))
    again.continue_from(training.take_state())
    assert (again.selection.best_tenth, again.selection.best_score) == (10, 0.1)


@pytest.mark.parametrize("tenths", [4, TENTHS])
def test_a_state_that_lacks_its_best_weights_is_refused(monkeypatch: pytest.MonkeyPatch, tenths: int) -> None:
    scores = iter([0.9, *[0.2] * 9])
    monkeypatch.setattr("trainables.training.selection.compute_task_score", lambda task, metrics: next(scores))
    training = training_of("csqa")
    for _ in range(tenths):
        training.advance()
    with pytest.raises(KeyError):
        training_of("csqa").continue_from(dataclasses.replace(training.take_state(), best={}))


def test_the_best_tenth_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("trainables.training.selection.compute_task_score", lambda task, metrics: next(scores))
    training = training_of("csqa")
    copies = []
    for _ in range(TENTHS):
        training.advance()
        copies.append({name: value.clone() for name, value in training.model.state_dict().items()})
    training.restore_best()
    assert training.selection.best_tenth == 4  # of equals the last
    assert equal(training.model.state_dict(), copies[3]) and not equal(copies[3], copies[9])


def test_training_learns() -> None:
    recipe = Recipe(steps=150, batch_size=16, max_length=64)
    training = training_of("ccg", recipe=recipe, rate=1e-2)
    while training.tenth < TENTHS:
        training.advance()
    tags = [tag for example in training.selection.dev_sets[0].examples for tag in example.tags]  # type: ignore[union-attr]
    assert max(training.selection.curve) > max(tags.count(tag) for tag in set(tags)) / len(tags) + 0.3


def test_a_mixture_draws_by_weight() -> None:
    encoder = tiny_encoder()
    parts = [part("csqa", encoder, weight=3.0), part("ccg", encoder)]
    training = FineTuning(encoder, parts, [], RECIPE, PROFILE, steps=4000, learning_rate=1e-3, seed=0)
    assert np.mean(training.batches.part_of_step == 0) == pytest.approx(0.75, abs=0.03)


def test_rows_of_one_task_in_two_languages_share_a_head() -> None:
    encoder, task = tiny_encoder(), MINIATURE.intermediates["csqa"]
    encoding = Encoding(encoder.tokenizer, RECIPE, PROFILE)
    tables = [train_table(task, encoding, language) for language in ("en", "qfa")]
    dev_sets = [encode_split(SOURCE, task, "dev", "en", encoding)]
    parts = [TrainingPart(task=task, table=table) for table in tables]
    training = FineTuning(encoder, parts, dev_sets, RECIPE, PROFILE, steps=40, learning_rate=1e-3, seed=0)
    assert len(training.heads) == 1 and set(training.batches.part_of_step) == {0, 1}
    training.advance()
    assert set(training.selection.dev_metrics[0]) == {"accuracy"}  # one task: its own metrics, not a mean over tasks


def test_only_chosen_rows_are_trained_on() -> None:
    encoder = tiny_encoder()
    chosen = dataclasses.replace(part("csqa", encoder), subset=np.array([3, 5, 8]))
    training = FineTuning(encoder, [chosen], [], RECIPE, PROFILE, steps=40, learning_rate=1e-3, seed=0)
    seen = {feature.example for step in range(40) for feature in training.batches.batch_at(step)[1]}
    assert seen == {int(chosen.table.examples[row]) for row in (3, 5, 8)}


def test_a_loss_that_is_no_number_is_named() -> None:
    training = training_of("csqa")
    with torch.no_grad():
        training.heads[0].score.out.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]
    with pytest.raises(DivergedError, match="the loss is nan at step 1 of 20"):
        training.advance()


def test_losses_that_are_looked_at_late_are_named_by_their_step() -> None:
    # A GPU's losses are gathered: the first that is no number is the one that counts.
    sum_losses([torch.tensor(1.0), torch.tensor(2.0)], 14, 20)
    with pytest.raises(DivergedError, match="the loss is inf at step 13 of 20"):
        sum_losses([torch.tensor(value) for value in (1.0, float("inf"), float("nan"))], 14, 20)
