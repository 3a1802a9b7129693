"""Wide targets in a ranking: no votes in XTREME's means, and a mean of their own."""

from pathlib import Path

import numpy as np
import pytest

from analysis.page import headline
from analysis.questions.next_seeds import advise_seeds
from analysis.questions.training_sets import find_training_sets
from analysis.rank import main
from analysis.scores.load import load
from analysis.tables import ranking_report
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED, MEAN_WIDE, build_columns, build_mean_columns
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import (
    Capture,
    Run,
    printed,
    ranked,
    read_transfer,
    refused,
    write_file,
    write_sweep,
)

XTREME = ("xnli", "udpos", "tatoeba")
WIDE = ("afrixnli", "americasnli-test", "masakhapos")
LIFTS = {"none": 0.0, "nli": 0.01, "qa": 0.04}  # on XTREME's targets
WIDE_LIFTS = {"none": 0.0, "nli": 0.2, "qa": 0.0}  # on wide ones: enough to turn a mean over all


def write(folder: Path, targets: tuple[str, ...] = (*XTREME, *WIDE), own: str = "xtreme-wide") -> Path:
    """A sweep of `xtreme-wide`; stages without wide targets beside them are those of `xtreme`."""
    runs = []
    for task, lift in LIFTS.items():
        for target in targets:
            languages = ("am", "ha") if target in WIDE else ("en", "de", "fi")
            gain = WIDE_LIFTS[task] if target in WIDE else lift
            runs += [
                Run(
                    intermediate=task,
                    test={target: {name: 0.5 + gain + 0.001 * seed * len(task) for name in languages}},
                    seed=seed,
                    kind="retrieval" if target == "tatoeba" else "target",
                    rate=None if target == "tatoeba" else 1e-3,
                    extra={"benchmark": "xtreme" if target == "tatoeba" else own},
                )
                for seed in range(3)
            ]
    retrieval = ["tatoeba"] if "tatoeba" in targets else []
    return write_sweep(folder, runs, retrieval=retrieval, benchmark=own)


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    return ranked(write(tmp_path))


def test_wide_targets_are_in_a_mean_of_their_own(tmp_path: Path) -> None:
    means = {column.name: column.targets for column in build_mean_columns(read_transfer(write(tmp_path)))}
    assert means == {MEAN_ALL: XTREME, MEAN_TRAINED: ("xnli", "udpos"), MEAN_WIDE: WIDE}


def test_the_means_of_xtreme_are_those_of_a_sweep_without_wide_targets(tmp_path: Path, ranking: Ranking) -> None:
    without = ranked(write(tmp_path / "without", XTREME))
    for name in ("nli", "qa"):
        for mean in (MEAN_ALL, MEAN_TRAINED):
            assert ranking.gains[name, mean].mean == pytest.approx(without.gains[name, mean].mean)
        assert ranking.new_samples.by_target[name].mean == pytest.approx(without.new_samples.by_target[name].mean)
        assert ranking.new_samples.by_language[name].mean == pytest.approx(without.new_samples.by_language[name].mean)
    assert ranking.contests[MEAN_ALL].leader == without.contests[MEAN_ALL].leader == "qa"
    assert ranking.contests[MEAN_WIDE].leader == "nli"
    assert ranking.target_choices.honest == pytest.approx(without.target_choices.honest)
    assert ranking.new_samples.targets == XTREME


def test_both_answers_are_given(tmp_path: Path, ranking: Ranking, capsys: Capture) -> None:
    text = " ".join(ranking_report.as_text(ranking, 118).split())
    assert "Best by the mean over 3 targets: qa" in text and "Ranking by the mean over 3 targets" in text
    assert "Best by the mean in further languages over 3 targets: nli" in text
    page = str(headline.build_section(ranking).blocks)
    assert "Best by the mean over 3 targets: qa" in page
    assert "Best by the mean in further languages over 3 targets: nli" in page
    out = printed(capsys, main, write(tmp_path / "again"), "--by", "group")
    assert "Best by the mean in further languages over 3 targets: nli" in out


def test_wide_targets_are_in_no_group_of_xtreme(ranking: Ranking) -> None:
    assert {name for column in ranking.group_columns for name in column.targets} == set(XTREME)


def test_languages_are_means_over_all_targets_that_have_them(tmp_path: Path) -> None:
    columns = {column.name: column.targets for column in build_columns(read_transfer(write(tmp_path)), "language")}
    assert columns["ha"] == WIDE and columns["de"] == XTREME


def test_with_wide_targets_alone_the_mean_is_theirs(tmp_path: Path) -> None:
    (mean,) = build_mean_columns(read_transfer(write(tmp_path, WIDE)))
    assert (mean.name, mean.targets) == (MEAN_ALL, WIDE)


def test_seeds_are_advised_for_the_mean_without_wide_targets(tmp_path: Path) -> None:
    advice, plain = (
        advise_seeds(read_transfer(folder), np.random.default_rng(0))
        for folder in (write(tmp_path / "a"), write(tmp_path / "b", XTREME))
    )
    best = max(advice.chains, key=lambda chain: chain.p_best or 0.0).chain
    assert best == max(plain.chains, key=lambda chain: chain.p_best or 0.0).chain == "qa"


def test_stages_shared_with_xtreme_are_read_as_the_sweeps_own(tmp_path: Path, capsys: Capture) -> None:
    wide = write(tmp_path / "wide")
    assert load([wide]).benchmark == "xtreme-wide"
    plain = write(tmp_path / "plain", XTREME, own="xtreme")
    line = refused(capsys, main, wide, plain)
    assert "rows of 2 benchmarks (xtreme, xtreme-wide): rank one at a time" in line


def test_a_chain_in_a_language_is_trained_in_the_language_that_is_scored(tmp_path: Path) -> None:
    """Chains write the codes of AmericasNLI's repository, scores those of ISO 639-1."""
    rows = [
        (chain, "americasnli-test", seed, language, "accuracy", 0.5, "xtreme-wide")
        for chain in ("none", "mnli", "americasnli@aym", "americasnli@quy", "americasnli@shp")
        for seed in range(3)
        for language in ("ay", "qu", "shp")
    ]
    _, sets, _ = find_training_sets(read_transfer(write_file(tmp_path, rows, "benchmark")))
    assert {each.chain.partition("@")[2]: each.languages for each in sets if "@" in each.chain} == {
        **{"aym": ("ay",), "quy": ("qu",), "shp": ("shp",)},
    }
