"""A ranking on one screen: the answer, one line per candidate, what is missing, and where the rest is.

Controls and other baselines are no candidates: they share one line.

The whole report (`ranking_report`) takes several screens. This is what a sweep shows at its end.
"""

from analysis.tables import ranking_sentences, reference_sentences, screen
from analysis.tables.choice_sentences import describe_choices, describe_planned
from analysis.tables.other_comparisons import describe_other_comparisons
from analysis.tables.phases import warn_of_unlearnt
from analysis.tables.ranking_sentences import describe_leader
from analysis.tables.source import (
    describe_seeds,
    describe_stages,
    format_counts,
    label_chain,
    list_names,
    list_warnings,
    pluralise,
    role_of,
)
from analysis.tables.standings import mark_missing
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.estimate import Estimate
from analysis.transfer.holes import DECIDED
from analysis.transfer.ranking import Ranking

MAX_LINES = 30  # of a terminal; candidates at the end of the order give way
MIN_ROWS = 5
MAX_RIVALS = 3  # names in a sentence

SummaryRow = tuple[str, ...]  # rank, task, gain, interval, P(best), remark


def as_summary(ranking: Ranking, width: int, paths: str) -> str:
    """Return at most MAX_LINES lines of `width` characters; `paths` are the arguments of the commands for more."""
    scores = ranking.loaded_scores
    seeds = describe_seeds(scores) if scores.chains_with_more_seeds else pluralise(len(scores.seeds), "seed")
    source = f"{scores.source}: {seeds}{describe_stages(scores)}"
    head = [*_wrap((source, *list_warnings(scores)), width), "", *_wrap(_write_answer(ranking), width), ""]
    foot = [
        *_wrap(_list_no_candidates(ranking), width),
        *_list_missing(ranking, width),
        f"The whole ranking: python analysis/rank.py {paths}",
        f"A page with figures: python analysis/report.py {paths}",
    ]
    room = max(MIN_ROWS, MAX_LINES - len(head) - len(foot) - 1)
    return "\n".join([*head, *_build_table(ranking, room), *foot])


def _wrap(lines: tuple[str, ...] | list[str], width: int) -> list[str]:
    return screen.wrap_lines(lines, width).splitlines()


def _write_answer(ranking: Ranking) -> list[str]:
    contest = ranking.contests[MEAN_ALL]
    lines = [describe_leader(ranking, name) for name in ranking.contests]
    if contest.leader and ranking.gains[contest.leader, MEAN_ALL].is_gain:
        rivals = contest.find_rivals(contest.leader)
        if rivals:
            lines[0] += f" Not distinguishable from it: {list_names(rivals, MAX_RIVALS)}."
    checks = (ranking_sentences.describe_disagreement, ranking_sentences.list_gaining_controls, warn_of_unlearnt)
    warnings = (line for check in checks for line in check(ranking))
    return [
        *describe_choices(ranking),
        *lines,
        *describe_other_comparisons(ranking),
        *describe_planned(ranking),
        *warnings,
        *reference_sentences.describe_floors(ranking),
    ]


def _build_table(ranking: Ranking, room: int) -> list[str]:
    scores = ranking.loaded_scores
    rows = [_build_row(ranking, name) for name in ranking.intermediates if not role_of(scores, name)]
    shown = rows if len(rows) <= room else rows[: room - 1]
    table = [("", f"Gain over `{ranking.baseline}`", "points", "95% interval", "P(best)", ""), *shown]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = []
    for row in table:
        numbers = "  ".join(row[i].rjust(widths[i]) for i in (2, 3, 4))
        lines.append(f"{row[0].rjust(widths[0])} {row[1].ljust(widths[1])}  {numbers}  {row[5]}".rstrip())
    return lines if shown is rows else [*lines, f"   and {len(rows) - len(shown)} more"]


def _list_no_candidates(ranking: Ranking) -> list[str]:
    """Return one line with the rank and gain of each control and other baseline; none without any."""
    scores = ranking.loaded_scores
    parts = []
    for name in ranking.intermediates:
        if role_of(scores, name):
            rank, points = _describe_place(ranking, name)
            parts.append(f"{rank} {label_chain(scores, name)} {points}")
    return [f"No candidates: {', '.join(parts)}"] if parts else []


def _describe_place(ranking: Ranking, name: str) -> tuple[str, str]:
    """Return the rank and the gain of a chain by the mean over all targets; `-` where it has none."""
    order, gain = ranking.contests[MEAN_ALL].order, ranking.gains[name, MEAN_ALL]
    rank = str(order.index(name) + 1) if name in order else "-"
    return rank, "-" if gain.mean is None else f"{gain.mean:+.1f}"


def _build_row(ranking: Ranking, name: str) -> SummaryRow:
    contest, gain = ranking.contests[MEAN_ALL], ranking.gains[name, MEAN_ALL]
    rank, points = _describe_place(ranking, name)
    interval = f"{gain.interval[0]:+.1f} to {gain.interval[1]:+.1f}" if gain.interval else "-"
    best = f"{contest.p_best[name]:.2f}" if name in contest.p_best else "-"
    marks = "" if gain.mean is None else mark_missing(gain)
    remark = f"{marks} {_describe_parts(gain, len(contest.column.targets))}".strip()
    return rank, name, points, interval, best, remark


def _describe_parts(gain: Estimate, targets: int) -> str:
    """Return what a mean over `targets` lacks."""
    if gain.mean is None:
        return gain.hole_status or f"{gain.parts} of {gain.of_parts} targets"
    parts = []
    if gain.seeds < gain.of_seeds:
        early = ", decided early" if gain.skipped_seed_count else ""
        parts.append(f"{gain.seeds} of {gain.of_seeds} seeds{early}")
    if gain.parts < gain.of_parts:
        incomplete = f"languages missing on {pluralise(gain.of_parts - gain.parts, 'target')}"
        parts.append(incomplete if targets > 1 else f"{gain.parts} of {gain.of_parts} languages")
    return ", ".join(parts)


def _list_missing(ranking: Ranking, width: int) -> list[str]:
    """Return one line with the number of cells without a score, and as many examples as fit."""
    examples = ranking_sentences.list_missing(ranking)
    if not examples:
        return []
    counts = {status: count for status, count in ranking.cell_counts.items() if status not in ("finished", DECIDED)}
    missing, total = sum(counts.values()), sum(ranking.cell_counts.values())
    statuses = "" if counts.keys() == {"missing"} else f" ({format_counts(counts)})"
    line = f"Missing: {missing} of {total} scores{statuses}" if missing else "Not complete"
    for number, example in enumerate(examples):
        end = " ..." if number < len(examples) - 1 else ""
        if len(longer := f"{line}{'; ' if number else ': '}{example}") + len(end) > width:
            return [f"{line} ..."]
        line = longer
    return [line]
