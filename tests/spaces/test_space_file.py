"""Spaces as TOML files: every space survives the way there and back, and an error names line and key."""

from pathlib import Path

import pytest

from search.request.chosen_space import format_chosen_space, resolve_sweep_name, space_of
from search.request.options import parse_options
from spaces.benchmark import BENCHMARKS, Budget
from spaces.bounds import Bounds
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.named_spaces import SPACES, find_space
from spaces.phase import MaskedWords
from spaces.space import Range, Space, resolve_axes
from spaces.space_file import format_space, read_space_file

MINIATURE = BENCHMARKS["miniature"]
EVERYTHING = Space(
    name="all",
    intermediates=("none", "mnli", "mnli@qma+squad~x2", "squad~freelb", "none:salt"),
    targets=("xnli", "tatoeba"),
    learning_rates=Range(1e-4, 5e-3, draws=6),
    seeds=(0, 5),
    chain_seeds={"none": (7,), "squad~freelb": (8, 9)},
    floor=True,
    translate_train=True,
    target_shots=4,
    mixture=("mnli", "ccg"),
    budget=Budget(steps=10, examples=20),
    bounds=Bounds(limit=30, max_length=64),
    masked=MaskedWords(share=0.25, languages=("en", "qma"), smoothing=0.5),
)


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("name", SPACES)
def test_every_named_space_is_the_same_from_its_file(name: str, benchmark: str, tmp_path: Path) -> None:
    known, profile = BENCHMARKS[benchmark], PROFILES["pretrained"]
    space = find_space(name, known)
    again = read_space_file(write(tmp_path, format_space(space, known)))
    assert resolve_axes(again, known, profile) == resolve_axes(space, known, profile)


def test_every_field_is_written_and_read(tmp_path: Path) -> None:
    assert read_space_file(write(tmp_path, format_space(EVERYTHING, MINIATURE))) == EVERYTHING


def test_texts_keep_their_quotes(tmp_path: Path) -> None:
    space = Space(name='a "b"\\c ü', chain_seeds={'x"y': (1,)})
    again = read_space_file(write(tmp_path, format_space(space, MINIATURE)))
    assert (again.name, again.chain_seeds) == (space.name, space.chain_seeds)


def test_what_is_printed_has_the_flags_in_it(tmp_path: Path) -> None:
    flags = ["--space", "quick", "--seeds", "0..2,none=3", "--learning-rates", "1e-3,2e-3", "--steps", "40"]
    options = parse_options([*flags, "--test-limit", "9", "--print-space"])
    file = write(tmp_path, format_chosen_space(options))
    printed, chosen = read_space_file(file), space_of(options, MINIATURE)
    assert (printed.seeds, printed.chain_seeds, printed.learning_rates) == ((0, 1, 2), {"none": (3,)}, (1e-3, 2e-3))
    assert (printed.budget, printed.bounds) == (chosen.budget, chosen.bounds)
    mine = parse_options(["--space", str(file)])
    assert resolve_sweep_name(mine) == "mine-miniature"
    axes = [resolve_axes(space, MINIATURE, PROFILES["miniature"]) for space in (chosen, space_of(mine, MINIATURE))]
    assert axes[0] == axes[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [0]\nsedes = [1]", "line 2: unknown key of a space 'sedes': did you mean seeds"),
        ("[bounds]\n\nlimits = 3", r"line 3: unknown key of \[bounds\] 'limits': did you mean limit"),
        ('# seeds\nseeds = "0"', "line 2: `seeds` needs a list of whole numbers, got '0'"),
        ("seeds = [true]", "line 1: `seeds` needs a list of whole numbers"),
        ("floor = 1", "line 1: `floor` needs true or false, got 1"),
        ("intermediates = [1]", "line 1: `intermediates` needs a list of texts"),
        ("budget = 3", "line 1: `budget` needs a table, got 3"),
        ("[budget]\nsteps = 1.5", "line 2: `steps` needs a whole number, got 1.5"),
        ("[budget]\nsteps = 0", "mine.toml: Budget: `steps` must be a whole number of at least 1, got 0"),
        (
            "learning_rates = {low = 3, high = 1}",
            "line 1: `learning_rates`: a learning-rate range needs 0 < low < high",
        ),
        ("learning_rates = {low = 3}", "line 1: `learning_rates` needs a list of numbers"),
        ("learning_rates = 'most'", "line 1: `learning_rates` needs a list of numbers"),
        ("[chain_seeds]\nnone = 3", "line 2: `none` needs a list of whole numbers"),
        ('# limit\nbounds = {limit = "x"}', "line 2: `limit` needs a whole number, got 'x'"),
        ("seeds = [0", "cannot be read: Unclosed array"),
        ("seeds = [0]\nseeds = [1]\nfloor = true", "cannot be read: .*line 2"),
    ],
)
def test_an_error_is_one_line_with_file_line_and_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        read_space_file(write(tmp_path, text))
    assert str(tmp_path / "mine.toml") in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"the space file nowhere\.toml does not exist"):
        find_space("nowhere.toml", MINIATURE)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_space_file(write(tmp_path, f"seeds = [0]\nimport pathlib; pathlib.Path({str(tmp_path / 'x')!r}).touch()"))
    assert not (tmp_path / "x").exists()
