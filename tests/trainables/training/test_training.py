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
from trainables.training.encoding import encode_split, encode_training_table
from trainables.training.fine_tuning import DivergedError, FineTuning

MINIATURE = BENCHMARKS["miniature"]
SOURCE = DataSource(benchmark="miniature", limit=40)


def part(name: str, encoder: Encoder, recipe: Recipe, profile: EncoderProfile, weight: float = 1.0) -> TrainingPart:
    task = MINIATURE.intermediates[name]
    return TrainingPart(
        task=task,
        table=encode_training_table(SOURCE, task, encoder.tokenizer, recipe, profile),
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
    devs = [encode_split(SOURCE, part.task, "dev", "en", encoder.tokenizer, recipe, profile) for part in parts]
    return FineTuning(encoder, parts, devs, recipe, profile, steps=recipe.steps, learning_rate=rate, seed=seed)


def weights(work: FineTuning) -> dict[str, torch.Tensor]:
    return work.model.state_dict()


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


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
    while not second.is_done:
        second.advance()
    assert equal(weights(second), weights(whole)) and equal(second.best_weights, whole.best_weights)
    assert (second.curve, second.best_tenth, second.dev_metrics) == (whole.curve, whole.best_tenth, whole.dev_metrics)


def test_a_seed_changes_heads_order_and_dropout(recipe: Recipe, profile: EncoderProfile) -> None:
    one, same, other = (run(["mnli"], recipe, profile, seed=seed) for seed in (0, 0, 1))
    assert equal(weights(one), weights(same))
    assert not torch.equal(one.heads[0].out.weight, other.heads[0].out.weight)  # type: ignore[union-attr,arg-type]
    assert one.batches.orders[0].batch_indices(0) != other.batches.orders[0].batch_indices(0)


def test_the_best_tenth_is_handed_on(recipe: Recipe, profile: EncoderProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("trainables.training.fine_tuning.task_score", lambda task, metrics: next(scores))
    work = run(["csqa"], recipe, profile)
    kept = []
    for _ in range(TENTHS):
        work.advance()
        kept.append({name: value.clone() for name, value in weights(work).items()})
    work.restore_best()
    assert work.best_tenth == 4  # of equals the last
    assert equal(weights(work), kept[3]) and not equal(kept[3], kept[9])


def test_training_learns(profile: EncoderProfile) -> None:
    recipe = Recipe(steps=150, batch_size=16, max_length=64)
    work = run(["ccg"], recipe, profile, rate=1e-2)
    while not work.is_done:
        work.advance()
    tags = [tag for example in work.dev_sets[0].examples for tag in example.tags]  # type: ignore[union-attr]
    assert max(work.curve) > max(tags.count(tag) for tag in set(tags)) / len(tags) + 0.3


def test_a_mixture_draws_by_weight(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder = tiny_encoder()
    parts = [part("csqa", encoder, recipe, profile, 3.0), part("ccg", encoder, recipe, profile, 1.0)]
    work = FineTuning(encoder, parts, [], recipe, profile, steps=4000, learning_rate=1e-3, seed=0)
    assert np.mean(work.batches.part_of_step == 0) == pytest.approx(0.75, abs=0.03)


def test_rows_of_one_task_in_two_languages_share_a_head(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder, task = tiny_encoder(), MINIATURE.intermediates["csqa"]
    tables = [
        encode_training_table(SOURCE, task, encoder.tokenizer, recipe, profile, language=name) for name in ("en", "qfa")
    ]
    devs = [encode_split(SOURCE, task, "dev", "en", encoder.tokenizer, recipe, profile)]
    parts = [TrainingPart(task=task, table=table) for table in tables]
    work = FineTuning(encoder, parts, devs, recipe, profile, steps=40, learning_rate=1e-3, seed=0)
    assert len(work.heads) == 1 and set(work.batches.part_of_step) == {0, 1}
    work.advance()
    assert set(work.dev_metrics[0]) == {"accuracy"}  # one task: its own metrics, not a mean over tasks


def test_only_chosen_rows_are_trained_on(recipe: Recipe, profile: EncoderProfile) -> None:
    encoder = tiny_encoder()
    chosen = dataclasses.replace(part("csqa", encoder, recipe, profile), subset=np.array([3, 5, 8]))
    work = FineTuning(encoder, [chosen], [], recipe, profile, steps=40, learning_rate=1e-3, seed=0)
    seen = {feature.example for step in range(40) for feature in work.batches.batch_at(step)[1]}
    assert seen == {int(chosen.table.examples[row]) for row in (3, 5, 8)}


def test_a_loss_that_is_no_number_is_named(recipe: Recipe, profile: EncoderProfile) -> None:
    work = run(["csqa"], recipe, profile)
    with torch.no_grad():
        work.heads[0].score.out.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]
    with pytest.raises(DivergedError, match="the loss is nan at step 1 of 20"):
        work.advance()


def test_losses_that_are_looked_at_late_are_named_by_their_step(recipe: Recipe, profile: EncoderProfile) -> None:
    # A GPU's losses are gathered: the first that is no number is the one that counts.
    work = run(["csqa"], recipe, profile)
    work.step = 14
    work._check_losses([torch.tensor(1.0), torch.tensor(2.0)])
    with pytest.raises(DivergedError, match="the loss is inf at step 13 of 20"):
        work._check_losses([torch.tensor(value) for value in (1.0, float("inf"), float("nan"))])
