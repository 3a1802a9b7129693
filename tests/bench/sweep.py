"""Time a sweep from outside: wall time, overhead per stage, memory of the workers, training steps.

    python tests/bench/sweep.py --space quick                       # any flags of search/run.py but --results
    python tests/bench/sweep.py --space full --scheduler none

The overhead per stage is what lies between the ends of consecutive stages beyond their own seconds. It is exact with
`--max-concurrent 1`; with several workers it is the idle and administrative time of all slots, start-up left out.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def workers() -> dict[int, int]:
    """Resident bytes by process id of the workers that run stages (Tune wraps the class under that name)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::ResourceTrainable" in (folder / "cmdline").read_bytes():
                pages = int((folder / "statm").read_text().split()[1])
                found[int(folder.name)] = pages * 4096
        except (OSError, ValueError):
            continue
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="results folder to use and keep instead of a temporary one")
    options, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = options.keep or Path(temporary)
        command = [sys.executable, str(ROOT / "search" / "run.py"), *flags, "--results", str(results)]
        began, peak = time.monotonic(), 0
        process = subprocess.Popen(command, stdout=sys.stdout)
        while process.poll() is None:
            peak = max([peak, *workers().values()])
            time.sleep(0.5)
        wall = time.monotonic() - began
        report(results, wall, peak)
    return process.returncode


def report(results: Path, wall: float, peak: int) -> None:
    paths = sorted(results.glob("stages/*/outcome.json"), key=lambda path: path.stat().st_mtime)
    outcomes = [json.loads(path.read_text()) for path in paths]
    kinds = {path: json.loads((path.parent / "spec.json").read_text())["kind"] for path in paths}
    print("\n| kind | stages | stopped | seconds of work | steps |\n|---|---|---|---|---|")
    for kind in ("pretrain", "intermediate", "target", "retrieval"):
        rows = [outcome for path, outcome in zip(paths, outcomes, strict=True) if kinds[path] == kind]
        stopped = sum(row["status"] == "stopped" for row in rows)
        seconds, steps = sum(row["seconds"] for row in rows), sum(row["steps"] for row in rows)
        print(f"| {kind} | {len(rows)} | {stopped} | {seconds:.0f} | {steps} |")
    span = paths[-1].stat().st_mtime - paths[0].stat().st_mtime
    work = sum(outcome["seconds"] for outcome in outcomes[1:])
    slots = max(1, round(work / span)) if span else 1
    overhead = (span * slots - work) / max(1, len(paths) - 1)
    print(f"wall {wall:.0f} s; {len(paths)} stages; overhead {overhead:.3f} s per stage")
    print(f"largest worker: {peak / 1e6:.0f} MB resident")


if __name__ == "__main__":
    sys.exit(main())
