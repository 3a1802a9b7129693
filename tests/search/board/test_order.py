"""The order in which strata start."""

import dataclasses
from collections import Counter

from search.board.order import ReadyQueue, assign_waves, order_strata
from spaces.plan import Stratum
from tests.search.conftest import Room


def test_the_longest_way_goes_first_and_seed_0_before_seed_1(room: Room) -> None:
    plan = room.plan()
    durations = {"ccg": 5.0, "mnli": 2.0, "squad-en": 3.0}

    def arm_duration(stratum: Stratum) -> float:
        return durations.get(stratum.task, 1.0)

    ids = order_strata(plan, arm_duration, 1)
    assert sorted(ids) == sorted(stratum.id for stratum in plan)
    rank = {id_: position for position, id_ in enumerate(ids)}
    assert all(rank[stratum.id] > rank[stratum.parent] for stratum in plan if stratum.parent is not None)
    assert rank["intermediate.ccg..0"] < rank["intermediate.mnli..0"] < rank["target.squad-en.none.0"]
    assert rank["target.squad-en.mnli.0"] < rank["target.xnli-en.ccg.0"]
    assert max(rank[one.id] for one in plan if one.seed == 0) < min(rank[one.id] for one in plan if one.seed == 1)


def test_with_many_slots_no_seed_waits_for_another(room: Room) -> None:
    plan = room.plan()
    assert assign_waves(plan, lambda stratum: 1.0, 1) == assign_waves(plan, lambda stratum: 1.0, None) == {0: 0, 1: 1}
    assert assign_waves(plan, lambda stratum: 1.0, 100) == {0: 0, 1: 0}
    kinds = [id_.split(".")[0] for id_ in order_strata(plan, lambda stratum: 1.0, 100)]
    assert kinds == sorted(kinds, key=["pretrain", "intermediate", "target", "retrieval"].index) or "retrieval" in kinds
    first = [id_ for id_ in order_strata(plan, lambda stratum: 1.0, 100) if id_.startswith("intermediate")]
    assert [id_[-1] for id_ in first] == ["0", "0", "1", "1"]
    assert max(map(kinds.index, ("pretrain", "intermediate"))) < kinds.index("target")


def test_waves_are_whole_and_as_large_as_the_slots_need(room: Room) -> None:
    room.space = dataclasses.replace(room.space, seeds=tuple(range(7)))
    plan = room.plan()
    arms = sum(stratum.arm_count for stratum in plan)
    for slots in range(1, 40):
        waves = assign_waves(plan, lambda stratum: 1.0, slots)
        sizes = Counter(waves.values())
        assert list(waves.values()) == sorted(waves.values()) and set(sizes) == set(range(len(sizes)))
        assert max(sizes.values()) - min(sizes.values()) <= 1
        assert len(sizes) == 1 or arms >= 2 * slots * 3 * len(sizes), "three strata make the longest chain"


def test_small_seeds_of_few_chains_share_a_wave(room: Room) -> None:
    room.space = dataclasses.replace(room.space, seeds=(0, 1, 2), chain_seeds={"none": tuple(range(12))})
    waves = assign_waves(room.plan(), lambda stratum: 1.0, 3)
    assert waves[0] < waves[1] < waves[2]
    assert len({waves[seed] for seed in range(3, 12)}) < 9


def test_of_equals_the_plan_s_order_holds(room: Room) -> None:
    plan = [stratum for stratum in room.plan() if stratum.kind == "target" and stratum.intermediate == "none"]
    orphans = [stratum.id for stratum in sorted(plan, key=lambda one: one.seed)]
    assert order_strata(plan, lambda stratum: 1.0, None) == orphans


def test_what_has_begun_comes_first_and_nothing_twice() -> None:
    ready = ReadyQueue(["a", "b", "c"])
    assert ready.peek() is None
    ready.add("c", begun=False)
    ready.add("a", begun=False)
    ready.add("a", begun=False)
    assert ready.peek() == "a"
    ready.add("c", begun=True)
    ready.add("c", begun=False)
    assert ready.peek() == "c"
    ready.drop_first()
    assert ready.peek() == "a"
    ready.drop_first()
    assert ready.peek() is None
