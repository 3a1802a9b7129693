"""The training loop: exact continuation, seeds, the best tenth, mixtures, time in tenths."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES, EncoderProfile
from spaces.stage import TENTHS, Precision
from spaces.task import Recipe
from tests.trainables.conftest import tiny_encoder
from trainables.data.task_data import DataSource
from trainables.models.encoder import Encoder
from trainables.training.batches import TrainingPart
from trainables.training.encoding import Encoding, encode_split, encode_training_table
from trainables.training.fine_tuning import DivergedError, FineTuning

MINIATURE = BENCHMARKS["miniature"]
SOURCE = DataSource(benchmark="miniature", limit=40)


def part(name: str, encoder: Encoder, recipe: Recipe, profile: EncoderProfile, weight: float = 1.0) -> TrainingPart:
    task = MINIATURE.intermediates[name]
    return TrainingPart(
        task=task,
        table=encode_training_table(SOURCE, task, Encoding(encoder.tokenizer, recipe, profile)),
        weight=weight,
    )


def run(
    names: Sequence[str],
    recipe: Recipe,
    profile: EncoderProfile,
    seed: int = 0,
    rate: float = 5e-3,
    precision: Precision = "fp32",
) -> FineTuning:
    encoder = dataclasses.replace(tiny_encoder(), precision=precision)
    parts = [part(name, encoder, recipe, profile) for name in names]
    assert recipe.steps is not None
    encoding = Encoding(encoder.tokenizer, recipe, profile)
    dev_sets = [encode_split(SOURCE, part.task, "dev", "en", encoding) for part in parts]
    return FineTuning(encoder, parts, dev_sets, recipe, profile, steps=recipe.steps, learning_rate=rate, seed=seed)


def weights(training: FineTuning) -> dict[str, torch.Tensor]:
    return training.model.state_dict()


def equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("cut", [1, 4, 9])
@pytest.mark.parametrize("names", [("csqa",), ("ccg",), ("squad",), ("mnli", "ccg")], ids="+".join)
def test_a_cut_run_continues_bit_for_bit(
    names: tuple[str, ...], cut: int, recipe: Recipe, profile: EncoderProfile
) -> None:
    continue_after(cut, lambda: run(names, recipe, profile))


def test_so_it_does_in_bf16_with_batches_by_length(recipe: Recipe) -> None:
    # 40 examples in batches of 8 make pools of 5 batches, which the tenths of 2 steps cut.
    continue_after(1, lambda: run(("mnli", "ccg"), recipe, PROFILES["pretrained"], precision="bf16"))


def continue_after(cut: int, begin: Callable[[], FineTuning]) -> None:
    whole = begin()
    for _ in range(TENTHS):
        whole.advance()
    first = begin()
    for _ in range(cut):
        first.advance()
    state = {name: value.clone() for name, value in first.state_dict().items()}
    torch.manual_seed(12345)  # another process has other random states
    second = begin()
    second.load_state_dict(state)
    while second.tenth < TENTHS:
        second.advance()
    assert equal(weights(second), weights(whole)) and equal(second.best_weights, whole.best_weights)
    assert (second.curve, second.best_tenth, second.dev_metrics) == (whole.curve, whole.best_tenth, whole.dev_metrics)


def test_a_seed_changes_heads_order_and_dropout(recipe: Recipe, profile: EncoderProfile) -> None:
    first, same, other = (run(["mnli"], recipe, profile, seed=seed) for seed in (0, 0, 1))
    assert equal(weights(first), weights(same))
    assert not torch.equal(first.heads[0].out.weight, other.heads[0].out.weight)  # type: ignore[union-attr,arg-type]
    assert first.batches.orders[0].batch_indices(0) != other.batches.orders[0].batch_indices(0)


def test_the_best_tenth_is_handed_on(recipe: Recipe, profile: EncoderProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("trainables.training.fine_tuning.compute_task_score", lambda task, metrics: next(scores))
    training = run(["csqa"], recipe, profile)
    copies = []
    for _ in range(TENTHS):
        training.advance()
        copies.append({name: value.clone() for name, value in weights(training).items()})
    training.restore_best()
    assert training.best_tenth == 4  # of equals the last
    assert equal(weights(training), copies[3]) and not equal(copies[3], copies[9])


def test_training_learns(profile: EncoderProfile) -> None:
    recipe = Recipe(steps=150, batch_size=16, max_length=64)
    training = run(["ccg"], recipe, profile, rate=1e-2)
    while training.tenth < TENTHS:
        training.advance()
    tags = [tag for example in training.dev_sets[0].examples for tag in example.tags]  # type: ignore[union-attr]
    assert max(training.curve) > max(tags.count(tag) for tag in set(tags)) / len(tags) + 0.3


def test_a_mixture_draws_by_weight(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder = tiny_encoder()
    parts = [part("csqa", encoder, recipe, profile, 3.0), part("ccg", encoder, recipe, profile, 1.0)]
    training = FineTuning(encoder, parts, [], recipe, profile, steps=4000, learning_rate=1e-3, seed=0)
    assert np.mean(training.batches.part_of_step == 0) == pytest.approx(0.75, abs=0.03)


def test_rows_of_one_task_in_two_languages_share_a_head(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder, task = tiny_encoder(), MINIATURE.intermediates["csqa"]
    encoding = Encoding(encoder.tokenizer, recipe, profile)
    tables = [encode_training_table(SOURCE, task, encoding, language) for language in ("en", "qfa")]
    dev_sets = [encode_split(SOURCE, task, "dev", "en", encoding)]
    parts = [TrainingPart(task=task, table=table) for table in tables]
    training = FineTuning(encoder, parts, dev_sets, recipe, profile, steps=40, learning_rate=1e-3, seed=0)
    assert len(training.heads) == 1 and set(training.batches.part_of_step) == {0, 1}
    training.advance()
    assert set(training.dev_metrics[0]) == {"accuracy"}  # one task: its own metrics, not a mean over tasks


def test_only_chosen_rows_are_trained_on(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder = tiny_encoder()
    chosen = dataclasses.replace(part("csqa", encoder, recipe, profile), subset=np.array([3, 5, 8]))
    training = FineTuning(encoder, [chosen], [], recipe, profile, steps=40, learning_rate=1e-3, seed=0)
    seen = {feature.example for step in range(40) for feature in training.batches.batch_at(step)[1]}
    assert seen == {int(chosen.table.examples[row]) for row in (3, 5, 8)}


def test_a_loss_that_is_no_number_is_named(recipe: Recipe, profile: EncoderProfile) -> None:
    training = run(["csqa"], recipe, profile)
    with torch.no_grad():
        training.heads[0].score.out.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]
    with pytest.raises(DivergedError, match="the loss is nan at step 1 of 20"):
        training.advance()


def test_losses_that_are_looked_at_late_are_named_by_their_step(recipe: Recipe, profile: EncoderProfile) -> None:
    # A GPU's losses are gathered: the first that is no number is the one that counts.
    training = run(["csqa"], recipe, profile)
    training.step = 14
    training._check_losses([torch.tensor(1.0), torch.tensor(2.0)])
    with pytest.raises(DivergedError, match="the loss is inf at step 13 of 20"):
        training._check_losses([torch.tensor(value) for value in (1.0, float("inf"), float("nan"))])
