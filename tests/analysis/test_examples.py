"""The scripts in examples/ agree with what they show: their own numbers are those of the analysis layer."""

from pathlib import Path

import numpy as np
import pytest

from examples.read_results import read_gains
from tests.analysis.sweep_files import Run, read_transfer, write_sweep
from tests.paths import ROOT

TEST = {"en": (0.8, 0.9), "de": (0.5, 0.6), "fr": (0.3, 0.5)}


def test_gains_read_with_polars_are_those_of_the_ranking(tmp_path: Path) -> None:
    """Rates tie, dev curves peak early, seeds differ, and a stopped run looks better than what finished."""
    random = np.random.default_rng(0)
    runs = [
        Run(
            intermediate=task,
            seed=seed,
            rate=rate,
            dev=random.choice([0.2, 0.4, 0.6], size=3).tolist(),
            test={"xquad": {name: tuple(random.uniform(0, 1, size=2)) for name in TEST}},
        )
        for task in ("none", "nli", "qa")
        for seed in (0, 1)
        for rate in (1e-4, 1e-3, 1e-2)
    ]
    stopped = Run(intermediate="nli", rate=2e-2, dev=(1.0,), test={"xquad": TEST}, status="stopped")
    sweep = write_sweep(tmp_path, [*runs, stopped])
    transfer = read_transfer(sweep)
    gains = read_gains(tmp_path, "xquad").rows_by_key("intermediate")
    assert transfer.chains == ("none", "nli", "qa") and transfer.languages == ("de", "en", "fr")
    for row, task in enumerate(transfer.chains):
        expected = (transfer.scores[row, 0] - transfer.scores[0, 0]).mean(axis=-1)
        found = {language: gain for language, gain, _ in gains[task]}
        assert [found[language] for language in transfer.languages] == pytest.approx(list(expected))
        assert {seeds for _, _, seeds in gains[task]} == {2}


def test_an_archive_is_read_as_a_folder_is() -> None:
    gains = read_gains(ROOT / "examples" / "laptop-scores.parquet", "xnli")
    baseline = gains.filter(intermediate="none")
    assert baseline.height == 15 and baseline["gain"].abs().max() == 0, "XNLI's languages, over themselves"
    assert gains["intermediate"].n_unique() == 7 and gains["seeds"].unique().to_list() == [3]
