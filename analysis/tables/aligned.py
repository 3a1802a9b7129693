"""The tables of alignment: measure by measure, chain by chain, layer by layer, and beside gain."""

import numpy as np

from analysis.questions.aligned import MEASURES, PRIMARY, Aligned
from analysis.questions.alignment import START, Findings, Rise
from analysis.statistics.association import Association
from analysis.statistics.moments import Array, moments
from analysis.tables.grid import Column, Field, Grid, Number


def measures(found: Aligned, tested: Findings) -> Grid:
    """Each measure at the start, and how far the mean of the tasks rose, also above the controls."""
    columns = [Column("measure"), Column("start", "points"), Column("unaligned", "points")]
    for name in tested.rises:
        columns += [Column(_over(name), "difference", interval=True), Column("p"), Column("p (Holm)")]
    rows: list[tuple[Field, ...]] = []
    for i, measure in enumerate(MEASURES):
        row: list[Field] = [measure, _mean(found.start[i]), _mean(found.beside[i])]
        for name, by_measure in tested.rises.items():
            one = by_measure[measure]
            row += [rise(one, found), _p(one.p), _p(tested.adjusted_rises[name].get(measure))]
        rows.append(tuple(row))
    return Grid(
        "Alignment, mean over layers and languages: what the intermediate phase changes", tuple(columns), tuple(rows)
    )


def chains(found: Aligned, tested: Findings) -> Grid:
    """By the first measure: how far each intermediate task raises it, what the target's phase changes, the gain."""
    columns = [Column("intermediate"), *(Column(_over(name), "difference", interval=True) for name in tested.by_chain)]
    columns += [Column("p (Holm)"), Column("after the target's phase", "difference"), Column("gain", "difference")]
    risen = moments(found.risen[0].mean(axis=(1, 2))).mean
    ends = moments(found.ends[0, 1:].mean(axis=(2, 3)) - found.phase[0].mean(axis=(1, 2))[:, None]).mean
    rows: list[tuple[Field, ...]] = []
    for i, chain in enumerate(found.chains):
        told = chain not in found.controls
        row: list[Field] = [chain if told else f"{chain} (control)"]
        if told:
            row += [rise(by_chain[chain], found) for by_chain in tested.by_chain.values()]
            row += [_p(max((p for by in tested.by_chain.values() if (p := by[chain].p) is not None), default=None))]
        else:
            row += [_mean(risen[i]), *([None] * len(tested.by_chain))]
        rows.append((*row, _mean(ends[i]), _mean(found.gains[i], holes=True)))
    return Grid(f"By {PRIMARY}: each intermediate task", tuple(columns), tuple(rows))


def relations(tested: Findings) -> Grid:
    """Whether a rise goes with gain: Spearman's correlation and its p value, by measure and by what the units are."""
    columns = [Column("measure")]
    for name in tested.relations:
        columns += [Column(f"across {name}", "correlation"), Column("p"), Column("p (Holm)")]
    rows: list[tuple[Field, ...]] = []
    for measure in MEASURES:
        row: list[Field] = [measure]
        for name, by_measure in tested.relations.items():
            one = by_measure[measure]
            adjusted = tested.adjusted_relations[name][measure]
            row += [_correlation(one), _p(one.p), _p(adjusted)]
        rows.append(tuple(row))
    return Grid("Does a rise go with gain? Spearman's correlation, mean over groups", tuple(columns), tuple(rows))


def best_layers(found: Aligned) -> Grid:
    """Where alignment is best and where it changes most, mean over languages and intermediate tasks."""
    columns = (
        Column("measure"),
        Column("best layer at the start", "count"),
        Column("there", "points"),
        Column("best layer after", "count"),
        Column("there after", "points"),
        Column("layer of the greatest change", "count"),
        Column("change", "difference"),
    )
    rows: list[tuple[Field, ...]] = []
    for i, measure in enumerate(MEASURES):
        before, after = found.start[i].mean(axis=1), _after(found, i)
        row: list[Field] = [measure]
        for profile, value in ((before, before), (after, after), (np.abs(after - before), after - before)):
            known = np.isfinite(profile).any()
            place = int(np.nanargmax(profile)) if known else 0
            row += [found.layers[place] if known else None, _mean(value[place]) if known else None]
        rows.append(tuple(row))
    return Grid("Layers, of which 0 is the output of the embeddings", columns, tuple(rows))


def layers(found: Aligned) -> Grid:
    """Every layer of every measure: at the start, and after each intermediate phase."""
    columns = (Column("measure, layer"), Column("start", "points"), *(Column(name, "points") for name in found.chains))
    after = moments(found.phase.mean(axis=3)).mean  # [measures, chains, layers]
    rows: tuple[tuple[Field, ...], ...] = tuple(
        (f"{measure}, layer {layer}", _mean(found.start[i, k]), *(_mean(value) for value in after[i, :, k]))
        for i, measure in enumerate(MEASURES)
        for k, layer in enumerate(found.layers)
    )
    return Grid("Every layer, mean over languages", columns, rows)


def _after(found: Aligned, measure: int) -> Array:
    """The profile over layers after the intermediate phase, mean over tasks, languages and seeds."""
    return moments(found.phase[measure, found.tasks].mean(axis=(0, 2))).mean


def rise(one: Rise, found: Aligned) -> Number:
    """A rise as a field, with the number of seeds behind it."""
    low, high = one.interval or (None, None)
    return Number(value=one.mean, low=low, high=high, seeds=one.seeds, of_seeds=len(found.seeds))


def _over(name: str) -> str:
    return "change" if name == START else f"change over {name}"


def _correlation(one: Association) -> Number:
    return Number(value=one.correlation, text="" if one.correlation is not None else "too few")


def _p(p: float | None) -> Field:
    """A p value; '-' where there is none."""
    return None if p is None else Number(value=round(p, 3))


def _mean(values: Array | np.float64, *, holes: bool = False) -> Number:
    """The mean of all values; None where one is missing, unless there may be holes."""
    there = np.asarray(values, dtype=np.float64).ravel()
    there = there[np.isfinite(there)] if holes else there
    mean = there.mean() if len(there) else np.nan
    return Number(value=float(mean) if np.isfinite(mean) else None)
