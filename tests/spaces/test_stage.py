import dataclasses

import pytest

from spaces.stage import Stage, stage_from_json

STAGE = Stage(
    kind="target",
    benchmark="miniature",
    task="squad-en",
    intermediate="mnli",
    seed=0,
    learning_rate=1e-3,
    parent="0123456789abcdef",
    targets={"xquad": ("en", "qna")},
    recipe={"steps": 10},
    profile="miniature",
    precision="fp32",
    data={"fingerprint": "f"},
    start={"name": "miniature", "fingerprint": None, "random": False},
    version=1,
)
OTHER = {
    "kind": "intermediate",
    "benchmark": "xtreme",
    "task": "other",
    "intermediate": "none",
    "seed": 1,
    "learning_rate": 2e-3,
    "parent": "other",
    "targets": {"xquad": ("en",)},
    "recipe": {"steps": 11},
    "profile": "pretrained",
    "precision": "bf16",
    "data": {"fingerprint": "g"},
    "start": {"name": "miniature", "fingerprint": None, "random": True},
    "limit": 5,
    "test_limit": 5,
    "version": 2,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Stage)])
def test_every_field_is_in_the_key(name: str) -> None:
    assert dataclasses.replace(STAGE, **{name: OTHER[name]}).key != STAGE.key


def test_the_key_is_a_function_of_the_contents() -> None:
    assert dataclasses.replace(STAGE).key == STAGE.key == stage_from_json(STAGE.to_json()).key
    # Frozen: a change of these digits orphans every result on users' disks, and needs a version to be raised.
    assert STAGE.key == "8a7659ccdc7ad306"


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "target"}', "torn{"])
def test_what_is_no_stage_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        stage_from_json(text)
