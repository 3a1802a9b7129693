"""The tables of selection.py: decisions by English dev, and early stopping replayed."""

from collections.abc import Sequence

import numpy as np

from analysis.questions.arms import INTERMEDIATE
from analysis.questions.judging import ALL, Tasks, Together, gained, possible
from analysis.questions.stopping import EVERY, Stopping
from analysis.statistics.decisions import BLIND, LOST, ORDER
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import over_seeds
from spaces.halving import RUNGS
from spaces.stage import TENTHS

POSITIVE = (0.0, np.inf)
CORRELATION = (-1.0, 1.0)


def regrets(title: str, together: Together) -> Grid:
    """What was lost by target, and by all."""
    columns = (
        Column("target"),
        Column("decisions", "count"),
        Column("best taken", "share"),
        Column("lost to the oracle", "points", interval=True),
        Column("lost blindly", "points"),
        Column("most lost", "points"),
        Column("rank correlation", "correlation"),
        Column("where: taken for best"),
    )
    rows: list[tuple[Field, ...]] = []
    for name, one in together.items():
        worst = one.worst
        where = f"{worst.options[worst.taken]} for {worst.options[worst.oracle]}, seed {worst.seed}"
        where = f"{worst.within}: {where}" if worst.within else where
        rows.append(
            (
                name,
                len(one.decisions),
                Number(value=one.right / len(one.decisions)),
                over_seeds(one.by_seed(LOST), bounds=POSITIVE),
                over_seeds(one.by_seed(BLIND)),
                Number(value=worst.lost),
                over_seeds(one.by_seed(ORDER), bounds=CORRELATION),
                where if worst.oracle != worst.taken else "",
            )
        )
    return Grid(title, columns, tuple(rows))


def orders(tasks: Tasks) -> Grid:
    """How English orders the tasks, and what taking the first of them gains."""
    columns = (
        Column("target"),
        Column("dev with others", "correlation", interval=True),
        Column("English test with others", "correlation", interval=True),
        Column("gain of what dev takes", "difference", interval=True),
        Column("gain of the oracle", "difference", interval=True),
        Column("missing scores", "count"),
    )
    rows: list[tuple[Field, ...]] = []
    for name, one in tasks.regrets.items():
        english = tasks.english.get(name)
        rows.append(
            (
                name,
                over_seeds(one.by_seed(ORDER), bounds=CORRELATION),
                over_seeds(english.by_seed(ORDER) if english else (), bounds=CORRELATION),
                over_seeds(one.by_seed(gained)),
                over_seeds(one.by_seed(possible)),
                sum(tasks.absent.values()) if name == ALL else tasks.absent[name],
            )
        )
    if ALL in tasks.regrets:
        every, english = tasks.regrets[ALL], tasks.english.get(ALL)
        rows.append(
            (
                "over targets, not seeds",
                over_seeds(every.by_target(ORDER), bounds=CORRELATION),
                over_seeds(english.by_target(ORDER) if english else (), bounds=CORRELATION),
                over_seeds(every.by_target(gained)),
                over_seeds(every.by_target(possible)),
                None,
            )
        )
    return Grid(
        "Intermediate tasks: their order by English, and what is gained over the baseline", columns, tuple(rows)
    )


def leaders(stopping: Stopping) -> Grid:
    """What the run that leads after some tenths is worth at the end, tenth by tenth."""
    columns = (
        Column("tenth"),
        Column("strata", "count"),
        Column("leader is best at the end", "share"),
        Column("points of dev lost", "points"),
        Column("most lost", "points"),
        Column("lost by intermediate runs", "points"),
    )
    rows: list[tuple[Field, ...]] = []
    for tenth, decided in stopping.leaders.items():
        one, upstream = decided[EVERY], decided.get(INTERMEDIATE)
        points = [decision.lost for decision in one.decisions]
        rows.append(
            (
                str(tenth),
                len(points),
                Number(value=one.right / len(points)),
                Number(value=mean(points)),
                Number(value=max(points)),
                Number(value=mean([decision.lost for decision in upstream.decisions])) if upstream else None,
            )
        )
    return Grid("Early stopping: had the run that leads after some tenths been taken", columns, tuple(rows))


def halving(stopping: Stopping) -> Grid:
    """What halving the runs at the rungs of the search would have lost and saved."""
    columns = (
        Column("target"),
        Column("strata", "count"),
        Column("best kept", "share"),
        Column("points of dev lost", "points"),
        Column("points elsewhere lost", "difference"),
        Column("tenths trained", "share"),
    )
    names = dict.fromkeys(replay.stratum.target for replay in stopping.replays)
    rows: list[tuple[Field, ...]] = []
    for name in (*names, EVERY) if names else ():
        group = [replay for replay in stopping.replays if name in (EVERY, replay.stratum.target)]
        elsewhere = [replay.lost_elsewhere for replay in group if np.isfinite(replay.lost_elsewhere)]
        rows.append(
            (
                name,
                len(group),
                Number(value=sum(replay.lost <= 0 for replay in group) / len(group)),
                Number(value=mean([replay.lost for replay in group])),
                Number(value=mean(elsewhere)) if elsewhere else None,
                Number(value=mean([replay.spent for replay in group])),
            )
        )
    title = f"Early stopping: halving at {' and '.join(map(str, RUNGS))} of {TENTHS} tenths, replayed"
    return Grid(title, columns, tuple(rows))


def mean(values: Sequence[float]) -> float:
    """The mean of one number or more."""
    return float(np.mean(values))
