"""Methods of the intermediate phase against plain training: by hand, planted, null, with holes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.answers.robustness import build_answer, choose_basis, write_verdict
from analysis.questions.methods import PRIMARY_OUTCOMES, average_effects, compare_methods
from analysis.robustness import main
from analysis.statistics.interval import compute_interval
from analysis.transfer.array import Transfer
from spaces.benchmark import BENCHMARKS
from spaces.chain import parse_chain
from spaces.method import METHODS
from spaces.space_chains import ADVERSARIAL_METHODS, list_adversarial_chains, list_adversarial_targets
from tests.analysis.hardened import CHAINS, MINIATURE, TARGETS, empty, world
from tests.analysis.sweep_files import Capture, Run, printed, read_transfer, refused, write_file, write_sweep

SHIFTED = {
    "xnli": {"en": 0.8, "qma": 0.6},
    "xnli-mixed": {"qma-en": 0.6, "en-qma": 0.5},
    "udpos": {"en": 0.7, "qma": 0.5},
}


@pytest.fixture(scope="module")
def axes(tmp_path_factory: pytest.TempPathFactory) -> Transfer:
    return empty(tmp_path_factory.mktemp("axes"), seeds=5)


def chain(name: str, more: dict[str, float]) -> Run:
    test = {name: {on: value + more.get(name, 0.0) for on, value in scores.items()} for name, scores in SHIFTED.items()}
    return Run(intermediate=name, test=test)


# fgm gains 6 points on udpos and 4 on mixed inputs over plain; twice the steps gain 5 on udpos.
FGM = {"udpos": 0.06, "xnli": 0.01, "xnli-mixed": 0.04}
BY_HAND = [chain("none", {}), chain("mnli", {}), chain("mnli~fgm", FGM), chain("mnli~x2", {"udpos": 0.05})]


def effect(comparison: Any, basis: str, outcome: str, name: str = "mnli~fgm") -> Any:
    return comparison.get_effect(name, basis, outcome)


def compare(folder: Path, runs: list[Run]) -> Any:
    return compare_methods(read_transfer(write_sweep(folder, runs)))


def test_by_hand(tmp_path: Path) -> None:
    comparison = compare(tmp_path, BY_HAND)
    for basis, against, more in (("steps", "mnli", 6.0), ("compute", "mnli~x2", 1.0)):
        assert effect(comparison, basis, "out of domain").plain_chain == against
        assert effect(comparison, basis, "out of domain").values == pytest.approx([more])
        assert effect(comparison, basis, "in domain").values == pytest.approx([1.0])
        assert effect(comparison, basis, "mixed").values == pytest.approx([4.0])
        # The clean score of a mixed pair is (80 + 60) / 2: with plain training 15 are lost, with the method 12.
        assert effect(comparison, basis, "mixed drop").values == pytest.approx([-3.0])
        assert effect(comparison, basis, "perturbed").missing_reason == "no target"
    assert choose_basis(comparison) == "compute"
    assert "With fewer than 3 seeds this may be chance." in write_verdict(comparison, "compute")


def test_passes_that_stages_recorded_come_first(tmp_path: Path) -> None:
    comparison = compare(tmp_path, BY_HAND)
    passes = {arm.name: arm.passes for arm in comparison.arms}
    assert passes == {"mnli": 1.0, "mnli~fgm": METHODS["fgm"].passes, "mnli~x2": 2.0}
    assert not comparison.has_measured_passes

    def with_passes(fgm: float) -> Any:
        spent = {"mnli": 400.0, "mnli~fgm": fgm, "mnli~x2": 800.0}
        rows = [
            {"intermediate": name, "seed": 0, "steps": 400, "status": "degenerate", "passes": passes}
            for name, passes in spent.items()
        ]
        rows.append({"intermediate": "mnli", "seed": 0, "steps": 40, "status": "stopped", "passes": 40.0})
        scores = dataclasses.replace(comparison.transfer.loaded_scores, intermediate_rows=pl.DataFrame(rows))
        return compare_methods(dataclasses.replace(comparison.transfer, loaded_scores=scores))

    measured = with_passes(820.0)
    assert measured.has_measured_passes and effect(measured, "compute", "in domain").plain_chain == "mnli~x2"
    assert effect(with_passes(600.0), "compute", "in domain").plain_chain == "mnli~x2"  # which cost more
    assert effect(with_passes(1200.0), "compute", "in domain").plain_chain is None  # nothing plain cost as much
    assert effect(with_passes(500.0), "compute", "in domain").plain_chain is None  # what did cost as much and far more
    assert "mnli~fgm" in " ".join(build_answer(with_passes(1200.0)).notes)
    assert choose_basis(with_passes(1200.0)) == "steps"
    assert "NOT at equal compute" in " ".join(build_answer(with_passes(1200.0)).sentences)


def test_the_space_compares_every_method_at_equal_compute(axes: Transfer) -> None:
    comparison = compare_methods(axes)
    assert {arm.kind for arm in comparison.method_arms} == {"pair", "span", "tagging", "choice"}
    assert all(one.plain_chain for one in comparison.effects)
    for arm in comparison.method_arms:
        tasks = parse_chain(arm.name).tasks
        assert MINIATURE.intermediates[tasks[0]].kind not in METHODS[str(arm.method)].unsuited_kinds
    assert set(comparison.targets_by_outcome["pair"]["in domain"]) == {"xnli", "pawsx"}
    assert set(comparison.targets_by_outcome["span"]["out of domain"]) == {"xnli", "pawsx", "udpos", "tatoeba"}
    assert comparison.targets_by_outcome["choice"]["in domain"] == ()


@pytest.mark.parametrize("benchmark", list(BENCHMARKS))
def test_the_members_can_be_read(benchmark: str) -> None:
    table = BENCHMARKS[benchmark]
    chains = list_adversarial_chains(table)
    assert len(set(chains)) == len(chains) and {parse_chain(name).method for name in chains} >= {None, "fgm", "smart"}
    assert {name for name in list_adversarial_targets(table) if table.targets[name].is_opt_in} == {
        name for name, task in table.targets.items() if task.clean_target in table.quick_targets
    }


def test_planted_effects_are_found_and_nothing_else(axes: Transfer) -> None:
    rng = np.random.default_rng(0)
    tasks = [MINIATURE.targets[name] for name in TARGETS]
    out = [task.name for task in tasks if task.kind != "span" and not task.clean_target]
    planted = {("squad~freelb", name): 30.0 for name in out}
    planted |= {("mnli~pgd", name): 30.0 for name in TARGETS if MINIATURE.targets[name].shift == "perturbed"}
    comparison = compare_methods(world(rng, axes, planted, sd=0.5))
    certain = {(one.arm.name, one.basis, one.outcome) for one in comparison.effects if one.is_significant}
    wanted = {("squad~freelb", "out of domain"), ("mnli~pgd", "perturbed drop")}
    # Clean scores rise with squad~freelb and the shifted ones do not: it loses more there, which is planted too.
    wanted |= {("squad~freelb", "mixed drop"), ("squad~freelb", "perturbed drop")}
    assert certain == {(name, basis, outcome) for name, outcome in wanted for basis in ("steps", "compute")}
    assert np.nanmean(effect(comparison, "compute", "perturbed drop", "mnli~pgd").values) == pytest.approx(-30, abs=3)
    assert write_verdict(comparison, "compute").startswith("Methods help out of domain, at equal compute: ")
    said = " ".join(build_answer(comparison).sentences)
    assert "freelb on squad, out of domain +29" in said and "At equal steps" in said


def test_a_planted_harm_is_called_one(axes: Transfer) -> None:
    rng = np.random.default_rng(1)
    methods = [name for name in CHAINS if parse_chain(name).method]
    comparison = compare_methods(world(rng, axes, {(name, "udpos"): -20.0 for name in methods}, sd=0.5))
    assert write_verdict(comparison, "compute").startswith("Methods hurt out of domain, at equal compute: ")


def test_in_null_worlds_little_is_found(tmp_path: Path) -> None:
    """One task; the whole space is in tests/bench/questions_robustness.py."""
    axes = empty(tmp_path, 5, [name for name in CHAINS if name.startswith(("none", "mnli"))])
    rng = np.random.default_rng(2)
    worlds = 200
    verdicts = tables = 0
    for _ in range(worlds):
        comparison = compare_methods(world(rng, axes))
        interval = compute_interval(average_effects(comparison.select_effects("compute", "out of domain")).tolist())
        verdicts += interval is not None and (interval[0] > 0 or interval[1] < 0)
        tables += any(one.is_significant for one in comparison.effects if one.basis == "compute")
    # 5 % each, and not above by more than chance: 3 standard errors of 200 worlds are 4.6 %.
    assert verdicts <= 0.096 * worlds and tables <= 0.096 * worlds
    assert verdicts > 0  # intervals that never exclude 0 would find no truth either


def test_holm_is_over_all_that_is_asked_on_one_basis(axes: Transfer) -> None:
    comparison = compare_methods(world(np.random.default_rng(3), axes))
    for basis in ("steps", "compute"):
        primary = [one for one in comparison.effects if one.basis == basis and one.outcome in PRIMARY_OUTCOMES]
        tested = [one for one in primary if np.isfinite(one.p)]
        least = min(tested, key=lambda one: one.p)
        assert least.holm == pytest.approx(min(1.0, least.p * len(tested)))
    assert all(np.isnan(one.holm) for one in comparison.effects if one.outcome not in PRIMARY_OUTCOMES)


def test_holes_are_counted_and_pairs_stay_pairs(axes: Transfer) -> None:
    scores = world(np.random.default_rng(4), axes).scores
    whole = compare_methods(dataclasses.replace(axes, scores=scores))
    scores = scores.copy()
    scores[axes.chains.index("mnli~fgm"), axes.targets.index("udpos"), :, 2] = np.nan
    scores[axes.chains.index("squad")] = np.nan
    comparison = compare_methods(dataclasses.replace(axes, scores=scores))
    one, same = (effect(each, "steps", "out of domain") for each in (comparison, whole))
    assert np.isnan(one.values[2]) and np.delete(one.values, 2) == pytest.approx(np.delete(same.values, 2))
    assert effect(comparison, "steps", "in domain").values == pytest.approx(effect(whole, "steps", "in domain").values)
    assert effect(comparison, "steps", "in domain", "squad~fgm").missing_reason == "no score"
    assert np.isnan(average_effects(comparison.select_effects("steps", "out of domain"))[2])
    scores[axes.chains.index("ccg~fgm"), axes.targets.index("xnli"), :, :] = np.nan
    comparison = compare_methods(dataclasses.replace(axes, scores=scores))
    assert effect(comparison, "steps", "out of domain", "ccg~fgm").missing_reason == "3/4 targets"
    build_answer(comparison)


def test_every_method_and_kind_has_a_word(axes: Transfer) -> None:
    shown = build_answer(compare_methods(axes))
    (table,) = (table for table in shown.tables if table.title.startswith("Method by kind"))
    names = [column.name for column in table.columns]
    cells = {(str(row[0]), name): cell for row in table.rows for name, cell in zip(names, row, strict=True)}
    for name in ADVERSARIAL_METHODS:
        for kind, reason in METHODS[name].unsuited_kinds.items():
            assert cells[name, kind] == "not meaningful" and any(reason in note for note in shown.notes)
    assert cells["freelb", "tagging"] == cells["synonyms", "pair"] == "works"
    assert cells["freelb", "mlm"] == "not in this sweep"
    assert all(len({column.name for column in grid.columns}) == len(grid.columns) for grid in shown.tables)


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown", "latex"])
def test_every_format_is_printed(tmp_path: Path, capsys: Capture, form: str) -> None:
    assert main([str(write_sweep(tmp_path, BY_HAND)), "--format", form]) == 0
    out = capsys.readouterr().out
    assert "mnli" in out and "fgm" in out
    if form == "json":
        assert json.loads(out)["answer"][0].startswith("Methods change the score out of domain, at equal compute: ")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("none", "mnli", "my-own~name"), "no chain trains its intermediate phase by a method"),
        (("none", "mnli~fgm"), "no plain chain to compare with mnli~fgm"),
        (("none", "mnli", "none:fgm"), "no chain trains its intermediate phase by a method"),
    ],
)
def test_files_without_such_chains_say_so(tmp_path: Path, capsys: Any, names: tuple[str, ...], said: str) -> None:
    folder = write_sweep(tmp_path, [chain(name, {}) for name in names])
    assert said in refused(capsys, main, folder)


def test_foreign_files_and_controls(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        (name, target, seed, language, "accuracy", 0.5 + 0.01 * seed)
        for name in ("none", "mnli", "mnli~fgm", "mnli~smart", "other~thing")
        for target in ("xnli", "my own target", "xquad")
        for language in ("en", "xx")
        for seed in range(3)
    ]
    out = printed(capsys, main, write_file(tmp_path, rows))
    assert "In no column, because no table has them: my own target" in out and "other~thing" not in out
