from pathlib import Path

import pytest

from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.named_spaces import SPACES, NamedSpace, find_space
from spaces.phase import MaskedWords
from spaces.space import Axes, Range, Space, resolve_axes

MINIATURE, XTREME = BENCHMARKS["miniature"], BENCHMARKS["xtreme"]


def resolve(**fields: object) -> Axes:
    return resolve_axes(Space(name="own", **fields), MINIATURE, PROFILES["miniature"])  # type: ignore[arg-type]


@pytest.mark.parametrize("space", SPACES.values(), ids=lambda space: space.name)
@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda benchmark: benchmark.name)
def test_the_baseline_is_a_member_of_every_named_space(space: NamedSpace, benchmark: Benchmark) -> None:
    resolved = resolve_axes(space.build(benchmark), benchmark, PROFILES["pretrained"])
    assert resolved.intermediates[0] == "none"


def test_the_baseline_is_added_to_a_list_without_it() -> None:
    assert resolve(intermediates=("mnli",)).intermediates == ("none", "mnli")


def test_full_has_the_multi_task_run_and_the_control() -> None:
    full = resolve_axes(SPACES["full"].build(MINIATURE), MINIATURE, PROFILES["miniature"])
    others = {"none", "multitask", "random", "sham", MINIATURE.matched_baseline}
    assert others <= set(full.intermediates)
    assert len(set(full.intermediates) - others) == 9
    assert len(full.targets) == 9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"intermediates": ("mnil",)}, "did you mean mnli"),
        ({"targets": ("xnil",)}, "did you mean xnli"),
        ({"targets": ()}, "the axis targets is empty"),
        ({"seeds": ()}, "the axis seeds is empty"),
        ({"learning_rates": ()}, "the axis learning-rates is empty"),
        ({"learning_rates": (0.0,)}, "a learning rate must be a number above 0, got 0.0"),
        ({"learning_rates": (float("nan"),)}, "a learning rate must be a number above 0"),
        ({"learning_rates": "some"}, "'all', 'middle', 'question', a tuple of numbers or a Range"),
        ({"seeds": (-1,)}, "a seed must be a whole number"),
        ({"seeds": (0, 0)}, "names 0 more than once"),
        ({"masked": MaskedWords(languages=())}, "the axis languages of masked words is empty"),
        ({"masked": MaskedWords(languages=("en", "en"))}, "names en more than once"),
        ({"masked": None}, r"Space: `masked` must be a MaskedWords\(...\), got None"),
        ({"budget": {"steps": 5}}, r"Space: `budget` must be a Budget\(...\)"),
    ],
)
def test_bad_axes_are_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve(**fields)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (1e-3, 1e-4), (1e-4, float("inf"))])
def test_a_range_needs_bounds_in_order(bounds: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="0 < low < high"):
        Range(*bounds)


def test_a_space_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from spaces.space import Space\nSPACE = Space(name='mine', seeds=(4,))")
    assert find_space(str(file), MINIATURE).seeds == (4,)


@pytest.mark.parametrize(("text", "message"), [("", "must define SPACE"), ("1/0", "ZeroDivisionError")])
def test_a_space_file_that_is_none_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        find_space(str(file), MINIATURE)


def test_an_unknown_space_gets_the_near_ones() -> None:
    with pytest.raises(UsageError, match="did you mean full"):
        find_space("ful", MINIATURE)


def test_which_test_sets_are_translations_and_what_names_their_items() -> None:
    parallel = {
        name: {task.name: task.item_column for task in benchmark.targets.values() if task.is_parallel}
        for name, benchmark in BENCHMARKS.items()
    }
    shifted = dict.fromkeys(("xnli-mixed", "xnli-perturbed"), "example")
    clean = {"xnli": "example", "xquad": "id", "mlqa": "id"}
    by_row = dict.fromkeys(("pawsx", "pawsx-perturbed", "sib200", "nusax"), "example")
    assert parallel["xtreme"] == {**clean, **shifted, **by_row}
    wide = dict.fromkeys(("afrixnli", "indicxnli", "sib200-wide"), "example")
    assert parallel["xtreme-wide"] == {**parallel["xtreme"], **wide}
    assert parallel["xtreme-r"] == {**clean, **shifted, "xcopa": "example", "lareqa": "id"}
    assert set(parallel["miniature"]) == set(MINIATURE.targets)
    assert {task.item_column for task in BENCHMARKS["xtreme-r"].targets.values() if not task.is_parallel} == {"example"}


def test_which_items_may_share_a_text() -> None:
    nli, paraphrases = dict.fromkeys(("xnli", "xnli-mixed", "xnli-perturbed"), "premise"), "sentence"
    questions = dict.fromkeys(("xquad", "mlqa", "tydiqa"), "passage")
    pairs = {**nli, **dict.fromkeys(("pawsx", "pawsx-mixed", "pawsx-perturbed"), paraphrases)}
    expected = {
        "miniature": {**pairs, **questions},
        "xtreme": {**pairs, **questions},
        "xtreme-r": {**nli, **questions, "xcopa": "premise", "lareqa": "passage", "mewslix": "entity"},
        "xtreme-wide": {
            **pairs,
            **questions,
            **dict.fromkeys(("afrixnli", "indicxnli", "americasnli-test"), "premise"),
            **dict.fromkeys(("indicqa", "afriqa"), "passage"),
        },
    }
    assert expected == {
        name: {task.name: task.cluster_text for task in benchmark.targets.values() if task.cluster_text}
        for name, benchmark in BENCHMARKS.items()
    }
