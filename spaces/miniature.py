"""The miniature: a synthetic multilingual world whose truth is planted. Its languages, its tasks, and which share what.

Nothing here is a result about natural language. Tasks are named after those of Phang et al. (2020) and have their
shapes. What an intermediate task can teach a target is decided by the skills below: the two share one, or they do not.

    compare     hold two sentences against each other, word by word
    relations   which words are synonyms and which are opposites
    classes     which of two arbitrary classes each noun and each verb belongs to (no text shows it)
    brands      which organisations count as products (no text shows it)
    find        find the clause that a question is about, and the asked part in it
    events      which event follows which
    categories  which kind of thing a noun is
    order       who does it to whom

`classes` and `brands` appear in labels only, so an encoder cannot know them from pretraining. In the null world (see
`trainables/miniature/null_world.py`) the intermediate tasks are taught by other rules and share nothing with any target.
The test sets of every target are the same items in every language.
"""

from spaces.language import Language
from spaces.shifted_targets import mix_languages, perturb_target
from spaces.table import Table
from spaces.task import Recipe, Task

# Codes from qaa to qtz are reserved for local use in ISO 639-2: n = near, m = mid, f = far from English.
LANGUAGES = Table(
    "language",
    [
        Language(name="en", english_name="English", family="Anglic", script="Latin", resource="high"),
        Language(name="qna", english_name="Nevish", family="Nevic", script="Latin", resource="high"),
        Language(name="qnb", english_name="Nelvan", family="Nevic", script="Latin", resource="high"),
        Language(name="qma", english_name="Morean", family="Moric", script="Greek", resource="high"),
        Language(name="qmb", english_name="Molkan", family="Moric", script="Greek", resource="low"),
        Language(name="qfa", english_name="Fenari", family="Fenic", script="Cyrillic", resource="high"),
    ],
)

ALL_LANGUAGES = tuple(LANGUAGES)
FOREIGN_LANGUAGES = ALL_LANGUAGES[1:]
LEARNING_RATES = (5e-4, 1e-3, 2e-3)  # the default axis of every trained stage

NLI_LABELS = ("entailment", "neutral", "contradiction")
PARAPHRASE_LABELS = ("different", "paraphrase")
# The last digit of a noun or verb is its arbitrary class.
POS_TAGS = ("NOUN1", "NOUN2", "VERB1", "VERB2", "ADJ", "ADP", "ADV", "NUM", "PRON", "PROPN", "PUNCT")
ENTITY_TAGS = ("O", "B-PER", "I-PER", "B-LOC", "B-ORG", "B-PROD")
# Categories in the style of combinatory grammar: they depend on the role of a word, and on its class or brand.
SUPERTAGS = tuple(
    r"NP NP/NP N1 N2 (S\NP)/NP1 (S\NP)/NP2 (S\NP)/(S\NP) N/N N/N-number PP/NP-place PP/NP-organisation "
    r"NP-place NP-organisation NP-product wh punctuation".split()
)


def _recipe(steps: int, batch_size: int = 32) -> Recipe:
    return Recipe(steps=steps, batch_size=batch_size, max_length=64, stride=16)


INTERMEDIATES = Table(
    "intermediate task",
    [
        Task(
            name="anli",
            kind="pair",
            about="Harder inference: more synonyms, more modifiers and more negation than in mnli.",
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(400),
            skills=frozenset({"compare", "relations", "order"}),
        ),
        Task(
            name="mnli",
            kind="pair",
            about="Inference between two sentences: entailment, neutral or contradiction.",
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(400),
            skills=frozenset({"compare", "relations", "order"}),
        ),
        Task(
            name="qqp",
            kind="pair",
            about="Do two questions ask the same?",
            labels=PARAPHRASE_LABELS,
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(400),
            skills=frozenset({"compare", "relations"}),
        ),
        Task(
            name="squad2",
            kind="span",
            about="Find the answer in a passage; a third of the questions have none.",
            official_metrics=("f1", "exact_match"),
            answer_script="squad2",
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(300),
            skills=frozenset({"find"}),
        ),
        Task(
            name="squad",
            kind="span",
            about="Find the answer to a question in a passage.",
            official_metrics=("f1", "exact_match"),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(300),
            skills=frozenset({"find"}),
        ),
        Task(
            name="hellaswag",
            kind="choice",
            about="Which of three events comes next?",
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(250, batch_size=16),
            skills=frozenset({"events"}),
        ),
        Task(
            name="ccg",
            kind="tagging",
            about="A supertag for each word: its role, and the arbitrary class of nouns, verbs and organisations.",
            labels=SUPERTAGS,
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(400),
            skills=frozenset({"classes", "brands"}),
        ),
        Task(
            name="cosmosqa",
            kind="choice",
            about="A passage of two events and a question: which of three events came before, or comes after?",
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(250, batch_size=16),
            skills=frozenset({"events"}),
        ),
        Task(
            name="csqa",
            kind="choice",
            about="Which of three kinds of things is the noun of the sentence?",
            official_metrics=("accuracy",),
            training_languages=ALL_LANGUAGES,
            recipe=_recipe(120, batch_size=16),
            skills=frozenset({"categories"}),
        ),
        Task(
            name="random",
            kind="pair",
            about="The negative control: the inputs of mnli with random labels. It should help nothing.",
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            recipe=_recipe(400),
            is_control=True,
        ),
        Task(
            name="mlm",
            kind="mlm",
            about="Guess masked words in texts of every language: the pretraining goes on, without translations.",
            training_languages=ALL_LANGUAGES,
            official_metrics=("accuracy",),
            recipe=_recipe(400),
            is_opt_in=True,
        ),
    ],
)

_PLAIN_TARGETS = Table(
    "target",
    [
        Task(
            name="xnli",
            kind="pair",
            about="Inference between two sentences, with a small training set.",
            languages=ALL_LANGUAGES,
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="xnli-en",
            recipe=_recipe(120),
            skills=frozenset({"compare", "relations"}),
            is_parallel=True,
        ),
        Task(
            name="pawsx",
            kind="pair",
            about="Do two sentences of the same words, or of synonyms and opposites, mean the same?",
            languages=ALL_LANGUAGES,
            labels=PARAPHRASE_LABELS,
            official_metrics=("accuracy",),
            training_set="pawsx-en",
            recipe=_recipe(80),
            skills=frozenset({"compare", "relations", "order"}),
            is_parallel=True,
        ),
        Task(
            name="udpos",
            kind="tagging",
            about="A part of speech for each word, with two arbitrary classes of nouns and of verbs.",
            languages=ALL_LANGUAGES,
            labels=POS_TAGS,
            official_metrics=("f1",),
            other_metrics=("accuracy",),
            training_set="udpos-en",
            recipe=_recipe(30),
            skills=frozenset({"classes"}),
            is_parallel=True,
        ),
        Task(
            name="panx",
            kind="tagging",
            about="Persons, places, organisations and products; a product is known by its name alone.",
            languages=ALL_LANGUAGES,
            labels=ENTITY_TAGS,
            official_metrics=("f1",),
            training_set="panx-en",
            recipe=_recipe(30),
            skills=frozenset({"brands"}),
            is_parallel=True,
        ),
        Task(
            name="xquad",
            kind="span",
            about="Find the answer in a passage of two sentences.",
            languages=ALL_LANGUAGES,
            official_metrics=("f1", "exact_match"),
            training_set="squad-en",
            recipe=_recipe(80),
            skills=frozenset({"find"}),
            is_parallel=True,
        ),
        Task(
            name="mlqa",
            kind="span",
            about="The training of xquad, but passages of its own with more modifiers.",
            languages=ALL_LANGUAGES,
            official_metrics=("f1", "exact_match"),
            training_set="squad-en",
            recipe=_recipe(80),
            skills=frozenset({"find"}),
            is_parallel=True,
        ),
        Task(
            name="tydiqa",
            kind="span",
            about="Passages and a small training set of its own; the questions avoid the words of the passage.",
            languages=ALL_LANGUAGES,
            official_metrics=("f1", "exact_match"),
            training_set="tydiqa-en",
            recipe=_recipe(60),
            skills=frozenset({"find"}),
            is_parallel=True,
        ),
        Task(
            name="bucc",
            kind="retrieval",
            about="Mine literal translations among distractors: what is left of the pretrained alignment.",
            languages=FOREIGN_LANGUAGES,
            official_metrics=("f1",),
            retrieval_mode="mine",
            is_parallel=True,
        ),
        Task(
            name="tatoeba",
            kind="retrieval",
            about="Find the free translation of each sentence, in which verb and adjective are synonyms.",
            languages=FOREIGN_LANGUAGES,
            official_metrics=("accuracy",),
            skills=frozenset({"relations"}),
            is_parallel=True,
        ),
    ],
)

_REWORDED_HOW = "with the words that its two sentences share replaced by synonyms in the second."
TARGETS = Table(
    "target",
    (
        *_PLAIN_TARGETS.values(),
        *(mix_languages(_PLAIN_TARGETS[name], parallel=True) for name in ("xnli", "pawsx")),
        *(perturb_target(_PLAIN_TARGETS[name], _REWORDED_HOW) for name in ("xnli", "pawsx")),
    ),
)


def partners_of(target: str, null: bool = False) -> tuple[str, ...]:
    """Names of the intermediate tasks that share a planted skill with a target: which ones ought to help it.

    None do in the null world. Raises UsageError for an unknown target.
    """
    wanted = TARGETS.find(target).skills
    return () if null else tuple(task.name for task in INTERMEDIATES.values() if task.skills & wanted)
