"""Phases without training in a plan: their strata, and the keys of their stages."""

import pytest

from spaces.plan import Stratum
from spaces.space import Space
from spaces.strata import expand_strata
from spaces.untrained_phase import is_merge, is_ready, is_untrained
from tests.stage_factory import MINIATURE, axes_of, make_factory

READY = "hub:org/xlm-r.v2"


def plan_of(*chains: str) -> dict[str, Stratum]:
    space = Space(name="s", intermediates=chains, targets=("xnli",), seeds=(0, 1), learning_rates=(1e-3, 2e-3))
    return {stratum.id: stratum for stratum in expand_strata(axes_of(space), MINIATURE, pretrain=True)}


def test_members_that_are_no_chains_are_trained_once_and_before_the_merge() -> None:
    plan = plan_of("mnli", "mnli|ccg")
    phases = [stratum.task for stratum in plan.values() if stratum.kind == "intermediate" and stratum.seed == 1]
    assert phases == ["mnli", "ccg", "mnli|ccg"]
    merge = plan["intermediate.mnli|ccg..1"]
    assert merge.merged == ("intermediate.mnli..1", "intermediate.ccg..1")
    assert merge.sources == ("pretrain.encoder.none.0", *merge.merged) and merge.arm_count == 1
    assert "target.xnli-en.ccg.0" not in plan, "no chain, only a member"
    assert plan["target.xnli-en.mnli|ccg.0"].parent == "intermediate.mnli|ccg..0"


def test_the_name_of_a_ready_encoder_is_a_part_of_file_names() -> None:
    plan = plan_of(READY)
    (name,) = [name for name, stratum in plan.items() if stratum.kind == "intermediate" and stratum.seed == 0]
    assert name == "intermediate.hub:org%2Fxlm-r%2Ev2..0"


def test_a_merge_is_another_stage_for_other_members_in_any_order() -> None:
    factory, stratum = make_factory(("mnli|ccg",)), plan_of("mnli|ccg")["intermediate.mnli|ccg..0"]
    keys = [factory.make_stage(stratum, None, "root", merged).key for merged in (["a", "b"], ["b", "a"], ["a", "c"])]
    assert keys[0] == keys[1] != keys[2]
    assert factory.make_stage(stratum, None, "root", ["b", "a"]).recipe == {"merged": ["a", "b"]}


def test_a_ready_encoder_is_another_stage_for_other_contents() -> None:
    stratum, keys = plan_of(READY)["intermediate.hub:org%2Fxlm-r%2Ev2..0"], set()
    for fingerprint in ("one", "two"):
        factory = make_factory((READY,), fingerprints={("ready", READY): fingerprint})
        stage = factory.make_stage(stratum, None, "root")
        keys.add(stage.key)
        assert is_ready(stage.recipe) and stage.limit is None
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("recipe", "kinds"),
    [({"merged": ["a"]}, (True, False)), ({"ready": READY}, (False, True)), ({"steps": 3}, (False, False))],
)
def test_a_recipe_says_what_a_phase_is(recipe: dict[str, object], kinds: tuple[bool, bool]) -> None:
    assert (is_merge(recipe), is_ready(recipe)) == kinds and is_untrained(recipe) is any(kinds)
    assert not is_untrained(None)
