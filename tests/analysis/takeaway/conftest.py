"""A sweep with a winner."""

from pathlib import Path

import pytest

from tests.analysis.takeaway.winning_sweeps import swept


@pytest.fixture
def sweep(tmp_path: Path, model: Path) -> Path:
    return swept(tmp_path / "runs", model)
