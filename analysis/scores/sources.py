"""The scores of one path: a sweep folder, an archive of one, a file of scores, or a folder of such files."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from analysis.scores import formats, tidy
from analysis.scores.archive import read_archive
from analysis.scores.choose import MAJORITY, list_counted_metrics
from analysis.scores.duplicates import pack_score_keys
from analysis.scores.keys import compact_keys, find_first_rows, has_duplicate_keys, pack_columns
from analysis.scores.language_names import read_languages
from analysis.scores.plain_names import Renaming, describe_hidden_names, find_hidden_names, rename_hidden
from analysis.scores.record import (
    SCORES_FILE,
    list_all_seeds,
    list_planned_ceilings,
    list_skipped_seeds,
    list_unplanned_seeds,
    read_record,
    stages_folder_of,
)
from analysis.scores.scale import FileOptions, choose_turned, describe_scales, read_scale
from analysis.scores.scores import Scores
from analysis.scores.stages import read_stage_rows
from analysis.scores.tidy import ARM_COLUMNS, CELL_COLUMNS
from spaces.benchmark import BENCHMARKS
from spaces.bounds import describe_bounds
from spaces.ceilings import list_ceilings
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PREVIEW_FILE, PROBES_FILE
from spaces.sweep_record import SWEEP_FILE
from spaces.table import describe_unknown, shorten_list

EAGER_READ_BYTES = 4_000_000  # a smaller file is read at once; of a larger one each question reads its own columns
RETRIEVAL_PREFIXES = ("bucc", "tatoeba", "mewsli", "lareqa")  # names of retrieval targets in a foreign file


def load_sweep(folder: Path) -> Scores:
    """Return the scores of a sweep, with or without a baseline; raise UsageError if it cannot be read or has none."""
    record = read_record(folder / SWEEP_FILE)
    stages = stages_folder_of(folder)
    keys = record["stages"]
    done = [Path(file) for key in keys if os.path.isfile(file := f"{stages}/{key}/{SCORES_FILE}")]  # noqa: PTH113  # fast
    if not done:
        raise UsageError(f"{folder}: none of its {len(keys)} stages has scores yet. Let search/run.py go on.")
    stage_rows = read_stage_rows(folder, done)
    scores = _build_sweep_scores(str(folder), record, stage_rows.rows, len(done) - len(stage_rows.faults))
    faults = (f"{fault} Its stage counts as missing: run the sweep again." for fault in stage_rows.faults.values())
    notes = (*scores.notes, *([stage_rows.note] if stage_rows.note else []), *faults)
    return replace(scores, notes=notes, stage_folders=(stages,))


def load_archive(file: Path) -> list[Scores]:
    """Return the scores of each sweep of an archive that has any; raise UsageError if it cannot be read or has none."""
    archive = read_archive(file)
    if archive.rows.is_empty():
        raise UsageError(f"{file}: none of its stages has scores.")
    loaded = []
    for record in archive.records:
        is_own = pl.col("stage").is_in([*record["stages"]])  # sweeps may share stages
        rows, probe_rows = archive.rows.filter(is_own), archive.probe_rows.filter(is_own)
        if not rows.is_empty():
            scores = _build_sweep_scores(str(file), record, rows, rows["stage"].n_unique())
            loaded.append(replace(scores, archived_probes=(probe_rows,)))
    return loaded


def _build_sweep_scores(source: str, record: Mapping[str, Any], stage_rows: pl.DataFrame, done: int) -> Scores:
    """Return the scores of a sweep from its record and the rows of the `done` stages."""
    spec = record["spec"]
    targets = tuple(spec["targets"])
    # A stage scores every target that shares its training set, also targets that this sweep did not ask for.
    rows = stage_rows.filter(pl.col("target").is_in(targets) | pl.col("target").is_null()).lazy()
    benchmark = BENCHMARKS.get(str(spec.get("benchmark")))
    if benchmark is not None and benchmark.base is not None:  # stages of the base benchmark are the sweep's own
        rows = rows.with_columns(pl.col("benchmark").replace(benchmark.base, benchmark.name))
    target_rows, has_duplicates = add_run_keys(_collect_scored_columns(rows, source).drop_nulls("target"))
    return Scores(
        source=source,
        rows=rows,
        target_rows=target_rows,
        has_duplicates=has_duplicates,
        intermediate_rows=_select_intermediate_rows(rows),
        intermediates=(NONE, *spec["intermediates"]),
        targets=targets,
        seeds=list_all_seeds(spec),
        ceilings=list_planned_ceilings(spec),
        controls=frozenset(spec.get("controls", ())),
        retrieval_targets=frozenset(spec.get("retrieval", ())) | _list_retrieval_targets(rows),
        skipped_chain_seeds=list_skipped_seeds(record),
        unplanned_chain_seeds=list_unplanned_seeds(spec),
        is_limited=bool(describe_bounds(spec)) or _is_limited(rows),
        stage_counts=(done, len(record["stages"])),
        notes=_describe_training(spec),
        records=(record,),
    )


def _describe_training(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return notes on how all stages of a sweep were trained, where that is not the default."""
    lines = {
        "recipe": "Trained with the recipe {} (docs/protocol.md).",
        "target_method": "Targets were trained by the method {} (docs/questions.md).",
    }
    return tuple(line.format(spec[field]) for field, line in lines.items() if field in spec)


def load_files(path: Path, options: FileOptions) -> Scores:
    """Return the scores of all files at a path; raise UsageError for unreadable or mixed ones, or none of targets."""
    files, notes = _list_files(path)
    loaded = [_load_file(file, path) for file in files]
    parts = [(rows, scored) for rows, scored, _ in loaded]
    scored = pl.concat([scored for _, scored in parts])
    languages = read_languages(scored, str(path))
    counted = list_counted_metrics(scored, options.picked_metrics)
    turned = choose_turned(counted, options, str(path))
    metrics = frozenset({MAJORITY, *(metric for each in counted for names in each.values() for metric in names)})
    scales = [
        read_scale(scored, metrics, turned, options, str(file)) for file, (_, scored) in zip(files, parts, strict=True)
    ]
    pairs = list(zip(parts, scales, strict=True))
    rows = pl.concat([scale.rescale(rows) for (rows, _), scale in pairs])
    if languages.renamed:
        rows = rows.with_columns(pl.col("language").replace(languages.renamed))
    scored = pl.concat([scale.rescale(scored.lazy()).collect() for (_, scored), scale in pairs])
    scored = languages.rename(scored)
    target_rows, has_duplicates = add_run_keys(scored.drop_nulls("target"))
    if target_rows.is_empty():
        raise UsageError(f"{path} has no scores of targets.")
    cells = target_rows.select(CELL_COLUMNS)[find_first_rows(target_rows["run"].to_numpy())].lazy()
    names = list_values(cells, "intermediate")
    ceilings = list_ceilings(names)
    chains = cells.filter(~pl.col("intermediate").cast(pl.String).is_in([RANDOM_ENCODER, *ceilings]))
    intermediates, targets, seeds = (list_values(chains, name) for name in CELL_COLUMNS)
    return Scores(
        source=str(path),
        rows=rows,
        target_rows=target_rows,
        has_duplicates=has_duplicates,
        intermediate_rows=_select_intermediate_rows(rows),
        intermediates=tuple(intermediates),
        targets=tuple(targets),
        seeds=tuple(seeds),
        ceilings=ceilings,
        retrieval_targets=_list_retrieval_targets(rows)
        | {name for name in targets if name.lower().startswith(RETRIEVAL_PREFIXES)},
        is_limited=_is_limited(rows),
        notes=(
            *notes,
            *describe_scales(str(path), [*zip(map(str, files), scales, strict=True)]),
            *languages.notes,
            *describe_hidden_names(str(path), (renaming for *_, renaming in loaded)),
        ),
    )


def add_run_keys(target_rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Return rows of targets with `run`, the key of their run, and True if any score stands there more than once."""
    keyed = target_rows.with_columns(run=pl.Series(compact_keys(pack_columns(target_rows, ARM_COLUMNS))))
    return keyed, has_duplicate_keys(pack_score_keys(keyed))


def list_values(rows: pl.LazyFrame, column: str) -> list[Any]:
    """Return the distinct values of a column without null, sorted."""
    return rows.select(pl.col(column).drop_nulls().unique().sort()).collect(engine="streaming")[column].to_list()


def _list_files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the score files at a path, and notes on files beside them that are not read."""
    if path.is_dir():
        sweeps = sorted(str(file.parent) for file in path.glob(f"*/{SWEEP_FILE}"))
        if sweeps:
            raise UsageError(f"{path} holds sweeps. Name one of them: {', '.join(sweeps)}.")
        names = (Path(folder, name) for folder, _, files in os.walk(path, onerror=_refuse_folder) for name in files)
        found = sorted(file for file in names if file.name not in (PREDICTIONS_FILE, PREVIEW_FILE, PROBES_FILE))
        files = [file for file in found if file.name.lower().endswith(formats.PARQUET_SUFFIXES) and file.is_file()]
        texts = [file for file in found if file.name.lower().endswith(formats.TEXT_SUFFIXES) and file.is_file()]
        if not (files or texts):
            raise UsageError(
                f"{path} is not a sweep (it has no {SWEEP_FILE}) and holds no Parquet files, CSV or JSON lines."
            )
        if files and texts:
            return files, [f"{path}: only its Parquet files are read, not {shorten_list(list(map(str, texts)), 4)}."]
        return files or texts, []
    if not path.is_file():
        sweeps = sorted(file.parent.name for file in path.parent.glob(f"*/{SWEEP_FILE}"))
        hint = f" ({describe_unknown('sweep', path.name, sweeps)})" if sweeps else ""
        raise UsageError(f"{path} does not exist. Name the folder of a sweep or a file of scores{hint}.")
    return [path], []


def _refuse_folder(error: OSError) -> None:
    """Raise UsageError for a folder that cannot be listed: its rows must not be left out."""
    raise UsageError(
        f"{error.filename} cannot be read: {error.strerror}. Give this user the right to it, or move it away."
    )


def _load_file(file: Path, root: Path) -> tuple[pl.LazyFrame, pl.DataFrame, Renaming]:
    """Return all rows of a file at or below `root`, the same rows in tidy.SCORED_COLUMNS, and names with escapes."""
    rows = formats.scan_file(file, root)
    if file.stat().st_size < EAGER_READ_BYTES:
        rows = tidy.collect_rows(rows, str(file)).lazy()
    # A stage's key leads to files beside its scores. A foreign file has none, so its keys are dropped.
    scored = _collect_scored_columns(rows.with_columns(stage=pl.lit(None, pl.String)), str(file))
    tidy.check_rows(scored, rows.select(pl.col("version").max()).collect(engine="streaming").item(), str(file))
    renaming = find_hidden_names(scored, str(file))
    rows = rows.with_columns(pl.col(column).replace(names) for column, names in renaming.items())
    return rows, rename_hidden(scored, renaming), renaming


def _collect_scored_columns(rows: pl.LazyFrame, source: str) -> pl.DataFrame:
    """Return tidy.SCORED_COLUMNS with text as categories: ten million rows of text would not fit in memory."""
    text = [pl.col(column).cast(dtype) for column, dtype in tidy.CATEGORY_TYPES.items()]
    return tidy.collect_rows(rows.select(tidy.SCORED_COLUMNS).with_columns(text), source)


def _is_limited(rows: pl.LazyFrame) -> bool:
    return bool(rows.select(pl.col("limited").any()).collect(engine="streaming").item())


def _list_retrieval_targets(rows: pl.LazyFrame) -> frozenset[str]:
    return frozenset(list_values(rows.filter(pl.col("kind") == "retrieval"), "target"))


def _select_intermediate_rows(rows: pl.LazyFrame) -> pl.DataFrame:
    selected = rows.filter(pl.col("kind") == "intermediate")
    # Most foreign files have no such rows. One column shows that, and the others need not be read.
    if selected.select("kind").limit(1).collect(engine="streaming").is_empty():
        selected = rows.clear()
    return selected.collect(engine="streaming")
