"""The tables of alignment: measure by measure, chain by chain, layer by layer, and beside gain."""

import numpy as np

from analysis.questions.alignment import FROM_START, AlignmentFindings, AlignmentRise
from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE, Alignment
from analysis.statistics.association import Association
from analysis.statistics.moments import Array, compute_moments
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue


def build_measure_table(found: Alignment, tested: AlignmentFindings) -> Grid:
    """Each measure at the start, and how far the mean of the tasks rose, also above the controls."""
    columns = [GridColumn("measure"), GridColumn("start", "points"), GridColumn("unaligned", "points")]
    for name in tested.rises:
        columns += [
            GridColumn(_name_change_column(name), "difference", interval=True),
            GridColumn("p"),
            GridColumn("p (Holm)"),
        ]
    rows: list[tuple[GridValue, ...]] = []
    for i, measure in enumerate(MEASURES):
        row: list[GridValue] = [measure, _number_from_mean(found.at_start[i]), _number_from_mean(found.unaligned[i])]
        for name, by_measure in tested.rises.items():
            one = by_measure[measure]
            row += [
                number_from_rise(one, found),
                _number_from_p(one.p),
                _number_from_p(tested.adjusted_rises[name].get(measure)),
            ]
        rows.append(tuple(row))
    return Grid(
        "Alignment, mean over layers and languages: what the intermediate phase changes", tuple(columns), tuple(rows)
    )


def build_chain_table(found: Alignment, tested: AlignmentFindings) -> Grid:
    """By the first measure: how far each intermediate task raises it, what the target's phase changes, the gain."""
    columns = [
        GridColumn("intermediate"),
        *(GridColumn(_name_change_column(name), "difference", interval=True) for name in tested.rises_by_chain),
    ]
    columns += [
        GridColumn("p (Holm)"),
        GridColumn("after the target's phase", "difference"),
        GridColumn("gain", "difference"),
    ]
    risen = compute_moments(found.phase_change[0].mean(axis=(1, 2))).mean
    ends = compute_moments(
        found.after_target[0, 1:].mean(axis=(2, 3)) - found.after_phase[0].mean(axis=(1, 2))[:, None]
    ).mean
    rows: list[tuple[GridValue, ...]] = []
    for i, chain in enumerate(found.chains):
        told = chain not in found.controls
        row: list[GridValue] = [chain if told else f"{chain} (control)"]
        if told:
            row += [number_from_rise(by_chain[chain], found) for by_chain in tested.rises_by_chain.values()]
            row += [
                _number_from_p(
                    max((p for by in tested.rises_by_chain.values() if (p := by[chain].p) is not None), default=None)
                )
            ]
        else:
            row += [_number_from_mean(risen[i]), *([None] * len(tested.rises_by_chain))]
        rows.append((*row, _number_from_mean(ends[i]), _number_from_mean(found.gains[i], holes=True)))
    return Grid(f"By {PRIMARY_MEASURE}: each intermediate task", tuple(columns), tuple(rows))


def build_relation_table(tested: AlignmentFindings) -> Grid:
    """Whether a rise goes with gain: Spearman's correlation and its p value, by measure and by what the units are."""
    columns = [GridColumn("measure")]
    for name in tested.relations:
        columns += [GridColumn(f"across {name}", "correlation"), GridColumn("p"), GridColumn("p (Holm)")]
    rows: list[tuple[GridValue, ...]] = []
    for measure in MEASURES:
        row: list[GridValue] = [measure]
        for name, by_measure in tested.relations.items():
            one = by_measure[measure]
            adjusted = tested.adjusted_relations[name][measure]
            row += [_number_from_association(one), _number_from_p(one.p), _number_from_p(adjusted)]
        rows.append(tuple(row))
    return Grid("Does a rise go with gain? Spearman's correlation, mean over groups", tuple(columns), tuple(rows))


def build_best_layer_table(found: Alignment) -> Grid:
    """Where alignment is best and where it changes most, mean over languages and intermediate tasks."""
    columns = (
        GridColumn("measure"),
        GridColumn("best layer at the start", "count"),
        GridColumn("there", "points"),
        GridColumn("best layer after", "count"),
        GridColumn("there after", "points"),
        GridColumn("layer of the greatest change", "count"),
        GridColumn("change", "difference"),
    )
    rows: list[tuple[GridValue, ...]] = []
    for i, measure in enumerate(MEASURES):
        before, after = found.at_start[i].mean(axis=1), _compute_layer_profile(found, i)
        row: list[GridValue] = [measure]
        for profile, value in ((before, before), (after, after), (np.abs(after - before), after - before)):
            known = np.isfinite(profile).any()
            place = int(np.nanargmax(profile)) if known else 0
            row += [found.layers[place] if known else None, _number_from_mean(value[place]) if known else None]
        rows.append(tuple(row))
    return Grid("Layers, of which 0 is the output of the embeddings", columns, tuple(rows))


def build_layer_table(found: Alignment) -> Grid:
    """Every layer of every measure: at the start, and after each intermediate phase."""
    columns = (
        GridColumn("measure, layer"),
        GridColumn("start", "points"),
        *(GridColumn(name, "points") for name in found.chains),
    )
    after = compute_moments(found.after_phase.mean(axis=3)).mean  # [measures, chains, layers]
    rows: tuple[tuple[GridValue, ...], ...] = tuple(
        (
            f"{measure}, layer {layer}",
            _number_from_mean(found.at_start[i, k]),
            *(_number_from_mean(value) for value in after[i, :, k]),
        )
        for i, measure in enumerate(MEASURES)
        for k, layer in enumerate(found.layers)
    )
    return Grid("Every layer, mean over languages", columns, rows)


def _compute_layer_profile(found: Alignment, measure: int) -> Array:
    """The profile over layers after the intermediate phase, mean over tasks, languages and seeds."""
    return compute_moments(found.after_phase[measure, found.task_indices].mean(axis=(0, 2))).mean


def number_from_rise(one: AlignmentRise, found: Alignment) -> GridNumber:
    """A rise as a field, with the number of seeds behind it."""
    low, high = one.interval or (None, None)
    return GridNumber(value=one.mean, low=low, high=high, seeds=one.seeds, of_seeds=len(found.seeds))


def _name_change_column(name: str) -> str:
    return "change" if name == FROM_START else f"change over {name}"


def _number_from_association(one: Association) -> GridNumber:
    return GridNumber(value=one.correlation, text="" if one.correlation is not None else "too few")


def _number_from_p(p: float | None) -> GridValue:
    """A p value; '-' where there is none."""
    return None if p is None else GridNumber(value=round(p, 3))


def _number_from_mean(values: Array | np.float64, *, holes: bool = False) -> GridNumber:
    """The mean of all values; None where one is missing, unless there may be holes."""
    there = np.asarray(values, dtype=np.float64).ravel()
    there = there[np.isfinite(there)] if holes else there
    mean = there.mean() if len(there) else np.nan
    return GridNumber(value=float(mean) if np.isfinite(mean) else None)
