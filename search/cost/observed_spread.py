"""The spread of gains over seeds in an earlier sweep of the same benchmark and encoder, for a plan's effects in points.

It is taken from the score files of finished stages. As in the analysis, English dev chooses the rate of each run; the
variances over seeds are pooled over chains, and over the targets their median counts.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from search.request.request import SweepRequest
from search.sweep.sweep_file import read_sweep
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE
from trainables.record.context import SCORES
from trainables.storage.base import is_remote

POINTS = 100  # per share of 1
CELL = ("intermediate", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSpread:
    """Standard deviations over seeds in points: of a gain on the median target, and of a mean over the targets."""

    cell: float
    mean: float
    source: str  # for readers: a sweep, or an assumption


def find_spread(request: SweepRequest) -> GainSpread | None:
    """Return the spread in the largest earlier sweep of the results folder, else the benchmark's assumption, else None.

    Object storage is not searched.
    """
    results = request.context.results
    sweeps: list[tuple[int, str, Mapping[str, Any]]] = []
    for file in () if is_remote(results.url) else sorted(Path(results.url).glob(f"*/{SWEEP_FILE}")):
        with suppress(UsageError):  # a damaged sweep says nothing
            record = read_sweep(results, file.parent.name) or {}
            spec = record.get("spec", {})
            if all(spec.get(name) == request.spec[name] for name in ("benchmark", "model", "test_limit", "limit")):
                sweeps.append((len(record["stages"]), file.parent.name, record["stages"]))
    for _, name, stages in sorted(sweeps, key=lambda sweep: (-sweep[0], sweep[1])):
        paths = [Path(results.url) / "stages" / str(key) / SCORES for key in stages]
        spread = measure_spread([path for path in paths if path.is_file()], f"the spread in sweep {name}")
        if spread is not None:
            return spread
    assumed = request.benchmark.assumed_spread
    if assumed is None:
        return None
    targets = max(1, len(request.axes.targets))
    source = "an assumption, not a measurement: targets vary alike and independently"
    return GainSpread(cell=assumed, mean=assumed / targets**0.5, source=source)


def measure_spread(files: list[Path], source: str) -> GainSpread | None:
    """Return the spread of the gains in these score files; None unless a chain and the baseline share two seeds.

    Means are over all targets that any chain has, at seeds that have them all.
    """
    if not files:
        return None
    rows = (
        pl.scan_parquet(files, missing_columns="insert", extra_columns="ignore")
        .filter(pl.col("official"), pl.col("kind").is_in(["target", "retrieval"]), status="finished")
        .group_by(*CELL, "seed", "learning_rate", "split", "tenth")
        .agg(score=pl.col("value").mean() * POINTS)
        .collect()
    )
    arm = [*CELL, "seed", "learning_rate"]
    dev = rows.filter(split="dev").group_by(arm).agg(dev=pl.col("score").max())
    chosen = (
        rows.filter(split="test")
        .join(dev, on=arm, how="left", nulls_equal=True)
        .sort("dev", "learning_rate", descending=[True, False], nulls_last=True)
        .unique([*CELL, "seed"], keep="first", maintain_order=True)
    )
    baseline = chosen.filter(intermediate=NONE).select("target", "seed", base="score")
    gains = (
        chosen.filter(pl.col("intermediate") != NONE)
        .join(baseline, on=["target", "seed"])
        .select(*CELL, "seed", gain=pl.col("score") - pl.col("base"))
    )
    cells = gains.group_by(CELL).agg(variance=pl.col("gain").var()).drop_nulls()
    median = cells.group_by("target").agg(pl.col("variance").mean()).select(pl.col("variance").median()).item()
    whole = gains.group_by("intermediate", "seed").agg(pl.col("gain").mean(), targets=pl.len())
    whole = whole.filter(targets=gains["target"].n_unique())
    mean = whole.group_by("intermediate").agg(pl.col("gain").var()).select(pl.col("gain").mean()).item()
    if median is None or mean is None:
        return None
    return GainSpread(cell=median**0.5, mean=mean**0.5, source=source)
