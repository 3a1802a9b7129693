"""Every architecture works in a kind of task or is refused before the start, as docs/encoders.md says."""

from pathlib import Path

import pytest

from tests.architectures import ARCHITECTURES
from tests.paths import ROOT
from tests.trainables.models.encoder_table import format_lines, format_row, try_encoder

PAGE = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| architecture")]
ITEMS = {" ".join(item.split()) for item in PAGE.partition("## What a user reads")[2].split("\n- ")[1:]}


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.filterwarnings("ignore")  # of the library about architectures
def test_an_architecture_does_what_the_page_says(name: str, tmp_path: Path) -> None:
    tried = try_encoder(ARCHITECTURES[name](tmp_path / "encoder"))
    assert format_row(name, tried) in ROWS
    lines = [line.removeprefix("- ") for line in format_lines(name, tried)]
    assert sorted(lines) == sorted(item for item in ITEMS if item.startswith((f"{name}:", f"{name} (")))
    assert "\n" not in tried.refusal and len(tried.refusal) < 500


def test_the_page_has_the_architectures_that_are_tried() -> None:
    assert [row.split(" | ")[0].removeprefix("| ") for row in ROWS] == list(ARCHITECTURES)
    assert sum("refused" not in row for row in ROWS) >= 20
