"""The transfer matrix in colours and as a picture."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from analysis.matrix import main
from analysis.tables import heat
from tests.analysis.sweep_files import Capture, Run, printed, ranked, refused, write_sweep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scores = {
        ("none", "xnli"): 0.5,
        ("none", "panx"): 0.6,
        ("up", "xnli"): 0.7,
        ("up", "panx"): 0.6,
        ("down", "xnli"): 0.3,
    }
    runs = [Run(intermediate=task, test={target: {"en": score}}) for (task, target), score in scores.items()]
    return write_sweep(tmp_path, runs)


@given(st.floats(0.1, 100), st.floats(-100, 100))
def test_colours_go_from_loss_to_gain_and_alike_on_both_sides(most: float, value: float) -> None:
    value = max(-most, min(most, value))
    last = len(heat.COLOURS) - 1
    assert 0 <= heat.choose_colour_step(value, most) <= last
    assert heat.choose_colour_step(value, most) + heat.choose_colour_step(-value, most) == last
    assert [heat.choose_colour_step(step, most) for step in (-most, 0, most)] == [0, last // 2, last]


def test_every_cell_has_its_colour_and_a_hole_has_none(folder: Path) -> None:
    console = Console(force_terminal=True, color_system="truecolor", width=100)
    with console.capture() as capture:
        console.print(*heat.build_heat_maps(ranked(folder), 100))
    lines = {line.split()[0].strip("\x1b[0m"): line for line in capture.get().splitlines() if line.strip()}
    assert re.search(r"48;2;33;102;172m +\+20\.0", lines["up"])  # the strongest blue
    assert re.search(r"48;2;179;88;6m +-20\.0", lines["down"])  # the strongest orange
    assert re.search(r"48;2;247;247;247m +\+0\.0", lines["up"])
    assert "missing" in lines["down"] and lines["down"].count("48;2;") == 1


def test_the_command_prints_the_matrix(folder: Path, capsys: Capture) -> None:
    out = printed(capsys, main, folder)
    assert "\x1b" not in out and "+20.0" in out and "…" not in out


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_picture_is_one(folder: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"matrix{suffix}"
    assert main([str(folder), "-o", str(path)]) == 0
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" if suffix == ".png" else b"+20.0" in data and b"var(--" not in data


@pytest.mark.parametrize(
    ("output", "message"), [("matrix.pdf", "must end in .svg or .png"), ("no/where/m.svg", "cannot be written")]
)
def test_what_cannot_be_drawn_is_one_line(
    folder: Path, tmp_path: Path, capsys: Capture, output: str, message: str
) -> None:
    assert message in refused(capsys, main, folder, "-o", tmp_path / output)
