"""Bounds of a sweep: what they change of recipes and keys, and what they leave alone."""

from dataclasses import replace

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.bounds import BOUND_NAMES, Bounds, bound_recipes, describe_bounds
from spaces.chain import MLM, parse_chain
from spaces.errors import UsageError
from spaces.phase import MaskedWords, ingredients_of, multiply_steps
from spaces.recipes import RECIPE_SETS, choose_recipes
from spaces.space import Space
from spaces.task import Recipe, list_key_fields
from trainables.training.schedule import compute_total_steps

XTREME = BENCHMARKS["xtreme"]


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "5"])
def test_a_bound_is_a_whole_number(value: object) -> None:
    for name in BOUND_NAMES:
        with pytest.raises(UsageError, match=f"`{name}` must be a whole number of at least"):
            Bounds(**{name: value})  # type: ignore[arg-type]


def test_inputs_and_probes_have_a_least_size() -> None:
    with pytest.raises(UsageError, match="`max_length` must be a whole number of at least 32, got 31"):
        Bounds(max_length=31)
    with pytest.raises(UsageError, match="`probe_limit` must be a whole number of at least 8, got 7"):
        Bounds(probe_limit=7)


def test_no_bound_changes_no_recipe() -> None:
    assert bound_recipes(XTREME, Bounds(limit=5, test_limit=5, pool_limit=5, probe_limit=9)) is XTREME


def test_steps_of_targets_are_bounded_and_those_of_phases_are_not() -> None:
    bounded = bound_recipes(XTREME, Bounds(target_steps=70))
    assert bounded.intermediates["mnli"].recipe == XTREME.intermediates["mnli"].recipe
    recipe = bounded.targets["xnli"].recipe
    assert recipe is not None and recipe.is_bounded
    assert compute_total_steps(recipe, 100_000) == 70  # many rows
    assert compute_total_steps(recipe, 320) == 20  # two epochs of few rows need fewer steps
    assert compute_total_steps(multiply_steps(recipe, 2), 100_000) == 140  # none~x2
    assert compute_total_steps(Recipe(steps=200, most_steps=70), 5) == 70


@pytest.mark.parametrize("recipes", RECIPE_SETS)
def test_inputs_are_as_long_as_allowed_and_windows_keep_their_overlap(recipes: str) -> None:
    benchmark = choose_recipes(XTREME, recipes)
    bounded = bound_recipes(benchmark, Bounds(max_length=64))
    for tasks, bounded_tasks in (
        (benchmark.intermediates, bounded.intermediates),
        (benchmark.targets, bounded.targets),
    ):
        for before, after in zip(tasks.values(), bounded_tasks.values(), strict=True):
            if before.recipe is None or after.recipe is None:
                assert after == before
                continue
            assert after.recipe.max_length == 64
            assert after.recipe.stride / 64 == pytest.approx(before.recipe.stride / before.recipe.max_length, abs=0.01)
            assert after.recipe.question_limit is None or after.recipe.question_limit <= 32
    assert bounded.mixture.recipe.max_length == 64
    assert bound_recipes(benchmark, Bounds(max_length=10_000)).targets["xnli"] == benchmark.targets["xnli"]


def test_batches_are_bounded_and_epochs_then_have_more_of_them() -> None:
    bounded = bound_recipes(XTREME, Bounds(batch_size=16))
    recipe, squad = bounded.targets["xnli"].recipe, bounded.intermediates["squad"].recipe
    assert recipe is not None and recipe.batch_size == 16 and recipe.is_bounded
    assert compute_total_steps(recipe, 320) == 40
    assert squad is not None and squad == XTREME.intermediates["squad"].recipe  # its batches have 16 already
    assert bounded.mixture.recipe.batch_size == 16  # of phases whose steps a budget sets


def test_a_bound_is_in_the_key_of_what_it_changes_only() -> None:
    recipe = XTREME.targets["xnli"].recipe
    assert recipe is not None
    assert not {"most_steps", "is_bounded"} & list_key_fields(recipe).keys()
    assert {"most_steps", "is_bounded"} <= list_key_fields(replace(recipe, most_steps=9, is_bounded=True)).keys()


def test_bounds_are_described_in_words() -> None:
    spec = {"limit": 5000, "test_limit": None, "target_steps": 70, "other": 3}
    assert describe_bounds(spec) == "at most 5,000 training rows of a task, 70 steps of a target"
    assert describe_bounds({}) == "" and Bounds(limit=3).given == {"limit": 3}


def test_a_space_takes_bounds_only() -> None:
    with pytest.raises(UsageError, match=r"`bounds` must be a Bounds\(\.\.\.\), got 7"):
        Space(name="s", bounds=7)  # type: ignore[arg-type]


def test_the_languages_of_masked_words_are_not_those_of_the_sham() -> None:
    masked = MaskedWords(languages=("en", "de"))
    (sham,) = ingredients_of(parse_chain("sham"), XTREME, (), masked)
    assert sham.language == "en"
    assert len(ingredients_of(parse_chain(MLM), XTREME, (), masked)) == 2
