"""A stage as such programs see it: a run with settings, curves and scores, and a digest by which it is known again."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from spaces.chain import NONE
from spaces.errors import UsageError, first_line_of
from spaces.language import ENGLISH
from spaces.stage import TENTHS

SETTINGS = ("kind", "intermediate", "seed", "learning_rate", "status", "parent", "benchmark", "model", "device")
Point = tuple[int, float]  # tenth, value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """A stage with at least one value. `series` maps names such as `dev/xnli/accuracy` to values by tenth."""

    key: str
    name: str  # chain, what is trained, seed, rate, and the first digits of the key, in a path
    settings: Mapping[str, str | int | float]
    series: Mapping[str, tuple[Point, ...]]
    seconds: float  # that the stage cost

    @property
    def digest(self) -> str:
        """A short text that changes with anything in the run: a stage that was trained again gets another one."""
        content = [self.key, self.name, self.settings, self.series, self.seconds]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def values_by_step(self) -> dict[int, dict[str, float]]:
        """The values of each tenth by name, in the order of the tenths."""
        steps = sorted({step for points in self.series.values() for step, _ in points})
        values: dict[int, dict[str, float]] = {step: {} for step in steps}
        for name, points in self.series.items():
            for step, value in points:
                values[step][name] = value
        return values

    def seconds_at(self, step: int) -> float:
        """Return the time of a tenth. It begins at 0: of a stage only its cost in seconds is known."""
        return self.seconds * step / TENTHS


def build_runs(rows: pl.DataFrame) -> list[TrackedRun]:
    """Return the runs of all stages in the score rows of a sweep that have any value, in the order of the rows.

    Series are `phase/METRIC` (English dev of an intermediate phase), `dev/TARGET/METRIC`, `test/TARGET/METRIC` (the
    mean over languages) and `test/TARGET/METRIC/LANGUAGE`. Values are shares, as stored.
    """
    measured = rows.filter(pl.col("stage").is_not_null(), pl.col("value").is_not_null())
    stages = measured.partition_by("stage", maintain_order=True)
    return [_build_run(stage) for stage in stages]


def _build_run(rows: pl.DataFrame) -> TrackedRun:
    first = rows.row(0, named=True)
    settings: dict[str, Any] = {name: first[name] for name in SETTINGS if first[name] is not None}
    targets = [target for target in rows["target"].unique(maintain_order=True) if target is not None]
    settings["intermediate"] = settings.get("intermediate", NONE)
    settings |= {"targets": ",".join(targets)} if targets else {}
    rate = "" if first["learning_rate"] is None else f"rate-{first['learning_rate']:g}-"
    trained = "+".join(targets) or "phase"
    return TrackedRun(
        key=first["stage"],
        name=f"{settings['intermediate']}/{trained}/seed-{first['seed']}/{rate}{first['stage'][:8]}",
        settings=settings,
        series=_build_series(rows),
        seconds=first["seconds"] or 0.0,
    )


def _build_series(rows: pl.DataFrame) -> dict[str, tuple[Point, ...]]:
    """Return the points of each name, by tenth; a metric of tests also as the mean over its languages."""
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for row in rows.select("target", "split", "metric", "language", "tenth", "value").iter_rows(named=True):
        points[_name_series(row)].append((row["tenth"] or 0, row["value"]))
    return {name: tuple(sorted(values)) for name, values in (*points.items(), *_average_languages(rows))}


def _name_series(row: Mapping[str, Any]) -> str:
    if row["target"] is None:
        return f"phase/{row['metric']}"
    is_plain = row["split"] == "dev" and row["language"] == ENGLISH
    return f"{row['split']}/{row['target']}/{row['metric']}" + ("" if is_plain else f"/{row['language']}")


def _average_languages(rows: pl.DataFrame) -> Iterator[tuple[str, Sequence[Point]]]:
    tests = rows.filter(pl.col("target").is_not_null(), split="test").group_by("target", "metric", maintain_order=True)
    means = tests.agg(pl.col("tenth").first().fill_null(0), pl.col("value").mean())
    for target, metric, tenth, value in means.iter_rows():
        yield f"test/{target}/{metric}", [(tenth, value)]


def refuse_missing(program: str, package: str) -> UsageError:
    """Return the error of an export to a program whose package is not installed."""
    return UsageError(f"--to {program} needs a package that is not installed: pip install {package}.")


def refuse_place(fault: str, error: Exception) -> UsageError:
    """Return the error of a place that cannot be written, with the reason that the program gave."""
    return UsageError(f"{fault} ({first_line_of(error).rstrip('.')}). Name another place with -o.")
