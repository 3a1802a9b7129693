"""What a sweep costs beyond its work: overhead per stage, idle slots, makespan against the lower bound.

    python tests/bench/overhead.py --space quick                        # any flags of search/run.py but --results
    TINY_STEPS=30 python tests/bench/overhead.py --short --space quick  # stages of a few steps: overhead shows

Times are taken inside the workers, from outside the product (spans.py). Overhead is all that is not training, judging,
scoring or probing. The first stage of each worker has a row of its own: it brings the imports and the data. Processor
time stands beside wall time, which other work on the machine makes longer. Of `waiting`, some is the driver's answer to
a result, and the rest lies between two stages of a slot: the driver's again, and stages that cannot start yet.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent)

import spans
from spans import Span

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {
    **dict.fromkeys(("train", "judge", "score", "probe"), "work"),
    **dict.fromkeys(("open", "data", "encoder"), "loading"),
    **dict.fromkeys(("checkpoint", "hand on", "outcome", "close"), "saving"),
    **dict.fromkeys(("imports", "step"), "other"),
}
COLUMNS = ("work", "loading", "saving", "other", "waiting, result", "waiting, stage")
FIRST = "first of a worker"


@dataclass(slots=True)
class Row:
    """Sums over the stages of a kind."""

    stages: set[str] = field(default_factory=set)
    wall: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0.0))
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0.0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="results folder to use and keep instead of a temporary one")
    parser.add_argument("--short", action="store_true", help="cut every recipe to TINY_STEPS steps")
    parser.add_argument("--log", type=Path, help="keep the spans here")
    options, flags = parser.parse_known_args()
    script = "tests/sweeps/tiny_sweep.py" if options.short else "search/run.py"
    with tempfile.TemporaryDirectory() as temporary:
        results, log = options.keep or Path(temporary, "results"), options.log or Path(temporary, "spans.log")
        hook = spans.install(Path(temporary, "hook"))
        path = os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH")])])
        began = time.time()
        command = [sys.executable, str(ROOT / script), *flags, "--results", str(results)]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path, "SPANS_LOG": str(log)}, check=False)
        if done.returncode == 0:
            report(spans.read(log), began, results)
    return done.returncode


def report(found: list[Span], began: float, results: Path) -> None:
    """Print all tables."""
    steps = [span for span in found if span.label == "step"]
    rows = {step.key: json.loads((results / "stages" / step.key / "spec.json").read_text())["kind"] for step in steps}
    firsts = {next(step.key for step in steps if step.process == process) for process in {s.process for s in steps}}
    rows |= dict.fromkeys(firsts, FIRST)
    gaps = list(waits(steps))
    print_stages(found, gaps, rows)
    print_spans(found, gaps, rows)
    print_workers(found, steps, began)
    print_slots(steps, json.loads(next(results.glob("*/sweep.json")).read_text()))


def waits(steps: list[Span]) -> list[tuple[str, str, float]]:
    """Stage, column and seconds of each gap between two steps of a process."""
    found, last = [], dict[int, Span]()
    for step in steps:
        before = last.get(step.process)
        if before is not None:
            column = "waiting, result" if before.key == step.key else "waiting, stage"
            found.append((step.key, column, step.began - before.end))
        last[step.process] = step
    return found


def print_stages(found: list[Span], gaps: list[tuple[str, str, float]], rows: dict[str, str]) -> None:
    """Seconds per stage by kind."""
    sums: dict[str, Row] = defaultdict(Row)
    for span in found:
        if span.key in rows:
            row, column = sums[rows[span.key]], GROUPS[span.label]
            row.stages.add(span.key)
            row.wall[column] += span.own
            row.cpu[column] += span.cpu
    for key, column, seconds in gaps:
        sums[rows[key]].wall[column] += seconds
    print("\n| seconds per stage | stages | " + " | ".join(COLUMNS) + " | overhead | overhead, processor |")
    print("|---" * (len(COLUMNS) + 4) + "|")
    after = Row()
    for kind in sorted(sums, key=lambda kind: kind == FIRST):
        print_row(kind, sums[kind])
        if kind != FIRST:
            after.stages |= sums[kind].stages
            for column in COLUMNS:
                after.wall[column] += sums[kind].wall[column]
                after.cpu[column] += sums[kind].cpu[column]
    print_row("all but these", after)


def print_row(name: str, row: Row) -> None:
    stages = max(1, len(row.stages))
    over = [sum(times[column] for column in COLUMNS[1:]) for times in (row.wall, row.cpu)]
    cells = [row.wall[column] for column in COLUMNS] + over
    print(f"| {name} | {len(row.stages)} | " + " | ".join(f"{cell / stages:.3f}" for cell in cells) + " |")


def print_spans(found: list[Span], gaps: list[tuple[str, str, float]], rows: dict[str, str]) -> None:
    """What one of each kind of span takes, in stages that are not the first of their worker."""
    walls, cpus = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for span in found:
        if rows.get(span.key, FIRST) != FIRST:
            walls[span.label].append(1000 * span.own)
            cpus[span.label].append(1000 * span.cpu)
    for key, column, seconds in gaps:
        if rows[key] != FIRST:
            walls[column].append(1000 * seconds)
    stages = max(1, sum(row != FIRST for row in rows.values()))
    print("\n| span | number | median, ms | median, processor | per stage, ms | per stage, processor |")
    print("|---|---|---|---|---|---|")
    for label, times in walls.items():
        cpu = cpus.get(label, [0.0])
        cells = statistics.median(times), statistics.median(cpu), sum(times) / stages, sum(cpu) / stages
        print(f"| {label} | {len(times)} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


def print_workers(found: list[Span], steps: list[Span], began: float) -> None:
    """When each process began, when it ran its first stage, and what its imports took. The first one is the driver."""
    print("\n| process | began after, s | first stage after, s | imports, s | processor, s | stages |")
    print("|---|---|---|---|---|---|")
    for process in dict.fromkeys(span.process for span in found if span.label == "imports"):
        own = [span for span in found if span.process == process]
        stages = [step for step in steps if step.process == process]
        imports = [span for span in own if span.label == "imports"]
        first = f"{stages[0].began - began:.1f}" if stages else "never"
        cells = [f"{own[0].began - began:.1f}", first]
        cells += [f"{sum(one.own for one in imports):.1f}", f"{sum(one.cpu for one in imports):.1f}"]
        print(f"| {process} | " + " | ".join(cells) + f" | {len({step.key for step in stages})} |")


def print_slots(steps: list[Span], sweep: dict[str, dict[str, object]]) -> None:
    """Share of the time in which slots work while all can, and the makespan against its lower bound.

    The steady state is from the first moment in which all slots work to the last one.
    """
    changes = sorted([(step.began, 1) for step in steps] + [(step.end, -1) for step in steps])
    levels, running = [], 0
    for (when, change), (then, _) in pairwise(changes):
        running += change
        levels.append((when, then, running))
    slots = max(running for _, _, running in levels)
    full = [(when, then) for when, then, running in levels if running == slots]
    start, end = full[0][0], full[-1][1]
    busy = sum((then - when) * running for when, then, running in levels if start <= when and then <= end)
    seconds = defaultdict[str, float](float)
    for step in steps:
        seconds[step.key] += step.wall
    work, longest = sum(seconds.values()), critical_path(sweep, seconds)
    makespan, bound = changes[-1][0] - changes[0][0], max(work / slots, longest)
    steady = end - start
    print(f"\n{slots} slots, busy {busy / slots / steady:.1%} of the {steady:.1f} s of the steady state")
    print(f"makespan {makespan:.1f} s from the first stage on: {makespan / bound:.2f} times the lower bound")
    print(f"lower bound {bound:.1f} s: work / slots {work / slots:.1f} s, critical path {longest:.1f} s")


def critical_path(sweep: dict[str, dict[str, object]], seconds: dict[str, float]) -> float:
    """The longest way through the strata: a child waits for the longest arm of its parent."""
    longest = defaultdict[str, float](float)
    for key, stratum in sweep["stages"].items():
        longest[str(stratum)] = max(longest[str(stratum)], seconds.get(key, 0.0))

    def until(stratum: str) -> float:
        planned = sweep["planned"][stratum]
        parent = planned["parent"] if isinstance(planned, dict) else None
        return longest[stratum] + (until(str(parent)) if parent else 0.0)

    return max(until(stratum) for stratum in list(longest))


if __name__ == "__main__":
    sys.exit(main())
