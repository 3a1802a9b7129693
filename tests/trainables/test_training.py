"""The training loop: exact continuation, seeds, the best tenth, mixtures, time in tenths."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spaces.benchmark import BENCHMARKS
from spaces.profile import PROFILES, Profile
from spaces.stage import TENTHS
from spaces.task import Recipe
from trainables.data import Source
from trainables.encoded import encoded, training_table
from trainables.encoder import Encoder
from trainables.schedule import Order, end_of_tenth, rate_factor, total_steps
from trainables.training import DivergedError, FineTuning, Part

from .conftest import tiny_encoder

MINIATURE = BENCHMARKS["miniature"]
SOURCE = Source(benchmark="miniature", limit=40)


def part(name: str, encoder: Encoder, recipe: Recipe, profile: Profile, weight: float = 1.0) -> Part:
    task = MINIATURE.intermediates[name]
    return Part(
        task=task,
        train=training_table(SOURCE, task, encoder.tokenizer, recipe, profile),
        dev=encoded(SOURCE, task, "dev", "en", encoder.tokenizer, recipe, profile),
        weight=weight,
    )


def run(names: Sequence[str], recipe: Recipe, profile: Profile, seed: int = 0, rate: float = 5e-3) -> FineTuning:
    encoder = tiny_encoder()
    parts = [part(name, encoder, recipe, profile) for name in names]
    assert recipe.steps is not None
    return FineTuning(encoder, parts, recipe, profile, steps=recipe.steps, learning_rate=rate, seed=seed)


def weights(work: FineTuning) -> dict[str, torch.Tensor]:
    return work.model.state_dict()


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("cut", [1, 4, 9])
@pytest.mark.parametrize("names", [("csqa",), ("ccg",), ("squad",), ("mnli", "ccg")], ids="+".join)
def test_a_cut_run_continues_bit_for_bit(names: tuple[str, ...], cut: int, recipe: Recipe, profile: Profile) -> None:
    whole = run(names, recipe, profile)
    for _ in range(TENTHS):
        whole.advance()
    first = run(names, recipe, profile)
    for _ in range(cut):
        first.advance()
    state = {name: value.clone() for name, value in first.state().items()}
    torch.manual_seed(12345)  # another process has other random states
    second = run(names, recipe, profile)
    second.load_state(state)
    while not second.done:
        second.advance()
    assert equal(weights(second), weights(whole)) and equal(second.best, whole.best)
    assert (second.curve, second.best_tenth, second.dev) == (whole.curve, whole.best_tenth, whole.dev)


def test_a_seed_changes_heads_order_and_dropout(recipe: Recipe, profile: Profile) -> None:
    one, same, other = (run(["mnli"], recipe, profile, seed=seed) for seed in (0, 0, 1))
    assert equal(weights(one), weights(same))
    assert not torch.equal(one.heads[0].out.weight, other.heads[0].out.weight)  # type: ignore[union-attr,arg-type]
    assert one.orders[0].batch(0) != other.orders[0].batch(0)


def test_the_best_tenth_is_handed_on(recipe: Recipe, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    monkeypatch.setattr("trainables.training.task_score", lambda task, metrics: next(scores))
    work = run(["csqa"], recipe, profile)
    kept = []
    for _ in range(TENTHS):
        work.advance()
        kept.append({name: value.clone() for name, value in weights(work).items()})
    work.restore_best()
    assert work.best_tenth == 4  # of equals the last
    assert equal(weights(work), kept[3]) and not equal(kept[3], kept[9])


def test_training_learns(profile: Profile) -> None:
    recipe = Recipe(steps=150, batch_size=16, max_length=64)
    work = run(["ccg"], recipe, profile, rate=1e-2)
    while not work.done:
        work.advance()
    tags = [tag for example in work.parts[0].dev.examples for tag in example.tags]  # type: ignore[union-attr]
    assert max(work.curve) > max(tags.count(tag) for tag in set(tags)) / len(tags) + 0.3


def test_frozen_embeddings_stay(recipe: Recipe) -> None:
    work = run(["csqa"], recipe, PROFILES["small"])
    before = work.encoder.model.get_input_embeddings().weight.clone()  # type: ignore[union-attr,operator]
    for _ in range(3):
        work.advance()
    assert torch.equal(before, work.encoder.model.get_input_embeddings().weight)  # type: ignore[union-attr,arg-type]


def test_a_mixture_draws_by_weight(recipe: Recipe, profile: Profile) -> None:
    encoder = tiny_encoder()
    parts = [part("csqa", encoder, recipe, profile, 3.0), part("ccg", encoder, recipe, profile, 1.0)]
    work = FineTuning(encoder, parts, recipe, profile, steps=4000, learning_rate=1e-3, seed=0)
    assert np.mean(work.turns == 0) == pytest.approx(0.75, abs=0.03)


def test_a_loss_that_is_no_number_is_named(recipe: Recipe, profile: Profile) -> None:
    work = run(["csqa"], recipe, profile)
    with torch.no_grad():
        work.heads[0].score.out.bias.fill_(float("nan"))  # type: ignore[union-attr,operator]
    with pytest.raises(DivergedError, match="the loss is nan at step 1 of 20"):
        work.advance()


@pytest.mark.parametrize("name", ["mnli", "ccg", "squad"])
def test_half_the_micro_batch_gives_the_same_gradients(name: str, recipe: Recipe, profile: Profile) -> None:
    # Memory runs out once: the batch is done in halves, and the effective batch stays what it was.
    plain, short = run([name], recipe, profile), run([name], recipe, profile)
    for work in (plain, short):
        for module in work.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    original, failed = short._backward, []

    def fails_once(part: int, features: list[object], size: int) -> None:
        if not failed:
            failed.append(True)
            raise torch.OutOfMemoryError("made up")
        original(part, features, size)  # type: ignore[arg-type]

    short._backward = fails_once  # type: ignore[assignment,method-assign]
    for work in (plain, short):
        work._update(*work._batch(0))
    assert short.note == "memory ran out: 4 of 8 examples at a time" and plain.note is None
    for one, other in zip(plain.model.parameters(), short.model.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


@given(examples=st.integers(1, 50), size=st.integers(1, 20), batches=st.integers(1, 12))
def test_every_example_comes_once_per_epoch(examples: int, size: int, batches: int) -> None:
    order = Order(examples, size, (0,))
    seen = [index for number in range(batches) for index in order.batch(number)]
    for epoch in range(len(seen) // examples):
        assert sorted(seen[epoch * examples : (epoch + 1) * examples]) == list(range(examples))
    assert all(len(order.batch(number)) == size for number in range(batches))


@given(steps=st.integers(TENTHS, 5000))
def test_tenths_cover_the_schedule(steps: int) -> None:
    ends = [end_of_tenth(tenth, steps) for tenth in range(TENTHS + 1)]
    assert ends[0] == 0 and ends[-1] == steps and all(a < b for a, b in itertools.pairwise(ends))


@given(steps=st.integers(10, 2000), warmup=st.floats(0.0, 0.5))
def test_the_rate_rises_to_its_peak_and_falls_to_nothing(steps: int, warmup: float) -> None:
    factors = [rate_factor(step, steps, warmup) for step in range(steps)]
    peak = factors.index(max(factors))
    assert max(factors) == pytest.approx(1.0) and min(factors) > 0
    assert all(a <= b for a, b in itertools.pairwise(factors[: peak + 1]))
    assert all(a > b for a, b in itertools.pairwise(factors[peak + 1 :]))


def test_epochs_become_steps() -> None:
    assert total_steps(Recipe(epochs=2, batch_size=32), 1000) == 63
    assert total_steps(Recipe(epochs=1, batch_size=32), 10) == TENTHS
    assert total_steps(Recipe(steps=400), 10) == 400
