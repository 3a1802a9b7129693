"""The scale of the scores of foreign files: shares or points, by metric and file; what lies lower is turned round.

Nothing is guessed where a file contradicts itself: values that look like shares beside values that look like points are
refused with both groups named. Our own sweeps hold shares and never come here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from analysis.scores.choose import Metrics
from analysis.scores.directions import direction_of, is_lower_better
from analysis.scores.mixed_scales import MAX_SHARE, refuse_mixed_scales
from spaces.errors import UsageError
from spaces.table import shorten_list

Scale = Literal["auto", "share", "points"]
FACTORS = {"share": 1.0, "points": 0.01}
MAX_POINTS = 100
MIN_TOP = 2  # points whose largest is below this are more likely something else

OWN_UNITS = {"loss": (1.0, "a point is 0.01 of it"), "perplexity": (0.01, "a point is 1 of it")}
ALL_KNOWN = ""  # in `lower_is_better`: the metrics whose names say so


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What the user says about the scores of foreign files."""

    scale: Scale = "auto"
    metric_scales: Mapping[str, Scale] = field(default_factory=dict)
    lower_is_better: frozenset[str] = frozenset()  # metrics to turn round; ALL_KNOWN for those known by name
    picked_metrics: Metrics = field(default_factory=dict)  # --metric


@dataclass(frozen=True, slots=True)
class FileScale:
    """How the values of a file become shares: what they are multiplied by, and words for it."""

    factors: Mapping[str, float]  # metric -> factor, below 0 where lower is better
    about: tuple[str, ...]

    def rescale(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return rows with their values as shares."""
        factors = {metric: factor for metric, factor in self.factors.items() if factor != 1}
        if not factors:
            return rows
        value = pl.col("value")
        if set(self.factors.values()) == {FACTORS["points"]}:
            return rows.with_columns(value / MAX_POINTS)
        factor = pl.col("metric").cast(pl.String).replace_strict(factors, default=1.0, return_dtype=pl.Float64)
        return rows.with_columns(value * factor)


def choose_turned(counted: Sequence[Metrics], options: FileOptions, source: str) -> frozenset[str]:
    """Return the metrics of a path to turn round; raise UsageError for one that lies lower and is not, or a mix."""
    scores = [(target, names) for metrics in counted for target, names in metrics.items()]
    metrics = {metric for _, names in scores for metric in names}
    turned = options.lower_is_better & metrics
    if ALL_KNOWN in options.lower_is_better:
        known = {metric for metric in metrics if is_lower_better(metric)}
        if not known and len(metrics) == 1 and direction_of(*metrics) == "unknown":
            known = metrics
        if not known and not turned:
            raise UsageError(
                f"{source}: --lower-is-better: no metric is known as one in which lower is better. Name it, "
                f"e.g. --lower-is-better {min(metrics, default='NAME')}; there are: {shorten_list(sorted(metrics))}."
            )
        turned |= known
    missed = sorted(metric for metric in metrics - turned if is_lower_better(metric))
    if missed:
        raise UsageError(
            f"{source}: lower is better in {' and '.join(missed)}, and here the highest score is the best. Add "
            f"{' '.join(f'--lower-is-better {metric}' for metric in missed)} to turn it round, or take another "
            "metric with --metric TARGET=NAME."
        )
    for target, names in scores:
        if 0 < len(turned.intersection(names)) < len(set(names)):
            raise UsageError(
                f"{source}: the score of {target} would be the mean of {' and '.join(names)}, of which "
                f"{' and '.join(sorted(turned.intersection(names)))} is turned round. Choose one, e.g. "
                f"--metric {target}={names[0]}."
            )
    return turned


def read_scale(
    scored: pl.DataFrame, counted: frozenset[str], turned: frozenset[str], options: FileOptions, source: str
) -> FileScale:
    """Return the scale of the rows of one file; raise UsageError for values that no scale has, or for two scales.

    Only metrics in `counted` are checked, since no other makes a score. Others are scaled by their own largest value.
    """
    values = scored.filter(pl.col("value").is_not_null())
    tops = values.group_by("metric").agg(low=pl.col("value").min(), top=pl.col("value").max())
    by_metric = tops.with_columns(pl.col("metric").cast(pl.String)).sort("metric")
    ranges: dict[str, tuple[float, float]] = {metric: (low, top) for metric, low, top in by_metric.iter_rows()}
    kinds: dict[str, tuple[float, str]] = {}  # metric -> factor, words
    open_metrics = []  # whose scale is read from their values
    for metric, (low, top) in ranges.items():
        is_turned, declared = metric in turned, options.metric_scales.get(metric, "auto")
        if declared == "auto" and is_turned and direction_of(metric) in OWN_UNITS:
            kinds[metric] = OWN_UNITS[direction_of(metric)]
            continue
        if metric in counted and not is_turned:
            _check_range(metric, (low, top), options.scale if declared == "auto" else declared, source)
            if declared == "auto":
                _refuse_negative(metric, low, source)
        declared = options.scale if declared == "auto" else declared
        if metric in counted and declared == "auto":
            open_metrics.append(metric)
        kinds[metric] = _read_kind(max(top, -low) if is_turned else top, declared)
    if any(ranges[metric][1] > MAX_SHARE for metric in open_metrics):
        refuse_mixed_scales(values.filter(pl.col("metric").cast(pl.String).is_in(open_metrics)), source)
        top, metric = max((ranges[metric][1], metric) for metric in open_metrics)
        if top < MIN_TOP:
            raise UsageError(
                f"{source}: {metric} goes up to {top:.3g}: above shares (up to 1), and hardly points (up to 100). "
                + (
                    "Say which it is: --scale share or --scale points."
                    if metric in turned
                    else f"Add --scale points if these are points, --lower-is-better {metric} if it is a loss."
                )
            )
    factors = {metric: -factor if metric in turned else factor for metric, (factor, _) in kinds.items()}
    return FileScale(factors, tuple(_describe(kinds, counted, turned)))


def _read_kind(top: float, declared: Scale) -> tuple[float, str]:
    """Return the factor of a metric whose values go up to `top`, and words for it."""
    scale = declared if declared != "auto" else "share" if top <= MAX_SHARE else "points"
    word, reason = ("shares", "no value above 1") if scale == "share" else ("points", "values above 1")
    return FACTORS[scale], f"read as {word} ({reason if declared == 'auto' else f'--scale {declared}'})"


def _refuse_negative(metric: str, low: float, source: str) -> None:
    if low < 0:
        raise UsageError(
            f"{source}: {metric} has negative values (down to {low:.3g}), and scores go from 0 up. If lower is better, "
            f"add --lower-is-better {metric}; if it may be negative, say its scale, e.g. --scale {metric}=share."
        )


def _check_range(metric: str, bounds: tuple[float, float], scale: Scale, source: str) -> None:
    farthest = max(bounds, key=abs)
    if scale == "share" and abs(farthest) > MAX_SHARE:
        raise UsageError(f"{source}: a share of {metric} is at most 1, found {farthest:g}. Use --scale points.")
    if abs(farthest) > MAX_POINTS:
        raise UsageError(
            f"{source}: scores must be shares (up to 1) or points (up to 100), found {farthest:g} ({metric}). "
            f"Convert them; if it is a loss, add --lower-is-better {metric}."
        )


def _describe(kinds: Mapping[str, tuple[float, str]], counted: frozenset[str], turned: frozenset[str]) -> Iterable[str]:
    """Return one phrase for all metrics that count and are read alike, then one for each that is turned round."""
    by_words: dict[str, list[str]] = {}
    for metric, (_, words) in kinds.items():
        if metric in counted - turned:
            by_words.setdefault(words, []).append(metric)
    for words, metrics in by_words.items():
        yield words if len(by_words) == 1 and not turned else f"{', '.join(metrics)} {words}"
    for metric in sorted(turned & kinds.keys()):
        yield f"{metric}: lower is better, so it is turned round (the score is minus the value); {kinds[metric][1]}"


def describe_scales(path: str, scales: Sequence[tuple[str, FileScale]]) -> tuple[str, ...]:
    """Return notes on how the files of a path were read: one if all were read alike, else one for each scale."""
    files: dict[tuple[str, ...], list[str]] = {}
    for file, scale in scales:
        if scale.about:
            files.setdefault(scale.about, []).append(file)
    if len(files) == 1:
        return (f"{path}: {'; '.join(*files)}.",)
    return tuple(f"{shorten_list(names, 4)}: {'; '.join(about)}." for about, names in files.items())
