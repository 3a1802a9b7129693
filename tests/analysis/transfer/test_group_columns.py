"""XTREME's means by kind of task: which targets are in which group, and what a group shares with other means."""

import json
from pathlib import Path

import pytest

from analysis.page import standings
from analysis.rank import main
from analysis.tables import ranking_export, ranking_report
from analysis.transfer.array import Transfer
from analysis.transfer.columns import (
    MEAN_ALL,
    SHIFTED,
    UNKNOWN_GROUP,
    TransferColumn,
    build_columns,
    build_group_columns,
    compute_column,
)
from spaces.task import ANSWERING, CLASSIFICATION, RETRIEVAL, STRUCTURED
from tests.analysis.sweep_files import Capture, Run, printed, ranked, read_transfer, refused, write_file, write_sweep

BASE = {"xnli": 0.5, "pawsx": 0.6, "udpos": 0.7, "xquad": 0.4, "tatoeba": 0.1}
GROUPS = {CLASSIFICATION: ("xnli", "pawsx"), STRUCTURED: ("udpos",), ANSWERING: ("xquad",), RETRIEVAL: ("tatoeba",)}


def write(folder: Path, base: dict[str, float] = BASE) -> Path:
    """`nli` gains 10 points on sentence pairs, `qa` 20 on questions; every seed adds a little."""
    lifts = {"none": {}, "nli": {"xnli": 0.08, "pawsx": 0.12}, "qa": {"xquad": 0.2}}
    runs = [
        Run(
            intermediate=task,
            test={target: {"en": score + lift.get(target, 0) + 0.001 * seed * len(task), "qna": score}},
            seed=seed,
            kind="retrieval" if target == "tatoeba" else "target",
            rate=None if target == "tatoeba" else 1e-3,
        )
        for task, lift in lifts.items()
        for target, score in base.items()
        for seed in range(3)
    ]
    return write_sweep(folder, runs, retrieval=["tatoeba"] if "tatoeba" in base else [])


def groups_of(transfer: Transfer) -> dict[str, tuple[str, ...]]:
    return {column.name: column.targets for column in build_group_columns(transfer)}


def test_targets_are_grouped_by_their_kind(tmp_path: Path) -> None:
    assert groups_of(read_transfer(write(tmp_path))) == GROUPS


def test_a_group_is_the_mean_of_its_targets(tmp_path: Path) -> None:
    transfer = read_transfer(write(tmp_path))
    for column in build_group_columns(transfer):
        parts = [
            compute_column(transfer, TransferColumn(name=name, targets=(name,)), transfer.gains).values
            for name in column.targets
        ]
        assert compute_column(transfer, column, transfer.gains).values == pytest.approx(sum(parts) / len(parts))


def test_shifted_and_unknown_targets_are_in_no_group_of_xtreme(tmp_path: Path) -> None:
    transfer = read_transfer(write(tmp_path, {**BASE, "xnli-perturbed": 0.4, "weather": 0.3}))
    assert groups_of(transfer) == {**GROUPS, SHIFTED: ("xnli-perturbed",), UNKNOWN_GROUP: ("weather",)}


def test_a_file_without_known_kinds_has_no_groups(tmp_path: Path, capsys: Capture) -> None:
    rows = [(task, target, 0, "en", "accuracy", 0.5) for task in ("none", "a") for target in ("weather", "traffic")]
    file = write_file(tmp_path, rows)
    assert groups_of(read_transfer(file)) == {}
    assert "--by group: no benchmark says which kind of task" in refused(capsys, main, file, "--by", "group")
    assert "No groups of targets" in printed(capsys, main, file)
    assert json.loads(ranking_export.as_json(ranked(file)))["groups"] == {}


def test_by_group_each_group_has_a_contest_and_the_means_stay_last(tmp_path: Path) -> None:
    folder = write(tmp_path)
    ranking = ranked(folder, "group")
    assert [column.name for column in ranking.columns][:4] == list(GROUPS)
    assert next(iter(ranking.contests)) == MEAN_ALL
    assert ranking.contests[CLASSIFICATION].leader == "nli"
    assert ranking.contests[ANSWERING].leader == "qa"
    assert ranking.contests[ANSWERING].letters["qa"] != ranking.contests[ANSWERING].letters["nli"]
    text = " ".join(ranking_report.as_text(ranking, 118).split())
    assert "Best by the mean of question answering over 1 target: qa, +9.9" in text
    assert "by group of targets, below each" in text and "correction for all tasks in its column" in text


def test_group_gains_stand_beside_the_ranking_in_every_format(tmp_path: Path) -> None:
    ranking = ranked(write(tmp_path))
    by_group = ranked(write(tmp_path), "group")
    for name in ranking.intermediates:
        for group in GROUPS:
            gain, same = ranking.group_gains[name, group], by_group.gains[name, group]
            assert (gain.mean, gain.interval, gain.p_holm) == (same.mean, same.interval, same.p_holm)
    text = ranking_report.as_text(ranking, 118)
    assert "Groups of targets: gain over `none` in points, below each its 95% interval" in text
    document = json.loads(ranking_export.as_json(ranking))["groups"]
    assert document[CLASSIFICATION]["targets"] == ["xnli", "pawsx"]
    assert document[ANSWERING]["gains"]["qa"]["mean"] == pytest.approx(ranking.group_gains["qa", ANSWERING].mean)
    tables = [part for part in standings.build_section(ranking).blocks if getattr(part, "name", "") == "group-table"]
    assert len(tables) == 1


def test_groups_are_no_cells_of_the_table(tmp_path: Path) -> None:
    """They add nothing to the number of tests that Holm corrects for."""
    columns = [column.name for column in build_columns(read_transfer(write(tmp_path))) if not column.is_mean]
    assert columns == list(BASE)
