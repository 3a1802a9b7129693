"""Which phases and targets are the same work: by their stages, field by field."""

import dataclasses
from typing import Any

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.shared_training import describe_training
from spaces.stage import Stage

XTREME = BENCHMARKS["xtreme"]
BASE: dict[str, Any] = {
    "benchmark": "xtreme", "seed": 0, "learning_rate": 1e-5, "parent": None, "profile": "pretrained",
    "precision": "fp32", "data": {"fingerprint": "x"}, "start": {"name": "xlm-r", "random": False}, "limit": None,
    "test_limit": None, "version": 1,
}  # fmt: skip
RECIPE = {"steps": None, "epochs": 2, "batch_size": 32, "max_length": 256}


def phase(task: str, **fields: Any) -> Stage:
    recipe = {**RECIPE, "epochs": 2.0, "ingredients": [[task, "en"]], **fields.pop("recipe", {})}
    return Stage(kind="intermediate", task=task, intermediate=task, targets={}, recipe=recipe, **BASE | fields)


def target(name: str, **fields: Any) -> Stage:
    recipe = {**RECIPE, **fields.pop("recipe", {})}
    fields = {"targets": {name: ("en", "de")}, "intermediate": "none", **fields}
    return Stage(kind="target", task=f"{name}-en", recipe=recipe, **BASE | fields)


def are_same(one: Stage, other: Stage) -> bool:
    described = describe_training(one, XTREME)
    return described is not None and described == describe_training(other, XTREME)


@pytest.mark.parametrize(("task", "name"), [("mnli", "xnli"), ("squad", "xquad"), ("squad", "mlqa")])
def test_a_target_that_trains_on_the_rows_of_a_phase_is_trained_alike(task: str, name: str) -> None:
    assert are_same(phase(task), target(name))


@pytest.mark.parametrize(
    ("task", "name"), [("mnli", "xquad"), ("qqp", "pawsx"), ("squad2", "xquad"), ("squad", "tydiqa"), ("anli", "xnli")]
)
def test_other_rows_are_another_training(task: str, name: str) -> None:
    assert not are_same(phase(task), target(name))


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 1}, {"learning_rate": 3e-5}, {"parent": "0123456789abcdef"}, {"limit": 100}, {"precision": "bf16"},
        {"start": {"name": "xlm-r", "random": True}}, {"recipe": {"epochs": 3}},
        {"recipe": {"method": {"name": "smart"}}}, {"recipe": {"foreign_rows": {"de": 10}}},
    ],
)  # fmt: skip
def test_any_other_field_makes_another_training(fields: dict[str, Any]) -> None:
    assert not are_same(phase("mnli"), target("xnli", **fields))


def test_mixes_controls_and_other_languages_are_trained_as_nothing_else_is() -> None:
    for ingredients in ([["mnli", "en"], ["squad", "en"]], [["mnli", "sw"]], [["random", "en"]]):
        assert describe_training(phase("mnli", recipe={"ingredients": ingredients}), XTREME) is None


def test_the_languages_that_are_evaluated_do_not_matter() -> None:
    assert are_same(target("xnli"), dataclasses.replace(target("xnli"), targets={"xnli": ("en",)}))


def test_each_task_of_the_miniature_has_rows_of_its_own() -> None:
    one = dataclasses.replace(phase("squad"), benchmark="miniature")
    other = dataclasses.replace(target("xquad"), benchmark="miniature")
    texts = [describe_training(stage, BENCHMARKS["miniature"]) for stage in (one, other)]
    assert None not in texts and texts[0] != texts[1]
