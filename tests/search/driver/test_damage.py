"""Damaged files of a sweep are noticed, reported, moved aside and made again, and nothing else is lost."""

import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from search.driver.damage import DamageReporter
from spaces.errors import UsageError
from spaces.stage import OUTCOME_FILE as OUTCOME
from tests.on_disk import folder_of
from tests.search.conftest import FINISHED, Room, room
from trainables.record.context import ENCODER, SCORES, SPEC
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.record.scores import build_score_rows, encode_scores
from trainables.storage.local_storage import LocalStorage

__all__ = ["room"]

OF_ENCODER = ("config.json", "tokenizer.json", "model.safetensors", "masked_words.safetensors")
FILES = (SPEC, SCORES, OUTCOME, *(f"{ENCODER}/{name}" for name in OF_ENCODER))
DAMAGES: dict[str, Callable[[bytes, bytes], bytes | None]] = {
    "truncated": lambda whole, other: whole[: len(whole) // 2],
    "without its last byte": lambda whole, other: whole[:-1],
    "empty": lambda whole, other: b"",
    "zeros": lambda whole, other: bytes(len(whole)),
    "garbage": lambda whole, other: bytes(range(256)) * 4,
    "one bit": lambda whole, other: whole[:16] + bytes([whole[16] ^ 4]) + whole[17:] if whole[17:] else b"{y",
    "foreign": lambda whole, other: other,
    "missing": lambda whole, other: None,
}


@pytest.fixture
def small(room: Room) -> Room:
    """A sweep of 9 stages."""
    room.space = dataclasses.replace(
        room.space, intermediates=("ccg",), targets=("xnli", "tatoeba"), learning_rates=(1e-3, 2e-3), seeds=(0,)
    )
    return room


def start(room: Room, most: int = 10**6) -> tuple[list[str], list[str]]:
    """Run up to `most` stages of the sweep; returns the reports of damage, and the keys of the stages that ran."""
    room.ran.clear()
    lines: list[str] = []
    reporter = DamageReporter(LocalStorage(room.results), lines.append)
    room.stop_early("asha")
    board = room.run(most)
    reporter.report(board.records.damage)
    reporter.report_moved_by_workers()
    return lines, [stage.key for stage in room.ran]


def done(room: Room) -> set[str]:
    """Return the keys of the stages that have an outcome."""
    return {path.parent.name for path in room.results.glob(f"stages/*/{OUTCOME}")}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_damage_is_named_and_made_again_and_nothing_else_is_lost(small: Room, file: str, damage: str) -> None:
    is_encoder_file = file.startswith(ENCODER)  # checked only if stages still have to start from it
    start(small, 5 if is_encoder_file else 10**6)
    before = done(small)
    paths = [path for key in sorted(before) if (path := small.results / "stages" / key / file).exists()]
    whole, victim = paths[0].read_bytes(), paths[0].relative_to(small.results).parts[1]
    others = [path.read_bytes() for path in paths if path.read_bytes() != whole]
    spoiled = DAMAGES[damage](whole, others[0] if others else b"elsewhere")
    paths[0].unlink()
    if spoiled is not None:
        paths[0].write_bytes(spoiled)

    lines, ran = start(small)

    assert set(ran) & before <= {victim}, "nothing that was whole runs again"
    assert done(small) > before or not is_encoder_file
    if file == SPEC:
        assert victim not in ran and json.loads(paths[0].read_text())["kind"]
    if spoiled is None and file in (SPEC, OUTCOME):
        assert lines == [], "a file that was never written looks the same"
    else:
        (line,) = lines
        assert victim in line and "\n" not in line
    if spoiled is not None:
        moved_to = small.results / lines[0].partition(" -> ")[2]
        assert (moved_to / paths[0].name if is_encoder_file else moved_to).read_bytes() == spoiled
    assert start(small) == ([], []), "once"


@pytest.mark.parametrize("clock", [0, 4e9])
def test_times_of_files_mean_nothing(small: Room, clock: float) -> None:
    start(small, 5)
    before = done(small)
    for path in small.results.rglob("*"):
        os.utime(path, (clock, clock))
    lines, ran = start(small)
    assert lines == [] and ran and not set(ran) & before


@pytest.mark.parametrize("number", range(9))
def test_a_plan_sees_damage_and_changes_nothing(small: Room, number: int) -> None:
    start(small)
    (small.results / "stages" / sorted(done(small))[number] / (OUTCOME if number % 2 else SCORES)).write_bytes(b"{")
    before = {path: path.read_bytes() for path in small.results.rglob("*") if path.is_file()}
    small.early_stopping, small.read_only = None, True
    small.board()
    assert {path: path.read_bytes() for path in small.results.rglob("*") if path.is_file()} == before


OUTCOMES: list[tuple[dict[str, Any], str]] = [
    ({"key": "fedcba9876543210"}, "it belongs to stage fedcba9876543210"),
    ({"key": 1}, "key is 1"),
    ({"status": "done"}, "status is 'done'"),
    ({"status": None}, "status is None"),
    ({"score": "high"}, "score is 'high'"),
    ({"score": True}, "score is True"),
    ({"score": float("nan")}, "NaN is no number"),
    ({"score": 0.9}, "its score is not the best of its curve"),
    ({"curve": [0.1]}, "its curve has another length"),
    ({"curve": [0.1, "x"]}, "curve is"),
    ({"curve": 0.1}, "curve is 0.1"),
    ({"curve": [0.1, float("inf")]}, "Infinity is no number"),
    ({"tenth": 11}, "its tenths are none"),
    ({"tenth": 2.0}, "tenth is 2.0"),
    ({"best_tenth": 3}, "its tenths are none"),
    ({"seconds": -1.0}, "negative"),
    ({"steps": "many"}, "steps is 'many'"),
    ({"reason": ["x"]}, "reason is"),
    ({"memory": -1}, "its memory is negative"),
    ({"memory": 1.5}, "memory is 1.5"),
]


@pytest.mark.parametrize(("change", "why"), OUTCOMES, ids=lambda value: str(value)[:40])
def test_an_outcome_that_no_stage_could_have_left_is_damaged(room: Room, change: dict[str, Any], why: str) -> None:
    context, key = room.board().store.context, "0123456789abcdef"
    whole = Outcome(key=key, status="stopped", score=0.2, tenth=2, curve=(0.1, 0.2))
    write_outcome(context, whole)
    assert read_outcome(context, key) == whole
    file = folder_of(context, key) / OUTCOME
    fields = json.loads(file.read_text())
    file.write_text(json.dumps({**fields, **change}))
    with pytest.raises(ValueError, match=why):
        read_outcome(context, key)
    file.write_text(json.dumps({name: value for name, value in fields.items() if name not in change}))
    if change.keys() & {"key", "status", "score", "tenth"}:
        with pytest.raises(ValueError, match=f"without {next(iter(change))}"):
            read_outcome(context, key)


def test_the_outcome_of_a_newer_version_stops_the_sweep_and_stays(small: Room) -> None:
    start(small)
    path = small.results / "stages" / sorted(done(small))[0] / OUTCOME
    newer = json.dumps({**json.loads(path.read_text()), "energy": 3})
    path.write_text(newer)
    with pytest.raises(UsageError, match=r"was written by a newer version of this program \(it has energy\)"):
        start(small)
    assert path.read_text() == newer


def test_rows_of_an_older_version_without_a_seal_are_read(small: Room) -> None:
    start(small)
    for stage in small.ran:
        folder = small.results / "stages" / stage.key
        fields = json.loads((folder / OUTCOME).read_text())
        (folder / OUTCOME).write_text(json.dumps({name: fields[name] for name in fields if name != "scores"}))
    stages = list(small.ran)
    assert start(small) == ([], [])
    wrong = encode_scores(build_score_rows(stages[1], [{"value": 1.0}], FINISHED))
    for stage, content in ((stages[2], wrong), (stages[3], wrong[:-20])):
        (small.results / "stages" / stage.key / SCORES).write_bytes(content)
    lines, ran = start(small)
    assert len(lines) == 2 and set(ran) <= {stages[2].key, stages[3].key}
