"""Data from a hub: what a check, a plan and a start ask for, and the keys, commits and files that follow from it."""

from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest

from search.request.request import SweepRequest
from spaces.errors import ExitCode, UsageError
from tests.loopback_hub import Fault, LoopbackHub
from tests.search.request.conftest import ENCODER, GLUE, Check, keys_of, rows_of
from trainables.data import locate
from trainables.repositories.record import write_record


def test_a_check_asks_for_each_listing_once_and_is_warm_the_second_time(hub: LoopbackHub, check: Check) -> None:
    with hub.count() as cold:
        code, output = check(targets="xnli,xquad")
    assert code == ExitCode.DONE and "Nothing is missing." in output
    asked = [request for request in cold if "/api/datasets" in request or "/api/models" in request]
    assert len(asked) == len(set(asked)) == 5  # four datasets, one of them not there, and the encoder
    files = [request for request in cold if "/resolve/" in request]
    assert f"The hub was asked {len(cold)} requests ({len(cold) - len(files)} to its API, {len(files)} for" in output
    with hub.count() as warm:
        assert check(targets="xnli,xquad")[0] == ExitCode.DONE
    warm = [request for request in warm if "org" in request or "datasets" in request]
    assert len(warm) == 6  # the listings, and the header of the weights
    assert not any("onnx" in request for request in cold)


def test_forced_colours_draw_no_bar_into_a_pipe(
    asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook gives its commands FORCE_COLOR, and their output is a pipe."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    asked()
    lines = capsys.readouterr().err
    assert lines.startswith("Reading 3 files from the hub.\n") and "\x1b" not in lines


def test_large_files_are_looked_at_and_not_downloaded(
    hub: LoopbackHub, check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = check(targets="xnli,xquad")[1]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(locate, "SMALL_FILE_BYTES", 0)
    code, output = check(targets="xnli,xquad")
    assert code == ExitCode.DONE
    assert not list((tmp_path / "other").rglob("*.parquet"))

    def table(text: str) -> list[list[str]]:
        return [line.split()[:5] for line in text.splitlines() if line.rstrip().endswith("ok")]

    far, near = table(output), table(small)
    assert near[1][:5] == ["xnli", "pair", "20", "1", "15"]
    # The language of each row is not known from far away.
    assert far == [near[0], [*near[1][:3], "found", "found"], near[2]]


def test_a_plan_and_a_check_start_the_same_stages_as_a_run(asked: Callable[..., SweepRequest]) -> None:
    assert keys_of(asked("--plan")) == keys_of(asked("--check")) == keys_of(asked())


def test_keys_change_with_contents_and_not_with_cards(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    before = keys_of(asked())
    hub.dataset(GLUE).commit({"README.md": b"another card"})
    hub.model(ENCODER).commit({"README.md": b"a card", "onnx/model.onnx": b"copy"})
    assert keys_of(asked()) == before
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": rows_of(30, tmp_path)})
    assert keys_of(asked()).isdisjoint(before)


def test_a_folder_with_the_same_files_gives_the_same_keys(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path, model: Path
) -> None:
    named = model.rename(model.parent / "named")
    from_hub = asked("--model", str(named))
    from_folder = asked("--model", str(named), "--data", str(tmp_path / "hub"))
    assert keys_of(from_hub) == keys_of(from_folder)


def test_a_sweep_goes_on_at_the_commits_that_it_recorded(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    first = asked()
    assert first.context.source.hub is not None and first.context.hub_record is not None
    write_record(first.context.results, first.context.hub_record, first.context.source.hub)
    old = first.repositories[f"dataset {GLUE} main"]
    new = hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": rows_of(30, tmp_path)})
    again = asked()
    assert keys_of(again) == keys_of(first) and again.repositories == first.repositories
    (note,) = again.hub_notes
    assert f"{GLUE} has moved from commit {old} to commit {new}" in note
    newest = asked("--new-commits")
    assert newest.repositories[f"dataset {GLUE} main"] == new and keys_of(newest).isdisjoint(keys_of(first))
    with pytest.raises(UsageError, match="this sweep reads nothing from the hub"):
        asked("--new-commits", "--data", str(tmp_path / "hub"), "--model", str(tmp_path / "encoder"))
    other = asked("--name", "other")
    assert keys_of(other) == keys_of(newest) and other.hub_notes == ()


def test_a_mirror_that_tells_no_sizes_serves(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.loopback_hub._sibling", lambda entry: {"rfilename": entry["path"]})
    assert keys_of(asked("--plan")) == keys_of(asked())
    hub.fault = lambda method, path, number: Fault(404) if "/tree/" in path else None
    assert keys_of(asked("--plan")) == keys_of(asked())


def test_offline_a_new_sweep_reads_what_the_last_check_saw(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    online = asked("--check", "--targets", "xnli,xquad")
    asked("--name", "download")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with hub.count() as requests:
        offline = asked("--targets", "xnli,xquad", "--name", "other")
    assert requests == [] and keys_of(offline) == keys_of(online)
    assert any("as of the last answer that this machine had" in note for note in offline.hub_notes)


def test_offline_a_recorded_sweep_is_whole(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked()
    assert first.context.source.hub is not None and first.context.hub_record is not None
    write_record(first.context.results, first.context.hub_record, first.context.source.hub)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with hub.count() as requests:
        again = asked()
    assert requests == [] and keys_of(again) == keys_of(first) and again.hub_notes == ()
    # A part that the record does not name cannot be asked for, and is not called absent.
    with pytest.raises(UsageError, match="nala-cub/americas_nli: HF_HUB_OFFLINE is set"):
        asked("--intermediates", "mnli,americasnli@aym", "--skip-missing")


def test_sentences_of_probes_are_asked_for_before_the_start_or_their_lack_is_said(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], check: Check
) -> None:
    """A worker's hub knows only what the driver asked for."""
    request = asked("--probes", "alignment")
    assert any("Davlan/sib200 is missing, so test rows of tatoeba or xnli are read" in note for note in request.notes)
    assert request.context.source.hub is not None
    assert "Davlan/sib200" in request.context.source.hub.to_json()
    _, said = check("--probes", "alignment")
    assert "which are a target's own sentences" in said
    assert not any("sib200" in note for note in asked().notes)
