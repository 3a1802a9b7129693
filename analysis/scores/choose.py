"""The metrics that make a score, and the run that counts in each cell. Only English dev scores choose runs."""

from collections.abc import Mapping, Sequence

import polars as pl

from analysis.scores.duplicates import drop_duplicate_scores, refuse_conflicting_runs
from analysis.scores.keys import find_first_rows, map_distinct_rows
from analysis.scores.scores import Scores
from analysis.scores.tidy import ARM_COLUMNS, CELL_COLUMNS, decode_categories
from analysis.statistics.moments import IntArray
from spaces.chain import phase_of
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.table import describe_unknown

MAJORITY = "majority"  # the floor: a trivial answer, such as the most frequent label; a row beside the metrics
QA_METRICS = ("exact_match", "f1")

Metrics = Mapping[str, tuple[str, ...]]  # target -> the metrics whose mean is its score


def list_metrics(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the metrics of each target by split and status, and whether rows mark them as official.

    `official` is true if any row of the metric is marked, `said` counts the rows that are marked true or false.
    """
    return (
        rows.lazy()
        .group_by("target", "metric", "split", "status")
        .agg(official=pl.col("official").any(), said=pl.col("official").count())
        .collect(engine="streaming")
    )


def resolve_official_metrics(metric_table: pl.DataFrame, split: str, picked: Metrics) -> Metrics:
    """Return the official metrics of a split, from `list_metrics`; where rows mark none, the only possible ones.

    A target that the rows do not settle takes the user's `picked` metrics. Only finished runs count: a stopped one may
    have left its dev curve under another name. Raise UsageError if a target has several metrics and nothing tells which
    of them count.
    """
    metrics: dict[str, tuple[str, ...]] = {}
    candidates = metric_table.filter(pl.col("metric") != MAJORITY, status="finished", split=split)
    for (target,), table in candidates.sort("target", "metric").group_by("target", maintain_order=True):
        names = tuple(table["metric"])
        official = tuple(table.filter("official")["metric"])
        if official:
            metrics[str(target)] = official
        elif not table["said"].sum() and (len(names) == 1 or names == QA_METRICS):
            metrics[str(target)] = names
        elif target in picked:
            metrics[str(target)] = picked[str(target)]
        else:
            raise UsageError(
                f"{target} has the metrics {', '.join(names)}, and none is marked official. "
                f"Choose one, e.g. --metric {target}={names[0]}."
            )
    return metrics


def list_counted_metrics(rows: pl.DataFrame, picked: Metrics) -> tuple[Metrics, Metrics]:
    """Return the metrics that make the test scores and the dev scores; a target that nothing settles has none."""
    table = list_metrics(rows.drop_nulls("target")).with_columns(pl.col("target", "metric").cast(pl.String))

    def settle(split: str, target: str) -> tuple[str, ...]:
        try:
            return resolve_official_metrics(table.filter(target=target), split, picked).get(target, ())
        except UsageError:  # raised again when the scores are used
            return ()

    targets = table["target"].unique().sort()
    test, dev = ({target: settle(split, target) for target in targets} for split in ("test", "dev"))
    return {**test, **picked}, dev


def override_metrics(rows: pl.DataFrame, metrics: Metrics, picked: Metrics) -> Metrics:
    """Return the user's `picked` metrics over the official ones; raise UsageError for an unknown target or metric."""
    for target, names in picked.items():
        targets = rows["target"].unique().sort().to_list()
        if target not in targets:
            raise UsageError(f"--metric: {describe_unknown('target', target, targets)}")
        known = rows.filter(target=target, split="test")["metric"].drop_nulls().unique().sort().to_list()
        for name in names:
            if name not in known:
                raise UsageError(f"--metric: {describe_unknown(f'metric of {target}', name, known)}")
    return {**metrics, **picked}


def count_wanted_metrics(rows: pl.DataFrame, metrics: Metrics) -> IntArray:
    """Return for each row the number of metrics that make its score; 0 for a row that is in no score."""
    counts = {(target, name): len(set(names)) for target, names in metrics.items() for name in names}
    return map_distinct_rows(rows.select("target", "metric"), lambda *pair: counts.get(pair, 0))


def average_metrics(rows: pl.DataFrame, metrics: Metrics, by: Sequence[str]) -> pl.DataFrame:
    """Return `by` and `score`, the mean of a target's metrics; null unless every metric is present."""
    complete = pl.col("value").count() == pl.col("wanted").first()
    means = (
        rows.select(*by, "value", wanted=pl.Series(count_wanted_metrics(rows, metrics)))
        .filter(pl.col("wanted") > 0)
        .group_by(by)
        .agg(score=pl.when(complete).then(pl.col("value").mean()))
    )
    return decode_categories(means).sort(by)


def list_runs(rows: pl.DataFrame, metrics: Metrics) -> pl.DataFrame:
    """Return the runs of all cells: columns `run`, ARM_COLUMNS, `status`, `reason`, `stage` and `dev`.

    `stage` is the stage's key, in a sweep. `dev` is a finished run's English dev score at its best tenth, the mean of
    `metrics`, null where it has none. It uses only rows of the dev split in English.
    """
    dev = rows.lazy().filter(split="dev", language=ENGLISH).select("run", "target", "metric", "tenth", "value")
    dev_scores = average_metrics(dev.collect(), metrics, ["run", "tenth"])
    best = dev_scores.group_by("run").agg(dev=pl.col("score").max())
    reasons = rows.lazy().select("run", "reason").drop_nulls("reason").group_by("run").agg(pl.col("reason").first())
    runs = rows.select("run", *ARM_COLUMNS, "status", "stage")[find_first_rows(rows["run"].to_numpy())]
    runs = runs.join(reasons.collect(), on="run", how="left").join(best, on="run", how="left")
    return decode_categories(runs).sort(ARM_COLUMNS, nulls_last=True)


def select_winners(runs: pl.DataFrame) -> pl.DataFrame:
    """Return each cell's finished run of best English dev, then lowest rate; raise UsageError if dev cannot choose."""
    finished = runs.filter(status="finished")
    cells = finished.group_by(CELL_COLUMNS).agg(runs=pl.len(), with_dev=pl.col("dev").count())
    undecided = cells.filter(pl.col("runs") > 1, pl.col("with_dev") == 0).sort(CELL_COLUMNS)
    if undecided.height:
        intermediate, target, seed, arms, _ = undecided.row(0)
        rates = sorted(finished["learning_rate"].drop_nulls().unique())
        raise UsageError(
            f"{intermediate} -> {target}, seed {seed} has {arms} learning rates and no English dev scores to choose "
            f"by. Test scores must not choose: take --learning-rate {' or '.join(f'{rate:g}' for rate in rates)}."
        )
    order = finished.sort("dev", "learning_rate", descending=[True, False], nulls_last=True)
    return order.unique(CELL_COLUMNS, keep="first", maintain_order=True).sort(CELL_COLUMNS)


def filter_learning_rate(rows: pl.DataFrame, rate: float) -> pl.DataFrame:
    """Return the rows of targets trained at `rate` or not at all; raise UsageError if no row has this rate."""
    # A float32 column does not hold 1e-5 exactly.
    same = (pl.col("learning_rate") / rate - 1).abs() < 1e-6
    if rows.filter(same).is_empty():
        rates = rows["learning_rate"].drop_nulls().unique().sort().to_list()
        known = ", ".join(f"{known:g}" for known in rates) or "none"
        raise UsageError(f"--learning-rate {rate:g}: no run has this rate. The rates are {known}.")
    return rows.filter(same | pl.col("learning_rate").is_null())


def select_contenders(scores: Scores) -> pl.DataFrame:
    """Return the competing target rows, under winning parents, each score once; raise UsageError for contradictions."""
    rows = filter_winning_parents(scores.target_rows, scores.intermediate_rows)
    if scores.has_duplicates:
        rows = drop_duplicate_scores(rows)
    refuse_conflicting_runs(rows)
    return rows


def filter_winning_parents(target_rows: pl.DataFrame, intermediate_rows: pl.DataFrame) -> pl.DataFrame:
    """Return the target rows without those that started from an intermediate run which is not its task's winner.

    A sweep that was extended by learning rates holds runs that descend from the old winner of an intermediate task
    and, once they are done, runs that descend from the new one. Rates compete under one parent only.
    """
    # A degenerate run has children only if no run of its task finished.
    usable = pl.col("status").is_in(["finished", "degenerate"])
    parents = target_rows["parent"].drop_nulls().unique().cast(pl.String).implode()
    tenths = (
        intermediate_rows.filter(pl.col("official"), usable, split="dev", language=ENGLISH)
        .group_by("intermediate", "seed", "status", "stage", "learning_rate", "tenth")
        .agg(dev=pl.col("value").mean())
        .with_columns(parent=pl.col("stage").is_in(parents))
    )
    # Of equal runs the one that the search continued from.
    order = {"status": True, "dev": True, "parent": True, "learning_rate": False, "tenth": False}
    best = tenths.sort(list(order), descending=list(order.values()), nulls_last=True)
    winners = best.unique(["intermediate", "seed"], keep="first", maintain_order=True)
    if winners.is_empty():
        return target_rows
    # Chains that differ only in the method of the targets' fine-tuning share the runs of their phase.
    phases = {name: phase_of(name) for name in target_rows["intermediate"].unique().cast(pl.String)}
    phase = pl.col("intermediate").cast(pl.String).replace(phases)
    with_winner = target_rows.select(phase, "seed", pl.col("parent").cast(pl.String)).join(
        winners.select("intermediate", "seed", winner="stage"),
        on=["intermediate", "seed"],
        how="left",
        maintain_order="left",
    )
    competes = pl.col("winner").is_null() | pl.col("parent").is_null() | (pl.col("parent") == pl.col("winner"))
    return target_rows.filter(with_winner.select(competes).to_series())
