"""Put the scores of a sweep's finished stages into one file, so that thousands of stages open at once.

    python analysis/compact.py runs/full-xtreme

It changes no result: a stage whose file is not as it was is read from its own. Run it again when there are more.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import polars as pl

from analysis.scores.compaction import checksum_files, write_compaction
from analysis.scores.record import SCORES_FILE, read_record, stages_folder_of
from analysis.scores.stages import read_whole_files
from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Compact, and say what was done; returns the exit code: 0, or 2 for bad usage."""
    about, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="compact.py", description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweep", type=Path, metavar="SWEEP", help="folder of a sweep")
    folder = parser.parse_args(argv).sweep
    try:
        lines = compact(folder)
    except UsageError as error:
        print(f"compact.py: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def compact(folder: Path) -> list[str]:
    """Write the compaction of the sweep in `folder`; what was done, in lines.

    Raises:
        UsageError: it is no sweep, none of its stages is done, a newer version wrote one, or it cannot be written.
    """
    if not (folder / SWEEP_FILE).is_file():
        raise UsageError(f"{folder} is no folder of a sweep: it has no {SWEEP_FILE}.")
    keys, stages = read_record(folder / SWEEP_FILE)["stages"], stages_folder_of(folder)
    files = [file for key in keys if (file := stages / key / SCORES_FILE).is_file()]
    before = checksum_files(files)
    whole, broken = read_whole_files(files, str(folder)) if files else ([], {})
    if not whole:
        raise UsageError(next(iter(broken.values()), f"{folder}: none of its {len(keys)} stages has left scores yet."))
    # Of a file that another took the place of meanwhile it is not known which of them was read.
    after = checksum_files(files)
    kept = {key: value for key, value in before.items() if after.get(key) == value and key not in broken}
    rows = pl.concat(whole).filter(pl.col("stage").is_in(kept.keys()))
    size = write_compaction(folder, rows, kept)
    done = f"{folder / SCORES_FILE}: {rows.height} rows of {len(kept)} of {len(keys)} stages, {size / 1e6:.1f} MB."
    return [*(f"left out: {fault}" for fault in broken.values()), done]


if __name__ == "__main__":
    sys.exit(main())
