"""Sampled learning rates: seeded, persistent, one study per stratum."""

import re
from pathlib import Path

import pytest

from search.schedulers.rate_sampler import OptunaRateSampler
from spaces.errors import UsageError
from spaces.plan import Stratum
from spaces.space import Range
from trainables.record.outcome import Outcome
from trainables.storage.local_storage import LocalStorage

AXIS = Range(1e-5, 1e-2, draws=6)


def stratum(seed: int = 0) -> Stratum:
    return Stratum(kind="target", task="xnli", intermediate="none", seed=seed, parent=None, rates=AXIS)


def outcome(score: float, status: str = "finished") -> Outcome:
    return Outcome(key="k", status=status, score=score, tenth=10)  # type: ignore[arg-type]


def study(sampler: OptunaRateSampler, count: int) -> list[float]:
    """Draw rates, each scored before the next; returns them."""
    rates = []
    for index in range(count):
        rates.append(sampler.get_rate(stratum(), index))
        sampler.tell(stratum(), index, outcome(-abs(rates[-1] - 1e-3)))
    return rates


def test_rates_lie_in_the_range_and_differ(tmp_path: Path) -> None:
    rates = study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 6)
    assert all(AXIS.low <= rate <= AXIS.high for rate in rates) and len(set(rates)) == 6


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    first = study(OptunaRateSampler(storage, "a", 0), 6)
    assert first == study(OptunaRateSampler(storage, "b", 0), 6)
    assert study(OptunaRateSampler(storage, "a2", 0), 6) != study(OptunaRateSampler(storage, "b2", 1), 6)


def test_strata_have_studies_of_their_own(tmp_path: Path) -> None:
    sampler = OptunaRateSampler(LocalStorage(tmp_path), "journal", 0)
    assert sampler.get_rate(stratum(0), 0) != sampler.get_rate(stratum(1), 0)


def test_an_interrupted_study_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    whole = study(OptunaRateSampler(LocalStorage(tmp_path), "whole", 0), 6)
    study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 3)
    OptunaRateSampler(LocalStorage(tmp_path), "journal", 0).get_rate(stratum(), 3)  # killed before the score came
    assert study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 6) == whole


@pytest.mark.parametrize("status", ["stopped", "failed", "degenerate"])
def test_every_end_can_be_told_twice(tmp_path: Path, status: str) -> None:
    sampler = OptunaRateSampler(LocalStorage(tmp_path), "journal", 0)
    sampler.get_rate(stratum(), 0)
    sampler.tell(stratum(), 0, outcome(0.5, status))
    sampler.tell(stratum(), 0, outcome(0.5, status))
    assert sampler.get_rate(stratum(), 1) > 0


def test_scores_steer_the_draws(tmp_path: Path) -> None:
    def run(name: str, sign: float) -> list[float]:
        sampler = OptunaRateSampler(LocalStorage(tmp_path), name, 0)
        rates = []
        for index in range(6):
            rates.append(sampler.get_rate(stratum(), index))
            sampler.tell(stratum(), index, outcome(sign * rates[-1]))
        return rates

    up, down = run("up", 1.0), run("down", -1.0)
    assert up[:3] == down[:3]  # start-up draws do not depend on scores
    assert sum(up[3:]) > sum(down[3:])


def test_a_run_killed_between_a_draw_and_its_rate_draws_it_again(tmp_path: Path) -> None:
    whole = study(OptunaRateSampler(LocalStorage(tmp_path), "whole", 0), 4)
    study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 2)
    OptunaRateSampler(LocalStorage(tmp_path), "journal", 0).get_rate(stratum(), 2)
    lines = (tmp_path / "journal").read_text().splitlines(keepends=True)
    (tmp_path / "journal").write_text("".join(lines[:-1]))
    assert study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 4) == whole


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"\x00" * 40,
        b'{"op_code": 77, "worker_id": "w"}\n',
        b'{"op_code": 4}\n',
        b'{"op_code": "x", "worker_id": "w"}\n',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("kept", [0, 1, 5])
def test_of_a_damaged_journal_what_is_before_the_damage_is_kept(tmp_path: Path, damage: bytes, kept: int) -> None:
    whole = study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 4)
    lines = (tmp_path / "journal").read_bytes().splitlines(keepends=True)
    spoiled = b"".join(lines[:kept]) + damage + b"".join(lines[kept + 1 :])
    (tmp_path / "journal").write_bytes(spoiled)
    sampler = OptunaRateSampler(LocalStorage(tmp_path), "journal", 0)
    assert study(sampler, 4) == whole
    assert len(sampler.damage) == 1 and sampler.damage[0].startswith(f"journal is damaged; its first {kept} entries")
    assert (tmp_path / "journal.damaged").read_bytes() == spoiled
    again = OptunaRateSampler(LocalStorage(tmp_path), "journal", 0)
    assert study(again, 4) == whole and again.damage == []


def test_a_rate_that_no_draw_can_have_is_refused(tmp_path: Path) -> None:
    study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 1)
    text = (tmp_path / "journal").read_text()
    (rate,) = re.findall(r'"param_value_internal":([-.0-9e]+)', text)
    (tmp_path / "journal").write_text(text.replace(rate, "0.5"))
    with pytest.raises(
        UsageError, match=r"has the learning rate 0\.5 for target.*but the range is 1e-05 to 0\.01\. Move the file away"
    ):
        OptunaRateSampler(LocalStorage(tmp_path), "journal", 0).get_rate(stratum(), 0)


def test_a_look_at_the_draws_writes_nothing(tmp_path: Path) -> None:
    preview = study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0, read_only=True), 3)
    assert list(tmp_path.iterdir()) == []
    assert study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0), 3) == preview
    (tmp_path / "journal").write_text("{")
    study(OptunaRateSampler(LocalStorage(tmp_path), "journal", 0, read_only=True), 3)
    assert (tmp_path / "journal").read_text() == "{" and len(list(tmp_path.iterdir())) == 1
