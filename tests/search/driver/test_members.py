"""How often `sweep.json` is written: at once where something is new, but never for more than its share of the time."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from search.driver import manifest
from search.driver.manifest import MIN_WRITE_INTERVAL, SweepManifest
from search.request.options import parse_options
from search.request.request import make_request
from search.sweep.estimate import MAX_OVERHEAD_SHARE
from trainables.storage.local_storage import LocalStorage


class Sweep:
    """A board whose known keys grow, a clock, and a disk that takes its time."""

    def __init__(self, folder: Any, monkeypatch: pytest.MonkeyPatch, takes: float) -> None:
        request = make_request(parse_options(["--space", "quick", "--results", str(folder)]))
        self.now, self.takes, self.keys, self.writes = 100.0, takes, 0, list[float]()
        monkeypatch.setattr(manifest, "time", SimpleNamespace(monotonic=lambda: self.now))

        def slow(storage: LocalStorage, name: str, fill: Any) -> None:
            self.now += self.takes
            self.writes.append(self.now)
            storage.path_of(name).parent.mkdir(parents=True, exist_ok=True)
            fill(storage.path_of(name))

        monkeypatch.setattr(LocalStorage, "write_file", slow)
        self.groups: dict[str, Any] = {}
        self.seeds: Any = None
        self.file = folder / request.name / "sweep.json"
        self.members = SweepManifest(request, self)  # type: ignore[arg-type]

    def arms(self) -> list[tuple[Any, Any]]:
        stratum = SimpleNamespace(id="s")
        return [(stratum, SimpleNamespace(stage=SimpleNamespace(key=f"{n:016x}"))) for n in range(self.keys)]

    @property
    def written(self) -> int:
        """Keys in the file."""
        return len(json.loads(self.file.read_text())["stages"])


@pytest.mark.parametrize("takes", [0.001, 0.05, 1.0])
def test_writing_takes_at_most_its_share_of_the_time(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, takes: float
) -> None:
    sweep = Sweep(tmp_path, monkeypatch, takes)
    began = sweep.now
    for _ in range(20_000):
        sweep.keys += 1 if len(sweep.writes) >= sweep.keys else 0
        sweep.members.write_if_due()
        sweep.now += 0.01
    spent, passed = takes * len(sweep.writes), sweep.now - began
    assert spent / passed <= MAX_OVERHEAD_SHARE * 1.05
    expected = passed / (
        max(MIN_WRITE_INTERVAL, takes / MAX_OVERHEAD_SHARE - takes) + takes
    )  # and no less often than that allows
    assert expected * 0.9 <= len(sweep.writes) <= expected * 1.1 + 1


def test_what_is_known_already_is_not_written_again_but_at_the_end(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = Sweep(tmp_path, monkeypatch, 0.01)
    sweep.keys = 3
    sweep.members.write_if_due()
    assert sweep.written == 3
    for _ in range(100):
        sweep.now += MIN_WRITE_INTERVAL
        sweep.members.write_if_due()
    assert len(sweep.writes) == 1
    sweep.keys, sweep.now = 5, sweep.now + MIN_WRITE_INTERVAL
    sweep.members.write_if_due()
    assert sweep.written == 5
    sweep.seeds, sweep.now = SimpleNamespace(record={"ccg": {"after": [0], "of": 3}}), sweep.now + MIN_WRITE_INTERVAL
    sweep.members.write_if_due()  # no key is new, but a chain was decided
    assert list(json.loads(sweep.file.read_text())["decided"]) == ["ccg"]
    sweep.keys = 6
    sweep.members.write_if_due()  # too soon
    assert sweep.written == 5
    sweep.members.write()  # the last one comes always
    assert sweep.written == 6 and len(sweep.writes) == 4
    sweep.members.write()
    assert len(sweep.writes) == 5
