"""A stage trains on the rows and inputs that its own recipe names, whatever the benchmark's tables say."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from datasets import Features, List

from spaces.benchmark import BENCHMARKS, UNBOUNDED
from spaces.encoders import PROFILES
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.recipes import choose_recipes
from spaces.stage import Stage
from spaces.task import list_key_fields
from tests.hub_layout import QA, TEXT, qa_row
from trainables.data.task_data import DataSource
from trainables.kinds.span import BOTH_ENDS, LISTED_START
from trainables.models.encoder import Encoder
from trainables.record.context import StageContext
from trainables.training_stage import start_training

Write = Callable[..., Path]
JIANT = choose_recipes(BENCHMARKS["xtreme"], "jiant")
STAGE = Stage(
    kind="target",
    benchmark="xtreme",
    task="tydiqa",
    intermediate="none",
    seed=0,
    learning_rate=1e-3,
    targets={"tydiqa": ("en",)},
    profile="pretrained",
    precision="fp32",
    data={},
    start={},
    version=1,
)


def start(stage: Stage, data: Path, encoder: Encoder, context: StageContext):
    source = DataSource(benchmark="xtreme", data=str(data))
    return start_training(stage, encoder, dataclasses.replace(context, source=source), PROFILES["pretrained"])


def test_all_rows_and_marked_windows_under_jiants_recipe(write: Write, encoder: Encoder, context: StageContext) -> None:
    data = write("google/xtreme/tydiqa/train", QA, [qa_row("ab", ["a"], [0], f"english-{i}") for i in range(20)])
    for benchmark, rows, mark in ((BENCHMARKS["xtreme"], 18, BOTH_ENDS), (JIANT, 20, LISTED_START)):
        recipe = benchmark.targets["tydiqa"].recipe
        assert recipe is not None
        training = start(dataclasses.replace(STAGE, recipe=list_key_fields(recipe)), data, encoder, context)
        assert (len(training.parts[0].table), len(training.selection.dev_sets[0].examples)) == (rows, 2)
        marks = training.parts[0].table[0].marks
        assert marks is not None and marks[0].max() == mark
        assert training.recipe.selection == recipe.selection


def test_every_task_of_a_mix_has_its_own_inputs(write: Write, encoder: Encoder, context: StageContext) -> None:
    columns = Features({"ctx": TEXT, "ctx_a": TEXT, "ctx_b": TEXT, "endings": List(TEXT), "label": TEXT})
    row = {"ctx": "A", "ctx_a": "A A A", "ctx_b": "A", "endings": ["x"], "label": "0"}
    write("Rowan/hellaswag/default/train", columns, [row] * 20)
    data = write("rajpurkar/squad/plain_text/train", QA, [qa_row("ab", ["a"], [0], f"{i}") for i in range(20)])
    chains = resolve_phases(("squad+hellaswag",), JIANT, mixture=(), budget=UNBOUNDED, masked=DEFAULT_MASKED_WORDS)
    stage = dataclasses.replace(
        STAGE, kind="intermediate", task="squad+hellaswag", targets={}, recipe=chains["squad+hellaswag"].recipe
    )
    training = start(stage, data, encoder, context)
    by_task = {part.task.name: part for part in training.parts}
    marks = by_task["squad"].table[0].marks
    assert marks is not None and marks[0].max() == LISTED_START
    (ids,) = by_task["hellaswag"].table[0].rows
    assert len(ids) == 4 + 3 + 2  # special ones, `A A A` of ctx_a, `A x` of ctx_b and the ending; ctx itself is `A`
    assert training.recipe.batch_size == 4
