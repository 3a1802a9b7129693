"""`--recipe`: what it changes of a request, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from search.cost.cost import estimate_cost
from search.cost.plan_description import describe_plan
from search.sweep.sweep_file import check_growth
from spaces.errors import UsageError
from tests.hub_layout import PAIR, QA, XNLI, pair_rows, qa_row
from tests.search.asked import request_of


@pytest.fixture
def flags(write: Callable[..., Path], model: Path, tmp_path: Path) -> list[object]:
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(40))
    write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(2))
    rows = [{"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}]
    write("google/xtreme/XNLI/validation", XNLI, rows)
    write("google/xtreme/XNLI/test", XNLI, rows)
    questions = [qa_row("ab", ["a"], [0], f"english-{i}") for i in range(20)]
    write("google/xtreme/tydiqa/train", QA, questions)
    data = write("google/xtreme/tydiqa/validation", QA, questions[:1])
    given = ["--benchmark", "xtreme", "--data", data, "--model", model, "--results", tmp_path / "runs", "--seeds", "0"]
    return [*given, "--intermediates", "mnli", "--targets", "xnli,tydiqa"]


def stage_recipes(*flags: object) -> dict[str, dict[str, object]]:
    request = request_of(*flags)
    stages = [request.maker.make_stage(stratum, 1e-5, None) for stratum in request.plan]
    return {f"{stage.kind} {stage.task}": dict(stage.recipe or {}) for stage in stages}


def test_the_recipe_is_in_the_keys_and_in_the_specification(flags: list[object]) -> None:
    ours, jiant = stage_recipes(*flags), stage_recipes(*flags, "--recipe", "jiant")
    assert (ours["target mnli"]["epochs"], jiant["target mnli"]["splits"]) == (2, "xnli selected on mnli")
    assert (jiant["intermediate mnli"]["batch_size"], jiant["intermediate mnli"]["selection"]) == (4, "last")
    assert "splits" not in ours["target tydiqa"] and jiant["target tydiqa"]["splits"] == "tydiqa with all rows"
    assert "recipe" not in request_of(*flags).spec
    spec = request_of(*flags, "--recipe", "jiant").spec
    assert (spec["recipe"], spec["learning_rates"]) == ("jiant", [1e-5])


def test_rates_on_the_command_line_win_over_those_of_the_recipe(flags: list[object]) -> None:
    own = {s.task: s.rates for s in request_of(*flags, "--recipe", "xtreme").plan if s.kind == "target"}
    assert own == {"mnli": (3e-5,), "tydiqa": (3e-5,)}
    for recipe in ("jiant", "xtreme"):
        request = request_of(*flags, "--recipe", recipe, "--learning-rates", "4e-5,5e-5")
        assert {s.rates for s in request.plan if s.kind == "target"} == {(4e-5, 5e-5)}
        assert "recipe_rates" not in request.spec


def test_a_sweep_is_not_extended_with_another_recipe(flags: list[object]) -> None:
    ours, jiant, xtreme = (request_of(*flags, "--recipe", name).spec for name in ("ours", "jiant", "xtreme"))
    for old, new in ((ours, jiant), (jiant, xtreme), (xtreme, ours)):
        with pytest.raises(UsageError, match="recipe: was "):
            check_growth(old, new, "s")
    given = request_of(*flags, "--recipe", "xtreme", "--learning-rates", "1e-5,2e-5,3e-5").spec
    with pytest.raises(UsageError, match="recipe_rates: was "):
        check_growth(xtreme, given, "s")


def test_the_plan_names_the_recipe_its_rates_and_the_tasks_without_one(flags: list[object]) -> None:
    request = request_of(*flags, "--recipe", "xtreme", "--plan")
    lines = describe_plan(request, estimate_cost(request, 1, "winners"), reused=0)
    assert "  recipe: xtreme (XTREME's own scripts for XLM-R Large; its targets only)" in lines
    assert "  learning rates of the recipe, instead of those above: xnli 3e-05, tydiqa 3e-05" in lines
    assert "  not in the recipe, as in ours: mnli" in lines
    plain = request_of(*flags, "--plan")
    assert not any("recipe" in line for line in describe_plan(plain, estimate_cost(plain, 1, "winners"), reused=0))


def test_the_miniature_has_only_ours(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--recipe jiant is for xtreme, xtreme-r, xtreme-wide; miniature has only"):
        request_of("--recipe", "jiant", "--results", tmp_path)
