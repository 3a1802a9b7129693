"""Names in foreign files: the baseline, controls and languages."""

from pathlib import Path

import pytest

from analysis.rank import main
from analysis.scores.load import load
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, Run, ranked, refused, write_file, write_sweep


def write(folder: Path, tasks: tuple[str | None, ...] = ("none", "mnli"), languages: tuple[str, ...] = ("en",)) -> Path:
    rows = [
        (task, "xnli", seed, language, "acc", 0.1 + number / 50 + index / 200)
        for number, task in enumerate(tasks)
        for seed in (0, 1, 2)
        for index, language in enumerate(languages)
    ]
    return write_file(folder, rows)


@pytest.mark.parametrize(
    "name", ["None", "NONE", " none", "baseline", "no", "nonee", "zero-shot", "-", "no_intermediate"]
)
def test_a_missing_baseline_names_what_is_there_and_what_is_near(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"no rows of the baseline `none`.*The intermediate tasks here are") as caught:
        load([write(tmp_path, (name, "mnli", "squad"))])
    message = str(caught.value)
    assert "mnli" in message and "squad" in message and f"Rename {name!r} to `none`" in message and "\n" not in message


def test_of_many_names_some_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"task-0, .* and 18 more\.$"):
        load([write(tmp_path, tuple(f"task-{number}" for number in range(30)))])


def test_an_empty_baseline_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"column intermediate is empty in 3 rows.*Name the baseline `none`"):
        load([write(tmp_path, (None, "mnli"))])


def test_an_arm_is_a_control_only_when_it_is_said(tmp_path: Path) -> None:
    file = write(tmp_path, ("none", "mnli", "random"))
    scores = load([file])
    assert not scores.controls and ranked(scores).contests["mean"].leader == "random"
    assert scores.notes[-1] == "Ranked like any other task: random. If it is a control, add --controls random."
    said = load([file], controls=["random"])
    assert said.controls == {"random"} and ranked(said).contests["mean"].leader == "mnli"
    assert not any("add --controls" in note for note in said.notes)
    with pytest.raises(UsageError, match="--controls: unknown intermediate task 'randon': did you mean random"):
        load([file], controls=["randon"])


def test_controls_are_added_to_those_of_a_sweep(tmp_path: Path, capsys: Capture) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "nli", "random", "noise")]
    sweep = write_sweep(tmp_path, runs, controls=["random"])
    assert load([sweep], controls=["noise"]).controls == {"random", "noise"}
    assert "unknown intermediate task 'none'" in refused(capsys, main, sweep, "--controls", "noise,none")


@pytest.mark.parametrize("english", ["EN", "eng", "en-US", "en_XX", "English"])
def test_codes_in_other_spellings_are_languages(tmp_path: Path, english: str) -> None:
    scores = load([write(tmp_path, languages=(english, "de-DE", "fra", "zh_CN"))])
    assert sorted(scores.target_rows["language"].unique().cast(str)) == ["de", "en", "fr", "zh"]
    assert sorted(scores.rows.collect()["language"].unique()) == ["de", "en", "fr", "zh"]
    (note,) = [note for note in scores.notes if "languages read" in note]
    assert f"{english} as en" in note and "de-DE as de" in note and "zh_CN as zh" in note
    assert not any("unknown" in note for note in scores.notes)
    families = {column.name for column in ranked(scores, "family").columns}
    assert {"en", "IE: Germanic", "IE: Romance", "Sino-Tibetan"} <= families


def test_unknown_languages_are_named_and_kept(tmp_path: Path) -> None:
    scores = load([write(tmp_path, languages=("en", "swe", "klingon", "all", "de-en", "qma-en"))])
    assert set(ranked(scores).transfer.languages) == {"en", "sv", "klingon", "all", "de-en", "qma-en"}
    (note,) = [note for note in scores.notes if "unknown languages" in note]
    assert note.endswith(": all, klingon, sv.")


def test_varieties_that_are_scored_side_by_side_stay_apart(tmp_path: Path) -> None:
    scores = load([write(tmp_path, languages=("en", "zho_Hans", "zho_Hant"))])
    assert set(ranked(scores).transfer.languages) == {"en", "zho_Hans", "zho_Hant"}
    assert any("zho_Hans and zho_Hant are varieties of zh and stay apart" in note for note in scores.notes)
    with pytest.raises(UsageError, match="en-GB and en-US are both English"):
        load([write(tmp_path, languages=("en-US", "en-GB"))])


def test_one_language_in_two_spellings_is_one(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    rows = [("none", "xnli", 0, "DE", "acc", 0.5), ("mnli", "xnli", 0, "deu", "acc", 0.6)]
    assert ranked(write_file(tmp_path / "b", rows)).gains["mnli", "xnli"].mean == pytest.approx(10)


def test_our_own_codes_need_no_note(tmp_path: Path) -> None:
    notes = load([write(tmp_path, languages=("en", "de", "qna", "uk"))]).notes
    assert len(notes) == 1 and "read as shares" in notes[0]
