"""Time `rank.py` on millions of score rows and on thousands of stages, beside the same gains in pandas.

    python tests/bench/analysis.py                                  # 10 million rows, 10,000 stages, 3 rounds
    python tests/bench/analysis.py --rows 1000000 --stages 1000
    python tests/bench/analysis.py --only wide --runs 5

Data are made in a temporary folder: `minimal` is one file with the minimal columns in random order, `wide` one with all
columns, dev curves and three learning rates, `stages` a sweep of small files, `compacted` the same after compact.py.
Every measurement is a process of its own, start-up included; within a round they take turns, and ratios are of
neighbours. Beside the wall time stands the processor time, since other work on a machine moves the one more than the
other. `gains` is the way of rank.py up to the gains, which is where pandas stops; rank.py goes on to tests, intervals
and ranks. pandas reads the same columns, once with text as categories (by pyarrow) and once as its read_parquet does.
"""

import argparse
import importlib.metadata
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np
import polars as pl

from analysis.compact import compact
from spaces.columns import VERSION

LANGUAGES = ("en", *(f"l{i:02d}" for i in range(49)))
METRICS = ("exact_match", "f1")
RATES = (1e-5, 2e-5, 5e-5)
KEY = ["intermediate", "target", "seed"]


def table(**axes: Iterable[Any]) -> pl.DataFrame:
    """All combinations, the first axis slowest."""
    frames = [pl.DataFrame({name: list(values)}) for name, values in axes.items()]
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.join(other, how="cross", maintain_order="left_right")
    return frame


def scored(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(value=pl.Series(np.random.default_rng(0).uniform(0.2, 0.9, frame.height)))


def minimal(folder: Path, rows: int) -> Path:
    seeds = max(1, rows // (50 * 20 * len(LANGUAGES) * len(METRICS)))
    chains = ("none", *(f"task-{i:02d}" for i in range(49)))
    targets = [f"target-{i:02d}" for i in range(20)]
    frame = table(intermediate=chains, target=targets, seed=range(seeds), language=LANGUAGES, metric=METRICS)
    scored(frame).sample(fraction=1, shuffle=True, seed=0).write_parquet(folder / "minimal.parquet")
    return folder / "minimal.parquet"


def stages(chains: int, targets: int, seeds: int, rates: Iterable[float], languages: Iterable[str]) -> pl.DataFrame:
    """The rows of a sweep's stages: English dev of ten tenths, then test in every language."""
    dev = table(tenth=range(1, 11), metric=METRICS).with_columns(split=pl.lit("dev"), language=pl.lit("en"))
    test = table(language=languages, metric=METRICS).with_columns(split=pl.lit("test"), tenth=pl.lit(10, pl.Int64))
    of_one = pl.concat([dev, test.select(dev.columns)])
    names = ("none", *(f"task-{i:02d}" for i in range(chains - 1)))
    arms = table(
        intermediate=names, target=[f"target-{i:02d}" for i in range(targets)], seed=range(seeds), learning_rate=rates
    )
    arms = arms.with_columns(stage=pl.Series([f"{i:016x}" for i in range(arms.height)]))
    return scored(
        arms.join(of_one, how="cross", maintain_order="left_right").with_columns(
            version=pl.lit(VERSION, pl.Int64),
            parent=pl.lit("0" * 15 + "p"),
            kind=pl.lit("target"),
            benchmark=pl.lit("xtreme"),
            model=pl.lit("xlm-r"),
            status=pl.lit("finished"),
            reason=pl.lit(None, pl.String),
            official=pl.lit(True),
            examples=pl.lit(1000, pl.Int64),
            steps=pl.lit(1000, pl.Int64),
            seconds=pl.lit(12.5),
            limited=pl.lit(False),
        )
    )


def wide(folder: Path, rows: int) -> Path:
    each = 20 + len(LANGUAGES) * len(METRICS)
    seeds = max(1, rows // (50 * 20 * len(RATES) * each))
    stages(50, 20, seeds, RATES, LANGUAGES).write_parquet(folder / "wide.parquet")
    return folder / "wide.parquet"


def sweep(folder: Path, count: int) -> Path:
    """A sweep of about `count` stages of 15 languages x 2 metrics and 20 dev rows, written as stages are."""
    import json

    from trainables.record.scores import encode_scores

    seeds = max(1, count // (10 * 10 * 2))
    frame = stages(10, 10, seeds, RATES[:2], LANGUAGES[:15])
    home = folder / "results"
    for part in frame.partition_by("stage", maintain_order=True):
        place = home / "stages" / part["stage"][0]
        place.mkdir(parents=True)
        (place / "scores.parquet").write_bytes(encode_scores(part.to_dicts()))
    names = {axis: frame[axis].unique(maintain_order=True).to_list() for axis in KEY}
    spec = {"intermediates": names["intermediate"], "targets": names["target"], "seeds": names["seed"]}
    record = {"version": 1, "spec": spec, "stages": dict.fromkeys(frame["stage"].unique(maintain_order=True), "")}
    (home / "sweep").mkdir()
    (home / "sweep" / "sweep.json").write_text(json.dumps(record))
    return home / "sweep"


def to_gains(file: Path) -> None:
    """The gains of a file by the analysis."""
    from analysis.scores.load import load
    from analysis.transfer.array import build_transfer

    gains = build_transfer(load([file])).gains
    print(np.nanmean(gains, axis=(2, 3)).sum())


def in_pandas(file: Path, categories: bool) -> None:
    """The gains of a file, as one would write them with care in pandas."""
    import pandas as pd
    import pyarrow.parquet as pq

    there = pq.read_schema(file).names
    more = [name for name in ("learning_rate", "status", "split", "tenth", "official") if name in there]
    text = ["intermediate", "target", "language", "metric", "status", "split"]
    columns = [*KEY, "language", "metric", "value", *more]
    if categories:
        names = [name for name in text if name in there]
        rows = pq.read_table(file, columns=columns, read_dictionary=names).to_pandas()
    else:
        rows = pd.read_parquet(file, columns=columns)

    def means(frame: Any, by: list[str]) -> Any:
        return frame.groupby(by, observed=True, sort=False)["value"].mean()

    named = [name for name in more if name not in ("status", "official")]
    if rows.duplicated([*KEY, "language", "metric", *named]).any():
        raise SystemExit("a score stands there twice")
    if "split" in there:
        rows = rows[(rows["status"] == "finished") & rows["official"]]
        dev = rows[(rows["split"] == "dev") & (rows["language"] == "en")]
        best = means(dev, [*KEY, "learning_rate", "tenth"]).groupby([*KEY, "learning_rate"], observed=True).max()
        best = best.reset_index().sort_values(["value", "learning_rate"], ascending=[False, True])
        chosen = best.drop_duplicates(KEY)[[*KEY, "learning_rate"]]
        rows = rows[rows["split"] == "test"].merge(chosen, on=[*KEY, "learning_rate"])
    score = means(rows, [*KEY, "language"]).reset_index()
    base = score[score["intermediate"] == "none"].drop(columns="intermediate")
    paired = score[score["intermediate"] != "none"].merge(
        base, on=["target", "seed", "language"], suffixes=("", "_none")
    )
    paired["value"] = (paired["value"] - paired["value_none"]) * 100
    cells = means(paired, KEY).reset_index()
    print(means(cells, ["intermediate", "target"]).to_csv())


def measured(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak gigabytes of a command."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([sys.executable, *command], stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def compacted(folder: Path, count: int) -> Path:
    made = sweep(folder, count)
    compact(made)
    return made


CASES: dict[str, tuple[Callable[[Path, int], Path], bool]] = {  # what makes the data, and whether pandas can read it
    "minimal": (minimal, True),
    "wide": (wide, True),
    "stages": (sweep, False),
    "compacted": (compacted, False),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--stages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are printed")
    parser.add_argument("--only", choices=tuple(CASES))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)  # what to do in this process, and with which path
    given = parser.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), given)
        return 0
    packages = ("polars", "pandas", "pyarrow", "numpy")
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, ", end="")
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    print("| data | program | wall s | processor s | peak GB | wall / gains |\n|---|---|---|---|---|---|")
    for name, (_, by_pandas) in CASES.items():
        if given.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                # In a process of its own: a child's peak is never below what its parent held when it began.
                sizes = ["--rows", str(given.rows), "--stages", str(given.stages)]
                made = [sys.executable, __file__, *sizes, "--child", name, folder]
                data = Path(subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip())
                compare(name, data, by_pandas, given.runs)
    return 0


def child(task: str, path: Path, given: argparse.Namespace) -> None:
    """What a process of its own does: make data, or find the gains of a file."""
    if task == "gains":
        to_gains(path)
    elif task in ("pandas", "pandas, text"):
        in_pandas(path, categories=task == "pandas")
    else:
        make, one_file = CASES[task]
        print(make(path, given.rows if one_file else given.stages))


def compare(name: str, data: Path, by_pandas: bool, runs: int) -> None:
    """Measure in turns, print medians."""
    commands = {"rank.py": [str(ROOT / "analysis" / "rank.py"), str(data), "--format", "csv"]}
    others = ("gains", "pandas", "pandas, text") if by_pandas else ("gains",)
    commands |= {task: [__file__, "--child", task, str(data)] for task in others}
    rounds = [{program: measured(command) for program, command in commands.items()} for _ in range(runs)]
    for program in commands:
        wall, cpu, peak = (statistics.median(one[program][i] for one in rounds) for i in range(3))
        ratio = statistics.median(one[program][0] / one["gains"][0] for one in rounds)
        print(f"| {name} | {program} | {wall:.2f} | {cpu:.2f} | {peak:.2f} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
