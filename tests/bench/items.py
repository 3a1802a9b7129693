"""How long the item level takes: a sweep of XTREME's size with kept predictions, made of random hits.

    python tests/bench/items.py [--folder DIR] [--chains 12] [--seeds 3] [--languages 15] [--items 7515]

Six targets, each with so many languages and items, three of which share a text: 24 million predictions, as many as
nine targets of XNLI's size have. Prints seconds (wall and CPU) and the largest memory of the process, in which the item
level is computed alone.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np
import polars as pl

from analysis.scores.load import load
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import build_columns
from analysis.transfer.item_level import compute_item_level
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE
from spaces.prediction_columns import PREDICTIONS_FILE
from tests.analysis.sweep_files import Run, write_sweep

TARGETS = ("xnli", "pawsx", "xquad", "mlqa", "tydiqa", "tatoeba")


def make(folder: Path, chains: int, seeds: int, languages: int, items: int) -> Path:
    """Write the sweep: one stage for each chain, target and seed."""
    tasks = BENCHMARKS["xtreme"].targets
    names = [f"language-{number:02}" for number in range(languages)]
    rng, runs = np.random.default_rng(0), []
    rows = pl.DataFrame({"language": names}).join(pl.DataFrame({"example": np.arange(items)}), how="cross")
    for chain in range(chains):
        for target in TARGETS:
            for seed in range(seeds):
                right = rng.random((languages, items)) < 0.7
                metrics = len(tasks[target].official_metrics)
                shares = {name: float(mean) for name, mean in zip(names, right.mean(axis=1), strict=True)}
                test = {target: {name: mean if metrics == 1 else (mean,) * metrics for name, mean in shares.items()}}
                name = NONE if chain == 0 else f"task-{chain:02}"
                run = Run(intermediate=name, test=test, seed=seed, extra={"benchmark": "xtreme"})
                runs.append(run)
                path = folder / "stages" / run.key / PREDICTIONS_FILE
                path.parent.mkdir(parents=True)
                rows.select(
                    stage=pl.lit(run.key),
                    target=pl.lit(target),
                    language="language",
                    split=pl.lit("test"),
                    example="example",
                    id=pl.format("question-{}", "example"),
                    cluster=pl.col("example") // 3 * 3,
                    prediction=pl.concat_list(pl.lit("entailment")),
                    numerator=pl.Series(right.ravel()).cast(pl.Float64),
                    denominator=pl.lit(1.0),
                ).write_parquet(path)
    return write_sweep(folder, runs)


def main() -> None:
    """Make the sweep, unless the folder has it, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("chains", 12), ("seeds", 3), ("languages", 15), ("items", 7_515)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        sweep = folder / "sweep"
        if not sweep.exists():
            folder.mkdir(parents=True, exist_ok=True)
            sweep = make(folder, chosen.chains, chosen.seeds, chosen.languages, chosen.items)
        found = build_transfer(load([sweep]))
        for by in ("target", "language"):
            shown = build_columns(found, by)  # type: ignore[arg-type]
            wall, cpu = time.perf_counter(), time.process_time()
            level = compute_item_level(found, shown)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert level.variances is not None, level.note
            print(f"{len(shown)} columns by {by}: {wall:.2f} s wall, {cpu:.2f} s CPU")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest memory: {peak:.2f} GiB (with the making of the sweep, where it was made)")


if __name__ == "__main__":
    main()
