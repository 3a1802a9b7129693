"""The same gains language by language, and by the groups that languages form."""

from collections.abc import Mapping

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Choice, Column, Figure, Section, Text, table_of
from analysis.page.cells import label, largest
from analysis.page.ranked import FIELDS, fields
from analysis.transfer.array import Transfer
from analysis.transfer.columns import By, language_groups, languages_of
from analysis.transfer.columns import Column as Over
from analysis.transfer.estimate import estimates
from analysis.transfer.ranking import Ranking

ALL = "all targets"
GROUPS: tuple[By, ...] = ("language", "family", "script", "resource")
VIEWS = (
    ("language family", "languages, by family"),
    ("language script", "languages, by script"),
    ("language resource", "languages, by resources"),
    ("family name", "families"),
    ("script name", "scripts"),
    ("resource name", "levels of resources"),
)
ROWS = {
    **{name: dtype for name, dtype in FIELDS.items() if name not in ("over", "kind", "spread", "values")},
    **dict.fromkeys(("target", "level", "name", "language", "family", "script", "resource", "label"), pl.String),
}


def section(found: Ranking) -> Section:
    """A heat map of languages (or families, scripts, levels of resources) by intermediate tasks."""
    if not found.transfer.languages:
        return Section("languages", "By language", (Text("No target has a score in any language."),))
    frame = rows(found)
    targets = (ALL, *found.transfer.targets)
    figure = Figure(
        name="languages",
        title="Gain by language, points over the baseline in the same language",
        about=f"Heat map of {len(found.transfer.languages)} languages by {len(found.intermediates)} intermediate tasks "
        "for one target at a time. All numbers over all targets are in the table below.",
        spec=charts.languages(found.intermediates, largest(frame), ALL),
        data={"languages": frame},
        choices=(Choice("target", "Target", tuple((name, name) for name in targets)), Choice("view", "Rows", VIEWS)),
        table=table_of(
            frame.filter(pl.col("target") == ALL),
            "languages-table",
            "Gains by language and group of languages, over all targets that have the language",
            {
                "name": Column("language or group"),
                "level": Column("kind"),
                "intermediate": Column("intermediate"),
                "gain": Column("gain", 2, True),
                "low": Column("low", 2, True),
                "high": Column("high", 2, True),
                "family": Column("family"),
                "script": Column("script"),
                "resource": Column("resources"),
            },
        ),
        narrowest=40 if len(found.intermediates) > 6 else 30,
    )
    text = (
        "English is the language that targets are trained in, and stands apart in every grouping: all others are "
        "zero-shot. Intervals in this figure are over seeds."
    )
    return Section("languages", "By language", (Text(text), figure))


def rows(found: Ranking) -> pl.DataFrame:
    """One row per intermediate, target (or all of them), and language or group of languages."""
    read = found.transfer
    over: dict[str, tuple[str, By, str, frozenset[str]]] = {}
    columns: list[Over] = []
    for by in GROUPS:
        for name, members in language_groups(read, by).items():
            spoken = [target for target in read.targets if _asked(read, target, members)]
            for target, targets in ((ALL, tuple(spoken)), *((target, (target,)) for target in spoken)):
                place = str(len(columns))
                over[place] = (target, by, name, members)
                columns.append(Over(name=place, targets=targets, languages=members))
    table = estimates(read, read.gains, read.intermediates, columns, {})
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
                "label": label(one),
                **{key: value for key, value in fields(one).items() if key in ROWS},
                **_named(by, name, known),
            }
            for (chain, place), one in table.items()
            if one.mean is not None
            for target, by, name, _ in (over[place],)
        ],
        ROWS,
    )


def _asked(read: Transfer, target: str, members: frozenset[str]) -> bool:
    asked = read.asked[read.targets.index(target)]
    return any(asked[place] for place, language in enumerate(read.languages) if language in members)


def _named(by: By, name: str, known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    if by != "language":
        return {"name": name}
    row = known.get(name, {"language": name, "family": "unknown", "script": "unknown", "resource": "unknown"})
    return {"name": row["language"], **row}
