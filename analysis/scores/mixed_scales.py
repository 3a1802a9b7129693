"""Shares and points in one file: found by metric, by arm and value by value, and refused with both groups named."""

import polars as pl

from analysis.scores.duplicates import describe_score
from spaces.chain import RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.table import shorten_list

MAX_SHARE = 1 + 1e-6  # the largest share, with rounding
AXES = {"metric": "metric", "intermediate": "intermediate task", "target": "target", "seed": "seed", "split": "split"}
MIN_GAP = 10  # from the largest share to the smallest point: the same scores in both scales are about 100 apart
REMEDY = "A file has one scale: convert one of them"
ALL_POINTS = "if all are points, add --scale points."

IS_SHARE = (pl.col("value") > 0) & (pl.col("value") <= MAX_SHARE)  # 0 is 0 in both scales
IS_POINTS = pl.col("value") > MAX_SHARE


def refuse_mixed_scales(rows: pl.DataFrame, source: str) -> None:
    """Raise UsageError if rows with values above 1 hold shares too.

    Shares are a metric, arm, target, seed or split without any value above 1, or values of one metric and target that
    lie far below all others. Of points this is a rare look, such as a target where nothing is learnt: --scale points.
    """
    for axis, noun in AXES.items():
        tops = rows.group_by(axis).agg(top=pl.col("value").max()).filter(pl.col("top") > 0)
        tops = tops.with_columns(pl.col(axis).cast(pl.String)).sort(axis)
        low, high = tops.filter(pl.col("top") <= MAX_SHARE), tops.filter(pl.col("top") > MAX_SHARE)
        if low.height and high.height:
            remedy = f", or say --scale {low[axis][0]}=share --scale {high[axis][0]}=points" if axis == "metric" else ""
            raise UsageError(
                f"{source}: {_describe_group(low, axis, noun)} like shares (up to {low['top'].sort()[-1]:.3g}), "
                f"{_describe_group(high, axis, noun)} like points (up to {high['top'].sort()[-1]:.3g}). "
                f"{REMEDY}{remedy}; {ALL_POINTS}"
            )
    trained = rows.filter(pl.col("intermediate") != RANDOM_ENCODER)
    for keys in (["target", "metric", "split"], ["target", "metric", "split", "language"]):
        _refuse_gap(trained, keys, source)


def _refuse_gap(rows: pl.DataFrame, keys: list[str], source: str) -> None:
    """Raise UsageError if the values of some `keys` are shares and points with nothing between."""
    groups = rows.group_by(keys).agg(
        share=pl.col("value").filter(IS_SHARE).max(), points=pl.col("value").filter(IS_POINTS).min()
    )
    gaps = groups.filter(pl.col("points") >= MIN_GAP * pl.col("share")).sort(keys)
    if gaps.is_empty():
        return
    same = rows.join(gaps.head(1), on=keys, how="semi").sort("value")
    low, high = same.filter(IS_SHARE), same.filter(IS_POINTS)
    first, other = describe_score(low.row(-1, named=True)), describe_score(high.row(0, named=True))
    raise UsageError(
        f"{source}: {low.height} values look like shares (up to {low['value'][-1]:.3g}: {first}), {high.height} "
        f"others like points (from {high['value'][0]:.3g}: {other}). {REMEDY}; {ALL_POINTS}"
    )


def _describe_group(group: pl.DataFrame, axis: str, noun: str) -> str:
    """Return `seed 0 looks` or `seeds 0, 1 look`."""
    names = shorten_list(group[axis].to_list(), 4)
    return f"{noun} {names} looks" if group.height == 1 else f"{noun}s {names} look"
