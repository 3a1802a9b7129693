"""Measure a sweep's disk use from outside, against what `--plan` predicts.

    python tests/bench/disk.py --space quick                        # any flags of search/run.py but --results
    python tests/bench/disk.py --space full --keep none

The results folder is looked at every 50 ms or as often as listing it allows: the peak is a lower bound of the true one.
Allocated bytes are blocks of the file system, with those of folders; apparent bytes are the lengths of the files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from search.cost.cost import estimate_cost
from search.request.options import parse_options
from search.request.request import make_request
from search.request.resources import count_local_slots
from search.sweep.disk import sum_by_kind
from search.sweep.units import format_bytes
from trainables.storage.local_storage import LocalStorage


def allocated(results: Path) -> int:
    """Bytes of all blocks, as `du` counts them."""
    total = 0
    for folder, _, files in os.walk(results):
        for place in (Path(folder), *(Path(folder, file) for file in files)):
            try:
                total += place.lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(temporary)
        flags += ["--results", temporary]
        options = parse_options(flags)
        cost = estimate_cost(make_request(options), count_local_slots(options), keep=options.keep)
        process = subprocess.Popen([sys.executable, str(ROOT / "search" / "run.py"), *flags], stdout=sys.stderr)
        peak, peak_apparent, worst = 0, 0, {}
        while process.poll() is None:
            files = LocalStorage(results).list_sizes()
            peak = max(peak, allocated(results))
            if sum(files.values()) > peak_apparent:
                peak_apparent, worst = sum(files.values()), sum_by_kind(files)
            time.sleep(0.05)
        end = allocated(results)
    print("\nat the peak of apparent bytes:")
    for kind, (number, bytes_) in worst.items():
        print(f"  {kind}: {number} files, {format_bytes(bytes_)}")
    for what, measured, predicted in (("peak", peak, cost.disk_peak), ("at the end", end, cost.disk_kept)):
        said = (
            "nothing" if predicted is None else f"{format_bytes(predicted)} ({predicted / max(1, measured):.2f} times)"
        )
        print(f"{what}: {format_bytes(measured)} allocated; --plan predicts at most {said}")
    print(f"peak: {format_bytes(peak_apparent)} apparent")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
