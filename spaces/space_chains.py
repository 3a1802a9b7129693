"""The chains of the named spaces `diversity`, `languages`, `adversarial` and `variants`.

The first two need phases of equal steps and equal examples (`QuestionBudgets`). Otherwise they would compare the sizes
of mixes, or of the training sets of languages.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from spaces.benchmark import Benchmark
from spaces.chain import MLM, MULTITASK, SAMPLERS
from spaces.language import ENGLISH
from spaces.method import METHODS
from spaces.task import Task
from spaces.xtreme_data import count_published_rows

LANGUAGE_TARGETS = ("xnli",)  # targets of the question about training languages
MAX_LANGUAGES = 8  # languages beside English: more of them add little
ADVERSARIAL_METHODS = ("fgm", "pgd", "freelb", "smart", "r3f", "synonyms")
ADVERSARIAL_TASKS = ("mnli", "squad", "ccg", "hellaswag")  # one of each kind of the paper's tasks

ChainNames = tuple[str, ...]


def list_diversity_chains(benchmark: Benchmark) -> ChainNames:
    """Return single tasks, mixes of few and of many kinds at equal size, and all tasks by every sampler.

    At each size in between, the same tasks are once in a mix of few kinds and once in one of many. So the effects of
    single tasks cancel in the difference of the two sorts.
    """
    tasks = [task for task in benchmark.multitask_tasks() if task.own_language == ENGLISH]
    mixes = [tuple(task.name for task in mix) for mix in _build_mixes(_group_by_kind(tasks))]
    samplers = (f"{MULTITASK}~{sampler}" for sampler in SAMPLERS if sampler != benchmark.mixture.sampler)
    return (*(task.name for task in tasks), *("+".join(mix) for mix in mixes), MULTITASK, *samplers)


def _group_by_kind(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks of each kind, the kind with most tasks first."""
    kinds: dict[str, list[Task]] = {}
    for task in tasks:
        kinds.setdefault(task.kind, []).append(task)
    return sorted(kinds.values(), key=len, reverse=True)


def _build_mixes(kinds: list[list[Task]]) -> Iterator[list[Task]]:
    """Yield mixes, smallest first; at each size those of few kinds, then those of many kinds, of the same tasks."""
    for size in range(2, sum(map(len, kinds)) // 2 + 1):
        narrow = _build_narrow_mixes(kinds, size)
        # Tasks in the order of their kinds are dealt like cards: each mix gets as many kinds as possible.
        tasks = [task for kind in kinds for task in kind if any(task in mix for mix in narrow)]
        broad = [tasks[start :: len(narrow)] for start in range(len(narrow))]
        if _count_kinds(broad) > _count_kinds(narrow):
            yield from narrow
            yield from broad


def _build_narrow_mixes(kinds: list[list[Task]], size: int) -> list[list[Task]]:
    """Return mixes without common tasks, of one kind each if two kinds have enough tasks, else of two sets of kinds."""
    pure = [kind[start : start + size] for kind in kinds for start in range(0, len(kind) - size + 1, size)]
    if len({mix[0].kind for mix in pure}) > 1:
        return pure
    groups = [[task for kind in kinds[first::2] for task in kind] for first in (0, 1)]
    return [group[:size] for group in groups if len(group) >= size]


def _count_kinds(mixes: Iterable[Sequence[Task]]) -> int:
    return sum(len({task.kind for task in mix}) for mix in mixes)


def list_language_chains(benchmark: Benchmark, task: str = "mnli") -> ChainNames:
    """Return a task in English, in each other language, in English with each, in all; and native tasks of its labels.

    Native tasks that are known to have fewer rows than the space gives every chain are left out: with their rows for
    all, the phases would be too short to matter before the target.

    Of a task with many languages, at most MAX_LANGUAGES are chosen: all with few resources, then those of the same
    families, then those of families that are not there yet.
    """
    main = benchmark.intermediates.find(task)
    others = [name for name in main.training_languages if name != ENGLISH]
    targets = [benchmark.targets[name] for name in LANGUAGE_TARGETS if name in benchmark.targets]
    scored = {language for target in targets for language in target.languages}
    # A language in which nothing is scored cannot show the effect of training in the language itself.
    chosen = _choose_languages([name for name in others if name in scored] or others, benchmark)
    single = [f"{task}@{name}" for name in chosen]
    english = f"{task}@{ENGLISH}"
    pairs = [f"{english}+{chain}" for chain in single]
    whole = ["+".join((english, *single))] if len(single) > 1 else []
    return (task, *single, *pairs, *whole, *_list_native_chains(benchmark, main))


def _choose_languages(names: Sequence[str], benchmark: Benchmark, most: int = MAX_LANGUAGES) -> list[str]:
    """Return at most `most` of the languages, in the order given."""
    known = {name: benchmark.languages[name] for name in names if name in benchmark.languages}
    low = [name for name, language in known.items() if language.resource == "low"]
    families = {known[name].family for name in low}
    related = [name for name, language in known.items() if name not in low and language.family in families]
    first_of_family = {language.family: name for name, language in reversed(known.items())}
    unrelated = [name for family, name in first_of_family.items() if family not in families]
    order = dict.fromkeys((*low, *related, *sorted(unrelated, key=list(names).index), *names))
    chosen = list(order)[:most]
    return [name for name in names if name in chosen]


def _list_native_chains(benchmark: Benchmark, main: Task) -> Iterator[str]:
    """Yield large tasks with the labels of `main` that have no English rows; one in several languages is one mix."""
    wanted = benchmark.question_budgets.languages.examples or 0
    for task in benchmark.intermediates.values():
        is_native = task.kind == main.kind and task.labels == main.labels and ENGLISH not in task.training_languages
        if is_native and (count_published_rows(task.name) or 0) >= wanted:
            is_mix = len(task.training_languages) > 1
            yield "+".join(f"{task.name}@{name}" for name in task.training_languages) if is_mix else task.name


def list_adversarial_chains(benchmark: Benchmark) -> ChainNames:
    """Return one task of each kind by every method that can train it, and plain with as many passes as these make."""
    chains: list[str] = []
    for task in (benchmark.intermediates[name] for name in ADVERSARIAL_TASKS if name in benchmark.intermediates):
        methods = [METHODS[name] for name in ADVERSARIAL_METHODS if task.kind not in METHODS[name].unsuited_kinds]
        multipliers = sorted({ceil(method.passes) for method in methods} - {1})
        chains += [task.name, *(f"{task.name}~x{multiplier}" for multiplier in multipliers)]
        chains += [f"{task.name}~{method.name}" for method in methods]
    return tuple(chains)


def list_adversarial_targets(benchmark: Benchmark) -> tuple[str, ...]:
    """Return the quick targets, each with its shifted ones: enough to measure a method out of domain and on shifts."""
    quick = set(benchmark.quick_targets)
    return tuple(name for name, task in benchmark.targets.items() if {name, task.clean_target} & quick)


def list_variant_chains(benchmark: Benchmark) -> ChainNames:
    """Return the variants of Phang et al. 2020, and two alternatives that need no intermediate phase.

    The variants are masked words of many languages beside each quick task and beside the mix of them, and the same
    tasks in translation where it exists. The alternatives are feature aggregation over layers and self-augmentation in
    the fine-tuning on the targets.
    """
    tasks = [benchmark.intermediates[name] for name in benchmark.quick_intermediates]
    masked = [f"{task.name}+{MLM}" for task in tasks]
    mix = "+".join(task.name for task in tasks)
    translated = [
        f"{task.name}@{name}" for task in tasks for name in _choose_languages(task.training_languages[1:], benchmark, 3)
    ]
    return (*(task.name for task in tasks), MLM, *masked, mix, f"{mix}+{MLM}", *translated, "none:layers", "none:salt")
