"""The members of the named spaces `diversity`, `languages` and `variants`: which chains answer their questions.

The first two need phases of equal steps and equal examples (`Benchmark.equal`): else the size of a mix, or of a
language's training set, is what is compared.
"""

from collections.abc import Iterable, Iterator, Sequence

from spaces.benchmark import Benchmark
from spaces.chain import DEFAULT_SAMPLER, MLM, MULTITASK, SAMPLERS
from spaces.language import ENGLISH, Language
from spaces.task import Task

LANGUAGE_TARGETS = ("xnli",)  # what the question about languages is asked of
MAX_LANGUAGES = 8  # languages beside English: the rest of a long list says little more

ChainNames = tuple[str, ...]


def list_diversity_chains(benchmark: Benchmark) -> ChainNames:
    """Single tasks, mixes of few and of many kinds at equal size, and all tasks by every sampler.

    At each size between, the same tasks stand once in a mix of few kinds and once in one of many: what single tasks
    bring cancels in the difference of the two sorts, whichever they are.
    """
    tasks = [task for task in benchmark.multitask_tasks() if task.own_language == ENGLISH]
    mixes = [tuple(task.name for task in mix) for mix in _build_mixes(_group_by_kind(tasks))]
    others = (f"{MULTITASK}~{sampler}" for sampler in SAMPLERS if sampler != DEFAULT_SAMPLER)
    return (*(task.name for task in tasks), *("+".join(mix) for mix in mixes), MULTITASK, *others)


def _group_by_kind(tasks: Sequence[Task]) -> list[list[Task]]:
    """The tasks of each kind, the kind with most tasks first."""
    kinds: dict[str, list[Task]] = {}
    for task in tasks:
        kinds.setdefault(task.kind, []).append(task)
    return sorted(kinds.values(), key=len, reverse=True)


def _build_mixes(kinds: list[list[Task]]) -> Iterator[list[Task]]:
    """Smallest first; at each size those of few kinds, then those of many, of the same tasks."""
    for size in range(2, sum(map(len, kinds)) // 2 + 1):
        few = _build_narrow_mixes(kinds, size)
        # Dealt like cards that lie in the order of their kinds: each hand gets as many kinds as there are.
        cards = [task for kind in kinds for task in kind if any(task in mix for mix in few)]
        many = [cards[hand :: len(few)] for hand in range(len(few))]
        if _count_kinds(many) > _count_kinds(few):
            yield from few
            yield from many


def _build_narrow_mixes(kinds: list[list[Task]], size: int) -> list[list[Task]]:
    """Mixes without a task in common: of one kind each if two kinds have tasks enough, else of two piles of kinds."""
    alone = [kind[start : start + size] for kind in kinds for start in range(0, len(kind) - size + 1, size)]
    if len({mix[0].kind for mix in alone}) > 1:
        return alone
    piles = [[task for kind in kinds[place::2] for task in kind] for place in (0, 1)]
    return [pile[:size] for pile in piles if len(pile) >= size]


def _count_kinds(mixes: Iterable[Sequence[Task]]) -> int:
    return sum(len({task.kind for task in mix}) for mix in mixes)


def list_language_chains(benchmark: Benchmark, task: str = "mnli") -> ChainNames:
    """A task in English, in each other language, in English with each, and in all; and natives of the same labels.

    Where it can be had in many languages: all of few resources, and of the others those of their families and of
    families that are not there yet, MOST in all.
    """
    main = benchmark.intermediates.find(task)
    others = [name for name in main.training_languages if name != ENGLISH]
    scored = {
        name
        for target in LANGUAGE_TARGETS
        if target in benchmark.targets
        for name in benchmark.targets[target].languages
    }
    # A language in which nothing is scored says nothing of a language's own training.
    chosen = _choose_languages([name for name in others if name in scored] or others, benchmark)
    alone = [f"{task}@{name}" for name in chosen]
    english = f"{task}@{ENGLISH}"
    pairs = [f"{english}+{one}" for one in alone]
    whole = ["+".join((english, *alone))] if len(alone) > 1 else []
    return (task, *alone, *pairs, *whole, *_list_native_chains(benchmark, main))


def _choose_languages(names: Sequence[str], benchmark: Benchmark, most: int = MAX_LANGUAGES) -> list[str]:
    """At most so many of the languages, in the order given."""
    known: dict[str, Language] = {name: benchmark.languages[name] for name in names if name in benchmark.languages}
    low = [name for name, one in known.items() if one.resource == "low"]
    families = {known[name].family for name in low}
    kin = [name for name, one in known.items() if name not in low and one.family in families]
    first = {one.family: name for name, one in reversed(known.items())}
    apart = [name for family, name in first.items() if family not in families]
    order = dict.fromkeys((*low, *kin, *sorted(apart, key=list(names).index), *names))
    taken = list(order)[:most]
    return [name for name in names if name in taken]


def _list_native_chains(benchmark: Benchmark, main: Task) -> Iterator[str]:
    """Tasks with the labels of `main` that nobody wrote in English; of several languages: all of them in one mix."""
    for one in benchmark.intermediates.values():
        if one.kind == main.kind and one.labels == main.labels and ENGLISH not in one.training_languages:
            several = len(one.training_languages) > 1
            yield "+".join(f"{one.name}@{name}" for name in one.training_languages) if several else one.name


def list_variant_chains(benchmark: Benchmark) -> ChainNames:
    """The variants of Phang et al. 2020, and two rivals that need no intermediate phase.

    Masked words of many languages beside each quick task and beside the mix of them; the same tasks in translation,
    where they can be had; feature aggregation over layers and self-augmentation in the targets' own fine-tuning.
    """
    tasks = [benchmark.intermediates[name] for name in benchmark.quick_intermediates]
    beside = [f"{task.name}+{MLM}" for task in tasks]
    mix = "+".join(task.name for task in tasks)
    translated = [
        f"{task.name}@{name}" for task in tasks for name in _choose_languages(task.training_languages[1:], benchmark, 3)
    ]
    return (*(task.name for task in tasks), MLM, *beside, mix, f"{mix}+{MLM}", *translated, "none:layers", "none:salt")
