"""The gains language by language, and by family, script and level of resources."""

from collections.abc import Sequence

import polars as pl

from analysis.answers.languages import LANGUAGE_GROUPINGS
from analysis.page import chart_style, charts
from analysis.page.blocks import Figure, Paragraph, Section, SelectControl, name_columns, table_of
from analysis.page.language_map import build_map
from analysis.page.matrix import choose_colour_limit, format_cell
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields
from analysis.tables.source import refer_to_baseline
from analysis.transfer.array import Transfer
from analysis.transfer.columns import GroupBy, TransferColumn, group_languages, languages_of
from analysis.transfer.estimate import estimate_table
from analysis.transfer.ranking import Ranking
from spaces.language import Language

ALL_TARGETS = "all targets"
TABLE_FIELDS = "name level intermediate target gain low high seeds family script resource".split()
MAX_LANGUAGE_ROWS = 40  # of the heat map at first, as in XTREME; with more languages it begins with families
MAX_ROWS = 8000  # of the figure's data: a page of some megabytes
VIEWS = (
    ("language family", "languages, by family"),
    ("language script", "languages, by script"),
    ("language resource", "languages, by resources"),
    ("family name", "families"),
    ("script name", "scripts"),
    ("resource name", "levels of resources"),
)
ROW_SCHEMA = {
    **{name: dtype for name, dtype in ESTIMATE_SCHEMA.items() if name not in ("over", "kind", "spread", "values")},
    **dict.fromkeys(("target", "level", "key", "name", "language", "family", "script", "resource", "label"), pl.String),
    "step": pl.Int64,  # of the nine colours
}


def build_section(ranking: Ranking) -> Section:
    """Return the map of languages by family, and a heat map of languages (or groups of them) by intermediate tasks."""
    if not ranking.transfer.languages:
        return Section("languages", "By language", (Paragraph("No target has a score in any language."),))
    names, by_target = _choose_content(ranking)
    frame = build_rows(ranking, names, by_target=by_target)
    limit = choose_colour_limit(frame)
    steps = [chart_style.choose_colour_step(gain, limit) for gain in frame["gain"]]
    frame = frame.with_columns(pl.Series("step", steps, pl.Int64))
    many = len(ranking.transfer.languages) > MAX_LANGUAGE_ROWS
    views = sorted(VIEWS, key=lambda view: view[0].startswith("language")) if many else VIEWS
    targets = (ALL_TARGETS, *(ranking.transfer.targets if by_target else ()))
    figure = Figure(
        name="languages",
        title=f"Gain of every intermediate task by language, points over {refer_to_baseline(ranking.loaded_scores)}",
        description=f"Heat map of {len(ranking.transfer.languages)} languages by {len(names)} "
        "intermediate tasks for one target at a time. The numbers over all targets are in the table below.",
        spec=charts.draw_languages(names, limit, ALL_TARGETS, views[0][0]),
        data={"languages": frame},
        choices=(
            SelectControl("target", "Target", tuple((name, name) for name in targets)),
            SelectControl("view", "Rows", tuple(views)),
        ),
        table=table_of(
            frame.filter(pl.col("target") == ALL_TARGETS),
            "languages-table",
            "Gains by language and group of languages, over all targets that have the language",
            name_columns(*TABLE_FIELDS),
        ),
        min_width_rem=40 if 6 < len(names) <= chart_style.MAX_WIDE_COLUMNS else 30,
    )
    language_map = build_map(ranking, names, targets, frame)
    text = (
        "Targets are trained in English, which is in no group; all other languages are zero-shot. Intervals in this "
        "section are over seeds. In the map, each family stands with its mean; * marks an interval that excludes 0."
    )
    left_out = [] if by_target else ["single targets"]
    if len(names) < len(ranking.intermediates):
        left_out.append(f"{len(ranking.intermediates) - len(names)} tasks at the end of the order")
    if left_out:
        text += f" Not shown, because there are too many: {' and '.join(left_out)}."
    return Section("languages", "By language", (Paragraph(text), language_map, figure))


def _choose_content(ranking: Ranking) -> tuple[tuple[str, ...], bool]:
    """Return the tasks that the figure shows, and whether it shows single targets: MAX_ROWS rows, or one task."""
    by_target = len(_list_cells(ranking.transfer, by_target=True)) * len(ranking.shown) <= MAX_ROWS
    rows_of_task = len(_list_cells(ranking.transfer, by_target=by_target))
    return ranking.shown[: max(1, MAX_ROWS // max(1, rows_of_task))], by_target


def _list_cells(transfer: Transfer, *, by_target: bool) -> list[tuple[str, GroupBy, str, TransferColumn]]:
    """Return target (or all of them), kind and name of each language or group of languages, and its column."""
    cells: list[tuple[str, GroupBy, str, TransferColumn]] = []
    for by in LANGUAGE_GROUPINGS:
        for name, members in group_languages(transfer, by).items():
            scored = [target for target in transfer.targets if _is_scored(transfer, target, members)]
            singles = ((target, (target,)) for target in scored) if by_target else ()
            for target, targets in ((ALL_TARGETS, tuple(scored)), *singles):
                column = TransferColumn(name=str(len(cells)), targets=targets, languages=members)
                cells.append((target, by, name, column))
    return cells


def build_rows(ranking: Ranking, names: Sequence[str], *, by_target: bool = True) -> pl.DataFrame:
    """Return one row per intermediate task, target (or all of them), and language or group of languages."""
    transfer = ranking.transfer
    cells = _list_cells(transfer, by_target=by_target)
    gains = transfer.gains[[transfer.intermediates.index(name) for name in names]]
    estimates = estimate_table(transfer, gains, names, [column for *_, column in cells], {})
    known, rows = languages_of(transfer), []
    for (chain, column), estimate in estimates.items():
        if estimate.mean is not None:
            target, level, name, _ = cells[int(column)]
            fields = {key: value for key, value in build_estimate_fields(estimate).items() if key in ROW_SCHEMA}
            label = format_cell(estimate)
            row = {"intermediate": chain, "target": target, "level": level, "key": name, "label": label}
            rows.append({**row, **fields, **_name_fields(level, name, known.get(name))})
    return pl.DataFrame(rows, ROW_SCHEMA)


def _is_scored(transfer: Transfer, target: str, members: frozenset[str]) -> bool:
    scored = transfer.scored_mask[transfer.targets.index(target)]
    return any(scored[i] for i, language in enumerate(transfer.languages) if language in members)


def _name_fields(by: GroupBy, name: str, language: Language | None) -> dict[str, str]:
    if by != "language":
        return {"name": name}
    title = f"{language.english_name} ({name})" if language else name
    groups = {key: getattr(language, key, "unknown") for key in ("family", "script", "resource")}
    return {"name": title, "language": title, **groups}
