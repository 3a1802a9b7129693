"""The intermediate tasks of the miniature, with the names and shapes of those of Phang et al. (2020)."""

from dataclasses import replace
from functools import partial

from spaces.miniature_languages import ALL_LANGUAGES, INTENT_LABELS, PARAPHRASE_LABELS, SUPERTAGS
from spaces.table import Table
from spaces.task import NLI_LABELS, Recipe, Task


def build_recipe(steps: int, batch_size: int = 32) -> Recipe:
    """Return a recipe for the miniature's short texts."""
    return Recipe(steps=steps, batch_size=batch_size, max_length=64, stride=16)


_build_nli_task = partial(Task, kind="pair", labels=NLI_LABELS, recipe=build_recipe(400))
_build_span_task = partial(
    Task, kind="span", official_metrics=("f1", "exact_match"), recipe=build_recipe(300), skills=frozenset({"find"})
)

_TASKS = (
    _build_nli_task(
        name="anli",
        about="Harder inference: more synonyms, more modifiers and more negation than in mnli.",
        near_duplicates=("mnli",),
        skills=frozenset({"compare", "relations", "order"}),
    ),
    _build_nli_task(
        name="mnli",
        about="Inference between two sentences: entailment, neutral or contradiction.",
        skills=frozenset({"compare", "relations", "order"}),
    ),
    Task(
        name="qqp",
        kind="pair",
        about="Do two questions ask the same?",
        labels=PARAPHRASE_LABELS,
        recipe=build_recipe(400),
        skills=frozenset({"compare", "relations"}),
    ),
    _build_span_task(
        name="squad2",
        about="Find the answer in a passage; a third of the questions have none.",
        answer_script="squad2",
        near_duplicates=("squad",),
    ),
    _build_span_task(
        name="squad",
        about="Find the answer to a question in a passage.",
    ),
    Task(
        name="hellaswag",
        kind="choice",
        about="Which of three events comes next?",
        recipe=build_recipe(250, batch_size=16),
        skills=frozenset({"events"}),
    ),
    Task(
        name="ccg",
        kind="tagging",
        about="A supertag for each word: its role, and the arbitrary class of nouns, verbs and organisations.",
        labels=SUPERTAGS,
        recipe=build_recipe(400),
        skills=frozenset({"classes", "brands"}),
    ),
    Task(
        name="cosmosqa",
        kind="choice",
        about="A passage of two events and a question: which of three events came before, or comes after?",
        recipe=build_recipe(250, batch_size=16),
        skills=frozenset({"events"}),
    ),
    Task(
        name="csqa",
        kind="choice",
        about="Which of three kinds of things is the noun of the sentence?",
        recipe=build_recipe(120, batch_size=16),
        skills=frozenset({"categories"}),
    ),
    _build_nli_task(
        name="random",
        about="The negative control: the inputs of mnli with random labels. It helps nothing, and may harm.",
        is_control=True,
    ),
    Task(
        name="sham",
        kind="mlm",
        about="The benign control: guess masked words in the texts of mnli, for as many steps as mnli has.",
        recipe=build_recipe(400),
        is_control=True,
        text_task="mnli",
    ),
    Task(
        name="massive",
        kind="text",
        about="Does a text assert or deny something, and of which of three topics?",
        labels=INTENT_LABELS,
        other_metrics=("macro_f1",),
        recipe=build_recipe(300),
        skills=frozenset({"topics"}),
        is_opt_in=True,
    ),
    Task(
        name="mlm",
        kind="mlm",
        about="Guess masked words in texts of every language: the pretraining goes on, without translations.",
        recipe=build_recipe(400),
        is_opt_in=True,
    ),
)
# All tasks but the controls have training rows in every language.
INTERMEDIATES = Table(
    "intermediate task",
    (task if task.is_control else replace(task, training_languages=ALL_LANGUAGES) for task in _TASKS),
)
