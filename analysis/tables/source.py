"""Phrases that all answers share: the source of the scores, counts, lists, and chains that were left out."""

from collections import Counter
from collections.abc import Iterable, Mapping

from analysis.scores.scores import Scores
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE

MAX_SEEDS = 20  # in a sentence
MAX_NAMES = 8  # in a sentence; tables show the others
LIMITED = "Limited: training or test examples were cut. Do not publish these scores."


def describe_source(scores: Scores) -> tuple[str, ...]:
    """Return sentences on the source, benchmark, model, seeds and stages, and the notes of benchmark and loader."""
    names = f"benchmark {scores.benchmark or 'not stated'}, model {scores.model or 'not stated'}"
    source = f"{scores.source}: {names}, {describe_seeds(scores)}{describe_stages(scores)}"
    return (source, *list_warnings(scores))


def describe_stages(scores: Scores) -> str:
    """Return `, 3 of 4 stages done`, or nothing where the number of stages is unknown."""
    return f", {count_stages(*scores.stage_counts)}" if scores.stage_counts else ""


def count_stages(done: int, planned: int) -> str:
    """Return `3 of 4 stages done`."""
    return f"{done} of {planned} stages done"


def list_warnings(scores: Scores) -> tuple[str, ...]:
    """Return what a reader of any of these scores must know: the benchmark's note, limited data, loader's notes."""
    benchmark = BENCHMARKS.get(scores.benchmark or "")
    return (*([benchmark.note] if benchmark else ()), *([LIMITED] if scores.is_limited else ()), *scores.notes)


def describe_seeds(scores: Scores) -> str:
    """Return `3 seeds (0, 1, 2)`; where chains have more, also `; 3 more of none, mnli (3, 4, 5)`."""
    chains: dict[tuple[int, ...], list[str]] = {}
    for chain, seeds in scores.chains_with_more_seeds.items():
        chains.setdefault(seeds, []).append(chain)
    parts = (
        f"{len(seeds)} more of {', '.join(names)} ({', '.join(map(str, seeds))})" for seeds, names in chains.items()
    )
    return "; ".join((count_and_list("seed", scores.common_seeds), *parts))


def count_and_list(noun: str, items: tuple[int, ...]) -> str:
    """Return `3 seeds (0, 1, 2)`."""
    return f"{pluralise(len(items), noun)} ({list_names(items, MAX_SEEDS)})"


def list_names(names: Iterable[object], limit: int = MAX_NAMES, word: str = ",") -> str:
    """Return `a, b, c`, or with more than `limit` names `a, b and 3 more`; `word` stands before the last one."""
    texts = [str(name) for name in names]
    if len(texts) > limit:
        return f"{', '.join(texts[:limit])} and {len(texts) - limit} more"
    *rest, last = texts or [""]
    return f"{', '.join(rest)}{word if word == ',' else f' {word}'} {last}" if rest else last


def pluralise(count: int, noun: str, plural: str = "") -> str:
    """Return `1 seed` or `3 seeds`; `plural` is that of a noun that takes another ending."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def format_counts(counts: Mapping[str, int]) -> str:
    """Return `3 failed, 1 missing`, without zeros; `none` if there are only zeros."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none"


def group_by_reason(left_out: Mapping[str, str]) -> str:
    """Return `a, b (a control); c (another task)`, given the reason of each chain."""
    chains: dict[str, list[str]] = {}
    for chain, reason in left_out.items():
        chains.setdefault(reason, []).append(chain)
    return "; ".join(f"{list_names(names)} ({reason})" for reason, names in chains.items())


def describe_holes(statuses: Iterable[str], chains: str = "") -> list[str]:
    """Return one sentence that counts cells without a score by status; none if there are none."""
    counts = Counter(sorted(statuses))
    cells = f"Cells (chain x target x seed){chains} without a score"
    return [f"{cells}: {format_counts(counts)}. rank.py lists them."] if counts else []


def label_chain(scores: Scores, chain: str) -> str:
    """Return the chain's name, with `(control)` or `(baseline)` behind that of a chain that is no candidate."""
    role = role_of(scores, chain)
    return f"{chain} ({role})" if role else chain


def role_of(scores: Scores, chain: str) -> str:
    """Return `control` or `baseline` for a chain that is no candidate, else nothing."""
    if chain in scores.other_baselines:
        return "baseline"
    return "control" if chain in scores.controls else ""


def refer_to_baseline(scores: Scores) -> str:
    """Return `the baseline`, or the name of another chain that gains are measured against."""
    return "the baseline" if scores.baseline == NONE else scores.baseline


def name_baseline(scores: Scores) -> str:
    """Return the chain that gains are measured against, as a sentence names it."""
    return "no intermediate training" if scores.baseline == NONE else f"`{scores.baseline}`"
