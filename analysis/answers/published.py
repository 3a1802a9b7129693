"""The answer of published.py: our gains beside the published ones."""

import numpy as np
import polars as pl

from analysis.questions import published_comparison
from analysis.questions.chains import list_candidates
from analysis.questions.published_comparison import BOTH_RETRIEVAL, MEAN_OF_ALL, MEAN_OF_TRAINED, PublishedComparison
from analysis.statistics.interval import MIN_SEEDS
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridRow
from analysis.tables.numbers import format_interval, number_or_none, summarise_seeds
from analysis.tables.source import describe_source, list_names
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.encoders import PROFILES
from spaces.published import AVERAGED_TARGETS, BASELINE, SYSTEMS, X_STILTS
from spaces.xtreme import TARGETS as XTREME

QUESTION = "How does the gain compare with the published one?"


def build_answer(transfer: Transfer, comparison: PublishedComparison) -> Answer:
    """Return the answer: the published gain by part, and ours where it can be compared."""
    ours = [_build_comparison_table(comparison)] if comparison.is_comparable else []
    protocols = _compare_protocols(transfer) if comparison.is_comparable else ()
    return Answer(
        question=QUESTION,
        sentences=(_describe_published(comparison), _describe_ours(transfer, comparison)),
        source_lines=describe_source(transfer.loaded_scores),
        tables=(_build_published_table(comparison), *ours, _build_system_table()),
        notes=(*_explain_tables(), *protocols, *_list_missing(comparison)),
    )


def _describe_published(comparison: PublishedComparison) -> str:
    lines = comparison.published
    retrieval, tydiqa, trained = lines[BOTH_RETRIEVAL], lines["tydiqa"], lines[MEAN_OF_TRAINED]
    others = [gain for target in AVERAGED_TARGETS if target != "tydiqa" and (gain := lines[target].gain) is not None]
    gain = (X_STILTS.mean or np.nan) - (BASELINE.mean or np.nan)
    return (
        f"Published, with the best intermediate task for each target: {gain:+.1f} points over nine targets. Of that "
        f"{100 * (retrieval.share or 0):.0f}% are the two retrieval targets, where nothing is trained, and "
        f"{100 * (tydiqa.share or 0):.0f}% TyDiQA; the other {len(others)} gain {np.mean(others):+.1f} on average. "
        f"Without retrieval it is {trained.gain:+.1f}."
    )


def _describe_ours(transfer: Transfer, comparison: PublishedComparison) -> str:
    if not comparison.is_comparable:
        return (
            f"Ours cannot be compared: {transfer.loaded_scores.benchmark} is a synthetic benchmark, and its points are "
            "not those of XTREME. Only published numbers are shown."
        )
    if MEAN_OF_ALL not in comparison.ours and MEAN_OF_TRAINED not in comparison.ours:
        return f"Ours: {len(comparison.ours)} of the nine targets, so there is no mean to compare."
    parts = []
    for name, scope in ((MEAN_OF_ALL, "over nine targets"), (MEAN_OF_TRAINED, "without retrieval")):
        if name in comparison.ours:
            gain = summarise_seeds(comparison.ours[name].gain)
            if gain.value is not None:
                parts.append(f"{gain.value:+.1f} points {scope}{format_interval(gain)}")
    return f"Ours, chosen in the same way: {', '.join(parts)}." if parts else "Ours: no seed has every target."


def _build_published_table(comparison: PublishedComparison) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn("metric"),
        GridColumn(BASELINE.name, "points"),
        GridColumn(X_STILTS.name, "points"),
        GridColumn("gain", "difference"),
        GridColumn("share of the gain", "share"),
    )
    rows = tuple(
        (name, _format_metrics(name), *map(number_or_none, (line.baseline, line.stilts, line.gain, line.share)))
        for name, line in comparison.published.items()
    )
    return Grid(f"Published: {X_STILTS.name} over {BASELINE.name}, in points of the task score", columns, rows)


def _build_comparison_table(comparison: PublishedComparison) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn("published gain", "difference"),
        GridColumn("our gain", "difference", interval=True),
        GridColumn("share of ours", "share"),
        GridColumn(f"our {NONE}", "points"),
        GridColumn("our best", "points"),
        GridColumn("by"),
        GridColumn("languages"),
    )
    mean = comparison.ours.get(MEAN_OF_ALL)
    total = np.nan if mean is None else float(np.nanmean(mean.gain)) * len(AVERAGED_TARGETS)
    rows: list[GridRow] = []
    for name, line in comparison.published.items():
        if (ours := comparison.ours.get(name)) is None:
            rows.append((name, number_or_none(line.gain), None, None, None, None, "", ""))
            continue
        gain = summarise_seeds(ours.gain)
        size = published_comparison.GROUP_SIZES.get(name, 1)
        share = gain.value * size / total if gain.value is not None and total else None
        languages = f"{ours.language_count} of {ours.published_language_count}" if ours.published_language_count else ""
        levels = (summarise_seeds(ours.baseline), summarise_seeds(ours.best))
        numbers = (number_or_none(line.gain), gain, number_or_none(share), *levels)
        rows.append((name, *numbers, list_names(ours.tasks, word="or"), languages))
    return Grid("Ours: the best intermediate task for each target, as English dev chooses it", columns, tuple(rows))


def _build_system_table() -> Grid:
    columns = (GridColumn(name, "points") for name in (*AVERAGED_TARGETS, "mean"))
    rows: list[GridRow] = []
    for system in SYSTEMS.values():
        scores = (*map(system.score_of, AVERAGED_TARGETS), system.mean)
        rows.append((system.name, *map(number_or_none, scores)))
    title = "Published task scores on XTREME, zero-shot; what came after used more than intermediate tasks"
    return Grid(title, (GridColumn("system"), *columns), tuple(rows))


def _explain_tables() -> tuple[str, ...]:
    return (
        "Sources: table 16 of Chung et al. 2021 (RemBERT) for the trained targets; Luo et al. 2021 (VECO) for the "
        "retrieval and the mean of XLM-R; Phang et al. 2020, second version, for the mean of X-STILTs. The mean gives "
        f"{BOTH_RETRIEVAL} only together, to about 0.7 points.",
        f"The published mean of {BASELINE.name} is {BASELINE.mean}. Its targets here average a little more, because "
        "its part-of-speech score was published again. Shares are of the sum of the gains here.",
        "The best task for each target is the maximum over many candidates, and noise inflates a maximum. A small gain "
        "may be nothing else.",
    )


def _compare_protocols(transfer: Transfer) -> tuple[str, ...]:
    scores, tasks = transfer.loaded_scores, list_candidates(transfer)
    finished = scores.rows.filter(pl.col("target").is_not_null(), pl.col("status") == "finished")
    arms = finished.select("target", "learning_rate", "steps").collect()
    rates = ", ".join(f"{rate:g}" for rate in sorted(arms["learning_rate"].drop_nulls().unique())) or "not stated"
    steps = arms.filter(pl.col("steps") > 0).group_by("target").agg(pl.col("steps").median()).sort("target")
    step_counts = ", ".join(f"{target} {count:.0f}" for target, count in steps.iter_rows())
    known = {target: names for target, names in transfer.metrics.items() if target in XTREME}
    other_metrics = [name for name, metrics in known.items() if {*metrics} != {*XTREME[name].official_metrics}]
    depth = PROFILES["pretrained"].retrieval_depth
    return (
        f"What differs. Model: theirs XLM-R Large, ours {scores.model or 'not stated'}. Seeds: ours "
        f"{len(scores.seeds)}, theirs not stated in the sources.",
        "Scores: theirs on the test sets, through the leaderboard; ours on the test splits in the sweep. XQuAD, TyDiQA "
        "and Tatoeba have one split for evaluation, so any choice by it saw the test.",
        "Choice: theirs the best of the paper's intermediate tasks and mixtures for each target; ours the best of "
        f"{len(tasks)} ({list_names(tasks)}) on English dev, mean over seeds. Retrieval has no English dev: there ours "
        f"is chosen on the test scores of the other seeds, and read on the one left out ({MIN_SEEDS} seeds or more).",
        f"Learning rates: the paper's code has 1e-5 everywhere; ours {rates}, the best on English dev."
        + (f" Steps (median): {step_counts}." if step_counts else ""),
        f"Retrieval: theirs reads layer 14 of 24; ours {24 * depth:.0f} of 24, for a pretrained encoder.",
        *(["Data: ours are limited, so our scores and gains cannot be compared."] * scores.is_limited),
        *([f"Metric: not the official one for {list_names(other_metrics)}."] if other_metrics else []),
    )


def _list_missing(comparison: PublishedComparison) -> tuple[str, ...]:
    lines = [f"Not compared: {target}, {reason}." for target, reason in comparison.missing_reasons.items()]
    fewer = [name for name, line in comparison.ours.items() if line.language_count != line.published_language_count]
    if fewer:
        lines.append(f"In other languages than the published score, so not the same quantity: {list_names(fewer)}.")
    if comparison.is_comparable and MEAN_OF_ALL not in comparison.ours:
        lines.append("Shares of our gain are not shown, because they need all nine targets.")
    return tuple(lines)


def _format_metrics(name: str) -> str:
    metrics = XTREME[name].official_metrics if name in XTREME else ()
    return " and ".join(metric.replace("_", " ") for metric in metrics)
