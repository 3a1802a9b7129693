"""From paths to scores: sweep folders, Parquet files, folders of Parquet files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from analysis.scores.copies import score_keys
from analysis.scores.keys import any_twice, first_rows, packed, small
from analysis.scores.record import SCORES, SWEEP, decided_of, read_record, stages_of
from analysis.scores.stages import stage_rows
from analysis.scores.tidy import (
    ARM,
    CELL,
    SCORED,
    TEXT,
    Scale,
    check,
    collected,
    in_points,
    opened,
)
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.phase import is_phase
from spaces.prediction_columns import PREDICTIONS
from spaces.probe_columns import PROBES
from spaces.table import unknown

SMALL = 4_000_000  # bytes of a file that is read at once; of a larger one each question reads its columns
RETRIEVAL = ("bucc", "tatoeba", "mewsli", "lareqa")  # how a foreign file's retrieval targets are known: by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What was read. The names stand in the order they are shown.

    Every combination of the baseline and `intermediates` with `targets` and `seeds` should be there: what is not, is
    missing. `intermediates` holds neither the baseline nor floors.

    `rows` is every row in the columns of `tidy.SCHEMA`; it may still lie in files, so collect no more columns than a
    question needs, and while the files are there. `scored` and `upstream` are in memory.
    """

    source: str
    rows: pl.LazyFrame
    scored: pl.DataFrame  # rows of targets: the columns SCORED, text as categories, and `run`, a small number per run
    copies: bool  # whether a score stands in `scored` more than once
    upstream: pl.DataFrame  # rows of intermediate stages: the columns of SCHEMA
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    controls: frozenset[str] = frozenset()
    retrieval: frozenset[str] = frozenset()
    decided: frozenset[tuple[str, int]] = frozenset()  # chains that a race decided, with the seeds it did not give them
    benchmark: str | None = None
    model: str | None = None
    limited: bool = False
    stages: tuple[int, int] | None = None  # of a sweep: how many left scores, how many it knows
    notes: tuple[str, ...] = ()
    homes: tuple[Path, ...] = ()  # folders in which a sweep's stages lie, each by its key
    specs: tuple[Mapping[str, Any], ...] = ()  # of sweeps: what was asked for, as `sweep.json` has it


def load(paths: Sequence[Path], scale: Scale = "auto") -> Scores:
    """The scores of all `paths` together.

    Raises:
        UsageError: a path cannot be read, holds no baseline, or the paths hold different experiments.
    """
    parts = [load_sweep(path) if (path / SWEEP).is_file() else _files(path, scale) for path in paths]
    _check_budgets([spec for part in parts for spec in part.specs])
    stages = [part.stages for part in parts if part.stages is not None]
    names = _in_order(part.intermediates for part in parts)
    source = ", ".join(part.source for part in parts)
    if NONE not in names:
        raise UsageError(f"{source}: no rows of `{NONE}`, the baseline that a gain is a difference to: add them.")
    if names == (NONE,):
        raise UsageError(f"{source}: only the baseline `{NONE}` is there: nothing to rank against it.")
    rows, upstream = pl.concat([part.rows for part in parts]), pl.concat([part.upstream for part in parts])
    scored, copies = parts[0].scored, parts[0].copies
    if len(parts) > 1:
        scored, copies = _keyed(pl.concat([part.scored for part in parts]).drop("run"))
    # A path given twice, or two sweeps that share stages, bring the same rows twice.
    if copies or upstream.is_duplicated().any():
        rows, upstream = rows.unique(maintain_order=True), upstream.unique(maintain_order=True)
    return Scores(
        source=source,
        rows=rows,
        scored=scored,
        copies=copies,
        upstream=upstream,
        intermediates=tuple(name for name in names if name != NONE),
        targets=_in_order(part.targets for part in parts),
        seeds=tuple(sorted({seed for part in parts for seed in part.seeds})),
        controls=frozenset().union(*(part.controls for part in parts)),
        retrieval=frozenset().union(*(part.retrieval for part in parts)),
        decided=frozenset().union(*(part.decided for part in parts)),
        benchmark=_only(rows, "benchmark"),
        model=_only(rows.filter(pl.col("intermediate") != RANDOM_ENCODER), "model"),
        limited=any(part.limited for part in parts),
        stages=(sum(done for done, _ in stages), sum(known for _, known in stages)) if stages else None,
        notes=tuple(note for part in parts for note in part.notes),
        homes=tuple(dict.fromkeys(home for part in parts for home in part.homes)),
        specs=tuple(spec for part in parts for spec in part.specs),
    )


def _check_budgets(specs: Sequence[Mapping[str, Any]]) -> None:
    """Raise UsageError where two sweeps call phases of different budgets by one name: they would pass for one chain."""
    seen: dict[str, Mapping[str, Any]] = {}
    for spec in specs:
        for name in spec.get("intermediates", ()):
            other = seen.setdefault(name, spec)
            if is_phase(name) and other.get("budget") != spec.get("budget"):
                raise UsageError(
                    f"these sweeps mean different things by {name!r}: one bounds its phases by {other.get('budget')}, "
                    f"the other by {spec.get('budget')}; read one at a time."
                )


def _in_order(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _keyed(scored: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Rows of targets with the key of their run, and whether any score stands there more than once."""
    keyed = scored.with_columns(run=pl.Series(small(packed(scored, ARM))))
    return keyed, any_twice(score_keys(keyed))


def _only(rows: pl.LazyFrame, column: str) -> str | None:
    """The one value of a column, null apart."""
    values: list[str] = _values(rows, column)
    if len(values) > 1:
        raise UsageError(f"rows of {len(values)} {column}s ({', '.join(values)}): rank one at a time.")
    return values[0] if values else None


def _values(rows: pl.LazyFrame, column: str) -> list[Any]:
    return rows.select(pl.col(column).drop_nulls().unique().sort()).collect(engine="streaming")[column].to_list()


def _limited(rows: pl.LazyFrame) -> bool:
    return bool(rows.select(pl.col("limited").any()).collect(engine="streaming").item())


def _retrieval(rows: pl.LazyFrame) -> frozenset[str]:
    return frozenset(_values(rows.filter(pl.col("kind") == "retrieval"), "target"))


def _upstream(rows: pl.LazyFrame) -> pl.DataFrame:
    found = rows.filter(pl.col("kind") == "intermediate")
    # Most foreign files have no such rows. One column tells: the others need not be read.
    if found.select("kind").limit(1).collect(engine="streaming").is_empty():
        found = rows.clear()
    return found.collect(engine="streaming")


def load_sweep(folder: Path) -> Scores:
    """The scores of one sweep, whatever it holds; raises UsageError if it cannot be read or has no scores yet."""
    record = read_record(folder / SWEEP)
    spec = record["spec"]
    stages = stages_of(folder)
    files = [stages / key / SCORES for key in record["stages"]]
    done = [file for file in files if file.is_file()]
    if not done:
        raise UsageError(f"{folder}: none of its {len(files)} stages has left scores yet: let search/run.py go on.")
    targets = tuple(spec["targets"])
    frame, broken, note = stage_rows(folder, done)
    # A stage scores every target that shares its training, also those that this sweep did not ask for.
    rows = frame.filter(pl.col("target").is_in(targets) | pl.col("target").is_null()).lazy()
    scored, copies = _keyed(_scored(rows, str(folder)).drop_nulls("target"))
    return Scores(
        source=str(folder),
        rows=rows,
        scored=scored,
        copies=copies,
        upstream=_upstream(rows),
        intermediates=(NONE, *spec["intermediates"]),
        targets=targets,
        seeds=tuple(spec["seeds"]),
        controls=frozenset(spec.get("controls", ())),
        retrieval=frozenset(spec.get("retrieval", ())) | _retrieval(rows),
        decided=decided_of(record),
        limited=any(spec.get(cut) is not None for cut in ("limit", "test_limit")) or _limited(rows),
        stages=(len(done) - len(broken), len(files)),
        notes=(
            *([note] if note else []),
            *(f"{fault} Its stage counts as missing: start the sweep again." for fault in broken.values()),
        ),
        homes=(stages,),
        specs=(spec,),
    )


def _files(path: Path, scale: Scale) -> Scores:
    files = [path]
    if path.is_dir():
        sweeps = sorted(str(file.parent) for file in path.glob(f"*/{SWEEP}"))
        if sweeps:
            raise UsageError(f"{path} holds sweeps: name the one to rank: {', '.join(sweeps)}.")
        files = sorted(file for file in path.rglob("*.parquet") if file.name not in (PREDICTIONS, PROBES))
        if not files:
            raise UsageError(f"{path} is neither a sweep (it has no {SWEEP}) nor does it hold Parquet files.")
    elif not path.is_file():
        sweeps = sorted(file.parent.name for file in path.parent.glob(f"*/{SWEEP}"))
        hint = f" ({unknown('sweep', path.name, sweeps)})" if sweeps else ""
        raise UsageError(f"{path} does not exist: name the folder of a sweep or a Parquet file{hint}.")
    read = [_file(file) for file in files]
    rows, everything = pl.concat([rows for rows, _ in read]), pl.concat([scored for _, scored in read])
    share = pl.col("value") / 100
    if points := in_points(everything["value"], scale, str(path)):
        rows, everything = rows.with_columns(share), everything.with_columns(share)
    scored, copies = _keyed(everything.drop_nulls("target"))
    if scored.is_empty():
        raise UsageError(f"{path} holds no score of a target.")
    cells = scored.select(CELL)[first_rows(scored["run"].to_numpy())].lazy()
    chains = cells.filter(pl.col("intermediate") != RANDOM_ENCODER)
    intermediates, targets, seeds = (_values(chains, name) for name in CELL)
    return Scores(
        source=str(path),
        rows=rows,
        scored=scored,
        copies=copies,
        upstream=_upstream(rows),
        intermediates=tuple(intermediates),
        targets=tuple(targets),
        seeds=tuple(seeds),
        retrieval=_retrieval(rows) | {name for name in targets if name.lower().startswith(RETRIEVAL)},
        limited=_limited(rows),
        notes=(f"{path}: values above 1 or --scale points: read as points.",) if points else (),
    )


def _file(file: Path) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """All rows of a file, and of the same rows what scores and chooses."""
    rows = opened(file, str(file))
    if file.stat().st_size < SMALL:
        rows = collected(rows, str(file)).lazy()
    # The key of a stage leads to what lies beside its scores, and nothing lies beside a file.
    scored = _scored(rows.with_columns(stage=pl.lit(None, pl.String)), str(file))
    check(scored, rows.select(pl.col("version").max()).collect(engine="streaming").item(), str(file))
    return rows, scored


def _scored(rows: pl.LazyFrame, name: str) -> pl.DataFrame:
    """The columns SCORED, text as categories: ten million rows of text would not fit."""
    text = [pl.col(column).cast(dtype) for column, dtype in TEXT.items()]
    return collected(rows.select(SCORED).with_columns(text), name)
