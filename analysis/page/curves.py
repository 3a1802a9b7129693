"""Learning curves on English dev, tenth by tenth, with the runs that the scheduler stopped."""

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Choice, Column, Figure, Section, Text, table_of
from analysis.ranking import Ranking
from analysis.scores.choose import ENGLISH
from analysis.scores.tidy import ARM
from analysis.transfer import POINTS
from spaces.benchmark import NONE

OWN = "the intermediate task itself"


def section(found: Ranking) -> Section:
    """A figure of one chain and one target at a time."""
    frame = curves(found)
    if frame.is_empty():
        return Section("curves", "Learning curves", (Text("These scores hold no learning curves (dev scores by tenth)."),))
    whats = [name for name in (*found.transfer.targets, OWN) if name in set(frame["what"])]
    chains = [name for name in (NONE, *found.intermediates, *found.transfer.floors) if name in set(frame["chain"])]
    first = next((name for name in chains if name != NONE), NONE)
    ends = frame.filter("last")
    stopped = ends.filter(pl.col("status") == "stopped").height
    seeds = [("all", "all"), *((seed, seed) for seed in sorted(set(frame["seed"]), key=int))]
    figure = Figure(
        name="curves",
        title="English dev by tenth of the run, one line per run; a cross marks a run that did not finish",
        about=f"{ends.height} runs, of which {stopped} were stopped early. Their last scores are in the table below.",
        spec=charts.curves(whats[0], first, "all"),
        data={"curves": frame},
        choices=(
            Choice("what", "Trained on", tuple((name, name) for name in whats)),
            Choice("chain", "Chain", tuple((name, name) for name in (first, *(n for n in chains if n != first)))),
            Choice("seed", "Seed", tuple(seeds)),
        ),
        table=table_of(ends, "curves-table", "Every run: its last tenth and its best English dev", {
            "what": Column("trained on"), "chain": Column("chain"), "seed": Column("seed"), "rate": Column("learning rate"),
            "status": Column("status"), "tenth": Column("last tenth", 0), "best": Column("best English dev", 1),
        }),
        narrowest=20,
    )
    text = "Selection sees nothing but these scores. A stopped run is censored, not bad: it is in no mean."
    return Section("curves", "Learning curves", (Text(text), figure))


def curves(found: Ranking) -> pl.DataFrame:
    """One row per run and tenth: what, chain, seed, rate, run, tenth, score and best (points), status, last."""
    dev = found.read.rows.lazy().filter(
        pl.col("split") == "dev", pl.col("language") == ENGLISH, pl.col("tenth").is_not_null(),
        pl.col("official"), pl.col("value").is_not_null(),
    )
    points = dev.group_by(*ARM, "status", "tenth").agg(score=(pl.col("value").mean() * POINTS).round(2))
    named = points.with_columns(what=pl.col("target").fill_null(OWN), rate=pl.col("learning_rate").map_elements(
        lambda rate: f"{rate:g}", return_dtype=pl.String))
    run = pl.concat_str("what", "intermediate", "seed", "rate", separator="|", ignore_nulls=True)
    ordered = named.sort("what", "intermediate", "seed", "learning_rate", "tenth").select(
        "what", pl.col("intermediate").alias("chain"), pl.col("seed").cast(pl.String), "rate", run.alias("run"), "tenth",
        "score", "status",
    )
    return ordered.with_columns(
        best=pl.col("score").max().over("run"), last=pl.col("tenth") == pl.col("tenth").max().over("run")
    ).collect()
