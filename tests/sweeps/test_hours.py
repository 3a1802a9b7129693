"""A sweep that is given too little time again and again ends as one that has all the time it needs."""

from pathlib import Path

import pytest

from tests.sweeps.test_cluster import ended, scores, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]


def test_a_sweep_in_small_budgets_of_time_equals_one_without(tmp_path: Path) -> None:
    alone, parts = tmp_path / "alone", tmp_path / "parts"
    assert ended(start(alone)) and scores(alone).height
    codes = []
    for hours in (0.004, 0.006, 0.01, 1.0):  # 14, 22 and 36 seconds
        process = start(parts, "--hours", str(hours))
        _, err = ended(process)
        codes.append(process.returncode)
        if process.returncode == 130:
            assert "of --hours are used" in err and "to continue: " in err, err
    assert codes[0] == 130 and codes[-1] == 0
    assert scores(parts).equals(scores(alone))
