"""A start over stages that were verified before reads one file, and notices every other file that has changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from search.board.journal import FILES, JOURNAL_FILE
from search.board.store import Store
from spaces.stage import OUTCOME_FILE
from tests.search.conftest import Room
from trainables.record.context import SCORES, SPEC


@pytest.fixture
def done(room: Room) -> Room:
    """A room in which everything has run."""
    assert room.run().is_complete
    return room


def verified(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the stages whose files another start reads."""
    read: list[str] = []
    verify = Store._load_and_verify

    def note(store: Store, stage: object) -> object:
        read.append(stage.key)  # type: ignore[attr-defined]
        return verify(store, stage)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_load_and_verify", note)
        room.ran.clear()
        room.run()
    return read


def journal_of(room: Room) -> Path:
    return room.results / "s" / JOURNAL_FILE


def test_a_second_start_reads_no_file_of_a_stage(done: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    before = journal_of(done).read_bytes()
    assert verified(done, monkeypatch) == [] and done.ran == []
    assert journal_of(done).read_bytes() == before and len(before.splitlines()) == 55


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_has_changed_is_read_again(done: Room, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    victim = done.ran[7]
    path = done.results / "stages" / victim.key / file
    path.write_bytes(path.read_bytes())  # the same content at another time
    assert verified(done, monkeypatch) == [victim.key]
    assert verified(done, monkeypatch) == []


@pytest.mark.parametrize(("file", "again"), [(OUTCOME_FILE, True), (SCORES, True), (SPEC, False)])
def test_a_file_that_was_damaged_is_made_again(
    done: Room, monkeypatch: pytest.MonkeyPatch, file: str, again: bool
) -> None:
    victim = done.ran[-1]
    path = done.results / "stages" / victim.key / file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert victim.key in verified(done, monkeypatch)
    assert [stage.key for stage in done.ran] == ([victim.key] if again else [])
    assert path.read_bytes() == content or again


def spoil_line(text: str) -> str:
    first, *others = text.splitlines()
    return "\n".join([first.replace('"score": 0.', '"score": 1.', 1), *others]) + "\n"


def tear(text: str) -> str:
    return text[:-20]


def lose_field(text: str) -> str:
    return text.replace("steps", "paces")


@pytest.mark.parametrize(("harm", "lost"), [(spoil_line, 1), (tear, 1), (lose_field, 55), (lambda text: "", 55)])
def test_a_damaged_line_is_no_line(
    done: Room, monkeypatch: pytest.MonkeyPatch, harm: Callable[[str], str], lost: int
) -> None:
    path = journal_of(done)
    path.write_text(harm(path.read_text()))
    assert len(verified(done, monkeypatch)) == lost and done.ran == []
    assert verified(done, monkeypatch) == []


def test_a_journal_of_many_old_lines_is_written_anew(done: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    path = journal_of(done)
    line = path.read_text().splitlines()[0]
    path.write_text(path.read_text() + f"{line}\n" * 100)
    assert verified(done, monkeypatch) == [] and len(path.read_text().splitlines()) == 55


def test_a_plan_writes_no_journal(room: Room) -> None:
    room.run(most=5)
    journal_of(room).unlink()
    room.read_only = True
    room.board()
    assert not journal_of(room).exists()


def test_the_journal_is_json_behind_a_checksum(done: Room) -> None:
    for line in journal_of(done).read_text().splitlines():
        entry = json.loads(line[9:])
        assert entry["key"] == entry["outcome"]["key"] and len(entry["files"]) == len(FILES)
