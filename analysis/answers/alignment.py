"""The printed answer of alignment.py: what training does to the alignment of languages."""

import numpy as np

from analysis.questions.aligned import CONTROLS, PRIMARY, Aligned
from analysis.questions.alignment import LANGUAGES, START, TASKS, Findings, Rise
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.significance import ALPHA
from analysis.tables import aligned as tables
from analysis.tables.answer import Answer
from analysis.tables.over_seeds import of_p
from analysis.tables.source import many, read_from
from analysis.transfer.array import Transfer
from spaces.probe_columns import PROBES

QUESTION = "Does intermediate training align languages, and does alignment explain transfer?"
SEED = 0  # of the orders that are drawn where there are too many to try them all


def answer(read: Transfer, found: Aligned, tested: Findings, *, layers: bool = False) -> Answer:
    """What is printed; with `layers` every layer too."""
    return Answer(
        question=QUESTION,
        answer=(_risen_said(found, tested), _relation_said(found, tested), _verdict(found, tested)),
        read=read_from(read.read),
        tables=(
            tables.measures(found, tested),
            tables.chains(found, tested),
            tables.relations(tested),
            tables.best_layers(found),
            *([tables.layers(found)] if layers else []),
        ),
        notes=(*_how_to_read(found), *_missing(read, found)),
    )


def rose(tested: Findings) -> bool:
    """Whether alignment rose, and more than in every control that is there."""
    return all(_shown(by_measure[PRIMARY]) for by_measure in tested.rises.values())


def _shown(one: Rise, way: int = 1) -> bool:
    return one.p is not None and one.mean is not None and one.p < ALPHA and way * one.mean > 0


def _risen_said(found: Aligned, tested: Findings) -> str:
    start = float(found.start[0].mean())
    parts = [f"{PRIMARY} is {start:.1f} at the start and changes by {_words(tested.rises[START][PRIMARY])}"]
    parts += [f"against the control {name} by {_words(tested.rises[name][PRIMARY])}" for name in found.controls]
    absent = [name for name in CONTROLS if name not in found.controls]
    told = f" (no control {' or '.join(absent)} is here)" if absent else ""
    if rose(tested):
        said = "Alignment rises" + (f", more than in {' and '.join(found.controls)}" if found.controls else "")
    elif _shown(tested.rises[START][PRIMARY]):
        said = "Alignment rises, but is not shown to rise more than in the controls"
    elif _shown(tested.rises[START][PRIMARY], -1):
        said = "Alignment does not rise but falls"
    else:
        said = "Alignment is not shown to rise"
    return f"{said}: by the mean over layers, languages and {many(len(found.tasks), 'task')}, {'; '.join(parts)}{told}."


def _words(one: Rise) -> str:
    if one.mean is None:
        return "an unknown amount (no seed has all tasks)"
    if one.interval is None or one.p is None:
        return f"{one.mean:+.1f} points ({many(one.seeds, 'seed')} give no interval)"
    low, high = one.interval
    return f"{one.mean:+.1f} points ({LEVEL:.0%} interval {low:+.1f} to {high:+.1f}, {of_p(one.p)})"


def _relation_said(found: Aligned, tested: Findings) -> str:
    parts = [f"across {name} {_related(tested, name)}" for name in (TASKS, LANGUAGES)]
    return f"The rise beside the gain, Spearman's correlation: {'; '.join(parts)}."


def _related(tested: Findings, name: str) -> str:
    one, adjusted = tested.relations[name][PRIMARY], tested.adjusted_relations[name][PRIMARY]
    if one.correlation is None or one.p is None or adjusted is None:
        return f"cannot be told ({many(one.units, 'unit')})"
    few = f"; {one.units} units give none below {one.least:.2f}" if one.least >= ALPHA else ""
    groups = f"mean of {many(one.groups, 'group')} of {one.units} units"
    return f"{one.correlation:+.2f} ({groups}, {of_p(one.p)}, for two relations {of_p(adjusted)}{few})"


def _verdict(found: Aligned, tested: Findings) -> str:
    found_in = [
        name
        for name in (TASKS, LANGUAGES)
        if (p := tested.adjusted_relations[name][PRIMARY]) is not None
        and p < ALPHA
        and (tested.relations[name][PRIMARY].correlation or 0) > 0
    ]
    if not found_in:
        return "Alignment is not shown to explain transfer: its rise goes with gain neither way."
    both = "both across intermediate tasks and across languages" if len(found_in) == 2 else f"across {found_in[0]} only"
    more = "" if rose(tested) else " Where it is not shown to rise beyond the controls, it is no effect of the tasks."
    return f"Where alignment rises more, gain is greater, {both}: alignment may explain part of transfer.{more}"


def _how_to_read(found: Aligned) -> tuple[str, ...]:
    before, after = found.anisotropy
    return (
        f"{PRIMARY}, mean over {many(len(found.layers), 'layer')} and {many(len(found.languages), 'language')}, "
        "decides, and was chosen before any change was seen; p (Holm) is adjusted for the two relations that decide, "
        f"and for the number of the other measures. A rise is shown where p is below {ALPHA:g} over the start and over "
        f"every control. Intervals: {LEVEL:.0%}, Student's t over seeds, with {FEWEST} or more; changes are "
        "paired by seed.",
        "Points are shares times 100. Unaligned is what a measure would be without alignment: for retrieval what "
        "drawing a sentence finds, for CKA its value with one side shuffled; the cosine gap would be 0. The frozen tag "
        "probe is a linear map from English words to tags: its accuracy on another language's words, divided by that "
        "on English ones.",
        f"The mean cosine of sentences that do not translate each other goes from {before:.0f} to {after:.0f} points: "
        "the higher it is, the less a cosine says.",
        "Whether the rise goes with gain: units are intermediate tasks (groups: targets) or languages (groups: chains "
        "and targets). All groups are permuted together: what they share through their units is no new evidence. "
        "Targets that are retrieval are left out: they score alignment itself.",
        "Alignment alone need not transfer, and transfer need not come from it (mOthello, Hua et al. 2024). A relation "
        "across tasks is no proof either: tasks that align may help for another reason.",
    )


def _missing(read: Transfer, found: Aligned) -> tuple[str, ...]:
    lines = []
    holes = int((~np.isfinite(found.phase[0]).all(axis=(1, 2))).sum())
    if holes:
        lines.append(
            f"{many(holes, 'intermediate run')} of {len(found.chains) * len(found.seeds)} left no {PROBES} or an "
            "undefined value: its seed is a hole in all means over tasks."
        )
    apart = [name for name in read.intermediates if name not in found.chains]
    if apart:
        lines.append(
            f"Without an intermediate stage that a target went on from, and so in no table: {', '.join(apart)}."
        )
    return tuple(lines)
