from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.benchmark import BENCHMARKS, UNBOUNDED, Benchmark, Budget
from spaces.chain import parse_chain
from spaces.space_chains import MAX_LANGUAGES, list_diversity_chains, list_language_chains, list_variant_chains
from spaces.table import Table
from spaces.task import Recipe, Task

MINIATURE = BENCHMARKS["miniature"]
KINDS = ("pair", "span", "choice", "tagging")


def world(sizes: tuple[int, ...]) -> Benchmark:
    """A benchmark with so many intermediate tasks of each kind."""
    many = [(kind, place) for kind, size in zip(KINDS, sizes, strict=False) for place in range(size)]
    recipe = Recipe(steps=1, batch_size=1)
    tasks = [Task(name=f"{kind}{place}", kind=kind, about="", recipe=recipe) for kind, place in many]
    return replace(MINIATURE, intermediates=Table("task", tasks))


def by_size(benchmark: Benchmark) -> dict[int, list[tuple[str, ...]]]:
    """The mixes of named tasks by their number."""
    mixes: dict[int, list[tuple[str, ...]]] = {}
    for name in list_diversity_chains(benchmark):
        chain = parse_chain(name)
        if not chain.is_multitask:
            mixes.setdefault(len(chain.tasks), []).append(chain.tasks)
    return mixes


@given(st.tuples(*[st.integers(0, 5)] * len(KINDS)).filter(any))
def test_at_each_size_every_task_is_as_often_in_mixes_of_few_kinds_as_of_many(sizes: tuple[int, ...]) -> None:
    benchmark = world(sizes)
    assert len(set(list_diversity_chains(benchmark))) == len(list_diversity_chains(benchmark))
    for size, mixes in by_size(benchmark).items():
        if size == 1:
            assert [task for (task,) in mixes] == list(benchmark.intermediates)
            continue
        few, many = mixes[: len(mixes) // 2], mixes[len(mixes) // 2 :]
        assert Counter(task for mix in few for task in mix) == Counter(task for mix in many for task in mix)
        kinds = [[len({benchmark.intermediates[task].kind for task in mix}) for mix in sort] for sort in (few, many)]
        assert sum(kinds[0]) < sum(kinds[1])


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))
def test_diversity_has_both_sorts_at_each_size_where_kinds_allow_and_every_sampler(benchmark: Benchmark) -> None:
    names = list_diversity_chains(benchmark)
    assert len(names) <= 30
    assert {"multitask", "multitask~proportional", "multitask~temperature", "multitask~uniform"} <= set(names)
    mixes = by_size(benchmark)
    assert {1, 2, 3, 4} <= mixes.keys()
    for size in (2, 3):
        same = [len({benchmark.intermediates[task].kind for task in mix}) == 1 for mix in mixes[size]]
        assert any(same) and not all(same)


def test_controls_and_tasks_without_english_are_in_no_mix() -> None:
    known = MINIATURE.intermediates
    tasks = list({**known, "qqp": replace(known["qqp"], training_languages=("id",))}.values())
    mine = replace(MINIATURE, intermediates=Table("task", tasks))
    found = {task for name in list_diversity_chains(mine) for task in name.split("+")}
    assert not found & {"random", "qqp"} and "mnli" in found


def spoken(*trains: str, **native: tuple[str, ...]) -> Benchmark:
    """XTREME with mnli in these languages, and native tasks of its labels."""
    xtreme = BENCHMARKS["xtreme"]
    mnli = replace(xtreme.intermediates["mnli"], training_languages=trains)
    more = [replace(mnli, name=name, training_languages=own) for name, own in native.items()]
    others = [t for t in xtreme.intermediates.values() if t.name not in ("mnli", *native) and not t.is_opt_in]
    return replace(xtreme, intermediates=Table("task", [mnli, *others, *more]))


def test_languages_are_alone_with_english_and_together() -> None:
    chains = "mnli mnli@sw mnli@de mnli@en+mnli@sw mnli@en+mnli@de mnli@en+mnli@sw+mnli@de"
    assert list_language_chains(spoken("en", "sw", "de")) == tuple(chains.split())
    assert list_language_chains(spoken("en", "sw")) == ("mnli", "mnli@sw", "mnli@en+mnli@sw")
    assert list_language_chains(spoken("en")) == ("mnli",)


def test_natives_are_the_tasks_of_the_same_labels_in_other_languages() -> None:
    xtreme = spoken("en", indonli=("id",), americasnli=("aym", "quy"))
    any_size = replace(xtreme, question_budgets=replace(xtreme.question_budgets, languages=UNBOUNDED))
    assert list_language_chains(any_size) == ("mnli", "indonli", "americasnli@aym+americasnli@quy")


def test_natives_that_are_too_small_for_the_rows_of_the_others_are_left_out() -> None:
    xtreme = spoken("en", ocnli=("zh",), indonli=("id",), americasnli=("aym", "quy"))
    assert list_language_chains(xtreme) == ("mnli",)
    budgets = replace(xtreme.question_budgets, languages=Budget(steps=3_000, examples=50_000))
    assert list_language_chains(replace(xtreme, question_budgets=budgets)) == ("mnli", "ocnli")


def test_of_many_languages_those_of_few_resources_come_first() -> None:
    xnli = "en ar bg de el es fr hi ru sw th tr ur vi zh".split()
    chains = list_language_chains(spoken(*xnli))
    alone = [name.removeprefix("mnli@") for name in chains if "@" in name and "+" not in name]
    assert len(alone) == MAX_LANGUAGES
    assert {"bg", "el", "sw", "th", "ur"} <= set(alone)  # of few resources
    assert {"ru", "hi"} <= set(alone)  # Slavic as bg, Indo-Aryan as ur
    assert alone == [name for name in xnli if name in alone]


def test_translations_of_the_variants_are_of_few_resources_first() -> None:
    assert {"mnli@qmb", "squad@qmb", "ccg@qmb"} <= set(list_variant_chains(BENCHMARKS["miniature"]))


def test_languages_in_which_nothing_is_scored_are_left_out() -> None:
    names = list_language_chains(spoken("en", "et", "sw", "de", "uz"))
    assert {"mnli@sw", "mnli@de"} <= set(names) and not any("@et" in name or "@uz" in name for name in names)


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))
def test_every_name_can_be_read(benchmark: Benchmark) -> None:
    for name in (*list_diversity_chains(benchmark), *list_language_chains(benchmark)):
        assert {task for task in parse_chain(name).tasks if task != "multitask"} <= set(benchmark.intermediates)
