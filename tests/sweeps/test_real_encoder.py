"""A short sweep of a pretrained encoder over real data: it aligns languages, and a random encoder does not."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.paths import ROOT

FLAGS = (
    "--benchmark xtreme --intermediates mnli --targets tatoeba --seeds 0 --learning-rates 5e-5 --floor "
    "--limit 64 --test-limit 20 --name real"
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_pretrained_encoder_aligns_languages_and_a_random_one_does_not(
    real: Path, real_encoder: Path, tmp_path: Path
) -> None:
    folders = ["--data", str(real), "--model", str(real_encoder), "--results", str(tmp_path)]
    command = [sys.executable, str(ROOT / "search" / "run.py"), *FLAGS.split(), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    scores = pl.read_parquet(tmp_path / "stages" / "*" / "scores.parquet").filter(split="test", official=True)
    accuracy = dict(scores.group_by("intermediate").agg(pl.col("value").mean()).rows())
    assert scores["language"].n_unique() > 10 and set(accuracy) == {"mnli", "none", "random-encoder"}
    assert accuracy["none"] > 0.6 > 0.3 > accuracy["random-encoder"]  # one in 20 by chance
