"""The printed answer of published.py: gains beside the published ones."""

import numpy as np
import polars as pl

from analysis.questions.comparison import BOTH, MEAN, TRAINED, Comparison
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.tables.answer import Answer
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import over_seeds
from analysis.tables.source import read_from
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.profile import PROFILES
from spaces.published import BASELINE, STILTS, SYSTEMS, TARGETS
from spaces.xtreme import TARGETS as XTREME

QUESTION = "How does the gain compare with the published one?"


def answer(found: Transfer, compared: Comparison) -> Answer:
    """What is printed."""
    ours = _side_by_side(compared) if compared.comparable else None
    return Answer(
        question=QUESTION,
        answer=(_published_said(compared), _ours_said(found, compared)),
        read=read_from(found.read),
        tables=tuple(table for table in (_published(compared), ours, _systems()) if table is not None and table.rows),
        notes=(*_how_to_read(), *(_protocol(found) if compared.comparable else ()), *_missing(compared)),
    )


def _published_said(compared: Comparison) -> str:
    lines = compared.published
    retrieval, tydiqa, trained = lines[BOTH], lines["tydiqa"], lines[TRAINED]
    six = [gain for target in TARGETS if target != "tydiqa" and (gain := lines[target].gain) is not None]
    means = (STILTS.mean or np.nan) - (BASELINE.mean or np.nan)
    return (
        f"Published, with the best intermediate task for each target: {means:+.1f} points over nine targets. Of that "
        f"{100 * (retrieval.share or 0):.0f}% are the two retrieval targets, where nothing is trained, and "
        f"{100 * (tydiqa.share or 0):.0f}% TyDiQA; the other {len(six)} gain {np.mean(six):+.1f} on average. Without "
        f"retrieval it is {trained.gain:+.1f}."
    )


def _ours_said(found: Transfer, compared: Comparison) -> str:
    if not compared.comparable:
        return (
            f"Ours cannot be compared: {found.read.benchmark} is a synthetic world, whose points are no points of "
            "XTREME. Only the published numbers are shown."
        )
    if MEAN not in compared.ours and TRAINED not in compared.ours:
        return f"Ours: {len(compared.ours)} of the nine targets, so there is no mean to compare."
    said = []
    for name, words in ((MEAN, "over nine targets"), (TRAINED, "without retrieval")):
        if name in compared.ours:
            one = over_seeds(compared.ours[name].gain)
            if one.value is not None:
                between = "" if one.low is None else f" ({LEVEL:.0%} interval {one.low:+.1f} to {one.high:+.1f})"
                said.append(f"{one.value:+.1f} points {words}{between}")
    return f"Ours, chosen alike: {', '.join(said)}." if said else "Ours: no seed has every target, so there is no mean."


def _published(compared: Comparison) -> Grid:
    columns = (
        Column("target"),
        Column("metric"),
        Column(BASELINE.name, "points"),
        Column(STILTS.name, "points"),
        Column("gain", "difference"),
        Column("share of the gain", "share"),
    )
    rows = tuple(
        (name, _metric(name), *map(_known, (line.baseline, line.stilts, line.gain, line.share)))
        for name, line in compared.published.items()
    )
    return Grid(f"Published: {STILTS.name} over {BASELINE.name}, in points of the task score", columns, rows)


def _side_by_side(compared: Comparison) -> Grid:
    columns = (
        Column("target"),
        Column("published gain", "difference"),
        Column("our gain", "difference", interval=True),
        Column("share of ours", "share"),
        Column(f"our {NONE}", "points"),
        Column("our best", "points"),
        Column("by"),
        Column("languages"),
    )
    total = float(np.nanmean(compared.ours[MEAN].gain)) * len(TARGETS) if MEAN in compared.ours else np.nan
    rows: list[tuple[Field, ...]] = []
    for name, line in compared.published.items():
        if (ours := compared.ours.get(name)) is None:
            rows.append((name, _known(line.gain), None, None, None, None, "", ""))
            continue
        gain = over_seeds(ours.gain)
        times = {BOTH: 2, TRAINED: len(TARGETS) - 2, MEAN: len(TARGETS)}.get(name, 1)
        share = gain.value * times / total if gain.value is not None and np.isfinite(total) and total else None
        there = f"{ours.languages} of {ours.of_languages}" if ours.of_languages else ""
        levels = (over_seeds(ours.baseline), over_seeds(ours.best))
        rows.append((name, _known(line.gain), gain, _known(share), *levels, " or ".join(ours.tasks), there))
    return Grid("Ours: the best intermediate task for each target, as English dev chooses it", columns, tuple(rows))


def _systems() -> Grid:
    columns = (Column("system"), *(Column(target, "points") for target in TARGETS), Column("mean", "points"))
    rows = tuple(
        (one.name, *(_known(one.score(target)) for target in TARGETS), _known(one.mean)) for one in SYSTEMS.values()
    )
    return Grid(
        "Published task scores on XTREME, zero-shot; what came after used more than intermediate tasks", columns, rows
    )


def _how_to_read() -> tuple[str, ...]:
    return (
        "Sources: table 16 of Chung et al. 2021 (RemBERT) for the trained targets; Luo et al. 2021 (VECO) for the "
        "retrieval and the mean of XLM-R; Phang et al. 2020, second version, for the mean of X-STILTs, which leaves "
        f"{BOTH} together only: to about 0.7 points.",
        f"The published mean of {BASELINE.name} is {BASELINE.mean}; its targets here average a little more, since its "
        "part of speech was published again. Shares are of the sum of the gains here.",
        "The best for each target is the maximum over many candidates, which noise inflates: a small gain may be that "
        "alone.",
    )


def _protocol(found: Transfer) -> tuple[str, ...]:
    read = found.read
    tasks = [name for name in found.intermediates if name not in read.controls]
    finished = read.rows.filter(pl.col("target").is_not_null(), pl.col("status") == "finished")
    arms = finished.select("target", "learning_rate", "steps").collect()
    rates = ", ".join(f"{rate:g}" for rate in sorted(arms["learning_rate"].drop_nulls().unique())) or "not stated"
    steps = arms.filter(pl.col("steps") > 0).group_by("target").agg(pl.col("steps").median()).sort("target")
    shown = ", ".join(f"{target} {count:.0f}" for target, count in steps.iter_rows())
    other = [
        target
        for target, names in found.metrics.items()
        if target in XTREME and set(names) != set(XTREME[target].score)
    ]
    depth = PROFILES["pretrained"].retrieval_depth
    return (
        f"What differs. Model: theirs XLM-R Large, ours {read.model or 'not stated'}. Seeds: ours {len(read.seeds)}; "
        "how many theirs has is not in the sources.",
        "Scores: theirs on the test sets, through the leaderboard; ours on the test splits in the sweep. XQuAD, TyDiQA "
        "and Tatoeba have one split for evaluation, so whatever chose by it saw the test.",
        f"Choice: theirs the best of the paper's intermediate tasks and mixtures for each target; ours the best of "
        f"{len(tasks)} ({', '.join(tasks)}) on English dev, mean over seeds. In retrieval there is no English dev: "
        f"there ours is chosen on the other seeds' test scores, and read on the one left out ({FEWEST} seeds or more).",
        f"Learning rates: the paper's code has 1e-5 everywhere; ours {rates}, the best on English dev."
        + (f" Steps (median): {shown}." if shown else ""),
        f"Retrieval: theirs reads layer 14 of 24; ours {24 * depth:.0f} of 24, for a pretrained encoder.",
        *(["Data: ours are limited, so that neither score nor gain stands beside the published ones."] * read.limited),
        *([f"Metric: not the official one for {', '.join(other)}."] if other else []),
    )


def _missing(compared: Comparison) -> tuple[str, ...]:
    lines = [f"Not compared: {target}, {why}." for target, why in compared.absent.items()]
    fewer = [name for name, one in compared.ours.items() if one.languages != one.of_languages]
    if fewer:
        lines.append(f"In other languages than the published score, so not the same quantity: {', '.join(fewer)}.")
    if compared.comparable and MEAN not in compared.ours:
        lines.append("There are no shares of our gain, since they need all nine targets.")
    return tuple(lines)


def _metric(name: str) -> str:
    if name not in XTREME:
        return ""
    return " and ".join(metric.replace("_", " ") for metric in XTREME[name].score)


def _known(value: float | None) -> Number | None:
    return None if value is None else Number(value=value)
