"""What a reader must know before believing anything: holes, degenerate runs, few seeds, limited data, the miniature."""

from collections.abc import Iterator

from analysis.page.blocks import BulletList, Paragraph, Section, join_names
from analysis.statistics.interval import MIN_SEEDS
from analysis.tables import ranking_sentences
from analysis.tables.source import count_and_list
from analysis.transfer.array import DECIDED
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS

ENOUGH_SEEDS = 5  # seeds, from which on the intervals are no longer wide for want of them
MAX_HOLE_LINES = 30  # lines about holes; the matrix has every one


def build_section(found: Ranking) -> Section:
    """All warnings, the general ones first; a page without any says so."""
    general, holes = (
        tuple(write_warnings(found)),
        [line.replace("->", "→") for line in ranking_sentences.list_missing(found)],
    )
    blocks = []
    if general:
        blocks.append(BulletList(general, "warning"))
    if holes:
        rest = len(holes) - MAX_HOLE_LINES
        more = (f"and {rest} more: the table of the transfer matrix has them all",) if rest > 0 else ()
        blocks.append(BulletList((*holes[:MAX_HOLE_LINES], *more), "plain", "Not complete"))
    return Section("warnings", "Warnings", tuple(blocks) or (Paragraph("None: every planned run finished."),))


def write_warnings(found: Ranking) -> Iterator[str]:
    """One sentence each."""
    read = found.loaded_scores
    if read.benchmark in BENCHMARKS and read.benchmark == "miniature":
        yield BENCHMARKS[read.benchmark].note
    if read.is_limited:
        yield "Training or test examples were cut: these are no scores to publish."
    if read.stage_counts and read.stage_counts[0] < read.stage_counts[1]:
        yield f"The sweep is not complete: {read.stage_counts[0]} of {read.stage_counts[1]} stages have left scores."
    seeds = len(read.seeds)
    if seeds < MIN_SEEDS:
        yield f"{count_and_list('seed', read.seeds)}: no interval and no test is possible below {MIN_SEEDS}."
    elif seeds < ENOUGH_SEEDS:
        yield f"Only {seeds} seeds: intervals are wide, and what they leave open may still be there."
    missing = {
        status: count for status, count in found.cell_counts.items() if status not in ("finished", DECIDED) and count
    }
    if missing:
        counts = join_names([f"{count} {status}" for status, count in missing.items()])
        cells = sum(found.cell_counts.values())
        yield f"Of {cells} cells (chain x target x seed) some have no score: {counts}. None is guessed."
    for status, why in (("degenerate", "constant or at chance"), ("failed", "ended by an error")):
        if count := found.run_counts.get(status, 0):
            yield f"{count} of {sum(found.run_counts.values())} target runs {status} ({why}); none is in any mean."
    if found.degenerate_intermediates:
        names = join_names(sorted({name for name, _, _ in found.degenerate_intermediates}))
        yield f"Chains of {names} start from a degenerate intermediate run at some seeds, and are in the means."
    yield from ranking_sentences.describe_disagreement(found)
    yield from ranking_sentences.describe_order(found)
    yield from read.notes
