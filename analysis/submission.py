"""Write a sweep's predictions as a submission to XTREME: one folder per task, one file per language.

    python analysis/submission.py runs/full-xtreme submission
    python analysis/submission.py runs/full-xtreme submission --per-target

The sweep must have run with --predictions. English dev scores choose the intermediate task and the learning rate; test
scores are not used. Exit codes: 0 all nine tasks are complete, 1 some are not, 2 bad usage.
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

from analysis.scores.arguments import build_plain_parser, check_new_folder
from analysis.scores.fetch import fetch_results
from analysis.scores.record import SCORES_FILE, read_record, stages_folder_of
from analysis.scores.sources import load_sweep
from analysis.submit.choice import SubmissionChoice, SubmittedRun, choose_runs
from analysis.submit.files import OFFICIAL_TASKS, OfficialTask, PredictionGapError, SubmissionFile, build_file
from spaces.bounds import describe_bounds
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError, first_line_of
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.sweep_record import SWEEP_FILE
from spaces.xtreme_data import DATASETS, TASK_SPLITS


@dataclass(frozen=True, slots=True)
class TaskSubmission:
    """One task of the submission: its run, its files by language, and its problems in printed lines."""

    task: OfficialTask
    run: SubmittedRun | None
    files: Mapping[str, SubmissionFile]
    problems: tuple[str, ...]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = build_plain_parser("submission.py", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep of the benchmark xtreme; s3://... too")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write, new or empty")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--intermediate", metavar="NAME", help="submit this task instead of the best on English dev")
    choice.add_argument(
        "--per-target", action="store_true", help="take the best on English dev for each target (the paper's practice)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="replicate to submit (default: the lowest)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Choose the runs, write the files and print what was done; return the exit code."""
    options = build_parser().parse_args(argv)
    try:
        check_new_folder(options.out)
        with fetch_results([options.sweep], (SCORES_FILE, PREDICTIONS_FILE)) as [sweep]:
            spec = _read_xtreme_spec(sweep)
            choice = choose_runs(
                load_sweep(sweep), intermediate=options.intermediate, seed=options.seed, per_target=options.per_target
            )
            submissions = [_build_submission(task, choice, stages_folder_of(sweep)) for task in OFFICIAL_TASKS]
        _write_files(options.out, [file for submission in submissions for file in submission.files.values()])
    except UsageError as error:
        print(f"submission.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    problems = [line for submission in submissions for line in submission.problems]
    warnings = _list_warnings(submissions, spec)
    print(*choice.explanation, "", *_format_table(submissions), "", *warnings, *problems, sep="\n")
    complete = sum(not submission.problems for submission in submissions)
    state = ": the submission is incomplete." if problems else "."
    print(f"{options.out}: {complete} of {len(submissions)} tasks are complete{state}")
    return ExitCode.FAILED if problems else ExitCode.DONE


def _read_xtreme_spec(sweep: Path) -> Mapping[str, Any]:
    if not (sweep / SWEEP_FILE).is_file():
        raise UsageError(f"{sweep} is not a sweep folder: it has no {SWEEP_FILE}.")
    spec: Mapping[str, Any] = read_record(sweep / SWEEP_FILE)["spec"]
    if spec.get("benchmark") != "xtreme":
        raise UsageError(
            f"{sweep} is a sweep of benchmark {spec.get('benchmark')}. Only a sweep of xtreme can be submitted."
        )
    return spec


def _build_submission(task: OfficialTask, choice: SubmissionChoice, stages: Path) -> TaskSubmission:
    """Return the files of one task, from the run that was chosen for it."""
    run = choice.runs.get(task.target)
    if run is None:
        return TaskSubmission(task, None, {}, (choice.explain_missing(task.target),))
    path = stages / run.stage / PREDICTIONS_FILE
    if not path.is_file():
        name = f"the run after {run.intermediate}, seed {run.seed} (stage {run.stage})"
        problem = f"{task.target}: no predictions of {name}. Run the sweep with --predictions from the start."
        return TaskSubmission(task, run, {}, (problem,))
    files, problems, absent = {}, [], []
    predictions = _read_predictions(path, task.target)
    for language in task.languages:
        rows = predictions.filter(language=language)
        if rows.is_empty() and not (task.is_mined and language in run.languages):
            absent.append(language)
            continue
        try:
            files[language] = build_file(task, language, rows)
        except PredictionGapError as error:
            problems.append(f"{task.target}: {language} has {error}.")
    if absent:
        problems.append(f"{task.target}: no predictions in {', '.join(absent)}.")
    return TaskSubmission(task, run, files, tuple(problems))


def _read_predictions(path: Path, target: str) -> pl.DataFrame:
    try:
        scan = pl.scan_parquet(path, glob=False).filter(target=target, split="test")
        return scan.select("language", "example", "id", "prediction").collect()
    except (PolarsError, OSError) as error:
        raise UsageError(f"{path} cannot be read as predictions: {first_line_of(error).rstrip('.')}.") from error


def _write_files(out: Path, files: Sequence[SubmissionFile]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            path = out / file.name
            path.parent.mkdir(exist_ok=True)
            path.write_text(file.text, encoding="ascii", newline="\n")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error}.") from error


def _format_table(submissions: Sequence[TaskSubmission]) -> Iterator[str]:
    """Yield lines of task, run, languages, and rows per language (sentences, questions or pairs)."""
    yield f"{'task':<10}{'after':<14}{'rate':>8}  {'languages':>9}  rows per language"
    for submission in submissions:
        run, counts = submission.run, [file.row_count for file in submission.files.values()]
        rows = "-" if not counts else f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
        after = "-" if run is None else run.intermediate
        rate = "-" if run is None or run.learning_rate is None else f"{run.learning_rate:g}"
        languages = f"{len(counts)}/{len(submission.task.languages)}"
        yield f"{submission.task.folder:<10}{after:<14}{rate:>8}  {languages:>9}  {rows}"


def _list_warnings(submissions: Sequence[TaskSubmission], spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield what makes the submission differ from an official one: limited data, other test sets, repeated ids."""
    if bounds := describe_bounds(spec):
        yield f"warning: limited: {bounds}."
    for submission in submissions:
        target, english = submission.task.target, submission.files.get("en")
        for part in TASK_SPLITS[target].test if target in TASK_SPLITS and submission.files else ():
            dataset = DATASETS[part.dataset]
            published = dataset.published_rows.get(part.splits[0])
            is_cut = spec.get("test_limit") is not None
            if english is not None and not is_cut and published not in (None, english.row_count):
                yield f"warning: {target}: {english.row_count} English rows, the published test set has {published}."
            if dataset.note:
                yield f"warning: {target}: {dataset.note}"
        files = submission.files.items()
        if repeated := [f"{language} {file.repeated_ids}" for language, file in files if file.repeated_ids]:
            yield f"note: {target}: questions that repeat an id, answered like the first one: {', '.join(repeated)}."


if __name__ == "__main__":
    sys.exit(run_command(main))
