"""The same gains language by language, and by the groups that languages form."""

from collections.abc import Mapping

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Figure, PageColumn, Paragraph, Section, SelectControl, table_of
from analysis.page.matrix import choose_colour_limit, format_cell
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields
from analysis.transfer.array import Transfer
from analysis.transfer.columns import GroupBy, group_languages, languages_of
from analysis.transfer.columns import TransferColumn as Over
from analysis.transfer.estimate import estimate_table
from analysis.transfer.ranking import Ranking

ALL_TARGETS = "all targets"
LANGUAGE_GROUPINGS: tuple[GroupBy, ...] = ("language", "family", "script", "resource")
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
    **dict.fromkeys(("target", "level", "name", "language", "family", "script", "resource", "label"), pl.String),
}


def build_section(found: Ranking) -> Section:
    """A heat map of languages (or families, scripts, levels of resources) by intermediate tasks."""
    if not found.transfer.languages:
        return Section("languages", "By language", (Paragraph("No target has a score in any language."),))
    frame = build_rows(found)
    targets = (ALL_TARGETS, *found.transfer.targets)
    figure = Figure(
        name="languages",
        title="Gain by language, points over the baseline in the same language",
        description=f"Heat map of {len(found.transfer.languages)} languages by {len(found.intermediates)} intermediate tasks "
        "for one target at a time. All numbers over all targets are in the table below.",
        spec=charts.draw_languages(found.intermediates, choose_colour_limit(frame), ALL_TARGETS),
        data={"languages": frame},
        choices=(
            SelectControl("target", "Target", tuple((name, name) for name in targets)),
            SelectControl("view", "Rows", VIEWS),
        ),
        table=table_of(
            frame.filter(pl.col("target") == ALL_TARGETS),
            "languages-table",
            "Gains by language and group of languages, over all targets that have the language",
            {
                "name": PageColumn("language or group"),
                "level": PageColumn("kind"),
                "intermediate": PageColumn("intermediate"),
                "gain": PageColumn("gain", 2, True),
                "low": PageColumn("low", 2, True),
                "high": PageColumn("high", 2, True),
                "family": PageColumn("family"),
                "script": PageColumn("script"),
                "resource": PageColumn("resources"),
            },
        ),
        min_width_rem=40 if len(found.intermediates) > 6 else 30,
    )
    text = (
        "English is the language that targets are trained in, and stands apart in every grouping: all others are "
        "zero-shot. Intervals in this figure are over seeds."
    )
    return Section("languages", "By language", (Paragraph(text), figure))


def build_rows(found: Ranking) -> pl.DataFrame:
    """One row per intermediate, target (or all of them), and language or group of languages."""
    read = found.transfer
    over: dict[str, tuple[str, GroupBy, str, frozenset[str]]] = {}
    columns: list[Over] = []
    for by in LANGUAGE_GROUPINGS:
        for name, members in group_languages(read, by).items():
            spoken = [target for target in read.targets if _is_scored(read, target, members)]
            for target, targets in ((ALL_TARGETS, tuple(spoken)), *((target, (target,)) for target in spoken)):
                place = str(len(columns))
                over[place] = (target, by, name, members)
                columns.append(Over(name=place, targets=targets, languages=members))
    table = estimate_table(read, read.gains, read.intermediates, columns, {})
    known = {
        name: {
            "language": f"{row.english_name} ({name})",
            "family": row.family,
            "script": row.script,
            "resource": row.resource,
        }
        for name, row in languages_of(read).items()
    }
    return pl.DataFrame(
        [
            {
                "intermediate": chain,
                "target": target,
                "level": by,
                "label": format_cell(one),
                **{key: value for key, value in build_estimate_fields(one).items() if key in ROW_SCHEMA},
                **_name_fields(by, name, known),
            }
            for (chain, place), one in table.items()
            if one.mean is not None
            for target, by, name, _ in (over[place],)
        ],
        ROW_SCHEMA,
    )


def _is_scored(read: Transfer, target: str, members: frozenset[str]) -> bool:
    asked = read.scored_mask[read.targets.index(target)]
    return any(asked[place] for place, language in enumerate(read.languages) if language in members)


def _name_fields(by: GroupBy, name: str, known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    if by != "language":
        return {"name": name}
    row = known.get(name, {"language": name, "family": "unknown", "script": "unknown", "resource": "unknown"})
    return {"name": row["language"], **row}
