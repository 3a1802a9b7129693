"""The printed answer of diversity.py: whether diverse mixes make transfer more robust."""

from collections.abc import Mapping, Sequence

from analysis.questions.mixing import (
    LABELLINGS,
    LOWER,
    ONE_MORE_KIND,
    OVER_TARGETS,
    ROBUST,
    TWICE,
    Finding,
    Mixing,
    Robust,
)
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.significance import ALPHA
from analysis.tables.answer import Answer
from analysis.tables.grid import Column, Field, Grid, Number, written
from analysis.tables.over_seeds import of_p, over_seeds
from analysis.tables.source import read_from
from spaces.chain import DEFAULT_SAMPLER, NONE

QUESTION = "Does a more diverse intermediate mix make transfer more robust?"
HEADINGS: Mapping[Robust, str] = {
    "others": "mean",
    "worst": "worst language",
    "quarter": "worst quarter",
    "spread": "spread (sd)",
    "gap": "gap to en",
    "lowest": "lowest gain of a target",
    "losing": "% of targets that lose",
}
SAID: tuple[Robust, ...] = ("quarter", "spread", "others")  # what a verdict gives in numbers


def answer(mixed: Mixing) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        answer=tuple(filter(None, (mixed.uneven, *_verdict(mixed), _samplers_said(mixed)))),
        read=read_from(mixed.even.found.read),
        tables=tuple(
            table for table in (_contrasts(mixed), _by_target(mixed), _mixes(mixed), _samplers(mixed)) if table.rows
        ),
        notes=(*_how_to_read(), *_missing(mixed)),
    )


def _verdict(mixed: Mixing) -> tuple[str, str]:
    return (
        _said(mixed, ONE_MORE_KIND, "More diverse mixes", "At equal size, one more kind of task in the mix moves"),
        _said(mixed, TWICE, "Larger mixes", "At equal kinds, twice as many tasks in the mix move"),
    )


def _said(mixed: Mixing, contrast: str, who: str, how: str) -> str:
    """The verdict of one contrast: what it moves, and whether that is more than chance."""
    line, p = mixed.findings[contrast], mixed.adjusted(contrast)
    moved = ", ".join(f"the {HEADINGS[name]} by {_written(one)}" for name in SAID if (one := line[name]) is not None)
    if not moved:
        return f"{who}: nothing here tells what they do apart from what their tasks or the other axis do."
    sure = [name for name in p if p[name] < ALPHA]
    better = [name for name in sure if (one := line[name]) and (one.effect.value < 0) == (name in LOWER)]
    worse = [name for name in sure if name not in better]
    if not p:
        verdict = f"Whether that is more than chance cannot be told from fewer than {FEWEST} seeds or so few mixes."
    elif not sure:
        verdict = f"{who} are not shown to be more or less robust (after Holm, the least {of_p(min(p.values()))})."
    else:
        parts = [f"{word} robust by {_listed(names)}" for word, names in (("more", better), ("less", worse)) if names]
        verdict = f"{who} are {' but '.join(parts)} (after Holm, {of_p(max(p[name] for name in sure))})."
        if not set(sure) & set(LOWER):
            verdict += " They are not shown to be more or less even: that is how the mean moves too."
    return f"{how} {moved} points. {verdict}"


def _written(one: Finding) -> str:
    return written(_number(one), Column("", "difference", interval=True))


def _listed(names: Sequence[Robust]) -> str:
    return ", ".join(HEADINGS[name] for name in names)


def _samplers_said(mixed: Mixing) -> str | None:
    """How other samplers do beside the default one."""
    if not mixed.samplers:
        return None
    numbers = {chain: over_seeds(line["quarter"]) for chain, line in mixed.samplers.items()}
    said = (f"{chain} {written(one, Column('', 'difference', interval=True))}" for chain, one in numbers.items())
    return f"Samplers, {HEADINGS['quarter']} less that of {DEFAULT_SAMPLER}, of the same tasks: {', '.join(said)}."


def _contrasts(mixed: Mixing) -> Grid:
    names = list(mixed.changes)
    rows: list[tuple[Field, ...]] = [
        (contrast, *(_number(line[name]) for name in names), _p(mixed, contrast))
        for contrast, line in mixed.findings.items()
    ]
    heads = [Column(HEADINGS[name], "difference", interval=True) for name in names]
    return Grid(
        f"What moves the gain over {NONE}, in points",
        (Column("contrast"), *heads, Column("least after Holm")),
        tuple(rows),
    )


def _p(mixed: Mixing, contrast: str) -> str:
    known = {name: each for name, each in mixed.adjusted(contrast).items() if each <= 1}
    if not known:
        return "-"
    least = min(known, key=lambda name: known[name])
    return f"{of_p(known[least])} ({HEADINGS[least]})"


def _by_target(mixed: Mixing) -> Grid:
    names = [name for name in mixed.changes if name not in OVER_TARGETS]
    rows: list[tuple[Field, ...]] = [
        (target, *(_number(line[name]) if name in line else None for name in names))
        for target, line in mixed.by_target.items()
    ]
    heads = [Column(HEADINGS[name], "difference") for name in names]
    return Grid(f"{ONE_MORE_KIND.capitalize()}, by target", (Column("target"), *heads), tuple(rows))


def _number(one: Finding | None) -> Number:
    if one is None:
        return Number(value=None, text="not apart")
    low, high = one.effect.interval or (None, None)
    return Number(value=one.effect.value, low=low, high=high)


def _mixes(mixed: Mixing) -> Grid:
    rows: list[tuple[Field, ...]] = []
    for row, mix in enumerate(mixed.mixes):
        kinds = Number(value=mix.effective)
        changes = (over_seeds(values[row]) for values in mixed.changes.values())
        rows.append((mix.chain, len(mix.tasks), len(set(mix.kinds)), kinds, *changes))
    heads = (Column("tasks", "count"), Column("kinds", "count"), Column("effective kinds", "points"))
    measures = (Column(HEADINGS[name], "difference") for name in mixed.changes)
    return Grid(f"The mixes: change over {NONE}, in points", (Column("chain"), *heads, *measures), tuple(rows))


def _samplers(mixed: Mixing) -> Grid:
    rows: list[tuple[Field, ...]] = [
        (chain, *(over_seeds(values) for values in line.values())) for chain, line in mixed.samplers.items()
    ]
    heads = (Column(HEADINGS[name], "difference", interval=True) for name in mixed.changes)
    return Grid(f"Other samplers beside {DEFAULT_SAMPLER}, the same tasks", (Column("chain"), *heads), tuple(rows))


def _how_to_read() -> tuple[str, ...]:
    return (
        "All are over the languages other than English of a target, then averaged over targets. Worst language and "
        "worst quarter also rise where all languages do: read them beside the mean. Of spread, gap and losing targets "
        "less is better; the gap also narrows where English falls.",
        "Kinds: the effective number, the exponential of the entropy of the shares of the kinds in the mix. All tasks "
        "of a mix count alike, whatever the sampler gave them.",
        "The model: the mean of one number per task over the tasks of the mix, one number per size, and so much per "
        "kind. So a task that helps, and stands in more mixes of one sort, makes no effect of diversity; nor does "
        "size. That skills saturate (half the steps on a task give more than half its gain) is an effect of size.",
        f"Intervals: {LEVEL:.0%}, over new mixes and new seeds (least squares, each mix with a variance of its own), "
        f"with {FEWEST} or more seeds; * one in the tables without ends excludes 0, as {1 - LEVEL:.0%} do by chance. "
        f"Of single mixes and samplers: Student's t over seeds.",
        f"p: for one more kind the larger of two, that of the interval, and the share of {LABELLINGS} deals of the "
        f"kinds to the tasks at random that say as much; then Holm over {len(ROBUST)} measures of robustness.",
    )


def _missing(mixed: Mixing) -> tuple[str, ...]:
    lines = []
    if mixed.left_out:
        reasons: dict[str, list[str]] = {}
        for chain, why in mixed.left_out.items():
            reasons.setdefault(why, []).append(chain)
        said = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
        lines.append(f"Not compared as mixes: {said}.")
    if mixed.short:
        lines.append(
            f"In no contrast, for they lack a seed, target or language that others have: {', '.join(mixed.short)}."
        )
    if mixed.lost:
        lines.append(f"Seeds that too many mixes lack are in no contrast: {', '.join(map(str, mixed.lost))}.")
    return tuple(lines)
