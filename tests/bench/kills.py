"""Kill sweeps at random moments, let them continue, and compare with one that nobody killed.

python tests/bench/kills.py --kills 40 --seed 0 --minutes 20

Each round is a small sweep of the miniature that is killed and started again until it is done: whom (the driver, a
worker, everything), how (KILL, TERM, INT once and twice) and when (while it starts, or within some tenth) is drawn
from the seed. Ends with exit code 1 if any promise was broken. Linux only: it finds processes by their environment.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "bench")]

import kill_checks
import witness
from kill_checks import Kill

SWEEP = "--intermediates csqa --targets panx,udpos --seeds 0 --learning-rates 1e-3,4e-3,0.9 --name kills".split()
ROUNDS = (("halving", 2), ("none", 2), ("asha", 2), ("halving", 1), ("none", 1), ("asha", 1))  # scheduler, workers
WORKER = "worker KILL"
KINDS = ("driver KILL", "everything KILL", WORKER, "TERM once", "INT once", "INT twice")
STARTING = 0.3  # share of the kills that come while it starts
STARTS_WITHIN = 10.0  # seconds: imports, checks, Ray, the first worker
MOST_TENTHS = 12  # that are waited for before a kill
PATIENCE = 180.0  # seconds after which something hangs
LINGER = 120.0  # seconds: Ray's agents end after 60 without Ray's server, unless another start ends them before
WORKERS = ("ray::ResourceTrainable", "ray::StageTrial")  # how Ray titles the processes that run stages


@dataclass(slots=True)
class Round:
    """One sweep that is killed until it is done."""

    results: Path
    scheduler: str
    workers: int
    hook: Path
    log: Path
    kills: list[Kill] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)  # of each start
    wrong: list[str] = field(default_factory=list)
    rungs: dict[str, list[tuple[str, int, float]]] = field(default_factory=dict)

    def start(self) -> tuple["subprocess.Popen[str]", str]:
        """Start the same command; returns the driver, and the mark that all its processes carry."""
        mark = uuid.uuid4().hex
        command = [
            sys.executable,
            str(ROOT / "tests" / "sweeps" / "tiny_sweep.py"),
            *SWEEP,
            "--results",
            str(self.results),
        ]
        command += ["--scheduler", self.scheduler, "--max-concurrent", str(self.workers)]
        environment = {**os.environ, "PYTHONPATH": str(self.hook), "WITNESS_LOG": str(self.log), "KILLS_MARK": mark}
        with (self.results.parent / "said").open("w") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, text=True, cwd="/", env=environment)
        return process, mark

    def said(self) -> str:
        return (self.results.parent / "said").read_text()

    def tenths(self) -> int:
        return sum(line.word == "begin" for line in witness.read(self.log))

    def run(self, chance: random.Random, most: int) -> bool:
        """One start, killed once, or once more where it was a worker; returns whether the sweep is done."""
        process, mark = self.start()
        self.marks.append(mark)
        kind, left = "nothing", list(KINDS)
        while most > 0 and self._wait(process, chance):
            kind = chance.choice(left)
            most -= self._kill(process, mark, kind, chance)
            if kind != WORKER:
                break
            left = [other for other in KINDS if other != WORKER]
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"it hung after {kind}: {self.said()[-300:]}")
            _signal_all(mark)
            code = process.wait()
        self._look(code, kind, mark)
        return code == 0

    def _wait(self, process: "subprocess.Popen[str]", chance: random.Random) -> bool:
        """Wait for a random moment; returns whether the sweep still runs then."""
        if chance.random() < STARTING:
            time.sleep(chance.uniform(0.0, STARTS_WITHIN))
            return process.poll() is None
        wanted, jitter = self.tenths() + chance.randint(1, MOST_TENTHS), chance.uniform(0.0, 0.3)
        while self.tenths() < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(jitter)
        return process.poll() is None

    def _kill(self, process: "subprocess.Popen[str]", mark: str, kind: str, chance: random.Random) -> int:
        """Kill; returns 1, or 0 if there was no such victim yet.

        No stage loses its worker twice before it has left a state: as promised, that would use up its tries.
        """
        victim, word = kind.split()
        workers = [number for number, title in _marked(mark) if title.startswith(WORKERS)]
        if victim == "worker" and (not workers or kill_checks.has_lost_worker(self.results)):
            return 0
        self.kills.append(Kill(kind, time.time(), self.workers))
        if victim == "everything":
            _signal_all(mark)
        elif victim == "worker":
            _signal(chance.choice(sorted(workers)), signal.SIGKILL)
        elif victim == "driver":
            process.kill()
        else:
            process.send_signal(signal.Signals[f"SIG{victim}"])
            if word == "twice":
                time.sleep(1.0)
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
        return 1

    def _look(self, code: int, kind: str, mark: str) -> None:
        """What must be true when the driver has ended."""
        said = self.said()
        if "Traceback" in said:
            self.wrong.append(f"a traceback after {kind}: {said[-1000:]}")
        if code not in (0, 130, -signal.SIGKILL):
            self.wrong.append(f"exit code {code} after {kind}: {said[-300:]}")
        if code == 130 and said.count("to continue: ") != 1:
            self.wrong.append(f"no line that says how to continue after {kind}: {said[-300:]}")
        if code != -signal.SIGKILL and _marked(mark):
            self.wrong.append(f"processes left after {kind}: {_marked(mark)}")
        self._keep_rungs()

    def _keep_rungs(self) -> None:
        rungs = kill_checks.read_rungs(self.results)
        self.wrong += kill_checks.kept_rungs(self.rungs, rungs)
        self.rungs = rungs


def _marked(mark: str) -> list[tuple[int, str]]:
    """Number and title of every live process that was started under the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"KILLS_MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((int(folder.name), (folder / "cmdline").read_text().replace("\0", " ").strip()))
        except OSError:  # it ended, or is none of ours
            continue
    return found


def _signal_all(mark: str) -> None:
    for number, _ in _marked(mark):
        _signal(number, signal.SIGKILL)


def _signal(number: int, what: signal.Signals) -> None:
    try:
        os.kill(number, what)
    except ProcessLookupError:
        return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20.0, help="no kills after that; what runs is finished")
    parser.add_argument("--schedulers", default="halving,none,asha")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        hook = witness.install(folder / "hook")

        def begin(title: str, scheduler: str, workers: int) -> Round:
            (folder / title).mkdir()
            return Round(folder / title / "runs", scheduler, workers, hook, folder / title / "log")

        wholes: dict[str, Round] = {}  # that nobody kills, by scheduler
        end = time.monotonic() + 60 * given.minutes
        kinds = [(scheduler, workers) for scheduler, workers in ROUNDS if scheduler in given.schedulers.split(",")]
        while (killed := sum(len(one.kills) for one in rounds)) < given.kills and time.monotonic() < end:
            scheduler, workers = kinds[len(rounds) % len(kinds)]
            if scheduler not in wholes:
                began = time.monotonic()
                wholes[scheduler] = begin(f"whole-{scheduler}", scheduler, 1)
                if not wholes[scheduler].run(chance, 0):
                    print(wholes[scheduler].said(), file=sys.stderr)
                    return 1
                end += time.monotonic() - began
            one = begin(str(len(rounds)), scheduler, workers)
            rounds.append(one)
            left = given.kills - killed
            while not one.run(chance, left - len(one.kills) if time.monotonic() < end else 0):
                continue
            _check(one, wholes[scheduler])
            print(f"round {len(rounds)}: {one.scheduler}, {one.workers} workers, {len(one.kills)} kills", flush=True)
            for line in one.wrong:
                print(f"  WRONG: {line}", flush=True)
            shutil.rmtree(one.results)
    return _report(given.seed, rounds)


def _check(one: Round, whole: Round) -> None:
    one.wrong += _left(one.marks)
    one.wrong += kill_checks.repeated_work(witness.read(one.log), one.kills)
    if one.scheduler == "asha":  # what it stops depends on the order in which results come
        one.wrong += kill_checks.sound_rungs(one.results)
    else:
        one.wrong += kill_checks.equal_scores(one.results, whole.results)


def _left(marks: Sequence[str]) -> list[str]:
    """Processes of runs that were killed and do not end by themselves, either."""
    end = time.monotonic() + LINGER
    while any(map(_marked, marks)) and time.monotonic() < end:
        time.sleep(0.5)
    return [f"a run that was killed left {_marked(mark)}" for mark in marks if _marked(mark)]


def _report(seed: int, rounds: list[Round]) -> int:
    kills = [kill for one in rounds for kill in one.kills]
    wrong = [line for one in rounds for line in one.wrong]
    print(f"\nseed {seed}: {len(rounds)} sweeps, {len(kills)} kills\n")
    print(kill_checks.table(kills))
    print(f"\nbroken promises: {len(wrong)}")
    return 1 if wrong or not kills else 0


if __name__ == "__main__":
    sys.exit(main())
