"""Sweeps with kept predictions, whose scores are the means over their items."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.scores.tidy import build_schema
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from analysis.transfer.columns import build_columns
from analysis.transfer.item_level import ItemLevel, compute_item_level
from spaces.prediction_columns import PREDICTION_COLUMNS, PREDICTIONS_FILE
from tests.analysis.sweep_files import Run, read_transfer, write_sweep

SCHEMA = build_schema(PREDICTION_COLUMNS)

Right = Mapping[str, Mapping[str, list[float]]]  # target -> language -> share of each item that is right


class Sweep:
    """A sweep whose scores are the means over its items."""

    def __init__(self, results: Path) -> None:
        self.results, self.runs = results, list[Run]()

    def add(
        self,
        chain: str,
        right: Right,
        seed: int = 0,
        keep: bool = True,
        clusters: Mapping[str, list[int]] | None = None,
        **names: list[str],
    ) -> Path:
        """Add a run; `names` are the ids of a language's items, `clusters` their clusters (default: each its own)."""
        test: dict[str, dict[str, Any]] = {}
        for target, by_language in right.items():
            shares = {name: float(np.mean(values)) for name, values in by_language.items()}
            # Of an answer both metrics, here the same.
            test[target] = {name: (share, share) if target == "xquad" else share for name, share in shares.items()}
        run = Run(intermediate=chain, test=test, seed=seed)
        self.runs.append(run)
        rows = [
            {
                **dict.fromkeys(SCHEMA),
                **{"stage": run.key, "target": target, "language": language, "split": "test", "example": i},
                **{"id": names[language][i] if language in names else None, "prediction": ["x"]},
                **{"cluster": (clusters or {}).get(language, range(len(values)))[i]},
                **{"numerator": float(value), "denominator": 1.0},
            }
            for target, by_language in right.items()
            for language, values in by_language.items()
            for i, value in enumerate(values)
        ]
        dev = [{**row, "split": "dev", "numerator": 0.0} for row in rows[:2]]
        path = self.results / "stages" / run.key / PREDICTIONS_FILE
        path.parent.mkdir(parents=True)
        if keep:
            pl.DataFrame(dev + rows, schema=SCHEMA, orient="row").write_parquet(path)
        return path

    def transfer(self, **options: Any) -> Transfer:
        return read_transfer(write_sweep(self.results, self.runs), **options)

    def level(self) -> ItemLevel:
        transfer = self.transfer()
        return compute_item_level(transfer, build_columns(transfer))

    def variances(self) -> Array:
        """[intermediates, columns]"""
        variances = self.level().variances
        assert variances is not None
        return variances


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


NOTHING, HALF = [0, 0, 0, 0], [1, 0, 0, 1]  # a gain of 50: each of four items moves it by 12.5 points
MOVED = 4 / 3 * 4 * 12.5**2  # points squared, of four clusters
