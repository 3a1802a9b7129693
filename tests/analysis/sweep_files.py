"""Made-up sweeps and files of scores, read and ranked; and what a script says of them."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.scores.load import load
from analysis.scores.scores import Scores
from analysis.scores.tidy import SCHEMA
from analysis.transfer.array import Transfer, build_transfer
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.chain import RANDOM_ENCODER
from spaces.columns import VERSION

Capture = pytest.CaptureFixture[str]
Main = Callable[[list[str]], int]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One stage: `test[target][language]` is a score or the scores of several official metrics."""

    intermediate: str
    test: Mapping[str, Mapping[str, Any]]
    seed: int = 0
    rate: float | None = 1e-3
    dev: Iterable[float | None] = (0.5,)
    status: str = "finished"
    reason: str | None = None
    kind: str = "target"
    parent: str | None = None
    stage: str | None = None
    majority: float | None = None
    metric: str = "accuracy"
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        rate = "" if self.rate is None else f"-{self.rate:g}"
        chain = re.sub(r"[~@:]", ".", self.intermediate)  # a key can be a folder's name
        return self.stage or f"{self.kind}-{'+'.join(self.test)}-{chain}-{self.seed}{rate}"

    def rows(self) -> list[dict[str, Any]]:
        common = dict.fromkeys(SCHEMA) | {
            "version": VERSION,
            "stage": self.key,
            "parent": self.parent,
            "kind": self.kind,
            "benchmark": "miniature",
            "model": "miniature",
            "intermediate": self.intermediate,
            "seed": self.seed,
            "learning_rate": self.rate,
            "status": self.status,
            "reason": self.reason,
            "limited": False,
            **self.extra,
        }
        targets = list(self.test) if self.kind != "intermediate" else [None]
        if self.status == "failed":
            return [{**common, "target": target, "split": "test"} for target in targets]
        rows = []
        for target in targets:
            scores: Mapping[str, Any] = {} if target is None else self.test[target]
            names = self._metrics(scores) if self.status != "stopped" else ("task_score",)
            for tenth, value in enumerate(self.dev if self.rate is not None else (), start=1):
                fields = {"target": target, "split": "dev", "tenth": tenth, "language": "en", "official": True}
                rows += [{**common, **fields, "metric": name, "value": value} for name in names]
            if self.status == "stopped":
                continue
            for language, values in scores.items():
                fields = {"target": target, "split": "test", "tenth": 10, "language": language}
                for name, value in zip(names, values if isinstance(values, tuple) else (values,), strict=True):
                    rows.append({**common, **fields, "metric": name, "official": True, "value": value})
                rows.append({**common, **fields, "metric": "beside", "official": False, "value": 0.123})
                if self.majority is not None:
                    rows.append({**common, **fields, "metric": "majority", "official": False, "value": self.majority})
        return rows

    def _metrics(self, scores: Mapping[str, Any]) -> tuple[str, ...]:
        double = any(isinstance(values, tuple) for values in scores.values())
        return ("exact_match", "f1") if double else (self.metric,)


def write_sweep(results: Path, runs: Iterable[Run], *, name: str = "sweep", **spec: Any) -> Path:
    """Write a sweep folder below `results`; its spec is derived from the runs, and `spec` overrides it."""
    runs = list(runs)
    for run in runs:
        write_run(results, run)
    record = {
        "version": 1,
        "spec": {
            "benchmark": "miniature",
            "model": "miniature",
            "intermediates": list(
                dict.fromkeys(run.intermediate for run in runs if run.intermediate != RANDOM_ENCODER)
            ),
            "targets": list(dict.fromkeys(target for run in runs for target in run.test)),
            "seeds": sorted({run.seed for run in runs}),
            "limit": None,
            "controls": [],
            "retrieval": [],
            "floors": [],
            "scheduler": "asha",
            **spec,
        },
        "stages": {run.key: {} for run in runs},
    }
    folder = results / name
    folder.mkdir(exist_ok=True)
    (folder / "sweep.json").write_text(json.dumps(record))
    return folder


def write_run(results: Path, run: Run) -> None:
    folder = results / "stages" / run.key
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(run.rows(), schema=SCHEMA, orient="row").write_parquet(folder / "scores.parquet")


def add_run(folder: Path, run: Run) -> None:
    """Add a run to a sweep that is written."""
    write_run(folder.parent, run)
    record = json.loads((folder / "sweep.json").read_text())
    record["stages"][run.key] = {}
    record["spec"]["intermediates"] = list(dict.fromkeys([*record["spec"]["intermediates"], run.intermediate]))
    (folder / "sweep.json").write_text(json.dumps(record))


def write_file(folder: Path, rows: Iterable[tuple[Any, ...]], *more: str, name: str = "scores.parquet") -> Path:
    """Write (intermediate, target, seed, language, metric, value, *more) rows as one file."""
    columns = ["intermediate", "target", "seed", "language", "metric", "value", *more]
    pl.DataFrame(list(rows), schema=columns, orient="row", infer_schema_length=None).write_parquet(folder / name)
    return folder / name


def read_transfer(path: Path, **options: Any) -> Transfer:
    return build_transfer(load([path]), **options)


def ranked(scores: Scores | Path, by: Any = "target", **options: Any) -> Ranking:
    """A ranking with few draws."""
    loaded = load([scores]) if isinstance(scores, Path) else scores
    return rank_tasks(build_transfer(loaded, **options), np.random.default_rng(0), by, draws=1000)


def printed(capsys: Capture, main: Main, *argv: object, width: float = math.inf) -> str:
    """What a script that ends well prints, in one line. As it was printed, no line was wider."""
    assert main([str(word) for word in argv]) == 0
    out = capsys.readouterr().out
    assert out[0] != "\n" and max(map(len, out.splitlines())) <= width
    return " ".join(out.split())


def printed_rows(capsys: Capture, main: Main, *argv: object) -> list[dict[str, str]]:
    """The rows that a script prints for other programs."""
    assert main([*map(str, argv), "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def refused(capsys: Capture, main: Main, *argv: object) -> str:
    """The one line in which a script refuses what it was given."""
    assert main([str(word) for word in argv]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err
