"""Encoded sets: the same whether shared or not, known by all that can change them, and nothing lost on the way."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from datasets import ClassLabel, Features, Value

from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from spaces.task import Recipe, Task
from spaces.xtreme import NLI_LABELS
from tests.trainables.features.test_feature_table import assert_equal
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import ChoiceExample, Example, PairExample, TaggingExample
from trainables.features.tokenizer_rules import hash_tokenizer
from trainables.kinds import KINDS
from trainables.miniature import world
from trainables.training import encoding as module
from trainables.training.encoding import Encoding, encode_split, encode_training_table
from trainables.training.trivial_answers import choose_trivial_answer, compute_judged_score, score_trivial_answer

TOKENIZER = world.build_tokenizer(world.build_world())
RECIPE = Recipe(steps=10, max_length=64, stride=16)
PROFILE = PROFILES["miniature"]
IN_MEMORY = Encoding(TOKENIZER, RECIPE, PROFILE)
MINIATURE = DataSource(benchmark="miniature", test_limit=30)
ONE_OF_EACH_KIND = {task.kind: task for task in BENCHMARKS["miniature"].multitask_tasks()}
MNLI = BENCHMARKS["xtreme"].intermediates["mnli"]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """As in a new process: nothing is kept."""
    module._cache.clear()
    yield
    module._cache.clear()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSource:
    """Files of the hub's layout with 25 pairs to train on, two of them without a label, and 3 to judge."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    text = Value("string")
    columns = Features({"premise": text, "hypothesis": text, "label": ClassLabel(names=list(NLI_LABELS))})
    for split, count in (("train", 25), ("validation_matched", 3)):
        rows: dict[str, list[Any]] = {
            "premise": [" ".join("abcdefgh"[: i % 8 + 1]) for i in range(count)],
            "hypothesis": ["b a"] * count,
            "label": [-1 if i in (4, 20) else i % 3 for i in range(count)],
        }
        file = tmp_path / "hub" / "nyu-mll" / "glue" / "mnli" / f"{split}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features=columns).to_parquet(str(file))
    return DataSource(benchmark="xtreme", data=str(tmp_path / "hub"))


def encoding_in(folder: Path) -> Encoding:
    return dataclasses.replace(IN_MEMORY, folder=folder)


def tables(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("kind", ONE_OF_EACH_KIND)
def test_chunks_change_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = ONE_OF_EACH_KIND[kind]
    examples, _ = load_examples(MINIATURE, task, "train")
    monkeypatch.setattr(module, "EXAMPLES_PER_CALL", 7)
    table = encode_training_table(MINIATURE, task, IN_MEMORY)
    whole = KINDS[kind].encode(TOKENIZER, examples, RECIPE, PROFILE)
    assert_equal(table, whole, per_position=KINDS[kind].per_position)
    assert {feature.example for feature in table} == set(range(len(examples)))


def test_a_shared_table_equals_one_in_memory(written: DataSource, tmp_path: Path) -> None:
    alone = encode_training_table(written, MNLI, IN_MEMORY)
    assert len(alone) == 23 and alone.left_out == {"no label": 2}
    for _ in range(2):  # built, then opened
        module._cache.clear()
        shared = encode_training_table(written, MNLI, encoding_in(tmp_path / "encoded"))
        assert_equal(shared, list(alone), per_position=False)
        assert shared.left_out == {"no label": 2}
        assert isinstance(shared.ids.base, np.memmap) and not isinstance(alone.ids.base, np.memmap)
    assert len(tables(tmp_path / "encoded")) == 1


def test_training_examples_are_read_once_for_all_processes(
    written: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_training_table(written, MNLI, encoding_in(tmp_path / "encoded"))
    module._cache.clear()

    def never(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(module, "load_examples", never)
    assert len(encode_training_table(written, MNLI, encoding_in(tmp_path / "encoded"))) == 23


def test_a_dev_set_has_its_examples(written: DataSource, tmp_path: Path) -> None:
    for _ in range(2):
        module._cache.clear()
        dev = encode_split(written, MNLI, "dev", "en", encoding_in(tmp_path / "encoded"))
        assert [example.label for example in dev.examples if isinstance(example, PairExample)] == [0, 1, 2]
        assert dev.features.targets.tolist() == [0, 1, 2] and dev.left_out == {}


def test_the_miniature_leaves_no_files(tmp_path: Path) -> None:
    encode_training_table(MINIATURE, ONE_OF_EACH_KIND["pair"], encoding_in(tmp_path / "encoded"))
    assert not (tmp_path / "encoded").exists()


def test_everything_that_changes_a_table_changes_its_key(written: DataSource, tmp_path: Path) -> None:
    folder = tmp_path / "encoded"

    def ask(
        source: DataSource = written, task: Task = MNLI, recipe: Recipe = RECIPE, profile: str = "miniature"
    ) -> int:
        encode_training_table(source, task, Encoding(TOKENIZER, recipe, PROFILES[profile], folder))
        return len(tables(folder))

    assert ask() == 1
    assert ask(recipe=dataclasses.replace(RECIPE, steps=20, batch_size=4)) == 1  # no part of the encoding
    assert ask(source=dataclasses.replace(written, test_limit=2)) == 1  # of dev and test only
    assert ask(profile="pretrained") == 2
    assert ask(recipe=dataclasses.replace(RECIPE, max_length=32)) == 3
    assert ask(recipe=dataclasses.replace(RECIPE, stride=8)) == 4
    assert ask(source=dataclasses.replace(written, limit=5)) == 4  # which rows are trained on depends on the seed
    assert ask(task=dataclasses.replace(MNLI, labels=MNLI.labels[::-1])) == 5
    module._cache.clear()
    file = next(Path(str(written.data)).rglob("train-*.parquet"))
    datasets.Dataset.from_parquet(str(file)).select(range(20)).to_parquet(str(file))
    assert ask() == 6  # other data


def test_a_tokenizer_is_known_by_what_it_does_and_not_by_its_last_call() -> None:
    used, fresh, other = (world.build_tokenizer(world.build_world(seed)) for seed in (0, 0, 1))
    used(["a b"], truncation=True, max_length=4, padding=True)
    assert hash_tokenizer(used) == hash_tokenizer(fresh) != hash_tokenizer(other)
    typed = world.build_tokenizer(world.build_world())
    typed.model_input_names = [*typed.model_input_names, "token_type_ids"]
    assert hash_tokenizer(typed) != hash_tokenizer(fresh)


def test_another_mask_is_another_table_of_masked_words() -> None:
    task, tables = BENCHMARKS["miniature"].intermediates["mlm"], []
    for name in ("<mask>", "<unk>"):
        tokenizer = world.build_tokenizer(world.build_world())
        tokenizer.mask_token = name
        assert hash_tokenizer(tokenizer) == hash_tokenizer(TOKENIZER)  # the rules are the same
        table = encode_training_table(MINIATURE, task, dataclasses.replace(IN_MEMORY, tokenizer=tokenizer))
        tables.append([feature.rows[0].tolist() for feature in table])
    assert tables[0] != tables[1]


@pytest.mark.parametrize("kind", ["pair", "choice", "tagging"])
def test_the_majority_of_the_targets_is_that_of_the_examples(kind: str) -> None:
    for task in [task for task in BENCHMARKS["miniature"].multitask_tasks() if task.kind == kind]:
        examples, _ = load_examples(MINIATURE, task, "train")
        dev = encode_split(MINIATURE, task, "dev", "en", IN_MEMORY)
        answer = choose_trivial_answer(encode_training_table(MINIATURE, task, IN_MEMORY).targets, dev)
        commonest = Counter(label for example in examples for label in labels_of(example)).most_common(1)[0][0]
        gold = [label for example in dev.examples for label in labels_of(example)]
        assert answer is not None
        score = compute_judged_score(task, score_trivial_answer(answer, dev))
        assert score == pytest.approx(gold.count(commonest) / len(gold))


def labels_of(example: Example) -> tuple[int, ...]:
    match example:
        case PairExample() | ChoiceExample():
            return (example.label,)
        case TaggingExample():
            return example.tags
    return ()


def test_the_least_recently_used_sets_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FEATURES", 12_000)

    def ask(kind: str) -> object:
        return encode_training_table(MINIATURE, ONE_OF_EACH_KIND[kind], IN_MEMORY)

    first, second = ask("pair"), ask("choice")
    assert ask("pair") is first and ask("choice") is second
    ask("pair")
    ask("tagging")
    assert ask("pair") is first and ask("choice") is not second


def test_only_tables_in_open_files_are_counted(
    written: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TABLES", 1)
    mapped = encode_training_table(written, MNLI, encoding_in(tmp_path / "tables"))
    for kind in ("pair", "choice"):
        encode_split(MINIATURE, ONE_OF_EACH_KIND[kind], "dev", "en", IN_MEMORY)
    assert encode_training_table(written, MNLI, encoding_in(tmp_path / "tables")) is mapped
    encode_split(written, MNLI, "dev", "en", encoding_in(tmp_path / "tables"))  # a second one
    assert encode_training_table(written, MNLI, encoding_in(tmp_path / "tables")) is not mapped


def test_shared_tables_push_nothing_out(written: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FEATURES", 10)
    dev = encode_split(written, MNLI, "dev", "en", encoding_in(tmp_path))
    assert len(encode_training_table(written, MNLI, encoding_in(tmp_path))) == 23
    assert encode_split(written, MNLI, "dev", "en", encoding_in(tmp_path)).features is dev.features


@pytest.mark.parametrize("name", ["qqp", "csqa", "udpos", "xquad"])
def test_real_files_of_every_kind(real: Path, tmp_path: Path, name: str) -> None:
    benchmark = BENCHMARKS["xtreme"]
    task = benchmark.targets[name] if name in benchmark.targets else benchmark.intermediates[name]
    source = DataSource(benchmark="xtreme", data=str(real), limit=60, test_limit=20)
    examples, left_out = load_examples(source, task, "train")
    table = encode_training_table(source, task, encoding_in(tmp_path))
    features = KINDS[task.kind].encode(TOKENIZER, examples, RECIPE, PROFILE)
    assert_equal(table, features, per_position=KINDS[task.kind].per_position)
    assert table.left_out == left_out and len(tables(tmp_path)) == 1
