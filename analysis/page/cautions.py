"""What a reader must know before believing anything: holes, degenerate runs, few seeds, limited data, the miniature."""

from collections.abc import Iterator

from analysis.page.blocks import Bullets, Section, Text, listed
from analysis.statistics.interval import FEWEST
from analysis.tables import words
from analysis.tables.source import numbered
from analysis.transfer.array import DECIDED
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS

SETTLED = 5  # seeds, from which on the intervals are no longer wide for want of them
LISTED = 30  # lines about holes; the matrix has every one


def section(found: Ranking) -> Section:
    """All warnings, the general ones first; a page without any says so."""
    general, holes = tuple(warnings(found)), [line.replace("->", "→") for line in words.missing(found)]
    blocks = []
    if general:
        blocks.append(Bullets(general, "warning"))
    if holes:
        rest = len(holes) - LISTED
        more = (f"and {rest} more: the table of the transfer matrix has them all",) if rest > 0 else ()
        blocks.append(Bullets((*holes[:LISTED], *more), "plain", "Not complete"))
    return Section("warnings", "Warnings", tuple(blocks) or (Text("None: every planned run finished."),))


def warnings(found: Ranking) -> Iterator[str]:
    """One sentence each."""
    read = found.read
    if read.benchmark in BENCHMARKS and read.benchmark == "miniature":
        yield BENCHMARKS[read.benchmark].note
    if read.limited:
        yield "Training or test examples were cut: these are no scores to publish."
    if read.stages and read.stages[0] < read.stages[1]:
        yield f"The sweep is not complete: {read.stages[0]} of {read.stages[1]} stages have left scores."
    seeds = len(read.seeds)
    if seeds < FEWEST:
        yield f"{numbered('seed', read.seeds)}: no interval and no test is possible below {FEWEST}."
    elif seeds < SETTLED:
        yield f"Only {seeds} seeds: intervals are wide, and what they leave open may still be there."
    missing = {status: count for status, count in found.counts.items() if status not in ("finished", DECIDED) and count}
    if missing:
        counts = listed([f"{count} {status}" for status, count in missing.items()])
        cells = sum(found.counts.values())
        yield f"Of {cells} cells (chain x target x seed) some have no score: {counts}. None is guessed."
    for status, why in (("degenerate", "constant or at chance"), ("failed", "ended by an error")):
        if count := found.runs.get(status, 0):
            yield f"{count} of {sum(found.runs.values())} target runs {status} ({why}); none is in any mean."
    if found.doubtful:
        names = listed(sorted({name for name, _, _ in found.doubtful}))
        yield f"Chains of {names} start from a degenerate intermediate run at some seeds, and are in the means."
    yield from words.ahead(found)
    yield from words.order(found)
    yield from read.notes
