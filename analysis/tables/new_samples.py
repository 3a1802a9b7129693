"""Gains for other languages and other targets: two sentences on the best task, and a table of all tasks."""

from typing import Any

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables import standings
from analysis.tables.group_gains import TablePart
from analysis.tables.source import list_names, pluralise
from analysis.tables.wide_table import TextField, TextRow
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.new_samples import NewSamples, SampleGain
from analysis.transfer.ranking import Ranking


def describe_new_samples(ranking: Ranking) -> list[str]:
    """Return what the best task by the mean gains in other languages, and on other targets; none without a leader."""
    leader, samples = ranking.contests[MEAN_ALL].leader, ranking.new_samples
    if leader is None:
        return []
    scopes = (
        (describe_language_sample(samples), samples.by_language[leader]),
        (describe_target_sample(samples), samples.by_target[leader]),
    )
    return [f"For {scope}: {leader} {_format_gain(gain)}." for scope, gain in scopes]


def describe_language_sample(samples: NewSamples) -> str:
    """Return `other languages of such families (5 of 3 families, English not counted)`."""
    families = len(samples.families)
    noun = "family" if families == 1 else "families"
    sizes = f"{pluralise(len(samples.languages), 'language')} of {families} {noun}"
    alone = f"; no known family, each counted as one: {list_names(samples.alone)}" if samples.alone else ""
    return f"other languages of such families ({sizes}, English not counted{alone})"


def describe_target_sample(samples: NewSamples) -> str:
    """Return `other targets like these 9`."""
    return f"other targets like {f'these {len(samples.targets)}' if len(samples.targets) > 1 else 'this one'}"


def _format_gain(gain: SampleGain) -> str:
    if gain.mean is None:
        return f"cannot be estimated, because {gain.missing}"
    if gain.interval is None:
        return f"{gain.mean:+.1f} points; an interval cannot be estimated, because {gain.missing}"
    low, high = gain.interval
    return f"{gain.mean:+.1f} points ({CONFIDENCE_LEVEL:.0%} interval {low:+z.1f} to {high:+z.1f})"


def build_tables(ranking: Ranking) -> tuple[TablePart, ...]:
    """Return the table of all tasks where the columns are no targets, or none."""
    samples = ranking.new_samples
    if ranking.by == "target" or not samples.by_target:
        return ()
    scopes = f"{describe_language_sample(samples)}, and for {describe_target_sample(samples)}"
    title = f"Gain over `{ranking.baseline}` in points for {scopes}, below each its {CONFIDENCE_LEVEL:.0%} interval"
    rows = [
        TextRow(label, remark, (_build_field(samples.by_language[name]), _build_field(samples.by_target[name])))
        for label, remark, name in standings.name_rows(ranking)
    ]
    return ((title, [("other", "languages"), ("other", "targets")], rows, {0}),)


def _build_field(gain: SampleGain) -> TextField:
    if gain.mean is None:
        return standings.EMPTY_FIELD
    if gain.interval is None:
        return TextField(f"{gain.mean:+.1f}")
    excludes_zero = gain.interval[0] > 0 or gain.interval[1] < 0
    return TextField(f"{gain.mean:+.1f}", "*" * excludes_zero, "{:+.1f} {:+.1f}".format(*gain.interval))


def build_document(ranking: Ranking) -> dict[str, Any]:
    """Return both samples with the gains of all tasks for JSON."""
    samples = ranking.new_samples
    return {
        "other_languages": {
            "languages": samples.languages,
            "families": samples.families,
            "counted_alone": samples.alone,
            "gains": {name: _build_gain(gain) for name, gain in samples.by_language.items()},
        },
        "other_targets": {
            "targets": samples.targets,
            "gains": {name: _build_gain(gain) for name, gain in samples.by_target.items()},
        },
    }


def _build_gain(gain: SampleGain) -> dict[str, Any]:
    low, high = gain.interval or (None, None)
    return {"mean": gain.mean, "low": low, "high": high, "missing": gain.missing}
