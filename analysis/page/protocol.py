"""Protocol, data and versions, as far as they were recorded; and how to read the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.page.blocks import Block, FactList, PageColumn, PageTable, Section, format_percent, join_names
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables import fairness_sentences, ranking_legend
from analysis.tables.source import describe_seeds, list_names
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS
from spaces.bounds import describe_bounds
from spaces.chain import NONE

NOT_RECORDED = "not recorded"


def build_protocol_section(ranking: Ranking) -> Section:
    """Return the protocol: what was searched, and how runs were selected."""
    scores = ranking.loaded_scores
    specs = scores.specs
    rates = scores.rows.lazy().select(pl.col("learning_rate").drop_nulls().unique().sort()).collect()["learning_rate"]
    controls = f"; controls: {list_names(sorted(scores.controls), word='and')}" if scores.controls else ""
    retrieval = (
        f"; retrieval: {list_names(sorted(scores.retrieval_targets), word='and')}" if scores.retrieval_targets else ""
    )
    facts = {
        "benchmark": _describe_benchmark(scores.benchmark),
        "encoder at the start": scores.model or NOT_RECORDED,
        "intermediate tasks": f"{list_names(ranking.intermediates, word='and')}{controls}",
        "baseline": _describe_baseline(ranking),
        "targets": f"{list_names(scores.targets, word='and')}{retrieval}",
        "seeds": f"{describe_seeds(scores)}; a seed is a replicate of the whole chain",
        "learning rates": join_names([f"{rate:g}" for rate in rates]) if len(rates) else NOT_RECORDED,
        "selection": "best English dev among the finished runs of a cell; test scores choose nothing",
    }
    recipes = dict.fromkeys(str(spec.get("recipe", "ours")) for spec in specs)
    facts["recipe"] = join_names(list(recipes)) if recipes else NOT_RECORDED
    bounds = list(dict.fromkeys(describe_bounds(spec) or "none" for spec in specs))
    facts["bounds"] = join_names(bounds) if bounds else NOT_RECORDED
    for name in ("scheduler", "precision", "floors"):
        facts[name.replace("_", " ")] = _describe_setting(specs, name)
    if scores.ceilings:
        facts["ceilings"] = f"{list_names(scores.ceilings, word='and')}: not zero-shot, never ranked"
    metrics = PageTable(
        "metrics-table",
        "The score of a target is the mean of these metrics, over its languages",
        (PageColumn("target"), PageColumn("metrics")),
        tuple((target, join_names(names)) for target, names in ranking.transfer.metrics.items()),
    )
    return Section("protocol", "Protocol", (FactList(tuple(facts.items())), metrics))


def build_versions_section(ranking: Ranking) -> Section:
    """Return the source of the data and the versions of the software."""
    facts = [("read from", ranking.loaded_scores.source)]
    records = ranking.loaded_scores.records
    for record in records:
        facts += [("commit", str(record.get("commit") or NOT_RECORDED))]
        facts += [(name, str(version)) for name, version in record.get("versions", {}).items()]
    blocks: list[Block] = [FactList(tuple(facts))]
    rows = {
        (task, str(fingerprint), "; ".join(map(_format_source, record.get("sources", {}).get(task, ()))) or None)
        for record in records
        for task, fingerprint in (record["spec"].get("data") or {}).items()
    }
    if rows:
        columns = (PageColumn("data of"), PageColumn("fingerprint"), PageColumn("place"))
        caption = "The data that were read, by the hash of their contents"
        blocks.append(PageTable("data-table", caption, columns, tuple(sorted(rows, key=str))))
    return Section("versions", "Data and versions", tuple(blocks))


def build_reading_section(ranking: Ranking) -> Section:
    """Return the meaning of the numbers."""
    facts = {
        "gain": ranking_legend.explain_gain(ranking).replace("`", ""),
        "mean": "every language of a target, every target and every seed weighs the same",
        "interval": f"{format_percent(CONFIDENCE_LEVEL)} interval of the mean. "
        f"{ranking_legend.describe_interval_levels(ranking)} It says nothing of other targets or languages",
        "errors": ranking_legend.describe_errors(ranking).replace("`", "").rstrip("."),
        "Holm": "p values adjusted for all cells of the table: without any true gain, the chance of a ** in it is "
        f"{format_percent(1 - CONFIDENCE_LEVEL)}",
        "P(best)": "share of draws of the true gains, given these seeds, in which a task is the best",
        "group": f"{ranking_legend.explain_groups(ranking)} That does not make them equal".replace("`", ""),
        "missing": "stopped by the scheduler; degenerate (constant or at chance); failed by an error; unpaired "
        "(without its baseline). None of these is in a mean",
        "decided": "by a race over seeds, judged by English dev alone: a task that was clearly behind another one on "
        "every trained target got no further seeds. So a task that is better only in other languages may be lost",
    }
    if notes := fairness_sentences.explain_fairness(ranking):
        facts["fair comparisons"] = " ".join(notes).replace("`", "")
    return Section("reading", "How to read this", (FactList(tuple(facts.items())),))


def _describe_baseline(ranking: Ranking) -> str:
    if ranking.baseline == NONE:
        return f"{NONE}: the targets are trained from the encoder without an intermediate phase"
    return f"{ranking.baseline}, another chain of these scores, instead of {NONE}"


def _describe_benchmark(name: str | None) -> str:
    if name is None:
        return NOT_RECORDED
    return f"{name}. {BENCHMARKS[name].note}" if name in BENCHMARKS else name


def _describe_setting(specs: Sequence[Mapping[str, Any]], name: str) -> str:
    values = dict.fromkeys(_format_setting(spec.get(name)) for spec in specs if name in spec)
    return join_names(list(values)) if values else NOT_RECORDED


def _format_setting(value: object) -> str:
    if value is None or value == []:
        return "none"
    return join_names([str(each) for each in value]) if isinstance(value, list) else str(value)


def _format_source(source: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in source.items()) if isinstance(source, dict) else str(source)
