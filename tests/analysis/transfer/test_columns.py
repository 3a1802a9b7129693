"""The targets and languages that a column is the mean of."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.transfer.array import Transfer
from analysis.transfer.columns import (
    MEAN_ALL,
    MEAN_TRAINED,
    UNKNOWN_GROUP,
    TransferColumn,
    build_columns,
    compute_column,
)
from spaces.miniature import LANGUAGES
from tests.analysis.sweep_files import Run, ranked, read_transfer, write_sweep

SCORES = {
    "xnli": {"en": 0.9, "qna": 0.8, "qnb": 0.6, "qma": 0.5, "qfa": 0.3},
    "panx": {"en": 0.7, "qna": 0.4, "qma": 0.1},
    "tatoeba": {"qna": 0.5, "zz": 0.2},
}


@pytest.fixture
def transfer(tmp_path: Path) -> Transfer:
    runs = [
        Run(
            intermediate=task,
            test={target: {language: score + lift * i for i, (language, score) in enumerate(scores.items())}},
        )
        for task, lift in (("none", 0.0), ("nli", 0.01))
        for target, scores in SCORES.items()
    ]
    return read_transfer(write_sweep(tmp_path, runs, retrieval=["tatoeba"]))


def mean(transfer: Transfer, by: str) -> dict[str, float]:
    every = build_columns(transfer, by)  # type: ignore[arg-type]
    return {column.name: float(compute_column(transfer, column, transfer.scores).values[0, 0]) for column in every}


def test_by_language_the_targets_are_averaged(transfer: Transfer) -> None:
    assert mean(transfer, "language") == pytest.approx(
        {
            "en": 80,
            "qfa": 30,
            "qma": 30,
            "qna": (80 + 40 + 50) / 3,
            "qnb": 60,
            "zz": 20,
            MEAN_ALL: (62 + 40 + 35) / 3,
            MEAN_TRAINED: 51,
        }
    )


def test_by_family_its_languages_first_then_the_targets_and_english_apart(transfer: Transfer) -> None:
    assert mean(transfer, "family") == pytest.approx(
        {
            "en": 80,
            "Fenic": 30,
            "Moric": 30,
            "Nevic": ((80 + 60) / 2 + 40 + 50) / 3,
            UNKNOWN_GROUP: 20,
            MEAN_ALL: (62 + 40 + 35) / 3,
            MEAN_TRAINED: 51,
        }
    )


def test_by_script_and_resource_every_language_is_in_one_group(transfer: Transfer) -> None:
    for by in ("script", "resource", "family"):
        groups = [column for column in build_columns(transfer, by) if not column.is_mean]  # type: ignore[arg-type]
        members = sorted(language for column in groups for language in column.languages or ())
        assert members == sorted(transfer.languages)
    assert {LANGUAGES["qma"].script, LANGUAGES["qfa"].script} <= mean(transfer, "script").keys()


def test_gains_by_language_are_paired(transfer: Transfer) -> None:
    gains = ranked(transfer.loaded_scores, "language").gains
    assert gains["nli", "en"].mean == pytest.approx(0)
    assert gains["nli", "qfa"].mean == pytest.approx(4)
    assert gains["nli", "qna"].mean == pytest.approx(2 / 3)  # second in two targets, first in one


def test_a_target_without_the_languages_of_a_column_is_none_of_its_targets(transfer: Transfer) -> None:
    by_name = {column.name: column for column in build_columns(transfer, "language")}
    assert by_name["qfa"].targets == ("xnli",)
    assert by_name["zz"].targets == ("tatoeba",)
    assert by_name[MEAN_ALL].languages is None


def test_a_missing_target_leaves_no_mean_and_is_counted(tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5, "qna": 0.5}}) for task in ("none", "nli")]
    runs.append(Run(intermediate="none", test={"panx": {"en": 0.5, "qna": 0.5}}))
    estimate = ranked(write_sweep(tmp_path, runs), "language").gains["nli", "qna"]
    assert (estimate.mean, estimate.parts, estimate.of_parts) == (None, 1, 2)


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=24, max_size=24))
def test_a_mean_over_targets_is_there_only_if_all_are(scores: list[float | None]) -> None:
    cells = np.array([np.nan if value is None else value for value in scores]).reshape(2, 3, 2, 2)
    languages = ("de", "en")
    transfer = Transfer(
        loaded_scores=None,  # type: ignore[arg-type]
        chains=("none", "nli"),
        targets=("a", "b", "c"),
        languages=languages,
        seeds=(0, 1),
        scores=cells,
        runs=None,  # type: ignore[arg-type]
        metrics={},
        planned=np.ones((2, 2), np.bool_),
        holes={},
        intermediate_statuses={},
    )
    column = compute_column(transfer, TransferColumn(name="all", targets=("a", "b", "c")), cells)
    for chain in range(2):
        for seed in range(2):
            parts = [cells[chain, target, :, seed] for target in range(3)]
            present = [part[np.isfinite(part)] for part in parts]
            if all(part.size for part in present):
                assert column.values[chain, seed] == pytest.approx(np.mean([part.mean() for part in present]))
            else:
                assert np.isnan(column.values[chain, seed])
                assert column.parts[chain, seed] == sum(part.size > 0 for part in present)
