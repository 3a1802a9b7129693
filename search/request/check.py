"""`--check`: what the data have and lack for a sweep, task by task, with one row of everything read."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from search.request.request import SweepRequest
from search.request.start_encoder import find_model_problems
from trainables.data import task_data
from trainables.data.data_report import DataReport, SplitReport


def show_check(request: SweepRequest) -> bool:
    """Print what was found; True if nothing is missing."""
    console = Console(width=max(120, Console().width), soft_wrap=True, highlight=False)
    source = request.context.source
    if source.benchmark == "miniature":
        console.print("The miniature makes its own data: nothing can be missing.")
        return True
    where = source.data or "the hub"
    console.print(
        f"Data of {len(request.task_needs)} tasks of {request.name} in {where}; one row of each place was read.\n"
    )
    inspections = {
        role: [task_data.inspect(source, need.task, need.language) for need in request.task_needs if need.role == role]
        for role in ROLES
    }
    for role, title in ROLES.items():
        console.print(_build_table(title, inspections[role]))
        console.print()
    everything = [one for found in inspections.values() for one in found]
    _print_list(console, "To know when reading scores:", (line for one in everything for line in one.notes))
    _print_list(console, "Left out:", request.skipped_tasks)
    data_lack = [line for one in everything for line in one.problems]
    missing = [*data_lack, *request.missing_data, *find_model_problems(request.maker.start)]
    _print_list(console, "Missing:", missing)
    if data_lack:
        console.print("--skip-missing leaves out the tasks whose data are missing.")
    elif not missing:
        console.print("Nothing is missing.")
    return not missing


ROLES = {"intermediate": "intermediate task", "target": "target"}


def _build_table(title: str, inspections: list[DataReport]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in (title, "kind", "train", "dev", "test", "languages", ""):
        table.add_column(name, justify="right" if name in ("train", "dev", "test") else "left", no_wrap=True)
    for one in inspections:
        found = {finding.split: finding for finding in one.splits}
        test = found.get("test")
        table.add_row(
            one.name,
            one.task.kind,
            *(_format_row_count(found.get(split)) for split in ("train", "dev", "test")),
            "" if test is None else f"{len(test.languages)} of {len(one.task.test_languages)}",
            "LACKS DATA" if one.problems else "ok",
        )
    return table


def _format_row_count(finding: SplitReport | None) -> str:
    if finding is None:
        return "-"
    return "there" if finding.row_count is None else f"{finding.row_count:,}"


def _print_list(console: Console, title: str, lines: Iterable[str]) -> None:
    found = list(dict.fromkeys(lines))
    if found:
        console.print(title)
        for line in found:
            console.print(f"  {line}", markup=False)
        console.print()
