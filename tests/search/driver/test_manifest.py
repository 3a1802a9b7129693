"""Updates of `sweep.json`: at once if there is something new, but never for more than its share of the time."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from search.driver.manifest import MIN_WRITE_INTERVAL, SweepManifest
from search.sweep import throttle
from search.sweep.throttle import MAX_OVERHEAD_SHARE
from tests.search.asked import request_of
from trainables.storage.local_storage import LocalStorage


class FakeSweep:
    """A board whose known keys grow, a clock, and a slow disk."""

    def __init__(self, folder: Any, monkeypatch: pytest.MonkeyPatch, write_seconds: float) -> None:
        request = request_of("--space", "quick", "--results", folder)
        self.now, self.write_seconds, self.key_count, self.writes = 100.0, write_seconds, 0, list[float]()
        monkeypatch.setattr(throttle, "time", SimpleNamespace(monotonic=lambda: self.now))

        def write_slowly(storage: LocalStorage, name: str, fill: Any) -> None:
            self.now += self.write_seconds
            self.writes.append(self.now)
            storage.path_of(name).parent.mkdir(parents=True, exist_ok=True)
            fill(storage.path_of(name))

        monkeypatch.setattr(LocalStorage, "write_file", write_slowly)
        self.states: dict[str, Any] = {}
        self.race: Any = None
        self.file = folder / request.name / "sweep.json"
        self.manifest = SweepManifest(request, self)  # type: ignore[arg-type]

    def iter_arms(self) -> list[tuple[Any, Any]]:
        stratum = SimpleNamespace(id="s")
        return [(stratum, SimpleNamespace(stage=SimpleNamespace(key=f"{n:016x}"))) for n in range(self.key_count)]

    @property
    def written_key_count(self) -> int:
        """The number of keys in the file."""
        return len(json.loads(self.file.read_text())["stages"])


@pytest.mark.parametrize("write_seconds", [0.001, 0.05, 1.0])
def test_writing_takes_at_most_its_share_of_the_time(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, write_seconds: float
) -> None:
    sweep = FakeSweep(tmp_path, monkeypatch, write_seconds)
    started = sweep.now
    for _ in range(20_000):
        sweep.key_count += 1 if len(sweep.writes) >= sweep.key_count else 0
        sweep.manifest.write_if_due()
        sweep.now += 0.01
    spent, passed = write_seconds * len(sweep.writes), sweep.now - started
    assert spent / passed <= MAX_OVERHEAD_SHARE * 1.05
    # And no less often than the share allows.
    interval = max(MIN_WRITE_INTERVAL, write_seconds / MAX_OVERHEAD_SHARE - write_seconds) + write_seconds
    assert passed / interval * 0.9 <= len(sweep.writes) <= passed / interval * 1.1 + 1


def test_what_is_known_already_is_not_written_again_but_at_the_end(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = FakeSweep(tmp_path, monkeypatch, 0.01)
    sweep.key_count = 3
    sweep.manifest.write_if_due()
    assert sweep.written_key_count == 3
    for _ in range(100):
        sweep.now += MIN_WRITE_INTERVAL
        sweep.manifest.write_if_due()
    assert len(sweep.writes) == 1
    sweep.key_count, sweep.now = 5, sweep.now + MIN_WRITE_INTERVAL
    sweep.manifest.write_if_due()
    assert sweep.written_key_count == 5
    sweep.race = SimpleNamespace(decisions={"ccg": {"after": [0], "of": 3}})
    sweep.now += MIN_WRITE_INTERVAL
    sweep.manifest.write_if_due()  # no key is new, but a chain was decided
    assert list(json.loads(sweep.file.read_text())["decided"]) == ["ccg"]
    sweep.key_count = 6
    sweep.manifest.write_if_due()  # too soon
    assert sweep.written_key_count == 5
    sweep.manifest.write()  # always writes
    assert sweep.written_key_count == 6 and len(sweep.writes) == 4
    sweep.manifest.write()
    assert len(sweep.writes) == 5
