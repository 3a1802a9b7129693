"""Write a sweep's predictions as a submission to XTREME: one folder per task, one file per language.

    python analysis/submission.py runs/full-xtreme submission
    python analysis/submission.py runs/full-xtreme submission --per-target

The sweep must have run with --predictions. English dev scores choose the intermediate task and the learning rate; no
test score is looked at. Exit codes: 0 all nine tasks are whole, 1 the folder is not complete, 2 bad usage.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.fetch import fetch_results
from analysis.scores.load import load_sweep
from analysis.scores.record import read_record, stages_folder_of
from analysis.submit.choice import SubmissionChoice, SubmittedRun, choose_runs
from analysis.submit.files import OFFICIAL_TASKS, OfficialTask, PredictionGapError, SubmissionFile, build_file
from spaces.errors import UsageError, first_line_of
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.sweep_record import SWEEP_FILE
from spaces.xtreme_data import DATASETS, TASK_SPLITS

EXIT_COMPLETE, EXIT_INCOMPLETE, EXIT_USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSubmission:
    """One task of the submission: the run it comes from, its files by language, and what it lacks."""

    task: OfficialTask
    run: SubmittedRun | None
    files: Mapping[str, SubmissionFile]
    problems: tuple[str, ...]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="submission.py", description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep of the benchmark xtreme; s3://... too")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write, new or empty")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--intermediate", metavar="NAME", help="instead of the best on English dev")
    which.add_argument(
        "--per-target", action="store_true", help="the best on English dev for each target (the paper's practice)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="replicate to submit (default: the lowest)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Choose, write, and say what was done; returns the exit code."""
    given = build_parser().parse_args(argv)
    try:
        _check_out(given.out)
        with fetch_results([given.sweep], files=("scores.parquet", PREDICTIONS_FILE)) as [sweep]:
            record = _read_xtreme_record(sweep)
            read = load_sweep(sweep)
            choice = choose_runs(read, intermediate=given.intermediate, seed=given.seed, per_target=given.per_target)
            entries = [_build_submission(official, choice, stages_folder_of(sweep)) for official in OFFICIAL_TASKS]
        _write_files(given.out, [file for entry in entries for file in entry.files.values()])
    except UsageError as error:
        print(f"submission.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    lacks = [line for entry in entries for line in entry.problems]
    print(
        "\n".join(
            [*choice.explanation, "", *_format_table(entries), "", *_list_warnings(entries, record["spec"]), *lacks]
        )
    )
    print(f"{given.out}: {_format_state(entries)}")
    return EXIT_INCOMPLETE if lacks else EXIT_COMPLETE


def _read_xtreme_record(sweep: Path) -> dict[str, Any]:
    if not (sweep / SWEEP_FILE).is_file():
        raise UsageError(f"{sweep} is no folder of a sweep: it has no {SWEEP_FILE}.")
    record = read_record(sweep / SWEEP_FILE)
    benchmark = record["spec"].get("benchmark")
    if benchmark != "xtreme":
        raise UsageError(f"{sweep} is a sweep of the benchmark {benchmark}: only one of xtreme can be submitted.")
    return record


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a new or empty folder.")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: name a new or empty folder, nothing is overwritten.")


def _build_submission(official: OfficialTask, choice: SubmissionChoice, stages: Path) -> TaskSubmission:
    """The files of one task, from the run that was chosen for it."""
    run = choice.runs.get(official.target)
    if run is None:
        return TaskSubmission(task=official, run=None, files={}, problems=(choice.explain_missing(official.target),))
    path = stages / run.stage / PREDICTIONS_FILE
    if not path.is_file():
        line = f"{official.target}: {run.description} left no predictions: run the sweep with --predictions from the start."
        return TaskSubmission(task=official, run=run, files={}, problems=(line,))
    files, lacks = {}, []
    absent = []
    predictions = _read_predictions(path, official.target)
    for language in official.languages:
        rows = predictions.filter(pl.col("language") == language)
        if rows.is_empty() and not (official.is_mined and language in run.languages):
            absent.append(language)
            continue
        try:
            files[language] = build_file(official, language, rows)
        except PredictionGapError as error:
            lacks.append(f"{official.target}: {language} has {error}.")
    if absent:
        lacks.append(f"{official.target}: no predictions in {', '.join(absent)}.")
    return TaskSubmission(task=official, run=run, files=files, problems=tuple(lacks))


def _read_predictions(path: Path, target: str) -> pl.DataFrame:
    try:
        scan = pl.scan_parquet(path, glob=False).filter(target=target, split="test")
        return scan.select("language", "example", "id", "prediction").collect()
    except (PolarsError, OSError) as error:
        raise UsageError(f"{path} cannot be read as predictions: {first_line_of(error)}.") from error


def _write_files(out: Path, files: Sequence[SubmissionFile]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            path = out / file.name
            path.parent.mkdir(exist_ok=True)
            path.write_text(file.text, encoding="ascii", newline="\n")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error}.") from error


def _format_table(entries: Sequence[TaskSubmission]) -> Iterator[str]:
    """Task, run, languages, and rows per language (sentences, questions or pairs)."""
    yield f"{'task':<10}{'after':<14}{'rate':>8}  {'languages':>9}  rows per language"
    for entry in entries:
        rows = [file.row_count for file in entry.files.values()]
        span = "-" if not rows else f"{min(rows)}" if min(rows) == max(rows) else f"{min(rows)}-{max(rows)}"
        after = "-" if entry.run is None else entry.run.intermediate
        rate = "-" if entry.run is None or entry.run.learning_rate is None else f"{entry.run.learning_rate:g}"
        languages = f"{len(rows)}/{len(entry.task.languages)}"
        yield f"{entry.task.folder:<10}{after:<14}{rate:>8}  {languages:>9}  {span}"


def _list_warnings(entries: Sequence[TaskSubmission], spec: Mapping[str, Any]) -> Iterator[str]:
    """What may make the submission less than it seems: cut data, other test sets, ids that stand twice."""
    if spec.get("limit") is not None:
        yield f"warning: limited: trained on at most {spec['limit']} examples."
    if spec.get("test_limit") is not None:
        yield f"warning: limited: at most {spec['test_limit']} test examples, not the official numbers of rows."
    for entry in entries:
        target, file = entry.task.target, entry.files.get("en")
        parts = TASK_SPLITS[target].test if target in TASK_SPLITS and entry.files else ()
        for part in parts:
            dataset = DATASETS[part.dataset]
            rows = dataset.published_rows.get(part.splits[0])
            if file is not None and rows is not None and file.row_count != rows and spec.get("test_limit") is None:
                yield f"warning: {target}: {file.row_count} English rows, the published test set has {rows}."
            if dataset.note:
                yield f"warning: {target}: {dataset.note}"
        repeated = [f"{language} {file.repeated_ids}" for language, file in entry.files.items() if file.repeated_ids]
        if repeated:
            yield (
                f"note: {target}: questions with the id of an earlier one, whose answer is submitted: "
                f"{', '.join(repeated)}."
            )


def _format_state(entries: Sequence[TaskSubmission]) -> str:
    whole = sum(not entry.problems for entry in entries)
    return f"{whole} of {len(entries)} tasks are whole{'.' if whole == len(entries) else ': not complete.'}"


if __name__ == "__main__":
    sys.exit(main())
