"""Put the scores of a sweep's finished stages into one file, so that thousands of stages open at once.

    python analysis/compact.py runs/full-xtreme
    python analysis/compact.py runs/full-xtreme -o full-xtreme.parquet
    python analysis/compact.py full-xtreme.parquet runs/more-seeds -o all-seeds.parquet

Without -o the file lies in the sweep's folder and changes no result: a stage that has changed since is read from its
own file. Run it again for more stages.

With -o it is an archive to hand on: scores, probes and the record of the sweep, which every script of analysis/ reads
in place of the folder. Probes are rounded. Predictions and encoders are left out. Several sweeps and archives become
one, such as seeds that ran on different machines.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import polars as pl

from analysis.scores.archive import Archive, write_archive
from analysis.scores.arguments import build_plain_parser
from analysis.scores.compaction import seal_files, write_compaction
from analysis.scores.load import check_comparable, load_sweeps
from analysis.scores.probes import read_all_probe_rows
from analysis.scores.record import SCORES_FILE, read_record, stages_folder_of
from analysis.scores.scores import Scores
from analysis.scores.stages import read_whole_files
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from spaces.sweep_record import SWEEP_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Compact a sweep and print what was done; return the exit code: 0, or 2 for bad usage."""
    parser = build_plain_parser("compact.py", __doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="SWEEP", help="folder of a sweep; with -o also archives")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write one archive of all, and no more")
    options = parser.parse_args(argv)
    try:
        if options.output is None:
            lines = [line for path in options.paths for line in compact(path)]
        else:
            lines = archive(options.paths, options.output)
    except UsageError as error:
        print(f"compact.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    print("\n".join(lines))
    return ExitCode.DONE


def compact(folder: Path) -> list[str]:
    """Write the compaction of the sweep in `folder` and return what was done, in lines.

    Raise UsageError if it is not a sweep, none of its stages is done, a newer version wrote one, or it cannot be
    written.
    """
    if not (folder / SWEEP_FILE).is_file():
        raise UsageError(f"{folder} is not a sweep folder: it has no {SWEEP_FILE}.")
    keys, stages = read_record(folder / SWEEP_FILE)["stages"], stages_folder_of(folder)
    files = [file for key in keys if (file := stages / key / SCORES_FILE).is_file()]
    before = seal_files(files)
    frames, faults = read_whole_files(files, str(folder)) if files else ([], {})
    if not frames:
        raise UsageError(next(iter(faults.values()), f"{folder}: none of its {len(keys)} stages has scores yet."))
    # If a file was replaced in between, it is unknown which of the two was read.
    after = seal_files(files)
    compacted = {key: value for key, value in before.items() if after.get(key) == value and key not in faults}
    rows = pl.concat(frames).filter(pl.col("stage").is_in(compacted.keys()))
    size = write_compaction(folder, rows, compacted)
    summary = f"{rows.height} rows of {len(compacted)} of {len(keys)} stages, {size / 1e6:.1f} MB"
    return [*(f"left out: {fault}" for fault in faults.values()), f"{folder / SCORES_FILE}: {summary}."]


def archive(paths: Sequence[Path], output: Path) -> list[str]:
    """Write one archive of the sweeps and archives at `paths` and return what was done, in lines.

    Raise UsageError if one is neither, none of its stages is done, they are different experiments, a file exists at
    `output`, or cannot be written.
    """
    if output.exists():
        raise UsageError(f"{output} exists. Remove it, or name another file with -o.")
    parts = []
    for path in paths:
        if not (sweeps := load_sweeps(path)):
            raise UsageError(f"{path} is neither a sweep folder, which has a {SWEEP_FILE}, nor an archive.")
        parts += sweeps
    check_comparable([spec for part in parts for spec in part.specs])
    rows = _take_each_stage_once([part.rows.collect() for part in parts])
    probe_rows = _take_each_stage_once([table for part in parts for table in _read_probes(part)])
    records = [record for part in parts for record in part.records]
    records = [record for place, record in enumerate(records) if record not in records[:place]]
    size = write_archive(output, Archive(tuple(records), rows, probe_rows))
    planned = len({key for record in records for key in record["stages"]})
    done = rows["stage"].n_unique()
    summary = f"{rows.height} scores and {probe_rows.height} probes of {done} of {planned} stages, {size / 1e6:.1f} MB"
    return [*dict.fromkeys(note for part in parts for note in part.notes), f"{output}: {summary}."]


def _take_each_stage_once(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of each stage from the first table that has it: sweeps may share stages."""
    numbered = pl.concat([table.with_columns(table=pl.lit(number)) for number, table in enumerate(tables)])
    return numbered.filter(pl.col("table") == pl.col("table").min().over("stage")).drop("table")


def _read_probes(part: Scores) -> list[pl.DataFrame]:
    (record,) = part.records
    folders = [read_all_probe_rows(folder, record["stages"]) for folder in part.stage_folders]
    return [*folders, *part.archived_probes]


if __name__ == "__main__":
    sys.exit(run_command(main))
