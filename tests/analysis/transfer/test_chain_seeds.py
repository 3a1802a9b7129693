"""Sweeps whose baseline and single chains were to get more seeds: what others lack is neither missing nor partial."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import selection
from analysis.scores.load import load
from analysis.tables import ranking_report, ranking_sentences, ranking_summary
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.common_seeds import keep_common_seeds
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, Run, printed, ranked, read_transfer, write_sweep

GAINS = {
    "none": (0.0,) * 6,
    "good": (4.0, 4.4, 3.6, 4.1, 3.9, 4.0),
    "near": (3.9, 4.3, 3.8),
    "far": (-1.0, -1.2, -0.8),
}
PLAN = {"seeds": [0, 1, 2], "chain_seeds": {"none": list(range(6)), "good": list(range(6))}}


def uneven(results: Path, gains: Mapping[str, tuple[float | None, ...]] | None = None, **spec: Any) -> Path:
    """Write a sweep in which chains have different seeds; the baseline moves by 3 points a seed."""
    runs = [
        Run(intermediate=chain, seed=seed, test={target: {"en": base + 0.03 * seed + gain / 100}}, dev=(0.5 + gain,))
        for chain, row in (GAINS if gains is None else gains).items()
        for seed, gain in enumerate(row)
        if gain is not None
        for target, base in (("xnli", 0.5), ("panx", 0.6))
    ]
    return write_sweep(results, runs, **{**PLAN, **spec})


def test_a_seed_that_a_chain_was_not_to_get_is_not_missing(tmp_path: Path) -> None:
    ranking = ranked(uneven(tmp_path))
    transfer = ranking.transfer
    assert transfer.seeds == (0, 1, 2, 3, 4, 5) and transfer.holes == {}
    assert transfer.planned.sum(axis=1).tolist() == [6, 6, 3, 3]
    assert np.isnan(transfer.scores[2:, ..., 3:]).all()
    assert ranking.cell_counts == {"finished": 2 * (6 + 6 + 3 + 3)}
    for name, seeds in (("good", 6), ("near", 3)):
        estimate = ranking.gains[name, MEAN_ALL]
        assert (estimate.seeds, estimate.of_seeds, estimate.is_partial) == (seeds, seeds, False)
    assert ranking.gains["good", MEAN_ALL].mean == pytest.approx(4)
    text = ranking_report.as_text(ranking, 120)
    assert ranking_sentences.list_missing(ranking) == [] and "~" not in text
    line = "3 seeds (0, 1, 2); 3 more of none, good (3, 4, 5)"
    assert line in " ".join(text.split()) and line in " ".join(ranking_summary.as_summary(ranking, 200, "x").split())


def test_chains_with_fewer_seeds_stay_candidates_on_the_common_ones(tmp_path: Path) -> None:
    gains = {"none": GAINS["none"], **{f"good{i}": GAINS["good"] for i in range(5)}, "near": (5.0, 5.1, 4.9)}
    folder = uneven(tmp_path, gains, chain_seeds={name: list(range(6)) for name in gains if name != "near"})
    winner = ranked(folder).contests[MEAN_ALL].winner_estimate
    assert winner is not None and winner.name == "near" and winner.left_out == ()
    assert [seed for seed, _, _ in winner.folds] == [0, 1, 2]


def test_a_planned_seed_without_a_run_is_missing_and_one_without_a_baseline_unpaired(tmp_path: Path) -> None:
    ranking = ranked(uneven(tmp_path, {**GAINS, "good": (*GAINS["good"][:5], None)}))
    assert ranking_sentences.list_missing(ranking) == ["good -> all 2 targets: seed 5 missing"]
    assert ranking.gains["good", MEAN_ALL].is_partial
    plan = {**PLAN, "chain_seeds": {"good": [0, 1, 2, 3]}}
    folder = uneven(tmp_path, {**GAINS, "none": (0.0,) * 3, "good": GAINS["good"][:4]}, name="unpaired", **plan)
    unpaired = "seed 3 unpaired (`none` was not to get this seed)"
    assert ranking_sentences.list_missing(ranked(folder)) == [f"good -> all 2 targets: {unpaired}"]


def test_questions_that_compare_chains_seed_by_seed_read_the_common_seeds_and_say_so(
    tmp_path: Path, capsys: Capture
) -> None:
    folder = uneven(tmp_path)
    transfer = keep_common_seeds(read_transfer(folder))
    plain = read_transfer(uneven(tmp_path, {name: row[:3] for name, row in GAINS.items()}, name="p", chain_seeds={}))
    assert transfer.seeds == plain.seeds == (0, 1, 2) and np.array_equal(transfer.scores, plain.scores)
    assert transfer.runs.height == plain.runs.height and keep_common_seeds(plain) is plain
    assert set(transfer.loaded_scores.target_rows["seed"]) == {0, 1, 2}
    text = printed(capsys, selection.main, folder)
    assert "Left out, because only none, good have them: seeds 3, 4, 5." in text and "3 seeds (0, 1, 2):" not in text


def test_what_another_path_plans_is_planned(tmp_path: Path) -> None:
    folder = uneven(tmp_path)
    late = dict.fromkeys(("none", "near"), (None, None, None, 1.0, 1.0, 1.0))
    more = uneven(tmp_path, late, name="more", seeds=[3, 4, 5], chain_seeds={}, intermediates=["none", "near"])
    scores = load([folder, more])
    assert scores.common_seeds == (0, 1, 2) and scores.seeds == (0, 1, 2, 3, 4, 5)
    assert build_transfer(scores).planned.sum(axis=1).tolist() == [6, 6, 6, 3]


@pytest.mark.parametrize("entry", [[0], {"none": 3}, {"none": "012"}])
def test_an_unreadable_plan_is_refused(tmp_path: Path, entry: object) -> None:
    folder = uneven(tmp_path)
    record = json.loads((folder / "sweep.json").read_text())
    record["spec"]["chain_seeds"] = entry
    (folder / "sweep.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"is not a valid sweep record .*chain_seeds"):
        load([folder])
