"""The tables of alignment.py: by measure, by chain, beside gain, and by layer."""

from itertools import product

import numpy as np

from analysis.questions.alignment import FROM_START, AlignmentFindings, AlignmentRise
from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE, Alignment
from analysis.statistics.association import Association
from analysis.statistics.moments import Array, compute_moments
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow, GridValue
from analysis.tables.numbers import number_or_none


def build_measure_table(alignment: Alignment, findings: AlignmentFindings) -> Grid:
    """Return each measure at the start and the rise of the mean over tasks, also above the controls."""
    columns = [GridColumn("measure"), GridColumn("start", "points"), GridColumn("unaligned", "points")]
    for name in findings.rises:
        change = GridColumn(_name_change_column(name), "difference", interval=True)
        columns += [change, GridColumn("p"), GridColumn("p (Holm)")]
    rows: list[GridRow] = []
    for measure, start, unaligned in zip(MEASURES, alignment.at_start, alignment.unaligned, strict=True):
        row: list[GridValue] = [measure, _number_from_mean(start), _number_from_mean(unaligned)]
        for name, by_measure in findings.rises.items():
            rise, adjusted = by_measure[measure], findings.adjusted_rises[name].get(measure)
            row += [number_from_rise(rise, alignment), _number_from_p(rise.p), _number_from_p(adjusted)]
        rows.append(tuple(row))
    title = "Alignment, mean over layers and languages: what the intermediate phase changes"
    return Grid(title, tuple(columns), tuple(rows))


def build_chain_table(alignment: Alignment, findings: AlignmentFindings) -> Grid:
    """Return, by the primary measure, each task's rise, the change in the target's phase, and its gain."""
    changes = (GridColumn(_name_change_column(name), "difference", interval=True) for name in findings.rises_by_chain)
    after_phase = alignment.after_phase[0].mean(axis=(1, 2))
    mean_rises = compute_moments(alignment.phase_change[0].mean(axis=(1, 2))).mean
    end_changes = compute_moments(alignment.after_target[0, 1:].mean(axis=(2, 3)) - after_phase[:, None]).mean
    rows: list[GridRow] = []
    for i, chain in enumerate(alignment.chains):
        if chain in alignment.controls:
            row: list[GridValue] = [f"{chain} (control)", _number_from_mean(mean_rises[i])]
            row += [None] * len(findings.rises_by_chain)
        else:
            rises = [by_chain[chain] for by_chain in findings.rises_by_chain.values()]
            largest_p = max((rise.p for rise in rises if rise.p is not None), default=None)
            row = [chain, *(number_from_rise(rise, alignment) for rise in rises), _number_from_p(largest_p)]
        rows.append((*row, _number_from_mean(end_changes[i]), _number_from_mean(alignment.gains[i], holes=True)))
    ends = (GridColumn(name, "difference") for name in ("after the target's phase", "gain"))
    columns = (GridColumn("intermediate"), *changes, GridColumn("p (Holm)"), *ends)
    return Grid(f"By {PRIMARY_MEASURE}: each intermediate task", columns, tuple(rows))


def build_relation_table(findings: AlignmentFindings) -> Grid:
    """Return Spearman's correlation of rise and gain with its p value, by measure and by unit."""
    columns = [GridColumn("measure")]
    for name in findings.relations:
        columns += [GridColumn(f"across {name}", "correlation"), GridColumn("p"), GridColumn("p (Holm)")]
    rows: list[GridRow] = []
    for measure in MEASURES:
        row: list[GridValue] = [measure]
        for name, by_measure in findings.relations.items():
            association = by_measure[measure]
            adjusted = findings.adjusted_relations[name][measure]
            row += [_number_from_association(association), _number_from_p(association.p), _number_from_p(adjusted)]
        rows.append(tuple(row))
    return Grid("Does a rise go with gain? Spearman's correlation, mean over groups", tuple(columns), tuple(rows))


def build_best_layer_table(alignment: Alignment) -> Grid:
    """Return where alignment is best and where it changes most, mean over languages and tasks."""
    columns = (
        GridColumn("measure"),
        GridColumn("best layer at the start", "count"),
        GridColumn("there", "points"),
        GridColumn("best layer after", "count"),
        GridColumn("there after", "points"),
        GridColumn("layer of the greatest change", "count"),
        GridColumn("change", "difference"),
    )
    rows: list[GridRow] = []
    for i, measure in enumerate(MEASURES):
        before, after = alignment.at_start[i].mean(axis=1), _compute_layer_profile(alignment, i)
        row: list[GridValue] = [measure]
        for profile, value in ((before, before), (after, after), (np.abs(after - before), after - before)):
            if np.isfinite(profile).any():
                index = int(np.nanargmax(profile))
                row += [alignment.layers[index], _number_from_mean(value[index])]
            else:
                row += [None, None]
        rows.append(tuple(row))
    return Grid("Layers, of which 0 is the output of the embeddings", columns, tuple(rows))


def build_layer_table(alignment: Alignment) -> Grid:
    """Return every layer of every measure: at the start, and after each intermediate phase."""
    columns = (GridColumn("measure, layer"), *(GridColumn(name, "points") for name in ("start", *alignment.chains)))
    after = compute_moments(alignment.after_phase.mean(axis=3)).mean  # [measures, chains, layers]
    rows: list[GridRow] = []
    for (i, measure), (k, layer) in product(enumerate(MEASURES), enumerate(alignment.layers)):
        numbers = map(_number_from_mean, (alignment.at_start[i, k], *after[i, :, k]))
        rows.append((f"{measure}, layer {layer}", *numbers))
    return Grid("Every layer, mean over languages", columns, tuple(rows))


def _compute_layer_profile(alignment: Alignment, measure: int) -> Array:
    """Return the mean over tasks, languages and seeds by layer, after the intermediate phase."""
    return compute_moments(alignment.after_phase[measure, alignment.task_indices].mean(axis=(0, 2))).mean


def number_from_rise(rise: AlignmentRise, alignment: Alignment) -> GridNumber:
    """Return a rise as a field, with the number of seeds behind it."""
    low, high = rise.interval or (None, None)
    return GridNumber(value=rise.mean, low=low, high=high, seeds=rise.seeds, of_seeds=len(alignment.seeds))


def _name_change_column(name: str) -> str:
    return "change" if name == FROM_START else f"change over {name}"


def _number_from_association(association: Association) -> GridNumber:
    return GridNumber(value=association.correlation, text="" if association.correlation is not None else "too few")


def _number_from_p(p: float | None) -> GridNumber | None:
    """Return a rounded p value; None where there is none."""
    return number_or_none(None if p is None else round(p, 3))


def _number_from_mean(values: Array | np.float64, *, holes: bool = False) -> GridNumber:
    """Return the mean of all values; without `holes`, a missing value makes it None."""
    finite = np.asarray(values, dtype=np.float64).ravel()
    finite = finite[np.isfinite(finite)] if holes else finite
    mean = finite.mean() if len(finite) else np.nan
    return GridNumber(value=float(mean) if np.isfinite(mean) else None)
