"""The miniature: a synthetic multilingual world with a planted truth. Its targets, and the skills of all tasks.

Nothing here is a result about natural language. Tasks have the names and shapes of those of Phang et al. (2020). The
skills below decide what an intermediate task can teach a target: the two share a skill, or they do not.

    compare     hold two sentences against each other, word by word
    relations   which words are synonyms and which are opposites
    classes     which of two arbitrary classes each noun and each verb belongs to (no text shows it)
    brands      which organisations count as products (no text shows it)
    find        find the clause that a question is about, and the part of it that the question asks for
    events      which event follows which
    categories  which kind of thing a noun is
    topics      which of three arbitrary topics each place belongs to (no text shows it)
    order       who does it to whom

`classes`, `brands` and `topics` appear in labels only, so an encoder cannot learn them from pretraining. In the null
world (`trainables/miniature/null_world.py`) the intermediate tasks are taught by other rules and share nothing with any
target. The test sets of every target are the same items in every language.
"""

from dataclasses import replace
from functools import partial

from spaces.miniature_intermediates import INTERMEDIATES, build_recipe
from spaces.miniature_languages import (
    ALL_LANGUAGES,
    ENTITY_TAGS,
    FOREIGN_LANGUAGES,
    LANGUAGES,
    PARAPHRASE_LABELS,
    POS_TAGS,
    TOPIC_LABELS,
)
from spaces.shifted_targets import mix_languages, perturb_target
from spaces.table import Table
from spaces.task import NLI_LABELS, Task

__all__ = ["INTERMEDIATES", "LANGUAGES", "TARGETS", "partners_of"]

_build_span_task = partial(
    Task, kind="span", official_metrics=("f1", "exact_match"), skills=frozenset({"find"}), cluster_text="passage"
)

_TASKS = (
    Task(
        name="xnli",
        kind="pair",
        about="Inference between two sentences, with a small training set.",
        labels=NLI_LABELS,
        training_set="xnli-en",
        recipe=build_recipe(120),
        skills=frozenset({"compare", "relations"}),
        cluster_text="premise",
    ),
    Task(
        name="pawsx",
        kind="pair",
        about="Do two sentences of the same words, or of synonyms and opposites, mean the same?",
        labels=PARAPHRASE_LABELS,
        training_set="pawsx-en",
        recipe=build_recipe(80),
        skills=frozenset({"compare", "relations", "order"}),
        cluster_text="sentence",
    ),
    Task(
        name="sib200",
        kind="text",
        about="Which of three topics is a text about? With a tiny training set.",
        labels=TOPIC_LABELS,
        other_metrics=("macro_f1",),
        training_set="sib200-en",
        recipe=build_recipe(60),
        skills=frozenset({"topics"}),
        is_opt_in=True,
    ),
    Task(
        name="udpos",
        kind="tagging",
        about="A part of speech for each word, with two arbitrary classes of nouns and of verbs.",
        labels=POS_TAGS,
        official_metrics=("f1",),
        other_metrics=("accuracy",),
        training_set="udpos-en",
        recipe=build_recipe(30),
        skills=frozenset({"classes"}),
    ),
    Task(
        name="panx",
        kind="tagging",
        about="Persons, places, organisations and products; a product is known by its name alone.",
        labels=ENTITY_TAGS,
        official_metrics=("f1",),
        training_set="panx-en",
        recipe=build_recipe(30),
        skills=frozenset({"brands"}),
    ),
    _build_span_task(
        name="xquad",
        about="Find the answer in a passage of two sentences.",
        training_set="squad-en",
        recipe=build_recipe(80),
    ),
    _build_span_task(
        name="mlqa",
        about="The training of xquad, but passages of its own with more modifiers.",
        training_set="squad-en",
        recipe=build_recipe(80),
    ),
    _build_span_task(
        name="tydiqa",
        about="Passages and a small training set of its own; the questions avoid the words of the passage.",
        training_set="tydiqa-en",
        recipe=build_recipe(60),
    ),
    Task(
        name="bucc",
        kind="retrieval",
        about="Mine free translations, in which verb and adjective are synonyms, among distractors.",
        official_metrics=("f1",),
        retrieval_mode="mine",
        skills=frozenset({"relations", "categories"}),
    ),
    Task(
        name="tatoeba",
        kind="retrieval",
        about="Find the free translation of each sentence, in which verb and adjective are synonyms.",
        skills=frozenset({"relations", "categories"}),
    ),
)


def _in_all_languages(task: Task) -> Task:
    """Return the task with parallel rows. Retrieval translates into English, so English is not one of them."""
    if task.kind == "retrieval":
        return replace(task, languages=FOREIGN_LANGUAGES, is_parallel=True)
    return replace(task, languages=ALL_LANGUAGES, is_parallel=True, is_translated=True)


_PLAIN_TARGETS = Table("target", map(_in_all_languages, _TASKS))

_REWORDED = "with the words that its two sentences share replaced by synonyms in the second."
TARGETS = Table(
    "target of miniature",
    (
        *_PLAIN_TARGETS.values(),
        *(mix_languages(_PLAIN_TARGETS[name], is_parallel=True) for name in ("xnli", "pawsx")),
        *(perturb_target(_PLAIN_TARGETS[name], _REWORDED) for name in ("xnli", "pawsx")),
    ),
)


def partners_of(target: str, null: bool = False) -> tuple[str, ...]:
    """Return the intermediate tasks that ought to help a target, by a planted skill; none in the null world."""
    skills = TARGETS.find(target).skills
    return () if null else tuple(task.name for task in INTERMEDIATES.values() if task.skills & skills)
