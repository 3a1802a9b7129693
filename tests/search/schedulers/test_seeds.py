"""A race on the board: the chains that get further seeds, decided by English dev alone."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.driver.progress_text import count_stages, describe_stages
from search.driver.progress_tracker import ProgressTracker
from search.schedulers.race import MIN_SEEDS, judge_race
from search.schedulers.seeds import RaceSeeds
from spaces.chain import NONE
from spaces.plan import Stratum
from spaces.stage import TENTHS, Stage
from tests.search import conftest
from tests.search.conftest import Room
from trainables.record.outcome import Outcome
from trainables.record.scores import build_score_rows

LEVELS = {NONE: 0.8, "mnli": 0.9, "squad": 0.9, "ccg": 0.3}


def curve(stage: Stage) -> tuple[float, ...]:
    """Return a curve whose level depends on the intermediate task, and a little on seed and rate."""
    top = LEVELS.get(stage.intermediate, 0.5) + 0.01 * np.random.default_rng(int(stage.key, 16)).random()
    return tuple(float(top * (tenth / TENTHS) ** 0.5) for tenth in range(1, TENTHS + 1))


@pytest.fixture
def race(room: Room) -> Room:
    """Four chains over six seeds, of which `ccg` is clearly worse for every target."""
    room.space = dataclasses.replace(
        room.space, intermediates=("mnli", "squad", "ccg"), learning_rates=(1e-3,), seeds=tuple(range(6))
    )
    room.curve, room.races = curve, True
    return room


def seeds_of(room: Room, chain: str) -> set[int]:
    return {stage.seed for stage in room.ran if stage.intermediate == chain and stage.kind != "pretrain"}


def test_a_chain_that_is_clearly_worse_gets_no_further_seeds(race: Room) -> None:
    board = race.run()
    assert board.is_complete
    assert seeds_of(race, "ccg") == set(range(MIN_SEEDS))
    assert all(seeds_of(race, chain) == set(range(6)) for chain in (NONE, "mnli", "squad"))
    assert board.race is not None and board.race.decisions == {"ccg": {"after": [0, 1, 2], "of": 6}}
    counts = count_stages(board)
    assert counts["decided early"] == 3 * 4 == counts["planned"] - counts["done"], "a phase, two trainings, tatoeba"
    assert (
        "12 decided early" in describe_stages(board, ProgressTracker().observe(board, 1)) and not counts["unreachable"]
    )
    assert len({stage.key for stage in race.ran}) == len(race.ran)


def test_no_seed_begins_before_it_is_given(race: Room) -> None:
    board = race.board()
    last: dict[str, int] = {}
    while (stage := board.start_next()) is not None:
        if stage.kind == "target" and stage.intermediate != NONE and stage.seed >= MIN_SEEDS:
            targets = [state for state in board.states.values() if state.stratum.kind == "target"]
            earlier = [state for state in targets if state.stratum.seed < stage.seed]
            assert all(state.is_settled for state in earlier), "a seed waits until all earlier ones are settled"
        last[stage.intermediate] = max(last.get(stage.intermediate, 0), stage.seed)
        race.step(board, stage)
    assert board.is_complete and last["ccg"] == MIN_SEEDS - 1


@pytest.mark.parametrize("killed_after", [5, 25, 40, 60])
def test_an_interrupted_race_goes_on_as_it_began(race: Room, tmp_path: Path, killed_after: int) -> None:
    whole = Room(tmp_path / "whole", race.space, curve=curve, races=True)
    whole.run()
    race.run(most=killed_after)
    race.run()
    assert sorted(stage.key for stage in race.ran) == sorted(stage.key for stage in whole.ran)


def test_target_languages_cannot_reach_the_race(race: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_best_rows(stage: Stage, rows: list[object], outcome: Outcome) -> Any:
        best = {"split": "test", "language": "qfa", "metric": "accuracy", "official": True, "tenth": TENTHS}
        value = 1.0 if stage.intermediate == "ccg" else 0.0
        best_rows = [{**best, "target": target, "value": value} for target in stage.targets]
        return build_score_rows(stage, best_rows, outcome)

    monkeypatch.setattr(conftest, "build_score_rows", build_best_rows)
    board = race.run()
    assert board.race is not None and set(board.race.decisions) == {"ccg"}


def test_more_seeds_in_a_later_start_undo_no_decision(race: Room) -> None:
    space = race.space
    race.space = dataclasses.replace(space, seeds=(0, 1, 2, 3))
    race.run()
    assert seeds_of(race, "ccg") == {0, 1, 2}
    race.space = space
    assert race.run().is_complete
    assert seeds_of(race, "ccg") == {0, 1, 2} and seeds_of(race, "mnli") == set(range(6))


def test_without_a_target_that_is_trained_there_is_no_race(room: Room) -> None:
    room.space = dataclasses.replace(room.space, targets=("tatoeba",), seeds=(1, 2, 3, 4))
    room.races = True
    board = room.run()
    assert board.is_complete and not any(state.unreachable_reason for state in board.states.values())
    ran = {(stage.intermediate, stage.seed) for stage in room.ran if stage.kind == "retrieval"}
    assert ran == {(chain, seed) for chain in (NONE, "mnli", "ccg") for seed in (1, 2, 3, 4)}


def test_a_chain_on_which_no_arm_finished_is_a_hole_and_no_bad_score(race: Room) -> None:
    race.status = lambda stage: "degenerate" if stage.intermediate == "ccg" and stage.kind == "target" else "finished"
    board = race.run()
    assert board.is_complete and board.race is not None and board.race.decisions == {}


def test_holes_are_looked_at_no_oftener_than_scores(race: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = [stratum for stratum in race.plan() if stratum.kind == "target"]
    race_seeds, update = RaceSeeds(race.plan()), RaceSeeds._update_standing
    updates: list[RaceSeeds] = []

    def counted_update(seeds: RaceSeeds) -> None:
        updates.append(seeds)
        update(seeds)

    monkeypatch.setattr(RaceSeeds, "_update_standing", counted_update)
    for stratum in scored * 2:
        race_seeds.record_score(stratum, None)
    assert len(updates) <= 6


def test_a_phase_runs_where_any_of_its_chains_is_in(race: Room) -> None:
    chains = ("ccg", "mnli", "squad", "ccg:layers")
    race.space = dataclasses.replace(race.space, intermediates=chains, seeds=(0, 1, 2, 3))
    seeds = RaceSeeds(race.plan())
    phase = next(one for one in race.plan() if one.kind == "intermediate" and one.task == "ccg" and one.seed == 3)
    seeds.standing = dataclasses.replace(seeds.standing, complete_seeds=3, decided={"ccg": 3})
    assert seeds.can_start(phase) and not seeds.is_decided(phase)
    seeds.standing = dataclasses.replace(seeds.standing, complete_seeds=3, decided={"ccg": 3, "ccg:layers": 3})
    assert not seeds.can_start(phase) and seeds.is_decided(phase)


@pytest.mark.parametrize("by_seed", [True, False])
def test_after_each_score_it_says_what_all_scores_say(race: Room, by_seed: bool) -> None:
    scored, rng = [stratum for stratum in race.plan() if stratum.kind == "target"], np.random.default_rng(0)
    chains, targets = {stratum.intermediate for stratum in scored}, {stratum.task for stratum in scored}
    scores: dict[tuple[str, str, int], float] = {}
    seeds = RaceSeeds(race.plan())

    def tell(stratum: Stratum, score: float) -> None:
        scores[stratum.intermediate, stratum.task, stratum.seed] = score
        before = seeds.standing
        moved = seeds.record_score(stratum, score)
        assert seeds.standing == judge_race(scores, chains, targets, range(6)) and moved == (seeds.standing != before)

    order = [scored[index] for index in rng.permutation(len(scored))]
    for stratum in sorted(order, key=lambda stratum: stratum.seed) if by_seed else order:
        tell(stratum, LEVELS[stratum.intermediate] + 0.02 * rng.normal())
    assert seeds.standing.complete_seeds == 6 and set(seeds.standing.decided) == {"ccg"}
    for stratum in scored:  # a known score that changes counts, too
        if stratum.intermediate == "ccg":
            tell(stratum, 0.95 + 0.02 * rng.normal())
    assert "ccg" not in seeds.standing.decided
