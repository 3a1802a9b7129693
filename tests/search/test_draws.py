"""Sampled learning rates: seeded, persistent, one study per stratum."""

from pathlib import Path

import pytest

from search.draws import Draws
from spaces.plan import Stratum
from spaces.space import Range
from trainables.local_storage import LocalStorage
from trainables.outcome import Outcome

AXIS = Range(1e-5, 1e-2, draws=6)


def stratum(seed: int = 0) -> Stratum:
    return Stratum(kind="target", task="xnli", intermediate="none", seed=seed, parent=None, rates=AXIS)


def outcome(score: float, status: str = "finished") -> Outcome:
    return Outcome(key="k", status=status, score=score, tenth=10)  # type: ignore[arg-type]


def study(draws: Draws, number: int, told: bool = True) -> list[float]:
    rates = []
    for index in range(number):
        rates.append(draws.rate(stratum(), index))
        if told:
            draws.tell(stratum(), index, outcome(-abs(rates[-1] - 1e-3)))
    return rates


def test_rates_lie_in_the_range_and_differ(tmp_path: Path) -> None:
    rates = study(Draws(LocalStorage(tmp_path), "journal", 0), 6)
    assert all(AXIS.low <= rate <= AXIS.high for rate in rates) and len(set(rates)) == 6


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    assert study(Draws(LocalStorage(tmp_path), "a", 0), 6) == study(Draws(LocalStorage(tmp_path), "b", 0), 6)
    assert study(Draws(LocalStorage(tmp_path), "a2", 0), 6) != study(Draws(LocalStorage(tmp_path), "b2", 1), 6)


def test_strata_have_studies_of_their_own(tmp_path: Path) -> None:
    draws = Draws(LocalStorage(tmp_path), "journal", 0)
    assert draws.rate(stratum(0), 0) != draws.rate(stratum(1), 0)


def test_an_interrupted_study_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    whole = study(Draws(LocalStorage(tmp_path), "whole", 0), 6)
    study(Draws(LocalStorage(tmp_path), "journal", 0), 3)
    Draws(LocalStorage(tmp_path), "journal", 0).rate(stratum(), 3)  # asked, and killed before it was told
    assert study(Draws(LocalStorage(tmp_path), "journal", 0), 6) == whole


@pytest.mark.parametrize("status", ["stopped", "failed", "degenerate"])
def test_every_end_can_be_told_twice(tmp_path: Path, status: str) -> None:
    draws = Draws(LocalStorage(tmp_path), "journal", 0)
    draws.rate(stratum(), 0)
    draws.tell(stratum(), 0, outcome(0.5, status))
    draws.tell(stratum(), 0, outcome(0.5, status))
    assert draws.rate(stratum(), 1) > 0


def test_scores_steer_the_draws(tmp_path: Path) -> None:
    def run(name: str, sign: float) -> list[float]:
        draws = Draws(LocalStorage(tmp_path), name, 0)
        rates = []
        for index in range(6):
            rates.append(draws.rate(stratum(), index))
            draws.tell(stratum(), index, outcome(sign * rates[-1]))
        return rates

    up, down = run("up", 1.0), run("down", -1.0)
    assert up[:3] == down[:3]  # start-up draws do not depend on scores
    assert sum(up[3:]) > sum(down[3:])
