"""What was run: protocol, data and versions, as far as they were recorded; and how to read the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.page.blocks import Column, Facts, Section, Table, listed, percent
from analysis.statistics.interval import LEVEL
from analysis.tables import words
from analysis.tables.source import numbered
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE

UNSAID = "not recorded"
Record = Mapping[str, Any]


def section(found: Ranking, records: Sequence[Record]) -> Section:
    """The protocol: what decides, what was searched."""
    read = found.read
    specs = [record["spec"] for record in records]
    rates = read.rows.lazy().select(pl.col("learning_rate").drop_nulls().unique().sort()).collect()["learning_rate"]
    facts = [
        ("benchmark", _benchmark(read.benchmark)),
        ("encoder at the start", read.model or UNSAID),
        (
            "intermediate tasks",
            listed(found.intermediates) + (f"; controls: {listed(sorted(read.controls))}" if read.controls else ""),
        ),
        ("baseline", f"{NONE}: the targets are trained from the encoder as it is"),
        (
            "targets",
            listed(read.targets) + (f"; retrieval: {listed(sorted(read.retrieval))}" if read.retrieval else ""),
        ),
        ("seeds", f"{numbered('seed', read.seeds)}; a seed is a replicate of the whole chain"),
        ("learning rates", listed([f"{rate:g}" for rate in rates]) if len(rates) else UNSAID),
        ("selection", "best English dev among the finished runs of a cell; test scores choose nothing"),
        *(
            (name.replace("_", " "), _said(specs, name))
            for name in ("scheduler", "precision", "limit", "test_limit", "floors")
        ),
    ]
    metrics = tuple((target, listed(names)) for target, names in found.transfer.metrics.items())
    return Section(
        "protocol",
        "Protocol",
        (
            Facts(tuple(facts)),
            Table(
                "metrics-table",
                "The score of a target is the mean of these metrics, over its languages",
                (Column("target"), Column("metrics")),
                metrics,
            ),
        ),
    )


def versions(found: Ranking, records: Sequence[Record]) -> Section:
    """Where the data came from and what computed on them."""
    facts = [("read from", found.read.source)]
    for record in records:
        facts += [("commit", str(record.get("commit") or UNSAID))]
        facts += [(name, str(version)) for name, version in record.get("versions", {}).items()]
    blocks: list[Any] = [Facts(tuple(facts))]
    rows = {
        (task, str(fingerprint), "; ".join(map(_source, record.get("sources", {}).get(task, ()))) or None)
        for record in records
        for task, fingerprint in (record["spec"].get("data") or {}).items()
    }
    if rows:
        columns = (Column("data of"), Column("fingerprint"), Column("place"))
        blocks.append(
            Table(
                "data-table",
                "The data that were read, known by the hash of their contents",
                columns,
                tuple(sorted(rows, key=str)),
            )
        )
    return Section("versions", "Data and versions", tuple(blocks))


def reading(found: Ranking) -> Section:
    """How the numbers are meant."""
    level = percent(LEVEL)
    facts = (
        (
            "gain",
            f"score minus that of the baseline `{NONE}`, at the same target, language and seed; in points, 0 to 100",
        ),
        ("mean", "over the languages of a target, then over targets, then over seeds; every part weighs the same"),
        (
            "interval",
            f"{level} interval of the mean. {words.levels(found)} It says nothing of other targets or languages",
        ),
        (
            "Holm",
            "p values adjusted for all cells of the table: in a world without gains any cell is marked ** with a "
            f"chance of {percent(1 - LEVEL)}",
        ),
        ("P(best)", "share of draws of the true means, given these seeds, in which a task is the best"),
        (
            "group",
            "tasks with a common letter cannot be told apart by these seeds; that does not show that they are equal",
        ),
        (
            "missing",
            "stopped by the scheduler; degenerate (constant or at chance); failed by an error; unpaired, without its "
            "baseline. None of these is in a mean",
        ),
        (
            "decided",
            "by a race over seeds, which English dev alone judges: a task that was clearly behind another one for "
            "every target that is trained got no further seeds. One that is only better elsewhere is lost so",
        ),
    )
    return Section("reading", "How to read this", (Facts(facts),))


def _benchmark(name: str | None) -> str:
    if name is None:
        return UNSAID
    return f"{name}. {BENCHMARKS[name].note}" if name in BENCHMARKS else name


def _said(specs: Sequence[Record], name: str) -> str:
    values = dict.fromkeys(_text(spec.get(name)) for spec in specs if name in spec)
    return listed(list(values)) if values else UNSAID


def _text(value: object) -> str:
    if value is None or value == []:
        return "none"
    return listed([str(each) for each in value]) if isinstance(value, list) else str(value)


def _source(source: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in source.items()) if isinstance(source, dict) else str(source)
