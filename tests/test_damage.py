"""Whatever happens to a file of a sweep: it is noticed, named, set aside, made again, and nothing else is lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from search.asha import StratifiedAsha
from search.damage import Damage
from tests.search.conftest import Room, room
from trainables.local_storage import LocalStorage
from trainables.outcome import FILE as OUTCOME
from trainables.places import ENCODER, SCORES, SPEC

__all__ = ["room"]

FUTURE = 4e9  # seconds since 1970: a clock that jumps

DAMAGES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "truncated": lambda whole, other: whole[: len(whole) // 2],
    "last byte": lambda whole, other: whole[:-1],
    "empty": lambda whole, other: b"",
    "zeros": lambda whole, other: bytes(len(whole)),
    "garbage": lambda whole, other: bytes(range(256)) * 4,
    "one bit": lambda whole, other: whole[:-10] + bytes([whole[-10] ^ 4]) + whole[-9:],
    "foreign": lambda whole, other: other,
}
FILES = (SPEC, SCORES, OUTCOME, f"{ENCODER}/config.json", f"{ENCODER}/tokenizer.json", f"{ENCODER}/model.safetensors")


def started(room: Room, *, children_wait: bool) -> Room:
    """A sweep that ended; of a chain whose intermediate stage is done the targets are still to come, if asked for."""
    competing = {stratum.id for stratum in room.plan() if stratum.arms > 1}
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    room.run(most=8 if children_wait else 10**6)
    return room


def again(room: Room) -> tuple[list[str], set[str], list[str]]:
    """Start once more: what was said, which stages were done before, and the keys of those that ran."""
    done = {path.parent.name for path in room.results.glob(f"stages/*/{OUTCOME}")}
    room.ran.clear()
    said: list[str] = []
    damage = Damage(LocalStorage(room.results), said.append)
    competing = {stratum.id for stratum in room.plan() if stratum.arms > 1}
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    board = room.run()
    damage.end(board)
    assert board.complete
    return said, done, [stage.key for stage in room.ran]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_damage_is_noticed_named_and_made_again(room: Room, file: str, damage: str) -> None:
    of_encoder = file.startswith(ENCODER)
    started(room, children_wait=of_encoder)
    keys = [path.parent.name for path in sorted(room.results.glob(f"stages/*/{OUTCOME}"))]
    if of_encoder:
        keys = [key for key in keys if (room.results / "stages" / key / ENCODER).exists()]
    victim, path = keys[0], room.results / "stages" / keys[0] / file
    others = [room.results / "stages" / key / file for key in keys[1:]]
    other = b"" if of_encoder else next(one.read_bytes() for one in others if one.read_bytes() != path.read_bytes())
    spoiled = DAMAGES[damage](path.read_bytes(), other)
    path.write_bytes(spoiled)
    said, done, ran = again(room)
    unseen = (of_encoder and damage in ("one bit",)) or spoiled == path.with_name("no such file").name.encode()
    if file.endswith(".json") and of_encoder and damage == "one bit":
        return  # too short to have a tenth byte from the end
    assert unseen or (len(said) == 1 and victim in said[0] and "\n" not in said[0]), said
    assert set(ran) & done <= {victim}, "nothing that was whole may run again"
    if file == SPEC:
        assert victim not in ran and json.loads(path.read_text())["kind"]
    if not unseen:
        aside = said[0].partition(" -> ")[2]
        found = room.results / aside / Path(file).name if of_encoder else room.results / aside
        assert found.read_bytes() == spoiled
    said, _, ran = again(room)
    assert said == [] and ran == []
