"""The size of the phases that a question is about, beside the targets that follow them."""

from dataclasses import replace

import pytest

from spaces.benchmark import BENCHMARKS, UNBOUNDED, Benchmark
from spaces.chain import parse_chain
from spaces.encoders import PROFILES
from spaces.named_spaces import SPACES
from spaces.phase import resolve_phases
from spaces.space import resolve_axes
from spaces.xtreme_data import count_published_rows

REAL = [BENCHMARKS["xtreme"], BENCHMARKS["xtreme-r"]]
QUESTIONS = ("diversity", "languages", "adversarial", "variants")


def rows_of(task: str) -> int:
    rows = count_published_rows(task)
    assert rows is not None
    return rows


@pytest.mark.parametrize("benchmark", REAL, ids=lambda benchmark: benchmark.name)
def test_mixes_have_all_rows_of_the_smallest_task_and_its_epochs(benchmark: Benchmark) -> None:
    space = SPACES["diversity"].build(benchmark)
    tasks = {task for name in space.intermediates or () for task in parse_chain(name).tasks if task != "multitask"}
    smallest = min(tasks, key=rows_of)
    recipe = benchmark.intermediates[smallest].recipe
    assert recipe is not None and recipe.epochs is not None
    assert space.budget.examples == rows_of(smallest)
    assert space.budget.steps == round(rows_of(smallest) * recipe.epochs / benchmark.mixture.recipe.batch_size)


@pytest.mark.parametrize("benchmark", REAL, ids=lambda benchmark: benchmark.name)
def test_languages_train_as_long_as_the_target_that_follows(benchmark: Benchmark) -> None:
    space = SPACES["languages"].build(benchmark)
    tasks = {task for name in space.intermediates or () for task in parse_chain(name).tasks}
    assert space.budget.examples == min(map(rows_of, tasks))
    target = benchmark.targets["xnli"].recipe
    assert target is not None and target.epochs is not None
    assert space.budget.steps == round(rows_of("xnli") * target.epochs / target.batch_size)


@pytest.mark.parametrize("benchmark", REAL, ids=lambda benchmark: benchmark.name)
@pytest.mark.parametrize("name", ["adversarial", "variants"])
def test_methods_train_on_all_rows_by_the_recipe_of_the_task(benchmark: Benchmark, name: str) -> None:
    space = SPACES[name].build(benchmark)
    assert space.budget == UNBOUNDED
    phases = resolve_phases(("mnli", "mnli~x2"), benchmark, mixture=(), budget=space.budget, masked=space.masked)
    epochs = [phase.recipe["epochs"] for phase in phases.values()]
    recipe = benchmark.intermediates["mnli"].recipe
    assert recipe is not None and recipe.epochs is not None and epochs == [recipe.epochs, 2 * recipe.epochs]


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_rate_of_the_paper_is_among_those_of_every_question(name: str) -> None:
    for benchmark in REAL:
        space = replace(SPACES[name].build(benchmark), targets=("xnli",))
        assert 1e-5 in resolve_axes(space, benchmark, PROFILES["pretrained"]).learning_rates  # type: ignore[operator]


@pytest.mark.parametrize(("name", "steps"), [("diversity", 400), ("languages", 400), ("adversarial", 200)])
def test_the_questions_of_the_miniature_stay_as_they_are(name: str, steps: int) -> None:
    """Other budgets or rates would give all stages other keys, and recorded sweeps would be of no use."""
    miniature = BENCHMARKS["miniature"]
    space = SPACES[name].build(miniature)
    assert (space.budget.steps, space.budget.examples) == (steps, 3000)
    assert resolve_axes(space, miniature, PROFILES["miniature"]).learning_rates == (1e-3,)
