"""A thousand GPUs on a virtual clock: the real searcher, board and scheduler over a plan of some 20,000 stages.

    python tests/bench/thousand.py
    python tests/bench/thousand.py --slots 100 --seeds 4 --schedulers asha
    python tests/bench/thousand.py --disk               # results in a folder: what writing files costs

Stages take as long as search/cost/cost.py says of XLM-R Large: inputs at full length, evaluation 20 % more; a retrieval
target takes five minutes. Speeds vary by 10 %. Learning curves are made up. A trial takes 30 s before its first tenth,
and the driver 30 ms for each trial that it starts and 4 ms for each result, one after the other, as Ray's own loop was
measured to. No data are read: fingerprints are made up.

`decision` is the processor time that the real code takes for one event, all its calls together, beside Ray's own;
`time for it` is how often events come: beyond that the driver would fall behind. The last table has every call.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)
sys.path.insert(1, str(ROOT / "tests"))  # other packages bring a `tests` of their own

from virtual.courses import uneven
from virtual.made_up import made_up
from virtual.memory_storage import MemoryStorage
from virtual.room import Delays, Log
from virtual.sweep import SCHEDULERS, in_memory, winners

from search.cost.cost import FLOPS_PER_TOKEN, GPU_FLOPS, encoder_shape_of, estimate_work
from search.request.options import parse_options
from search.request.request import SweepRequest, make_request
from trainables.storage.base import Storage
from trainables.storage.local_storage import LocalStorage

RETRIEVAL = 300.0  # seconds
DELAYS = Delays(opening=30.0, answer=0.01, start=0.03, result=0.004)


def request_of(space: str, seeds: int, rates: int, scheduler: str, nowhere: str) -> SweepRequest:
    """A sweep of XTREME with XLM-R Large, without any data: `nowhere` is an empty folder."""
    flags = ["--space", space, "--benchmark", "xtreme", "--plan", "--data", nowhere, "--scheduler", scheduler]
    flags += ["--seeds", ",".join(map(str, range(seeds)))]
    flags += ["--learning-rates", ",".join(f"{5e-6 * 10 ** (place / max(1, rates - 1)):.3g}" for place in range(rates))]
    request = make_request(parse_options(flags))
    prints = {(need.role, need.name): "made-up" for need in request.task_needs}
    return replace(request, maker=replace(request.maker, fingerprints=prints))


def lengths(request: SweepRequest) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds and steps of one arm, by kind and task."""
    seconds, steps, works, shape = {}, {}, estimate_work(request), encoder_shape_of(request)
    assert shape is not None
    for stratum in request.plan:
        name, work = f"{stratum.kind} {stratum.task}", works[stratum.id]
        if work is None:
            raise SystemExit(f"the size of {name} is not known from here.")
        steps[name] = work.steps
        seconds[name] = FLOPS_PER_TOKEN * shape.layer_parameters * work.tokens / GPU_FLOPS if work.tokens else RETRIEVAL
    return seconds, steps


@contextmanager
def results(disk: bool) -> Iterator[Storage]:
    """Where the results lie."""
    if not disk:
        yield MemoryStorage()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield LocalStorage(Path(folder))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--space", default="full")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--rates", type=int, default=8)
    parser.add_argument("--schedulers", default=",".join(SCHEDULERS))
    parser.add_argument("--disk", action="store_true", help="results in a temporary folder instead of memory")
    options = parser.parse_args()
    rows, calls, won = list[str](), list[str](), dict[str, dict[str, float | None]]()
    with tempfile.TemporaryDirectory() as nowhere:
        for name in options.schedulers.split(","):
            began = time.process_time()
            request = request_of(options.space, options.seeds, options.rates, name, nowhere)
            if not rows:
                arms = sum(one.arm_count for one in request.plan)
                print(f"{arms:,} stages in {len(request.plan):,} strata, {options.slots:,} slots")
            courses = uneven(made_up(*lengths(request)), spread=0.1, seed=0)
            planned = time.process_time() - began
            with results(options.disk) as storage:
                sweep = in_memory(request, parse_options(["--scheduler", name]), storage)
                log, used, board = sweep.run(courses, options.slots, delays=DELAYS)
            won[name] = winners(board)
            same = sum(won[name][id_] == rate for id_, rate in won[next(iter(won))].items()) / len(won[name])
            decision, events = sum(log.taken.values()), len(log.events)
            rows.append(
                f"| {name} | {used.steps / 1e6:,.1f} | {used.busy / 3600:,.0f} | {used.makespan / 3600:.1f} "
                f"| {used.by_work / 3600:.1f} | {used.by_path / 3600:.1f} | {100 * used.steady_busy:.2f} % "
                f"| {100 * (used.steady[1] - used.steady[0]) / used.makespan:.0f} % "
                f"| {100 * used.busy / (used.slots * used.makespan):.1f} % | {used.trials:,} | {events:,} "
                f"| {1000 * decision / events:.2f} | {1000 * used.makespan / events:.1f} | {100 * same:.1f} % |"
            )
            calls += [f"| {name} | {line} |" for line in by_call(log)]
            taken = time.process_time() - began
            print(f"{name}: planned in {planned:.0f} s, simulated in {taken - planned:.0f} s", file=sys.stderr)
    print(
        "\n| scheduler | million steps | GPU-hours | makespan h | work / slots h | longest path h | busy, steady "
        "| steady part | busy, all | trials | events | decision ms | time for it ms | winners as the first |"
    )
    print("|---|" + "---|" * 13)
    print("\n".join(rows))
    print("\n| scheduler | call | calls | ms | longest ms |\n|---|---|---|---|---|")
    print("\n".join(calls))
    return 0


def by_call(log: Log) -> list[str]:
    """What each kind of call took on this machine."""
    return [
        f"{name} | {number:,} | {1000 * log.taken[name] / number:.3f} | {1000 * log.longest[name]:.1f}"
        for name, number in log.calls.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
