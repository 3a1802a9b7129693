"""The spread of gains over seeds in an earlier sweep of the same benchmark and encoder, for a plan's effects in points.

It is taken from the score files of finished stages. As in the analysis, English dev chooses the rate of each run; the
variances over seeds are pooled over chains, and over the targets their median counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, median, variance
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from search.request.request import SweepRequest
from search.sweep.sweep_file import read_sweep
from spaces.bounds import BOUND_NAMES
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE
from trainables.record.context import SCORES
from trainables.storage.base import is_remote

POINTS = 100  # per share of 1
COLUMNS = ("intermediate", "target", "seed", "kind", "status", "split", "tenth", "official", "value")

Cell = tuple[str, str]  # chain, target


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
            if all(spec.get(name) == request.spec.get(name) for name in ("benchmark", "model", *BOUND_NAMES)):
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


def measure_spread(files: Iterable[Path], source: str) -> GainSpread | None:
    """Return the spread of the gains in these score files; None unless a chain and the baseline share two seeds.

    Means are over all targets that any chain has, at seeds that have them all. A file that cannot be read is left out.
    """
    scores = _read_chosen_scores(files)
    gains: defaultdict[Cell, dict[int, float]] = defaultdict(dict)
    for (chain, target), by_seed in scores.items():
        baseline = scores.get((NONE, target), {})
        if chain != NONE:
            gains[chain, target] = {seed: by_seed[seed] - baseline[seed] for seed in by_seed.keys() & baseline.keys()}
    targets = {target for (_, target), by_seed in gains.items() if by_seed}
    by_target: defaultdict[str, list[float]] = defaultdict(list)
    for (_, target), by_seed in gains.items():
        by_target[target] += [variance(by_seed.values())] if len(by_seed) > 1 else []
    mean_variances = []
    for chain in {chain for chain, _ in gains}:
        cells = [gains.get((chain, target), {}) for target in targets]
        seeds = set.intersection(*(set(cell) for cell in cells)) if cells else set()
        if len(seeds) > 1:
            mean_variances.append(variance(mean(cell[seed] for cell in cells) for seed in seeds))
    variances = [mean(values) for values in by_target.values() if values]
    if not variances or not mean_variances:
        return None
    return GainSpread(cell=sqrt(median(variances)), mean=sqrt(mean(mean_variances)), source=source)


def _read_chosen_scores(files: Iterable[Path]) -> dict[Cell, dict[int, float]]:
    """Return the test score in points of the run with the best English dev score, by chain and target and by seed."""
    chosen: dict[tuple[Cell, int], tuple[float, float]] = {}  # dev, test
    for file in files:
        with suppress(OSError, pa.ArrowException):
            rows = pq.read_table(file, columns=list(COLUMNS)).to_pylist()
            official = [row for row in rows if row["official"] and row["kind"] in ("target", "retrieval")]
            finished = [row for row in official if row["status"] == "finished" and row["value"] is not None]
            for target in {row["target"] for row in finished}:
                of_target = [row for row in finished if row["target"] == target]
                test = [row["value"] for row in of_target if row["split"] == "test"]
                if test:
                    run = of_target[0]
                    key = (run["intermediate"], target), run["seed"]
                    candidate = _find_best_dev(of_target), POINTS * mean(test)
                    chosen[key] = max(chosen.get(key, candidate), candidate, key=lambda scores: scores[0])
    by_cell: defaultdict[Cell, dict[int, float]] = defaultdict(dict)
    for (cell, seed), (_, test_score) in chosen.items():
        by_cell[cell][seed] = test_score
    return by_cell


def _find_best_dev(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the best mean over metrics of any tenth on dev, 0 without dev rows."""
    tenths: defaultdict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row["split"] == "dev":
            tenths[row["tenth"]].append(row["value"])
    return max(map(mean, tenths.values()), default=0.0)
