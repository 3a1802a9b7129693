"""The tables of published.py: published gains and ours, group means, and the published systems by setting."""

import numpy as np

from analysis.questions.published_comparison import (
    GROUP_SIZES,
    GROUPS,
    MEAN_OF_ALL,
    OWN_SETTING,
    OwnGain,
    PublishedComparison,
)
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow, GridValue
from analysis.tables.numbers import number_or_none, summarise_seeds
from analysis.tables.source import list_names
from spaces.chain import NONE
from spaces.published import AVERAGED_TARGETS, BASELINE, SETTINGS, SYSTEMS, X_STILTS, X_STILTS_OTHER, PublishedSystem
from spaces.xtreme import TARGETS as XTREME


def build_published_table(comparison: PublishedComparison) -> Grid:
    """Return the published gain by target, group and mean."""
    columns = (*_list_gain_columns(X_STILTS), GridColumn("share of the gain", "share"))
    rows = tuple(
        (name, format_metrics(line.metrics), *map(number_or_none, (line.baseline, line.stilts, line.gain, line.share)))
        for name, line in comparison.published.items()
    )
    return Grid(f"Published: {X_STILTS.name} over {BASELINE.name}, in points of the task score", columns, rows)


def _list_gain_columns(system: PublishedSystem) -> tuple[GridColumn, ...]:
    return (
        GridColumn("target"),
        GridColumn("metric"),
        GridColumn(BASELINE.name, "points"),
        GridColumn(system.name, "points"),
        GridColumn("gain", "difference"),
    )


def build_other_row_table(comparison: PublishedComparison) -> Grid:
    """Return the second published row, in the metrics that it has; ours only where it is in the same metrics."""
    ours_column = [GridColumn("our gain", "difference", interval=True)] * comparison.is_comparable
    columns = (*_list_gain_columns(X_STILTS_OTHER), *ours_column)
    rows: list[GridRow] = []
    for name, line in comparison.other_row.items():
        if line.gain is None:
            continue
        ours: list[GridValue] = []
        if comparison.is_comparable:
            own = comparison.ours_beside_other.get(name)
            is_other_metric = own is None and name in comparison.ours
            hole = GridNumber(value=None, text="other metric" if is_other_metric else "")
            ours = [hole if own is None else summarise_seeds(own.gain)]
        numbers = map(number_or_none, (line.baseline, line.stilts, line.gain))
        rows.append((name, format_metrics(line.metrics), *numbers, *ours))
    title = f"A second published row of {X_STILTS.name} over {BASELINE.name}, in the metrics that it has"
    return Grid(title, columns, tuple(rows))


def build_group_table(comparison: PublishedComparison) -> Grid:
    """Return the group means as they were published, beside those of the rows here and ours."""
    columns = (
        GridColumn("group"),
        GridColumn(BASELINE.name, "points"),
        GridColumn(X_STILTS.name, "points"),
        GridColumn("gain", "difference"),
        GridColumn("gain by the rows", "difference"),
        *([GridColumn("our gain", "difference", interval=True)] * comparison.is_comparable),
    )
    rows: list[GridRow] = []
    for group, before in BASELINE.group_means.items():
        after, by_rows = X_STILTS.group_means[group], comparison.published[group].gain
        own = comparison.ours.get(group)
        ours = [None if own is None else summarise_seeds(own.gain)] if comparison.is_comparable else []
        rows.append((group, *map(number_or_none, (before, after, after - before, by_rows)), *ours))
    return Grid("Published means of groups of targets, as they were printed", columns, tuple(rows))


def build_comparison_table(comparison: PublishedComparison) -> Grid:
    """Return our gain by target, group and mean beside the published one."""
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
        published = number_or_none(line.gain)
        ours = comparison.ours.get(name)
        rows.append((name, published, *(_build_own_fields(name, ours, total) if ours else (*[None] * 4, "", ""))))
    return Grid("Ours: the best intermediate task for each target, as English dev chooses it", columns, tuple(rows))


def _build_own_fields(name: str, ours: OwnGain, total: float) -> GridRow:
    gain = summarise_seeds(ours.gain)
    share = gain.value * GROUP_SIZES.get(name, 1) / total if gain.value is not None and total else None
    languages = f"{ours.language_count} of {ours.published_language_count}" if ours.published_language_count else ""
    levels = (summarise_seeds(ours.baseline), summarise_seeds(ours.best))
    return (gain, number_or_none(share), *levels, list_names(ours.tasks, word="or"), languages)


def build_system_tables() -> tuple[Grid, ...]:
    """Return one table of published systems a setting, ours first."""
    columns = (*(GridColumn(name, "points") for name in (*AVERAGED_TARGETS, "mean")), GridColumn("source"))
    tables = []
    for setting in sorted(SETTINGS, key=lambda each: each != OWN_SETTING):
        systems = (system for system in SYSTEMS.values() if system.setting == setting)
        rows = tuple(
            (
                system.name,
                *(_show_score(system, target) for target in AVERAGED_TARGETS),
                number_or_none(system.mean),
                system.source,
            )
            for system in systems
        )
        remark = "" if setting == OWN_SETTING else "; not to be compared with zero-shot scores"
        title = f"Published task scores on XTREME, {setting}{remark}"
        tables.append(Grid(title, (GridColumn("system"), *columns), rows))
    return tuple(tables)


def _show_score(system: PublishedSystem, target: str) -> GridNumber | None:
    """Return a task score; where only F1 was published no number, but F1 as a text."""
    if (score := system.score_of(target)) is not None:
        return number_or_none(score)
    f1 = system.metrics.get(target, {}).get("f1")
    return None if f1 is None else GridNumber(value=None, text=f"F1 {f1:.1f}")


def format_metrics(metrics: tuple[str, ...]) -> str:
    """Return `exact match and f1`."""
    return " and ".join(metric.replace("_", " ") for metric in metrics)


def find_fewer_metrics(comparison: PublishedComparison) -> list[str]:
    """Return the targets that are compared by fewer than their official metrics."""
    lines = comparison.published
    return [name for name in lines if name not in GROUPS and {*lines[name].metrics} != {*XTREME[name].official_metrics}]
