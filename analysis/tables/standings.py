"""The intermediate tasks in their order: one line each with gain, interval, probabilities, rank, group and cost."""

from analysis.tables.blocks import Field, Row, Title
from analysis.transfer.columns import ALL, TRAINED
from analysis.transfer.cost import unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

NOTHING = Field("-")


def titles(found: Ranking) -> list[Title]:
    """Two lines of heading per column."""
    heads = [("", "gain"), ("95%", "interval"), ("", "P(>0)"), ("", "P(best)"), ("mean", "rank"), ("", "group")]
    if TRAINED in found.contests:
        heads += [("without", "retrieval"), ("95%", "interval"), ("", "P(best)")]
    if found.costs:
        short = unit(found.costs).short
        heads += [("", f"cost, {short}"), ("points", f"per {short}")]
    return heads


def rows(found: Ranking) -> list[Row]:
    """One row per intermediate, best first."""
    ranked = found.contests[ALL].order
    return [
        Row(
            f"{ranked.index(name) + 1 if name in ranked else '-':>2} {name}",
            "(control)" if name in found.read.controls else "",
            _fields(found, name),
        )
        for name in found.intermediates
    ]


def _fields(found: Ranking, name: str) -> tuple[Field, ...]:
    one, contest = found.gains[name, ALL], found.contests[ALL]
    rank = contest.ranks.get(name)
    fields = [gain(one, over_targets=True), _interval(one), _share(one.above), _share(contest.best.get(name))]
    fields += [Field(f"{rank.mean:.1f}") if rank else NOTHING, Field(contest.letters.get(name, "-"))]
    if TRAINED in found.contests:
        trained = found.gains[name, TRAINED]
        best = found.contests[TRAINED].best.get(name)
        fields += [gain(trained, over_targets=True), _interval(trained), _share(best)]
    if found.costs:
        fields += _cost(found, name)
    return tuple(fields)


def _cost(found: Ranking, name: str) -> tuple[Field, Field]:
    """What the run cost (below, its search), and the gain for it."""
    cost, mean, size = found.costs.get(name), found.gains[name, ALL].mean, unit(found.costs).per_hour
    if cost is None:
        return NOTHING, NOTHING
    price = Field(f"{cost.run * size:.1f}", below=f"{cost.search * size:.1f}")
    return price, NOTHING if mean is None or not cost.run else Field(f"{mean / cost.run / size:+.2g}")


def gain(one: Estimate, *, over_targets: bool) -> Field:
    """A gain with its marks; below, its spread over seeds and how many seeds it lacks."""
    return field(one, over_targets=over_targets, sign="+")


def field(one: Estimate, *, over_targets: bool, sign: str = "") -> Field:
    """An estimate as a field; `sign` is `+` for a gain, which is marked where it differs from 0."""
    if one.mean is None:
        if over_targets:
            return Field(f"{one.parts}/{one.of_parts}", below="targets")
        if one.hole is None:
            return NOTHING  # a floor that this target does not have, or a language that no run has
        return Field(one.hole, below=f"0/{one.of_seeds}" if one.of_seeds > 1 else "")
    marks = ("*" * (one.beyond + (one.beyond and one.certain)) if sign else "") + lacks(one)
    spread = "" if one.sd is None else f"±{one.sd:.1f}"
    seeds = f"{one.seeds}/{one.of_seeds}" if one.seeds < one.of_seeds else ""
    return Field(f"{one.mean:{sign}.1f}", marks, f"{spread} {seeds}".strip())


def lacks(one: Estimate) -> str:
    """The marks of what an estimate does not have: `~` something that others have, `†` the seeds after a race."""
    return "~" * one.partial + "†" * (one.decided > 0)


def _interval(one: Estimate) -> Field:
    return Field(f"{one.interval[0]:+.1f} {one.interval[1]:+.1f}") if one.interval else NOTHING


def _share(value: float | None) -> Field:
    return NOTHING if value is None else Field(f"{value:.2f}")
