"""`--check`: the data that a sweep has and lacks, task by task. One row of every split is read."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from search.request.request import SweepRequest
from trainables.data import task_data
from trainables.data.data_report import DataReport, SplitReport
from trainables.repositories.client import REQUESTS

TABLE_TITLES = {"intermediate": "intermediate task", "target": "target"}  # by the role of the tasks
SPLITS = ("train", "dev", "test")


def show_check(request: SweepRequest) -> bool:
    """Print a table for each role, notes, and everything that is missing; return True if nothing is missing."""
    console = Console(width=max(120, Console().width), soft_wrap=True, highlight=False)
    source = request.context.source
    if source.benchmark == "miniature":
        console.print("The miniature makes its own data: nothing can be missing.")
        return True
    needs = request.task_needs
    origin = source.data or "the hub"
    console.print(f"Data of {len(needs)} tasks of {request.name} in {origin}; one row of each split was read.\n")
    report_of = {need: task_data.inspect(source, need.task, need.language) for need in needs}
    for role, title in TABLE_TITLES.items():
        console.print(_build_table(title, [report for need, report in report_of.items() if need.role == role]))
        console.print()
    reports = report_of.values()
    probe_notes = task_data.collect_probe_notes(source) if "alignment" in request.context.probes else []
    data_notes = (line for report in reports for line in report.notes)
    notes = (*request.maker.start.notes, *request.foreign_notes, *data_notes, *probe_notes)
    _print_list(console, "Notes for reading the scores:", notes)
    _print_list(console, "Left out:", request.skipped_tasks)
    data_problems = [line for report in reports for line in report.problems]
    missing = [*data_problems, *request.missing_data]
    _print_list(console, "Missing:", missing)
    if data_problems:
        console.print("--skip-missing leaves out the tasks whose data are certainly not there.")
    elif not missing:
        console.print("Nothing is missing.")
    if source.hub is not None:
        console.print(f"The hub was asked {REQUESTS}.")
    return not missing


def _build_table(title: str, reports: list[DataReport]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in (title, "kind", *SPLITS, "languages", ""):
        table.add_column(name, justify="right" if name in SPLITS else "left", no_wrap=True)
    for report in reports:
        splits: dict[str, SplitReport] = {split.split: split for split in report.splits}
        test = splits.get("test")
        table.add_row(
            report.name,
            report.task.kind,
            *(_format_row_count(splits.get(split)) for split in SPLITS),
            "" if test is None else f"{len(test.languages)} of {len(report.task.test_languages)}",
            "LACKS DATA" if report.problems else "ok",
        )
    return table


def _format_row_count(split: SplitReport | None) -> str:
    if split is None:
        return "-"
    return "found" if split.row_count is None else f"{split.row_count:,}"


def _print_list(console: Console, title: str, lines: Iterable[str]) -> None:
    unique = list(dict.fromkeys(lines))
    if unique:
        console.print(title)
        for line in unique:
            console.print(f"  {line}", markup=False)
        console.print()
