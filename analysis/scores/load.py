"""From paths to scores: sweep folders, Parquet files, folders of Parquet files."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.tidy import CELL, SCHEMA, NewerError, Scale, require, tidy, to_shares
from spaces.benchmark import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS
from spaces.table import unknown

SWEEP = "sweep.json"
SWEEP_VERSION = 1
KEY = re.compile(r"\w[\w.+-]*")  # one plain name: keys become parts of paths
RETRIEVAL = ("bucc", "tatoeba", "mewsli", "lareqa")  # how a foreign file's retrieval targets are known: by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What was read. `rows` has the columns of `tidy.SCHEMA`; the names stand in the order they are shown.

    Every combination of the baseline and `intermediates` with `targets` and `seeds` should be there: what is not, is
    missing. `intermediates` holds neither the baseline nor floors.
    """

    source: str
    rows: pl.DataFrame
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    controls: frozenset[str] = frozenset()
    retrieval: frozenset[str] = frozenset()
    benchmark: str | None = None
    model: str | None = None
    limited: bool = False
    stages: tuple[int, int] | None = None  # of a sweep: how many left scores, how many it knows
    notes: tuple[str, ...] = ()
    homes: tuple[Path, ...] = ()  # folders in which a sweep's stages lie, each by its key


def load(paths: Sequence[Path], scale: Scale = "auto") -> Scores:
    """The scores of all `paths` together.

    Raises:
        UsageError: a path cannot be read, holds no baseline, or the paths hold different experiments.
    """
    parts = [load_sweep(path) if (path / SWEEP).is_file() else _files(path, scale) for path in paths]
    # A path given twice, or two sweeps that share stages, bring the same rows twice.
    rows = pl.concat([part.rows for part in parts]).unique(maintain_order=True)
    stages = [part.stages for part in parts if part.stages is not None]
    names = _in_order(part.intermediates for part in parts)
    source = ", ".join(part.source for part in parts)
    if NONE not in names:
        raise UsageError(f"{source}: no rows of `{NONE}`, the baseline that a gain is a difference to: add them.")
    if names == (NONE,):
        raise UsageError(f"{source}: only the baseline `{NONE}` is there: nothing to rank against it.")
    return Scores(
        source=source,
        rows=rows,
        intermediates=tuple(name for name in names if name != NONE),
        targets=_in_order(part.targets for part in parts),
        seeds=tuple(sorted({seed for part in parts for seed in part.seeds})),
        controls=frozenset().union(*(part.controls for part in parts)),
        retrieval=frozenset().union(*(part.retrieval for part in parts)),
        benchmark=_only(rows, "benchmark"),
        model=_only(rows.filter(pl.col("intermediate") != RANDOM_ENCODER), "model"),
        limited=any(part.limited for part in parts),
        stages=(sum(done for done, _ in stages), sum(known for _, known in stages)) if stages else None,
        notes=tuple(note for part in parts for note in part.notes),
        homes=tuple(dict.fromkeys(home for part in parts for home in part.homes)),
    )


def _in_order(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _only(rows: pl.DataFrame, column: str) -> str | None:
    """The one value of a column, null apart."""
    values: list[str] = rows[column].drop_nulls().unique().sort().to_list()
    if len(values) > 1:
        raise UsageError(f"rows of {len(values)} {column}s ({', '.join(values)}): rank one at a time.")
    return values[0] if values else None


def load_sweep(folder: Path) -> Scores:
    """The scores of one sweep, whatever it holds; raises UsageError if it cannot be read or has no scores yet."""
    record = read_record(folder / SWEEP)
    spec = record["spec"]
    files = [stages_of(folder) / key / "scores.parquet" for key in record["stages"]]
    done = [file for file in files if file.is_file()]
    if not done:
        raise UsageError(f"{folder}: none of its {len(files)} stages has left scores yet: let search/run.py go on.")
    targets = tuple(spec["targets"])
    rows, broken = _rows(done, str(folder))
    # A stage scores every target that shares its training, also those that this sweep did not ask for.
    rows = rows.filter(pl.col("target").is_in(targets) | pl.col("target").is_null())
    return Scores(
        source=str(folder),
        rows=rows,
        intermediates=(NONE, *spec["intermediates"]),
        targets=targets,
        seeds=tuple(spec["seeds"]),
        controls=frozenset(spec.get("controls", ())),
        retrieval=frozenset(spec.get("retrieval", ())) | _retrieval(rows),
        limited=any(spec.get(cut) is not None for cut in ("limit", "test_limit")) or bool(rows["limited"].any()),
        stages=(len(done) - len(broken), len(files)),
        notes=tuple(f"{fault} Its stage counts as missing: start the sweep again." for fault in broken),
        homes=(stages_of(folder),),
    )


def read_record(file: Path) -> dict[str, Any]:
    """What `sweep.json` holds; raises UsageError for a file that is none or of a later version."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        version, spec = record["version"], record["spec"]
        known = isinstance(version, int) and len(record["stages"]) >= 0
        wrong = next((key for key in record["stages"] if not KEY.fullmatch(str(key))), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no key of a stage")
        for axis in ("intermediates", "targets", "seeds"):
            known = known and isinstance(spec[axis], list)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is no record of a sweep ({type(error).__name__}: {error}).") from error
    if not known:
        raise UsageError(f"{file} is no record of a sweep: version, stages or an axis of its spec is of another kind.")
    if version > SWEEP_VERSION:
        raise UsageError(f"{file} is of version {version}, this program reads up to {SWEEP_VERSION}: use a newer one.")
    return dict(record)


def stages_of(folder: Path) -> Path:
    """The folder of the stages, beside the sweep's own."""
    return folder.resolve().parent / "stages"


def _rows(files: list[Path], where: str) -> tuple[pl.DataFrame, list[str]]:
    """The rows of a sweep's stages, and what is wrong with the files that could not be read or are not the stage's own.

    Raises UsageError where no file is whole, or a newer version wrote one.
    """
    try:
        rows = tidy(_scan(files), where)
        there = set(rows["stage"].unique())
        silent = [file for file in files if file.parent.name not in there]  # a pretraining leaves no rows
        if len(there) + len(silent) == len(files) and all(_collect(file).is_empty() for file in silent):
            return rows, []
    except NewerError:
        raise
    except (PolarsError, OSError, UsageError):
        pass  # one of the files: which one is seen when each is read alone
    whole, broken = [], []
    for file in files:
        try:
            name = "/".join(file.parts[-3:])
            found = tidy(_collect(file, name), name)
            strange = set(found["stage"].unique()) - {file.parent.name}
            if strange:
                raise UsageError(f"{name} has rows of stage {min(map(str, strange))}.")
        except NewerError:
            raise
        except UsageError as error:
            broken.append(str(error))
        else:
            whole.append(found)
    if not whole:
        raise UsageError(broken[0])
    return pl.concat(whole), broken


def _scan(files: list[Path]) -> pl.DataFrame:
    """All rows of files that were written to SCHEMA; columns that an older version lacks are null."""
    scan = pl.scan_parquet(files, schema=SCHEMA, missing_columns="insert", extra_columns="ignore", glob=False)
    return scan.collect()


def _files(path: Path, scale: Scale) -> Scores:
    files = [path]
    if path.is_dir():
        sweeps = sorted(str(file.parent) for file in path.glob(f"*/{SWEEP}"))
        if sweeps:
            raise UsageError(f"{path} holds sweeps: name the one to rank: {', '.join(sweeps)}.")
        files = sorted(file for file in path.rglob("*.parquet") if file.name != PREDICTIONS)
        if not files:
            raise UsageError(f"{path} is neither a sweep (it has no {SWEEP}) nor does it hold Parquet files.")
    elif not path.is_file():
        sweeps = sorted(file.parent.name for file in path.parent.glob(f"*/{SWEEP}"))
        hint = f" ({unknown('sweep', path.name, sweeps)})" if sweeps else ""
        raise UsageError(f"{path} does not exist: name the folder of a sweep or a Parquet file{hint}.")
    rows, points = to_shares(pl.concat([tidy(_collect(file), str(file)) for file in files]), scale, str(path))
    scored = rows.filter(pl.col("target").is_not_null())
    if scored.is_empty():
        raise UsageError(f"{path} holds no score of a target.")
    chains = scored.filter(pl.col("intermediate") != RANDOM_ENCODER)
    intermediates, targets, seeds = (tuple(chains[name].unique().sort().to_list()) for name in CELL)
    return Scores(
        source=str(path),
        rows=rows,
        intermediates=intermediates,
        targets=targets,
        seeds=seeds,
        retrieval=_retrieval(rows) | {name for name in targets if name.lower().startswith(RETRIEVAL)},
        limited=bool(rows["limited"].any()),
        notes=(f"{path}: values above 1 or --scale points: read as points.",) if points else (),
    )


def _collect(file: Path, name: str | None = None) -> pl.DataFrame:
    """The columns of a file that are known; `name` is how errors call it."""
    try:
        scan = pl.scan_parquet(file, glob=False)
        names = scan.collect_schema().names()
        require(names, name or str(file))
        return scan.select(name for name in names if name in SCHEMA).collect()
    except (PolarsError, OSError) as error:
        raise UsageError(f"{name or file} cannot be read as Parquet: {_line(error)}.") from error


def _retrieval(rows: pl.DataFrame) -> frozenset[str]:
    return frozenset(rows.filter(pl.col("kind") == "retrieval")["target"].drop_nulls().unique())


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
