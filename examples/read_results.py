"""Read the scores of all stages with polars: the mean gain of each intermediate task over `none`, by language.

python examples/read_results.py runs xnli
python examples/read_results.py examples/laptop-scores.parquet xnli
"""

import argparse
from pathlib import Path

import polars as pl


def read_gains(results: Path, target: str) -> pl.DataFrame:
    """Return one row per intermediate task and language: the gain over `none` in points, mean over seeds.

    `results` is a results folder, or an archive that `analysis/compact.py` wrote.
    Of several learning rates the run with the best English dev score counts, as in `analysis/rank.py`. A dev score is
    the mean of the official metrics at the best tenth of training.
    """
    files = results / "stages" / "*" / "scores.parquet" if results.is_dir() else results
    scores = pl.scan_parquet(files).filter(pl.col("official"), target=target, status="finished")
    run = ["intermediate", "seed", "learning_rate"]
    dev = scores.filter(split="dev").group_by(*run, "tenth").agg(dev=pl.col("value").mean())
    dev = dev.group_by(run).agg(pl.col("dev").max()).sort("dev", "learning_rate", descending=[True, False])
    best = dev.group_by("intermediate", "seed", maintain_order=True).first()
    test = scores.filter(split="test").join(best, on=run).group_by("intermediate", "seed", "language")
    means = test.agg(score=pl.col("value").mean())
    baseline = means.filter(intermediate="none").drop("intermediate").rename({"score": "baseline"})
    gains = means.join(baseline, on=["seed", "language"]).with_columns(
        gain=100 * (pl.col("score") - pl.col("baseline"))
    )
    mean = gains.group_by("intermediate", "language").agg(pl.col("gain").mean(), seeds=pl.len())
    return mean.sort("intermediate", "language").collect()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results folder, or an archive of compact.py")
    parser.add_argument("target", help="such as xnli")
    options = parser.parse_args()
    with pl.Config(tbl_rows=-1, float_precision=1):
        print(read_gains(options.results, options.target))
