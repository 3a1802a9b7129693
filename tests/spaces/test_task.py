"""Recipes: what of them is in the key of a stage."""

from dataclasses import replace

import pytest

from spaces.task import Recipe, list_key_fields

PLAIN = Recipe(epochs=2, batch_size=32, max_length=256)
OTHER = {
    "warmup_steps": 500,
    "windows": "step",
    "question_limit": 64,
    "decoding": "maximal context",
    "question_beside": "context",
    "selection": "last",
    "splits": "tydiqa with all rows",
}


def test_a_recipe_of_former_versions_keeps_its_part_of_the_key() -> None:
    # Frozen: stages on users' disks have these fields and no others in their keys.
    assert list_key_fields(PLAIN) == {
        "steps": None,
        "epochs": 2,
        "batch_size": 32,
        "max_length": 256,
        "stride": 64,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "clip": 1.0,
    }


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_of_another_recipe_is_in_the_key(name: str) -> None:
    assert list_key_fields(replace(PLAIN, **{name: OTHER[name]})) == {**list_key_fields(PLAIN), name: OTHER[name]}


def test_the_recipes_own_rate_is_in_no_key() -> None:
    assert list_key_fields(replace(PLAIN, learning_rate=1e-5)) == list_key_fields(PLAIN)
