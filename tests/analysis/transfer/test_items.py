"""The item level of a table from kept predictions: variances by hand, and items aligned over languages and runs."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.tables.ranking_legend import describe_interval_levels
from analysis.transfer.columns import build_columns, build_mean_columns, compute_column
from analysis.transfer.item_level import compute_item_level, compute_weights
from analysis.transfer.ranking import rank_tasks
from tests.analysis.sweep_files import read_transfer, write_sweep
from tests.analysis.transfer.conftest import HALF, MOVED, NOTHING, Sweep


def test_translations_share_their_items_and_other_languages_do_not(sweep: Sweep) -> None:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right, "qna": right}})
    assert sweep.variances() == pytest.approx(np.array([[MOVED, MOVED]]))  # the target, and the mean over targets

    transfer = sweep.transfer()
    (mean,) = build_mean_columns(transfer)
    english = compute_item_level(transfer, [mean, *build_columns(transfer, "language")[:1]])
    assert english.variances == pytest.approx(np.array([[MOVED, MOVED]]))


def test_unrelated_languages_have_items_of_their_own(sweep: Sweep) -> None:
    # The miniature's test sets are all translations; XTREME's names of people and places are not.
    unrelated = 8 / 7 * 8 * 6.25**2  # of eight clusters
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"tatoeba": {"de": right, "fr": right}})
    runs = [replace(run, extra={"benchmark": "xtreme"}) for run in sweep.runs]
    transfer = read_transfer(write_sweep(sweep.results, runs))
    assert compute_item_level(transfer, build_columns(transfer)).variances == pytest.approx(np.full((1, 2), unrelated))


def test_items_are_known_by_their_ids_where_they_have_some(sweep: Sweep) -> None:
    # Languages share one question, and it stands at another place; runs may list their rows in another order.
    sweep.add("none", {"xquad": {"en": [0, 0], "qna": [0, 0]}}, en=["a", "b"], qna=["c", "a"])
    sweep.add("mnli", {"xquad": {"en": [0, 1], "qna": [0, 1]}}, en=["b", "a"], qna=["c", "a"])
    # In either language a row moves the gain by 25 points, the mean of two languages by 12.5: a 25, b and c -12.5.
    assert sweep.variances()[0, 0] == pytest.approx(3 / 2 * (25**2 + 2 * 12.5**2))


def test_places_that_cannot_fit_are_not_taken_for_translations(sweep: Sweep) -> None:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right, "qna": right * 2}})
    # Half of 12.5 points by each of the four rows, half of 6.25 by each of the other eight: twelve clusters.
    assert sweep.variances()[0, 0] == pytest.approx(12 / 11 * (4 * 6.25**2 + 8 * 3.125**2))


def test_hypotheses_of_a_premise_are_one_cluster_in_every_language(sweep: Sweep) -> None:
    premises = {"en": [0, 0, 2, 2], "qna": [0, 0, 2, 2]}
    for chain, right in (("none", NOTHING), ("mnli", [1, 1, 0, 0])):
        sweep.add(chain, {"xnli": {"en": right, "qna": right}}, clusters=premises)
    # Each of four items moves the gain by 12.5 points, the two of a premise by 25 together.
    level = sweep.level()
    assert level.variances is not None and level.variances[0, 0] == pytest.approx(2 * 2 * 25**2)
    assert level.cluster_counts == {"xnli": 2}
    said = describe_interval_levels(rank_tasks(sweep.transfer(), np.random.default_rng(0), draws=10))
    assert said.endswith("other test items (those that share a premise, passage or sentence count as one: xnli 2).")


def test_questions_are_joined_through_any_language(sweep: Sweep) -> None:
    # b shares a paragraph with a in English and with c in the other language, where a is missing; d shares none.
    ids, clusters = {"en": ["a", "b", "d"], "qna": ["c", "d", "b"]}, {"en": [0, 0, 2], "qna": [0, 1, 0]}
    sweep.add("none", {"xquad": {"en": [0, 0, 0], "qna": [0, 0, 0]}}, clusters=clusters, **ids)
    sweep.add("mnli", {"xquad": {"en": [1, 1, 0], "qna": [1, 0, 1]}}, clusters=clusters, **ids)
    # Gains of 2/3: a row moves one by (1 - 2/3) / 3 or (0 - 2/3) / 3. a, b, b, c are four of 1/9, d two of -2/9.
    level = sweep.level()
    assert level.cluster_counts == {"xquad": 2}
    moved = 100 * 4 / 9 / 2  # points of the mean of two languages
    assert level.variances is not None and level.variances[0, 0] == pytest.approx(2 * 2 * moved**2)


def test_runs_may_name_a_cluster_by_another_item(sweep: Sweep) -> None:
    # The same paragraph, {a, b}; one run lists c first.
    sweep.add("none", {"xquad": {"en": [0, 0, 0]}}, clusters={"en": [0, 0, 2]}, en=["a", "b", "c"])
    sweep.add("mnli", {"xquad": {"en": [0, 1, 1]}}, clusters={"en": [0, 1, 1]}, en=["c", "a", "b"])
    assert sweep.level().cluster_counts == {"xquad": 2}


def test_targets_are_independent_and_mined_pairs_have_no_items(sweep: Sweep) -> None:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right}})
        sweep.add(chain, {"pawsx": {"en": right}})
        sweep.add(chain, {"bucc": {"qna": right}}, keep=False)
    level = sweep.level()
    assert level.excluded_targets == ("bucc",) and level.note is None
    assert level.variances == pytest.approx(np.array([[MOVED, MOVED, 0.0, 2 * MOVED / 9]]))
    assert level.cluster_counts == {"xnli": 4, "pawsx": 4}


def test_a_mean_over_seeds_holds_the_shared_part_only(sweep: Sweep) -> None:
    for seed, right in ((0, [1, 0, 1, 0]), (1, [1, 0, 0, 1])):  # items 0 and 1 act alike, 2 and 3 against each other
        sweep.add("none", {"xnli": {"en": NOTHING}}, seed)
        sweep.add("mnli", {"xnli": {"en": right}}, seed)
    # Both: 2 * 12.5^2 of the mean. Against each other: 2 * 12.5^2 * 2 at one seed, half of that in the mean of two.
    assert sweep.level().covariance is not None
    assert sweep.level().covariance[0, 0, 0] == pytest.approx(2 * 12.5**2 - 2 * 12.5**2)  # type: ignore[index]


def test_the_baseline_has_errors_of_its_own(sweep: Sweep) -> None:
    for chain in ("none", "mnli"):
        sweep.add(chain, {"xnli": {"en": HALF}})
    level = sweep.level()
    assert level.baseline_variance == pytest.approx(np.array([MOVED, MOVED]))
    assert level.variances == pytest.approx(np.zeros((1, 2)))  # right on the same items


def test_weights_make_the_columns(sweep: Sweep) -> None:
    rng = np.random.default_rng(0)
    for seed in (0, 1):
        for chain in ("none", "mnli", "ccg"):
            for target in ("xnli", "pawsx"):
                # A language is missing here, a whole run there.
                spoken = ["en", "qna"] if (chain, target, seed) == ("mnli", "xnli", 0) else ["en", "qna", "qfa"]
                if (chain, target, seed) != ("ccg", "pawsx", 1):
                    sweep.add(chain, {target: {name: list(rng.random(5)) for name in spoken}}, seed)
    transfer = sweep.transfer()
    for by in ("target", "family"):
        for column in build_columns(transfer, by):  # type: ignore[arg-type]
            shares = [
                (
                    compute_weights(transfer, column, target, transfer.gains),
                    transfer.gains[:, transfer.targets.index(target)].swapaxes(1, 2),
                )
                for target in column.targets
            ]
            total = sum(np.where(share > 0, share * gains, 0.0).sum(axis=2) for share, gains in shares)
            expected = compute_column(transfer, column, transfer.gains).values
            assert np.isfinite(expected).any()
            assert np.where(np.isnan(expected), np.nan, total) == pytest.approx(expected, nan_ok=True)
    assert compute_item_level(transfer, build_columns(transfer)).note is None
