"""The hours that a plan takes on this machine: the seconds of its stages, laid out over the trials at once.

No early stopping is counted, so the hours are an upper bound as far as the speed is right.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.board.order import order_strata
from search.cost.cost import list_naive_trainings
from search.cost.pass_speed import Load, MachineSpeed, sum_loads
from search.cost.stage_work import StageSeconds, StageWork, find_seconds
from search.request.request import SweepRequest
from spaces.activities import ACTIVITIES, Activity
from spaces.plan import Stratum

START_SECONDS = 15.0  # of Ray, and of imports in the workers: 12 to 18 on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class WallTime:
    """Seconds of a plan. `spent` is the wall time of each activity in `left`, without what is done once."""

    left: float  # of the stages that are not done
    whole: float  # of all stages
    naive: float  # of scripts that run one chain per target
    spent: Mapping[Activity, float]
    checkpoint_bytes: float  # written by the stages that are not done
    slots: int
    mean_step: Load  # of the stages that are not done
    ends: Sequence[tuple[float, str]] = ()  # of each stage that is not done, with its stratum, in the order of time


def estimate_wall_time(
    request: SweepRequest,
    works: Mapping[str, StageWork],
    speed: MachineSpeed,
    slots: int,
    *,
    done: Mapping[str, int],
    reading: float = 0.0,
) -> WallTime:
    """Estimate the time of a request with `slots` trials at once; `done` counts the finished arms by stratum.

    `reading` is the seconds that reading and tokenising the data take once.
    """
    plan = request.plan
    own_seconds = {id_: find_seconds(work, speed) for id_, work in works.items()}
    trained = {id_: works[id_].without_training() for id_ in request.shared}
    seconds = own_seconds | {id_: find_seconds(work, speed) for id_, work in trained.items()}
    arms = {stratum.id: stratum.arm_count for stratum in plan}
    left = {id_: max(0, count - done.get(id_, 0)) for id_, count in arms.items()}
    fixed = START_SECONDS + reading
    ends = [(fixed + now, id_) for now, id_ in iter_ends(plan, seconds, left, slots)]
    span = ends[-1][0] - fixed if ends else 0.0
    busy = sum(seconds[id_].total * count for id_, count in left.items())
    share = span / busy if busy else 0.0  # of the wall in a second of a trial
    naive = [
        *list_naive_trainings(request),
        *(stratum for stratum in plan if stratum.kind in ("pretrain", "retrieval")),
    ]
    steps = sum_loads(works[id_].training.times(count) for id_, count in left.items() if id_ not in trained)
    return WallTime(
        left=fixed + span if any(left.values()) else 0.0,
        whole=fixed + find_makespan(plan, seconds, arms, slots),
        naive=fixed + sum(own_seconds[stratum.id].total * stratum.arm_count for stratum in naive) / slots,
        spent={
            activity: share * sum(seconds[id_].spent.get(activity, 0.0) * count for id_, count in left.items())
            for activity in ACTIVITIES
        },
        checkpoint_bytes=sum(seconds[id_].checkpoint_bytes * count for id_, count in left.items()),
        slots=slots,
        mean_step=steps.times(1 / steps.batches) if steps.batches else steps,
        ends=ends,
    )


def find_makespan(
    plan: Sequence[Stratum], seconds: Mapping[str, StageSeconds], arms: Mapping[str, int], slots: int
) -> float:
    """Return the seconds until all `arms` (a number by stratum) have run, started in the order of the board."""
    return max((now for now, _ in iter_ends(plan, seconds, arms, slots)), default=0.0)


def iter_ends(
    plan: Sequence[Stratum], seconds: Mapping[str, StageSeconds], arms: Mapping[str, int], slots: int
) -> Iterator[tuple[float, str]]:
    """Yield the second at which each arm ends, with its stratum, in the order of time.

    A stratum may start when every arm of its sources has ended.
    """
    order = {id_: i for i, id_ in enumerate(order_strata(plan, lambda stratum: seconds[stratum.id].total, slots))}
    children: defaultdict[str, list[str]] = defaultdict(list)
    for stratum in plan:
        for source in stratum.sources:
            children[source].append(stratum.id)
    awaited = {stratum.id: len(stratum.sources) for stratum in plan}
    waiting, unfinished = Counter(arms), Counter(arms)
    ready: list[tuple[int, str]] = []
    running: list[tuple[float, int, str]] = []
    now, opened = 0.0, [stratum.id for stratum in plan if not stratum.sources]

    def settle(id_: str) -> None:
        for child in children[id_]:
            awaited[child] -= 1
            if not awaited[child]:
                opened.append(child)

    def open_strata() -> None:
        while opened:
            id_ = opened.pop()
            if waiting[id_]:
                heapq.heappush(ready, (order[id_], id_))
            else:
                settle(id_)

    open_strata()
    while ready or running:
        while ready and len(running) < slots:
            position, id_ = ready[0]
            heapq.heappush(running, (now + seconds[id_].total, position, id_))
            waiting[id_] -= 1
            if not waiting[id_]:
                heapq.heappop(ready)
        now, _, id_ = heapq.heappop(running)
        unfinished[id_] -= 1
        if not unfinished[id_]:
            settle(id_)
            open_strata()
        yield now, id_
