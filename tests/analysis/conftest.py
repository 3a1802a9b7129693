"""Synthetic sweeps and files with known answers."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.scores.tidy import SCHEMA
from spaces.columns import VERSION


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

    @staticmethod
    def _metrics(scores: Mapping[str, Any]) -> tuple[str, ...]:
        double = any(isinstance(values, tuple) for values in scores.values())
        return ("exact_match", "f1") if double else ("accuracy",)


def sweep_of(
    results: Path, runs: Iterable[Run], *, name: str = "sweep", absent: Iterable[str] = (), **spec: Any
) -> Path:
    """Write a sweep folder below `results`; its spec is derived from the runs, and `spec` overrides it."""
    runs = list(runs)
    for run in runs:
        folder = results / "stages" / run.key
        folder.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(run.rows(), schema=SCHEMA, orient="row").write_parquet(folder / "scores.parquet")
    record = {
        "version": 1,
        "spec": {
            "benchmark": "miniature",
            "model": "miniature",
            "intermediates": list(
                dict.fromkeys(run.intermediate for run in runs if run.intermediate != "random-encoder")
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
        "stages": {key: {} for key in (*(run.key for run in runs), *absent)},
    }
    folder = results / name
    folder.mkdir(exist_ok=True)
    (folder / "sweep.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="session")
def run_of() -> type[Run]:
    """The class of the runs that `write_sweep` writes."""
    return Run


@pytest.fixture(scope="session")
def write_sweep() -> Callable[..., Path]:
    """A function that writes runs as a sweep folder and returns the folder."""
    return sweep_of


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes (intermediate, target, seed, language, metric, value, *more) rows as one file."""

    def write(rows: Iterable[tuple[Any, ...]], *more: str, name: str = "scores.parquet") -> Path:
        columns = ["intermediate", "target", "seed", "language", "metric", "value", *more]
        pl.DataFrame(list(rows), schema=columns, orient="row", infer_schema_length=None).write_parquet(tmp_path / name)
        return tmp_path / name

    return write
