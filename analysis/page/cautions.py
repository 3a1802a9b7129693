"""Warnings to read before trusting a number: holes, degenerate runs, few seeds, limited data, the miniature."""

from collections.abc import Iterator

from analysis.page.blocks import Block, BulletList, DetailsBlock, Paragraph, Section, join_names
from analysis.statistics.interval import MIN_SEEDS
from analysis.tables import ranking_sentences
from analysis.tables.phases import warn_of_unlearnt
from analysis.tables.source import LIMITED, count_and_list, count_stages, list_names
from analysis.transfer.holes import DECIDED
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS

ENOUGH_SEEDS = 5  # with fewer, intervals are wide because of the small number of seeds
MAX_HOLE_LINES = 30  # the matrix shows every hole


def build_section(ranking: Ranking) -> Section:
    """Return all warnings, the general ones first; without any, the section says so."""
    warnings = tuple(write_warnings(ranking))
    missing = tuple(line.replace("->", "→") for line in ranking_sentences.list_missing(ranking))
    blocks = list[Block]()
    if warnings:
        blocks.append(BulletList(warnings, "warning"))
    if missing:
        hidden = len(missing) - MAX_HOLE_LINES
        more = (f"and {hidden} more, all in the table of the transfer matrix",) if hidden > 0 else ()
        holes = BulletList((*missing[:MAX_HOLE_LINES], *more))
        blocks.append(DetailsBlock(f"Not complete ({len(missing)})", (holes,)))
    return Section("warnings", "Warnings", tuple(blocks) or (Paragraph("None: every planned run finished."),))


def write_warnings(ranking: Ranking) -> Iterator[str]:
    """Yield one warning at a time."""
    scores = ranking.loaded_scores
    if scores.benchmark in BENCHMARKS and scores.benchmark == "miniature":
        yield BENCHMARKS[scores.benchmark].note
    if scores.is_limited:
        yield LIMITED
    if scores.stage_counts and scores.stage_counts[0] < scores.stage_counts[1]:
        yield f"The sweep is not complete: {count_stages(*scores.stage_counts)}."
    seeds = len(scores.common_seeds)
    if seeds < MIN_SEEDS:
        yield f"{count_and_list('seed', scores.common_seeds)}: intervals and tests take {MIN_SEEDS} seeds."
    elif seeds < ENOUGH_SEEDS:
        yield f"Only {seeds} seeds: intervals are wide, and effects inside them may still exist."
    if any(count for status, count in ranking.cell_counts.items() if status not in ("finished", DECIDED)):
        yield f"{ranking_sentences.count_cells(ranking)} No score is filled in."
    ended = {"degenerate": "constant or at chance", "failed": "ended by an error"}
    if meanings := [f"{status} ({meaning})" for status, meaning in ended.items() if ranking.run_counts.get(status)]:
        yield f"{ranking_sentences.count_runs(ranking)} No run that is {join_names(meanings, 'or')} is in any mean."
    if ranking.degenerate_intermediates:
        names = list_names(sorted({name for name, _, _ in ranking.degenerate_intermediates}), word="and")
        yield f"Chains of {names} start from a degenerate intermediate run at some seeds, and are in the means."
    yield from ranking_sentences.describe_disagreement(ranking)
    yield from ranking_sentences.describe_order(ranking)
    yield from warn_of_unlearnt(ranking)
    yield from scores.notes
