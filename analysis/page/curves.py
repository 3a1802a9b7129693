"""Learning curves on English dev, tenth by tenth, with the runs that the scheduler stopped."""

import polars as pl

from analysis.page import charts
from analysis.page.blocks import ABSENT, Figure, PageColumn, Paragraph, Section, SelectControl, name_columns, table_of
from analysis.scores.tidy import ARM_COLUMNS
from analysis.transfer.array import POINTS_PER_SHARE
from analysis.transfer.ranking import Ranking
from spaces.language import ENGLISH

MAX_RUNS = 3000  # a page of some megabytes
OWN_TASK = "the intermediate task itself"


def build_section(ranking: Ranking) -> Section:
    """Return a figure of one chain and one target at a time."""
    frame, hidden_count = _drop_hidden_chains(ranking, collect_curves(ranking))
    if frame.is_empty():
        text = "These scores have no learning curves (dev scores by tenth)."
        return Section("curves", "Learning curves", (Paragraph(text),))
    trained_on = [name for name in (*ranking.transfer.targets, OWN_TASK) if name in set(frame["what"])]
    chains = [
        name
        for name in (ranking.baseline, *ranking.intermediates, *ranking.transfer.references)
        if name in set(frame["chain"])
    ]
    first = next((name for name in chains if name != ranking.baseline), ranking.baseline)
    stopped = frame.filter(pl.col("status") == "stopped").height
    seeds = ["all", *sorted(set(frame["seed"]), key=int)]
    figure = Figure(
        name="curves",
        title="English dev by tenth of the run, one line per run; a cross marks a run that did not finish",
        description=f"{frame.height} runs, {stopped} of them stopped early. Their scores are in the table below.",
        spec=charts.draw_curves(trained_on[0], first, "all"),
        data={"curves": frame},
        choices=(
            SelectControl("what", "Trained on", tuple((name, name) for name in trained_on)),
            SelectControl("chain", "Chain", tuple((name, name) for name in dict.fromkeys((first, *chains)))),
            SelectControl("seed", "Seed", tuple((name, name) for name in seeds)),
        ),
        table=table_of(
            frame.with_columns(by_tenth=pl.col("scores").list.eval(pl.element().cast(pl.String)).list.join(", ")),
            "curves-table",
            "Every run: its last tenth, its best English dev and that of each tenth",
            {
                **name_columns("what", "chain", "seed", "rate", "status"),
                "last": PageColumn("last tenth", 0),
                "best": PageColumn("best English dev", 1),
                "by_tenth": PageColumn("English dev, tenth by tenth"),
            },
        ),
    )
    text = "Runs are selected by these scores alone. A stopped run is censored: it is in no mean."
    if hidden_count:
        text += f" {hidden_count} runs of tasks at the end of the order are not shown: the page would be too large."
    return Section("curves", "Learning curves", (Paragraph(text), figure))


def _drop_hidden_chains(ranking: Ranking, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the runs of the first chains, MAX_RUNS of them at most unless one chain has more; and how many others."""
    counts = dict(frame["chain"].value_counts().iter_rows())
    kept: list[str] = []
    total = 0
    for chain in dict.fromkeys((ranking.baseline, *ranking.transfer.references, *ranking.shown)):
        total += counts.get(chain, 0)
        if kept and total > MAX_RUNS:
            break
        kept.append(chain)
    shown = frame.filter(pl.col("chain").is_in(kept))
    return shown, frame.height - shown.height


def collect_curves(ranking: Ranking) -> pl.DataFrame:
    """Return one row per run: what, chain, seed, rate, status, tenths and scores (lists), last (tenth), best."""
    dev = ranking.loaded_scores.rows.filter(pl.col("official"), split="dev", language=ENGLISH)
    score = (pl.col("value").mean() * POINTS_PER_SHARE).round(2)
    points = dev.drop_nulls(["tenth", "value"]).group_by(*ARM_COLUMNS, "status", "tenth").agg(score=score).sort("tenth")
    runs = points.group_by(*ARM_COLUMNS, "status").agg(tenths="tenth", scores="score").sort(ARM_COLUMNS).collect()
    return runs.select(
        pl.col("target").fill_null(OWN_TASK).alias("what"),
        pl.col("intermediate").alias("chain"),
        pl.col("seed").cast(pl.String),
        pl.Series("rate", [ABSENT if rate is None else f"{rate:g}" for rate in runs["learning_rate"]], pl.String),
        "status",
        "tenths",
        "scores",
        pl.col("tenths").list.last().alias("last"),
        pl.col("scores").list.max().alias("best"),
    )
