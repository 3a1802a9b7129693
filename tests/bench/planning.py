"""What planning costs as a sweep grows: seconds, processor seconds, memory of each step from a space to the board.

    python tests/bench/planning.py                    # 1,000, 10,000 and 100,000 stages, median of 3 processes each
    python tests/bench/planning.py --stages 10000 --runs 5

Two spaces of the miniature: `full` (its own chains, as many seeds as make the stages) and `variants` (a Python file
with one chain for every 200 stages, three rates). Nothing is trained. The rows for a store where all is done are
measured up to `--done` stages, each of which is a folder with its specification, an outcome and empty scores, made up
beforehand. Files lie in a temporary folder (TMPDIR chooses the disk); they were just written, so reading them needs no
disk.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from search.cost.cost import encoder_shape_of, estimate_cost
from search.cost.disk_sizes import estimate_sizes
from search.cost.plan_description import describe_plan
from search.driver.manifest import SweepManifest
from search.driver.run_state import make_board
from search.request.options import parse_options
from search.request.request import SweepRequest, make_request
from search.status import main as status
from spaces.benchmark import BENCHMARKS
from spaces.checksum import checksum
from spaces.encoders import PROFILES
from spaces.space import Space, resolve_axes
from spaces.stage import TENTHS, Stage
from spaces.strata import expand_strata
from trainables.record.context import SCORES, write_spec
from trainables.record.outcome import Outcome, write_outcome
from trainables.record.scores import build_score_rows, encode_scores

MINIATURE = BENCHMARKS["miniature"]
PROFILE = PROFILES["miniature"]
SPACES = ("full", "variants")
AXES = ("intermediates", "targets", "learning_rates", "seeds")
SPACE_FILE = """from spaces.space import Space
SPACE = Space(name="many", intermediates={chains!r}, learning_rates=(5e-4, 1e-3, 2e-3), seeds=tuple(range({seeds})))
"""
CHAIN_EVERY = 200  # stages for one chain of the space `variants`


def flags_of(space: str, stages: int, folder: Path) -> list[str]:
    """Flags of a sweep with at least so many stages; a space's file is written into the folder."""
    if space == "variants":
        tasks = [task.name for task in MINIATURE.multitask_tasks()]
        mixes = [f"{one}+{other}" for place, one in enumerate(tasks) for other in tasks[place + 1 :]]
        times = ["", *(f"~x{number}" for number in range(2, 100))]
        chains = tuple(f"{mix}{more}" for more in times for mix in (*tasks, *mixes))[: max(1, stages // CHAIN_EVERY)]
        file = folder / "many.py"

        def flags(seeds: int) -> list[str]:
            file.write_text(SPACE_FILE.format(chains=chains, seeds=seeds), encoding="utf-8")
            return ["--space", str(file)]

    else:

        def flags(seeds: int) -> list[str]:
            return ["--space", "full", "--seeds", ",".join(map(str, range(seeds)))]

    def planned(seeds: int) -> int:
        return sum(one.arm_count for one in make_request(parse_options([*flags(seeds), "--results", str(folder)])).plan)

    one, two = planned(1), planned(2)
    return [*flags(max(1, -(-(stages - one) // (two - one)) + 1)), "--results", str(folder)]


@contextlib.contextmanager
def clock(found: dict[str, Any], what: str) -> Iterator[None]:
    """Add wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    found[what] = (time.perf_counter() - wall, time.process_time() - cpu)


def peak() -> float:
    """The largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stages_of(request: SweepRequest) -> Iterator[tuple[str, Stage]]:
    """Every stage with its stratum's id. All scores are made up as equal: of equals the lowest rate wins."""
    winners: dict[str | None, str | None] = {None: None}
    for stratum in request.plan:
        made = [request.maker.make_stage(stratum, rate, winners[stratum.parent]) for rate in stratum.rates]  # type: ignore[union-attr]
        winners[stratum.id] = min(made, key=lambda stage: stage.learning_rate or 0.0).key
        for stage in made:
            yield stratum.id, stage


def plan(flags: list[str]) -> dict[str, Any]:
    """From the flags to the keys, the cost, and a board of which nothing is done."""
    found: dict[str, Any] = {}
    options = parse_options(flags)
    make_request(parse_options(["--space", "quick", *flags[-2:]]))  # the world and what is imported late
    before = peak()
    with clock(found, "the whole request (flags, space, axes, needs, phases, strata)"):
        request = make_request(options)
    resolved = request.axes
    space = Space(name="again", **{name: getattr(resolved, name) for name in AXES})
    with clock(found, "- of it axes"):
        resolve_axes(space, MINIATURE, PROFILE)
    with clock(found, "- of it strata"):
        expand_strata(resolved, MINIATURE, pretrain=True)
    with clock(found, "stages and keys, all of them"):
        stages = {stage.key: stratum for stratum, stage in stages_of(request)}
    found["stages"] = len(stages)
    with clock(found, "cost and its lines"):
        describe_plan(request, estimate_cost(request, 4, "winners"), 0)
    shape = encoder_shape_of(request)
    assert shape is not None
    with clock(found, "- of it disk sizes"):
        estimate_sizes(request, shape)
    with clock(found, "board, nothing done"):
        board = make_board(request, None, None)
    members = SweepManifest(request, board)
    members.stratum_by_key = stages
    with clock(found, "sweep.json with all keys, written once"):
        members.write()
    found["size"] = (request.context.results.root / request.name / "sweep.json").stat().st_size  # type: ignore[attr-defined]
    found["memory"] = peak() - before
    return found


def finish_all(request: SweepRequest) -> None:
    """Leave what workers leave of every stage, but for weights."""
    curve = tuple(tenth / TENTHS for tenth in range(1, TENTHS + 1))
    for _, stage in stages_of(request):
        write_spec(request.context, stage)
        outcome = Outcome(key=stage.key, status="finished", score=1.0, tenth=TENTHS, curve=curve, seconds=2.0)
        content = encode_scores(build_score_rows(stage, [], outcome))
        (request.context.results.root / "stages" / stage.key / SCORES).write_bytes(content)  # type: ignore[attr-defined]
        write_outcome(request.context, dataclasses.replace(outcome, scores=checksum(content)))


def done(flags: list[str]) -> dict[str, Any]:
    """The board of a run, the board of a plan, and status.py, over a store where all is done."""
    found: dict[str, Any] = {}
    request = make_request(parse_options(flags))
    before = peak()
    with clock(found, "board of --plan, all done"):
        board = make_board(request, None, None)
    assert board.is_complete
    for what in ("board of a first run, all done", "board of a second run, all done"):
        with clock(found, what):
            board = make_board(request, parse_options(flags), None)
    members = SweepManifest(request, board)
    with clock(found, "sweep.json from that board"):
        members.write()
    place = str(request.context.results.root / request.name)  # type: ignore[attr-defined]
    with clock(found, "status.py"), contextlib.redirect_stdout(io.StringIO()):
        status([place])
    found["stages"], found["memory"] = sum(1 for _ in board.iter_arms()), peak() - before
    return found


STEPS: Mapping[str, Callable[[list[str]], dict[str, Any]]] = {"plan": plan, "done": done}


def measure(step: str, flags: list[str], runs: int) -> list[dict[str, Any]]:
    """Run a step in new processes."""
    command = [sys.executable, __file__, "--step", step, "--flags", json.dumps(flags)]
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = (subprocess.run(command, check=True, capture_output=True, text=True, env=quiet) for _ in range(runs))
    return [json.loads(one.stdout.splitlines()[-1]) for one in done]


def show(title: str, found: list[list[dict[str, Any]]]) -> None:
    """A table: a row for each step, a column for each number of stages, medians of the processes."""

    def row(what: str, cell: Callable[[list[dict[str, Any]]], str]) -> None:
        print(f"| {what} | {' | '.join(map(cell, found))} |")

    def seconds(runs: list[dict[str, Any]], what: str) -> str:
        wall, cpu = (statistics.median(one[what][place] for one in runs) for place in (0, 1))
        return f"{wall:.3f} s ({cpu:.3f})"

    print(f"\n{title}\n")
    row("", lambda runs: f"{runs[0]['stages']:,} stages")
    print("|---|" + "---|" * len(found))
    for what, value in found[0][0].items():
        if isinstance(value, list):
            row(what, partial(seconds, what=what))
    if "size" in found[0][0]:
        row("size of sweep.json", lambda runs: f"{runs[0]['size'] / 1e6:.2f} MB")
    row("memory beyond the imports", lambda runs: f"{statistics.median(one['memory'] for one in runs):.0f} MiB")


def main() -> None:
    """Measure, or (with --step) be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", default="1000,10000,100000", help="numbers of stages, with commas")
    parser.add_argument("--spaces", default=",".join(SPACES))
    parser.add_argument("--runs", type=int, default=3, help="processes for each median")
    parser.add_argument("--done", type=int, default=10_000, help="most stages that are made up as done")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--flags", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step](json.loads(options.flags))))
        return
    sizes = [int(number) for number in options.stages.split(",")]
    for space in options.spaces.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            planned, ended = [], []
            for stages in sizes:
                folder = Path(temporary, str(stages))
                folder.mkdir()
                flags = flags_of(space, stages, folder)
                planned.append(measure("plan", flags, options.runs))
                if stages <= options.done and space == SPACES[0]:
                    finish_all(make_request(parse_options(flags)))
                    ended.append(measure("done", flags, options.runs))
            show(f"Planning, space `{space}`: seconds (processor seconds)", planned)
            if ended:
                show("The same where all is done", ended)


if __name__ == "__main__":
    main()
