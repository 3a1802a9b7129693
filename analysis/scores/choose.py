"""Which metrics make a score, and which run of a cell is the one that counts: English dev decides, nothing else."""

from collections.abc import Mapping, Sequence

import polars as pl

from analysis.scores.duplicates import drop_duplicate_scores, refuse_conflicting_runs
from analysis.scores.keys import IntArray, find_first_rows, map_distinct_rows
from analysis.scores.load import Scores
from analysis.scores.tidy import ARM_COLUMNS, CELL_COLUMNS, decode_categories
from spaces.chain import phase_of
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.table import describe_unknown

MAJORITY = "majority"  # the floor of always answering the commonest label: a row beside the metrics, none of them
QA_METRICS = ("exact_match", "f1")

Metrics = Mapping[str, tuple[str, ...]]  # target -> the metrics whose mean is its score


def list_metrics(rows: pl.DataFrame) -> pl.DataFrame:
    """Which metrics there are of each target, by split and status, and whether rows say that they are official."""
    return (
        rows.lazy()
        .group_by("target", "metric", "split", "status")
        .agg(official=pl.col("official").any(), said=pl.col("official").count())
        .collect(engine="streaming")
    )


def resolve_official_metrics(kinds: pl.DataFrame, split: str, picked: Metrics) -> Metrics:
    """The metrics of a split that the rows call official; where they do not say, those there can be no doubt about.

    A target that the rows do not settle is left to the user's `picked` metrics. Only finished runs are asked: a
    stopped one may have left its dev curve under another name.

    Raises:
        UsageError: a target has several metrics and nothing tells which of them count.
    """
    metrics: dict[str, tuple[str, ...]] = {}
    table = kinds.filter(pl.col("status") == "finished", pl.col("split") == split, pl.col("metric") != MAJORITY)
    for (target,), group in table.sort("target", "metric").group_by("target", maintain_order=True):
        names = tuple(group["metric"])
        marked = tuple(group.filter("official")["metric"])
        if marked:
            metrics[str(target)] = marked
        elif not group["said"].sum() and (len(names) == 1 or names == QA_METRICS):
            metrics[str(target)] = names
        elif target in picked:
            metrics[str(target)] = picked[str(target)]
        else:
            raise UsageError(
                f"{target} has the metrics {', '.join(names)} and none is marked official: "
                f"say which is its score, e.g. --metric {target}={names[0]}."
            )
    return metrics


def override_metrics(rows: pl.DataFrame, metrics: Metrics, picked: Metrics) -> Metrics:
    """The metrics that make the scores shown: the official ones, or what the user picked instead.

    Raises:
        UsageError: a picked target or metric is not there.
    """
    for target, names in picked.items():
        targets = rows["target"].unique().sort().to_list()
        if target not in targets:
            raise UsageError(f"--metric: {describe_unknown('target', target, targets)}")
        test = rows.filter(pl.col("target") == target, pl.col("split") == "test")
        there = test["metric"].drop_nulls().unique().sort().to_list()
        for name in names:
            if name not in there:
                raise UsageError(f"--metric: {describe_unknown(f'metric of {target}', name, there)}")
    return {**metrics, **picked}


def count_wanted_metrics(rows: pl.DataFrame, metrics: Metrics) -> IntArray:
    """How many metrics make the score that each row belongs to; 0 for a row that is in none."""
    counts = {(target, name): len(set(several)) for target, several in metrics.items() for name in several}
    return map_distinct_rows(rows.select("target", "metric"), lambda *of_row: counts.get(of_row, 0))


def average_metrics(rows: pl.DataFrame, metrics: Metrics, by: Sequence[str]) -> pl.DataFrame:
    """Mean of a target's metrics per group of `by`: columns `by` and `score`, null unless every metric is there."""
    complete = pl.col("value").count() == pl.col("wanted").first()
    groups = (
        rows.select(*by, "value", wanted=pl.Series(count_wanted_metrics(rows, metrics)))
        .filter(pl.col("wanted") > 0)
        .group_by(by)
        .agg(score=pl.when(complete).then(pl.col("value").mean()))
    )
    return decode_categories(groups).sort(by)


def list_runs(rows: pl.DataFrame, metrics: Metrics) -> pl.DataFrame:
    """The runs of all cells: columns `run`, ARM, `status`, `reason`, `stage` (its key, of a sweep's) and `dev`.

    `dev` is a finished run's English dev score at its best tenth, the mean of `metrics`; null where it has none. Only
    rows of the dev split in English are looked at.
    """
    dev = rows.lazy().filter(pl.col("split") == "dev", pl.col("language") == ENGLISH)
    judged = average_metrics(
        dev.select("run", "target", "metric", "tenth", "value").collect(), metrics, ["run", "tenth"]
    )
    best = judged.group_by("run").agg(dev=pl.col("score").max())
    reasons = rows.lazy().select("run", "reason").drop_nulls("reason").group_by("run").agg(pl.col("reason").first())
    keys = rows.select("run", *ARM_COLUMNS, "status", "stage")[find_first_rows(rows["run"].to_numpy())]
    found = keys.join(reasons.collect(), on="run", how="left").join(best, on="run", how="left")
    return decode_categories(found).sort(ARM_COLUMNS, nulls_last=True)


def select_run_rows(rows: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """The rows of these runs."""
    return rows.filter(pl.col("run").is_in(runs["run"].implode()))


def select_winners(runs: pl.DataFrame) -> pl.DataFrame:
    """The run that stands for each cell: best English dev among the finished ones, of equals the lowest rate.

    Raises:
        UsageError: a cell has several finished runs and no dev score to choose by.
    """
    finished = runs.filter(pl.col("status") == "finished")
    blind = finished.group_by(CELL_COLUMNS).agg(runs=pl.len(), judged=pl.col("dev").count())
    blind = blind.filter(pl.col("runs") > 1, pl.col("judged") == 0).sort(CELL_COLUMNS)
    if blind.height:
        intermediate, target, seed, arms, _ = blind.row(0)
        rates = sorted(finished["learning_rate"].drop_nulls().unique())
        raise UsageError(
            f"{intermediate} -> {target}, seed {seed} has {arms} learning rates and no English dev scores to choose by "
            f"(test scores must not choose): take one, --learning-rate {' or '.join(f'{rate:g}' for rate in rates)}."
        )
    order = finished.sort("dev", "learning_rate", descending=[True, False], nulls_last=True)
    return order.unique(CELL_COLUMNS, keep="first", maintain_order=True).sort(CELL_COLUMNS)


def filter_learning_rate(rows: pl.DataFrame, rate: float) -> pl.DataFrame:
    """`rows` of targets that were trained at `rate`, and those where nothing is trained.

    Raises:
        UsageError: there is no such rate.
    """
    # A float32 column does not hold 1e-5 exactly.
    same = (pl.col("learning_rate") / rate - 1).abs() < 1e-6
    if rows.filter(same).is_empty():
        rates = rows["learning_rate"].drop_nulls().unique().sort().to_list()
        raise UsageError(f"--learning-rate {rate:g}: there are {', '.join(f'{known:g}' for known in rates) or 'none'}.")
    return rows.filter(same | pl.col("learning_rate").is_null())


def select_contenders(read: Scores) -> pl.DataFrame:
    """The scored rows of the runs that compete, each score once: those `under_winners`.

    Raises:
        UsageError: two rows give one score different values, or one run different statuses.
    """
    rows = filter_winning_parents(read.target_rows, read.intermediate_rows)
    if read.has_duplicates:
        rows = drop_duplicate_scores(rows)
    refuse_conflicting_runs(rows)
    return rows


def filter_winning_parents(targets: pl.DataFrame, upstream: pl.DataFrame) -> pl.DataFrame:
    """Rows of targets, without those that started from an intermediate run which is not the winner of its task.

    A sweep that was extended by learning rates holds both the runs that descend from the old winner of an
    intermediate task and, once they are done, those that descend from the new one. Rates compete under one parent.
    """
    # Only where no run finished a degenerate one has children.
    usable = pl.col("status").is_in(["finished", "degenerate"])
    tenths = (
        upstream.filter(pl.col("official"), usable, pl.col("split") == "dev", pl.col("language") == ENGLISH)
        .group_by("intermediate", "seed", "status", "stage", "learning_rate", "tenth")
        .agg(dev=pl.col("value").mean())
        .with_columns(parent=pl.col("stage").is_in(targets["parent"].drop_nulls().unique().cast(pl.String).implode()))
    )
    # Of equals the one that the search went on from.
    order = {"status": True, "dev": True, "parent": True, "learning_rate": False, "tenth": False}
    best = tenths.sort(list(order), descending=list(order.values()), nulls_last=True)
    winner = best.unique(["intermediate", "seed"], keep="first", maintain_order=True)
    if winner.is_empty():
        return targets
    # Chains that differ in the method of the targets' own fine-tuning share the runs of their phase.
    phases = {name: phase_of(name) for name in targets["intermediate"].unique().cast(pl.String)}
    phase = pl.col("intermediate").cast(pl.String).replace(phases)
    names = targets.select(phase, "seed", pl.col("parent").cast(pl.String))
    known = names.join(
        winner.select("intermediate", "seed", winner="stage"),
        on=["intermediate", "seed"],
        how="left",
        maintain_order="left",
    )
    kept = pl.col("winner").is_null() | pl.col("parent").is_null() | (pl.col("parent") == pl.col("winner"))
    return targets.filter(known.select(kept).to_series())
