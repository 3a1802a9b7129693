"""Rows in other languages: translations, shots and dev sets, and never a test row among those that are trained on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Features, List

from spaces.miniature import TARGETS as MINIATURE
from spaces.xtreme import TARGETS
from tests.hub_layout import PAIR, QA, TAGGED, TEXT, XNLI, pair_rows, qa_row
from trainables.data.foreign_rows import (
    compute_fingerprint,
    draw_shots,
    find_dev_languages,
    find_shot_splits,
    find_translations,
    list_absent_languages,
)
from trainables.data.task_data import DataSource, load_examples

Write = Callable[..., Path]
SOURCE = DataSource(benchmark="miniature")
NAMED = Features({"tokens": List(TEXT), "ner_tags": List(TEXT)})
PAWS = Features({"sentence1": TEXT, "sentence2": TEXT, "label": TEXT})


@pytest.fixture
def data(write: Write) -> DataSource:
    """Targets with rows in a few languages: some have training rows, some dev rows only, some test rows only."""
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    write("facebook/xnli/sw/train", PAIR, pair_rows(25))
    for split, languages in (("validation", ("en", "de", "sw")), ("test", ("en", "de", "sw", "th"))):
        rows = [{"language": each, "sentence1": f"{split} {i}", "sentence2": "b", "gold_label": "neutral"}
                for each in languages for i in range(4)]  # fmt: skip
        write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    for language in ("en", "de"):
        for split in ("train", "validation", "test"):
            write(
                f"google/xtreme/PAWS-X.{language}/{split}", PAWS, [{"sentence1": "a", "sentence2": "b", "label": "1"}]
            )
    words: list[dict[str, Any]] = [{"tokens": [f"w{i}"], "pos_tags": [7]} for i in range(6)]
    for name, splits in (("English", ("train", "validation", "test")), ("German", ("train", "validation", "test")),
                         ("Thai", ("test",)), ("Tamil", ("validation", "test"))):  # fmt: skip
        for split in splits:
            write(f"google/xtreme/udpos.{name}/{split}", TAGGED, words)
    rows = [qa_row("ab", ["a"], [0], f"{name}-{i}") for name in ("english", "korean") for i in range(20)]
    for split in ("train", "validation"):
        folder = write(f"google/xtreme/tydiqa/{split}", QA, rows)
    return DataSource(benchmark="xtreme", data=str(folder))


def test_only_targets_whose_training_set_was_translated_have_translations(data: DataSource) -> None:
    assert find_translations(data, TARGETS["xnli"]) == {"sw": "train"}
    assert list_absent_languages(data, TARGETS["xnli"], {"sw": "train"}) == ("de", "th")
    assert find_translations(data, TARGETS["pawsx"]) == {"de": "train"}
    assert find_translations(data, TARGETS["udpos"]) == {}  # its German rows are German, not translations


def test_shots_are_training_rows_or_else_dev_rows(data: DataSource) -> None:
    assert find_shot_splits(data, TARGETS["udpos"]) == {"de": "train", "ta": "dev"}
    assert find_shot_splits(data, TARGETS["tydiqa"]) == {"ko": "train"}
    # Nobody labelled a machine translation of MultiNLI.
    assert find_shot_splits(data, TARGETS["xnli"]) == {"de": "dev", "sw": "dev"}
    assert find_dev_languages(data, TARGETS["xnli"]) == ("de", "sw")
    assert find_dev_languages(data, TARGETS["xnli-mixed"]) == find_dev_languages(data, TARGETS["bucc"]) == ()


def test_no_shot_is_a_test_row(data: DataSource) -> None:
    xnli = TARGETS["xnli"]
    for language, split in find_shot_splits(data, xnli).items():
        shots = draw_shots(data, xnli, split, language, count=100, seed=0)
        assert len(shots) == 4 and all(shot.first.startswith("validation") for shot in shots)  # type: ignore[union-attr]
    # TyDiQA has one evaluation split, which is its test. Korean dev is a tail of the training rows, as English dev is.
    tydiqa, names = TARGETS["tydiqa"], []
    for split in ("train", "dev"):
        names.append({example.id for example in load_examples(data, tydiqa, split, "ko")[0]})  # type: ignore[union-attr,arg-type]
    drawn = {shot.id for shot in draw_shots(data, tydiqa, "train", "ko", count=100, seed=0)}  # type: ignore[union-attr]
    assert drawn == names[0] and not names[0] & names[1]
    with pytest.raises(ValueError, match="test rows are never trained on"):
        draw_shots(data, xnli, "test", "de", count=1, seed=0)


@pytest.mark.parametrize("name", ["xnli", "udpos", "xquad"])
def test_the_seed_draws_the_shots(name: str) -> None:
    task, drawn = MINIATURE[name], []
    for seed, language in ((0, "qma"), (0, "qma"), (1, "qma"), (0, "qmb")):
        draw_shots.cache_clear()
        drawn.append(draw_shots(SOURCE, task, "train", language, count=8, seed=seed))
    assert [len(set(shots)) for shots in drawn] == [8] * 4
    assert drawn[0] == drawn[1] != drawn[2]
    rows = load_examples(SOURCE, task, "train", "qma")[0]
    assert set(drawn[0]) <= set(rows)
    places = [[load_examples(SOURCE, task, "train", each)[0].index(shot) for shot in shots]
              for each, shots in (("qma", drawn[0]), ("qmb", drawn[3]))]  # fmt: skip
    assert places[0] != places[1]  # other items in every language
    limited = DataSource(benchmark="miniature", limit=3, test_limit=3)
    assert draw_shots(limited, task, "train", "qma", count=8, seed=0) == drawn[0]


def test_the_fingerprint_changes_with_the_rows(data: DataSource, write: Write) -> None:
    udpos = TARGETS["udpos"]
    before = [compute_fingerprint(data, udpos, rows) for rows in ({"de": "train"}, {"de": "dev"}, {"ta": "dev"})]
    assert len(set(before)) == 3
    write("google/xtreme/udpos.German/train", TAGGED, [{"tokens": ["x"], "pos_tags": [0]}])
    assert compute_fingerprint(data, udpos, {"de": "train"}) != before[0]
