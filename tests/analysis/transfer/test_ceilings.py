"""Ceilings in the analysis: their scores place a result, and nothing is ranked, chosen or averaged with them."""

from pathlib import Path

import numpy as np
import pytest

from analysis.questions.arms import collect_strata
from analysis.rank import main
from analysis.submit.choice import choose_runs
from analysis.tables.ranking_export import build_records
from analysis.tables.reference_sentences import describe_ceilings
from analysis.transfer.columns import MEAN_ALL
from spaces.ceilings import TRANSLATE_TRAIN
from tests.analysis.sweep_files import Capture, Run, printed, ranked, read_transfer, write_file, write_sweep

TARGETS = ("xnli", "panx", "tatoeba")
RECORD = {"ceilings": {f"{TRANSLATE_TRAIN} xnli": {"de": "train"}, "few-shot-8 xnli": {"de": "dev"},
                       "few-shot-8 panx": {"de": "train"}}, "retrieval": ["tatoeba"]}  # fmt: skip


def sweep(folder: Path, *, with_ceilings: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    scores = {"none": 0.5, "mnli": 0.52, "squad": 0.51}
    runs = [
        Run(intermediate=name, test={target: {"en": score, "de": score + seed / 100}}, seed=seed, dev=(score,))
        for name, score in scores.items()
        for target in TARGETS
        for seed in range(3)
    ]
    plain = tuple(dict.fromkeys(run.intermediate for run in runs))
    if with_ceilings:
        placed = {TRANSLATE_TRAIN: ("xnli",), "few-shot-8": ("xnli", "panx")}
        runs += [
            Run(intermediate=name, test={target: {"en": 0.9, "de": 0.9}}, seed=seed, dev=(0.99,))
            for name, targets in placed.items()
            for target in targets
            for seed in range(3)
        ]
    return write_sweep(
        folder, runs, intermediates=list(plain), **(RECORD if with_ceilings else {"retrieval": ["tatoeba"]})
    )


def test_a_ceiling_changes_no_gain_mean_rank_or_count(tmp_path: Path) -> None:
    one, other = ranked(sweep(tmp_path / "a", with_ceilings=False)), ranked(sweep(tmp_path / "b"))
    assert one.gains == other.gains and one.intermediates == other.intermediates == ("mnli", "squad")
    assert (one.cell_counts, one.run_counts) == (other.cell_counts, other.run_counts)
    assert {key: each for key, each in other.reference_scores.items() if key[0] == "none"} == one.reference_scores
    assert [contest.order for contest in one.contests.values()] == [each.order for each in other.contests.values()]
    assert one.target_choices == other.target_choices
    assert not other.transfer.holes


def test_its_scores_are_shown_where_it_has_any(tmp_path: Path, capsys: Capture) -> None:
    folder = sweep(tmp_path)
    ranking = ranked(folder)
    assert ranking.transfer.ceilings == (TRANSLATE_TRAIN, "few-shot-8") and ranking.transfer.floors == ()
    assert ranking.reference_scores[TRANSLATE_TRAIN, "xnli"].mean == pytest.approx(90)
    assert ranking.reference_scores[TRANSLATE_TRAIN, "panx"].mean is None
    assert ranking.reference_scores[TRANSLATE_TRAIN, MEAN_ALL].mean is None  # no seed has all targets
    text = printed(capsys, main, folder)
    assert "translate-train 90.0" in text and "few-shot-8 90.0" in text
    assert text.count("(ceiling)") == 2
    assert "It has no translated training rows for panx." in text
    quantities = {record["intermediate"]: record["quantity"] for record in build_records(ranking)}
    assert quantities == {"mnli": "gain", "squad": "gain", "none": "baseline",
                          TRANSLATE_TRAIN: "ceiling", "few-shot-8": "ceiling"}  # fmt: skip


def test_what_a_ceiling_lacks_is_said_by_its_record(tmp_path: Path) -> None:
    first, second = describe_ceilings(ranked(sweep(tmp_path)))
    assert first.startswith(
        "Ceiling translate-train was trained on rows of other languages, too, so it is not zero-shot"
    )
    assert first.endswith("It has no translated training rows for panx.")  # retrieval trains nothing
    assert "It has no" not in second


def test_a_ceiling_is_chosen_nowhere(tmp_path: Path) -> None:
    transfer = read_transfer(sweep(tmp_path))
    assert {stratum.intermediate for stratum in collect_strata(transfer)} == {"none", "mnli", "squad"}
    choice = choose_runs(transfer.loaded_scores, intermediate=None, seed=None, per_target=True)
    assert set(choice.chosen_intermediates.values()) == {"mnli"}
    assert np.isfinite(transfer.scores[transfer.chains.index("few-shot-8")]).any()


def test_in_a_file_its_name_tells_it(tmp_path: Path) -> None:
    rows = [(name, "xnli", seed, language, "accuracy", score)
            for name, score in (("none", 0.5), ("mnli", 0.52), (TRANSLATE_TRAIN, 0.9))
            for seed in range(3) for language in ("en", "de")]  # fmt: skip
    ranking = ranked(write_file(tmp_path, rows))
    assert ranking.intermediates == ("mnli",) and ranking.transfer.ceilings == (TRANSLATE_TRAIN,)
    (line,) = describe_ceilings(ranking)
    assert "It has no" not in line  # a file has no record of what its data lacked
