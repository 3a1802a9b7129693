"""Ceilings in a plan: chains of their own that share no stage with those that compete."""

import dataclasses
from pathlib import Path

import pytest

from search.schedulers.seeds import RaceSeeds
from spaces.ceilings import TRANSLATE_TRAIN, Ceiling, build_ceilings, is_ceiling
from spaces.errors import UsageError
from spaces.plan import StageFactory, Stratum
from spaces.space import Axes, Space
from spaces.strata import expand_strata
from tests.search.asked import request_of
from tests.stage_factory import MINIATURE, axes_of, make_factory

SPACE = Space(name="s", intermediates=("mnli",), targets=("xnli", "xquad", "tatoeba"), seeds=(0, 1))
ROWS = {"xnli-en": {"qma": "train", "qmb": "dev"}}  # and none for squad-en


def with_rows(space: Space, **rows: dict[str, dict[str, str]]) -> tuple[Axes, StageFactory]:
    axes = axes_of(space)
    ceilings: tuple[Ceiling, ...] = tuple(dataclasses.replace(each, rows=rows or ROWS) for each in axes.ceilings)
    marks = {("ceiling", f"{each.name} {name}"): each.name for each in ceilings for name in each.rows}
    fingerprints = {**make_factory().fingerprints, **marks}
    factory = make_factory(fingerprints=fingerprints, ceilings={each.name: each for each in ceilings})
    return dataclasses.replace(axes, ceilings=ceilings), factory


def keys_of(axes: Axes, factory: StageFactory) -> dict[str, str]:
    strata = expand_strata(axes, MINIATURE, pretrain=True)
    return {stratum.id: factory.make_stage(stratum, 1e-3, "p").key for stratum in strata}


BOTH = dataclasses.replace(SPACE, translate_train=True, target_shots=8)


def test_ceilings_add_stages_and_change_none() -> None:
    plain, placed = keys_of(axes_of(SPACE), make_factory()), keys_of(*with_rows(BOTH))
    assert {id_: placed[id_] for id_ in plain} == plain  # a chain in English only keeps its keys
    added = placed.keys() - plain.keys()
    assert added == {f"target.xnli-en.{name}.{seed}" for name in (TRANSLATE_TRAIN, "few-shot-8") for seed in (0, 1)}
    assert len(set(placed.values())) == len(placed)


def test_a_ceiling_starts_where_the_baseline_starts_and_has_its_recipe() -> None:
    axes, factory = with_rows(BOTH)
    strata = {stratum.id: stratum for stratum in expand_strata(axes, MINIATURE, pretrain=True)}
    baseline, ceiling = strata["target.xnli-en.none.0"], strata["target.xnli-en.few-shot-8.0"]
    assert (ceiling.parent, ceiling.rates, ceiling.targets) == (baseline.parent, baseline.rates, baseline.targets)
    recipe = dict(factory.recipe_of(ceiling) or {})
    assert recipe.pop("foreign_rows") == {"shots": 8, "splits": ROWS["xnli-en"]}
    assert recipe == factory.recipe_of(baseline)


def test_the_key_of_a_ceiling_has_its_rows_and_its_number_of_shots() -> None:
    spaces = [dataclasses.replace(SPACE, target_shots=shots) for shots in (8, 16)]
    plans = [with_rows(space) for space in spaces]
    plans.append(with_rows(spaces[0], **{"xnli-en": {"qma": "train"}}))
    ids = ["target.xnli-en.few-shot-8.0", "target.xnli-en.few-shot-16.0", "target.xnli-en.few-shot-8.0"]
    keys = [keys_of(*each)[id_] for each, id_ in zip(plans, ids, strict=True)]
    axes, factory = plans[0]
    marks = {**factory.fingerprints, ("ceiling", "few-shot-8 xnli-en"): "other rows"}
    keys.append(keys_of(axes, dataclasses.replace(factory, fingerprints=marks))[ids[0]])
    assert len(set(keys)) == 4


def test_ceilings_are_no_names_for_the_axis_of_intermediate_tasks() -> None:
    for name in (TRANSLATE_TRAIN, "few-shot-8", "few-shot-8:salt"):
        with pytest.raises(UsageError, match="a ceiling is not a chain that competes; add it with --translate-train"):
            axes_of(dataclasses.replace(SPACE, intermediates=(name,)))
    assert not any(map(is_ceiling, ("none", "few-shot-0", "few-shot", "translate-train+mnli")))
    with pytest.raises(UsageError, match="from 1 to 99,999, got 100000"):
        Space(name="s", target_shots=100_000)
    assert [each.name for each in build_ceilings(translate_train=True, target_shots=99_999)][1] == "few-shot-99999"


def test_a_ceiling_takes_no_part_in_a_race_and_gets_all_seeds() -> None:
    seeds = tuple(range(6))
    axes, _ = with_rows(dataclasses.replace(BOTH, seeds=seeds))
    plan = expand_strata(axes, MINIATURE, pretrain=True)
    race, plain = RaceSeeds(plan), RaceSeeds(stratum for stratum in plan if not is_ceiling(stratum.intermediate))

    def score(stratum: Stratum) -> float:
        return {"none": 0.8, "mnli": 0.81}.get(stratum.intermediate, 0.99) + stratum.seed / 1000

    for stratum in plan:
        race.record_score(stratum, score(stratum))
        if not is_ceiling(stratum.intermediate):
            plain.record_score(stratum, score(stratum))
    assert race.decisions == plain.decisions
    assert all(race.can_start(each) and not race.is_decided(each) for each in plan if is_ceiling(each.intermediate))


def test_the_miniature_has_rows_for_every_trained_target(tmp_path: Path) -> None:
    flags = ("--space", "quick", "--seeds", "0", "--results", tmp_path)
    plain, request = (request_of(*flags, *more) for more in ((), ("--translate-train", "--target-shots", "8")))
    added = {stratum.id for stratum in request.plan} - {stratum.id for stratum in plain.plan}
    sets = ("xnli-en", "udpos-en", "squad-en")
    assert added == {f"target.{name}.{chain}.0" for name in sets for chain in (TRANSLATE_TRAIN, "few-shot-8")}
    assert "ceilings" not in plain.spec
    splits = dict.fromkeys(("qna", "qnb", "qma", "qmb", "qfa"), "train")
    targets = ("xnli", "udpos", "xquad")
    names = [f"{chain} {target}" for chain in (TRANSLATE_TRAIN, "few-shot-8") for target in targets]
    assert request.spec["ceilings"] == dict.fromkeys(names, splits)
