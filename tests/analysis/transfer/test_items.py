"""The item level of a table from kept predictions: by hand, aligned over languages and runs, with parts missing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.scores.tidy import build_schema
from analysis.statistics.moments import Array
from analysis.tables.ranking_legend import describe_interval_levels
from analysis.transfer.array import Transfer
from analysis.transfer.columns import build_columns, build_mean_columns, compute_column
from analysis.transfer.item_level import ItemLevel, compute_item_level, compute_weights
from analysis.transfer.ranking import rank_tasks
from spaces.prediction_columns import PREDICTION_COLUMNS, PREDICTIONS_FILE
from tests.analysis.sweep_files import Run, read_transfer, write_file, write_sweep

SCHEMA = build_schema(PREDICTION_COLUMNS)

Right = Mapping[str, Mapping[str, list[float]]]  # target -> language -> share of each item that is right


class Sweep:
    """A sweep whose scores are the means over its items."""

    def __init__(self, results: Path) -> None:
        self.results, self.runs = results, list[Run]()

    def add(
        self,
        chain: str,
        right: Right,
        seed: int = 0,
        keep: bool = True,
        clusters: Mapping[str, list[int]] | None = None,
        **names: list[str],
    ) -> Path:
        """Add a run; `names` are the ids of a language's items, `clusters` their clusters (default: each its own)."""
        test: dict[str, dict[str, Any]] = {}
        for target, by_language in right.items():
            shares = {name: float(np.mean(values)) for name, values in by_language.items()}
            # Of an answer both metrics, here the same.
            test[target] = {name: (share, share) if target == "xquad" else share for name, share in shares.items()}
        run = Run(intermediate=chain, test=test, seed=seed)
        self.runs.append(run)
        rows = [
            {
                **dict.fromkeys(SCHEMA),
                **{"stage": run.key, "target": target, "language": language, "split": "test", "example": i},
                **{"id": names[language][i] if language in names else None, "prediction": ["x"]},
                **{"cluster": (clusters or {}).get(language, range(len(values)))[i]},
                **{"numerator": float(value), "denominator": 1.0},
            }
            for target, by_language in right.items()
            for language, values in by_language.items()
            for i, value in enumerate(values)
        ]
        dev = [{**row, "split": "dev", "numerator": 0.0} for row in rows[:2]]
        path = self.results / "stages" / run.key / PREDICTIONS_FILE
        path.parent.mkdir(parents=True)
        if keep:
            pl.DataFrame(dev + rows, schema=SCHEMA, orient="row").write_parquet(path)
        return path

    def transfer(self, **options: Any) -> Transfer:
        return read_transfer(write_sweep(self.results, self.runs), **options)

    def level(self) -> ItemLevel:
        transfer = self.transfer()
        return compute_item_level(transfer, build_columns(transfer))

    def variances(self) -> Array:
        """[intermediates, columns]"""
        variances = self.level().variances
        assert variances is not None
        return variances


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


NOTHING, HALF = [0, 0, 0, 0], [1, 0, 0, 1]  # a gain of 50: each of four items moves it by 12.5 points
MOVED = 4 / 3 * 4 * 12.5**2  # points squared, of four clusters


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


# Missing items must neither stop a table nor leave columns with different levels.


@pytest.fixture
def small_sweep(sweep: Sweep) -> Sweep:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right, "qna": right}})
    return sweep


def no_level(sweep: Sweep) -> str:
    level = sweep.level()
    assert level.covariance is None and level.variances is None and level.note is not None
    assert level.note.endswith(": intervals are over seeds only.")
    return level.note


def test_without_predictions_nothing_is_said(small_sweep: Sweep) -> None:
    for run in small_sweep.runs:
        (small_sweep.results / "stages" / run.key / PREDICTIONS_FILE).unlink()
    assert small_sweep.level() == ItemLevel()


def test_one_run_without_predictions_takes_the_level_from_all(small_sweep: Sweep) -> None:
    path = small_sweep.add("ccg", {"xnli": {"en": HALF, "qna": HALF}}, keep=False)
    assert not path.exists()
    assert no_level(small_sweep).startswith("1 of 3 runs of xnli, e.g. ccg -> xnli, seed 0, kept no predictions")


def test_a_run_that_does_not_count_needs_no_predictions(small_sweep: Sweep) -> None:
    small_sweep.runs.append(Run(intermediate="ccg", test={"xnli": {"en": 0.5}}, status="stopped"))
    assert small_sweep.level().variances[:, 0] == pytest.approx([MOVED, 0.0])  # type: ignore[index]


@pytest.mark.parametrize("bytes_", [b"", b"PAR1 and nothing more"])
def test_a_damaged_file_is_named(small_sweep: Sweep, bytes_: bytes) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    path.write_bytes(bytes_)
    assert no_level(small_sweep).startswith(f"{small_sweep.runs[1].key}/{PREDICTIONS_FILE} cannot be read")


def test_files_of_an_older_version_have_no_items(small_sweep: Sweep) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[0].key / PREDICTIONS_FILE
    pl.read_parquet(path).drop("numerator", "denominator").write_parquet(path)
    assert "is of an older version" in no_level(small_sweep)


def test_items_are_never_silently_independent(sweep: Sweep) -> None:
    # Files of before the column have no item level where items may share a text, and keep it where they may not.
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        for target in ("xnli", "tatoeba"):
            path = sweep.add(chain, {target: {"qna": right}})
            pl.read_parquet(path).drop("cluster").write_parquet(path)
    note = no_level(sweep)
    assert "is of an older version and does not say which items of xnli share a premise (a new run does)" in note
    sweep.runs = [run for run in sweep.runs if "tatoeba" in run.test]
    assert sweep.variances()[0, 0] == pytest.approx(MOVED)


def test_one_premise_has_no_item_level(sweep: Sweep) -> None:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right}}, clusters={"en": [0, 0, 0, 0]})
    assert "the items of xnli in column xnli show no spread, because they share one premise: " in no_level(sweep)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.lit(None, pl.Float64).alias("numerator"), "xnli has no items"),
        (pl.lit(0, pl.Int64).alias("example"), "or an item twice"),
        (pl.lit(None, pl.String).alias("language"), "unnamed items"),
        (pl.lit(None, pl.Int64).alias("cluster"), "items without a cluster"),
        (pl.col("numerator") / 2, "mnli -> xnli, seed 0 in en do not reproduce its score"),
        (pl.lit("el").alias("language"), "or an item twice"),
        (pl.col("language").replace("qna", "el"), "predictions in el but no score"),
    ],
)
def test_rows_that_cannot_be_right_are_named(small_sweep: Sweep, change: pl.Expr, words: str) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    pl.read_parquet(path).with_columns(change).write_parquet(path)
    assert words in no_level(small_sweep)


def test_a_lost_language_does_not_make_its_score(small_sweep: Sweep) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    pl.read_parquet(path).filter(pl.col("language") == "en").write_parquet(path)
    assert "mnli -> xnli, seed 0 in qna do not reproduce its score" in no_level(small_sweep)


def test_a_language_that_a_run_lacks_on_both_sides_is_a_hole(sweep: Sweep) -> None:
    sweep.add("none", {"xnli": {"en": NOTHING, "qna": NOTHING}})
    sweep.add("mnli", {"xnli": {"en": HALF}})
    assert sweep.variances()[0, 0] == pytest.approx(MOVED)


def test_other_metrics_than_the_official_ones_have_no_items(small_sweep: Sweep) -> None:
    transfer = small_sweep.transfer(picked_metrics={"xnli": ("beside",)})
    assert "by other metrics than its official ones" in str(compute_item_level(transfer, build_columns(transfer)).note)


def test_a_file_of_no_benchmark_has_no_items(tmp_path: Path) -> None:
    rows = [(chain, "xnli", 0, "en", "accuracy", 0.5) for chain in ("none", "mnli")]
    transfer = read_transfer(write_file(tmp_path, rows))
    assert compute_item_level(transfer, build_columns(transfer)) == ItemLevel()
