"""The intermediate tasks of `xtreme`: those of Phang et al. 2020, native inference in other languages, masked words.

The recipes here are `ours`: a task that is a target's training set has jiant's schedule of the target, and the others
three epochs, as in jiant's guide, in larger batches. `recipes.py` has those of jiant and XTREME by name, and
`docs/protocol.md` compares them cell by cell.
"""

from dataclasses import replace
from functools import partial

from spaces.english_data import MASSIVE_INTENTS
from spaces.foreign_data import AMERICASNLI_LANGUAGES, LOCAL_MNLI_LANGUAGES, XNLI_LANGUAGES
from spaces.table import Table
from spaces.task import NLI_LABELS, Recipe, Task
from spaces.xtreme_languages import LANGUAGES

NLI_RECIPE = Recipe(epochs=2, batch_size=32, max_length=256)
_SQUAD_RECIPE = Recipe(epochs=2, batch_size=16, max_length=384, stride=128)
_GUIDE_RECIPE = Recipe(epochs=3, batch_size=32, max_length=256)

_build_nli_task = partial(Task, kind="pair", labels=NLI_LABELS, recipe=NLI_RECIPE)
_build_choice_task = partial(Task, kind="choice", recipe=replace(_GUIDE_RECIPE, batch_size=16))
build_span_task = partial(Task, kind="span", official_metrics=("exact_match", "f1"), recipe=_SQUAD_RECIPE)


def languages_without(names: str) -> tuple[str, ...]:
    """Return every language of XTREME but the named ones, which are separated by blanks."""
    return tuple(name for name in LANGUAGES if name not in names.split())


_TASKS = (
    _build_nli_task(
        name="anli",
        about="ANLI+: the three adversarial rounds of ANLI with MultiNLI and SNLI, one head for all.",
        near_duplicates=("mnli",),
    ),
    _build_nli_task(
        name="mnli",
        about="MultiNLI: does the first sentence entail the second, contradict it, or neither?",
        training_languages=("en", *XNLI_LANGUAGES, *LOCAL_MNLI_LANGUAGES),
    ),
    Task(
        name="qqp",
        kind="pair",
        about="Quora question pairs: do two questions ask the same?",
        labels=("not_duplicate", "duplicate"),
        recipe=_GUIDE_RECIPE,
    ),
    build_span_task(
        name="squad2",
        about="SQuAD 2.0: mark the answer, or say that the paragraph has none.",
        answer_script="squad2",
        near_duplicates=("squad",),
    ),
    build_span_task(
        name="squad",
        about="SQuAD 1.1: mark the answer to a question in a Wikipedia paragraph.",
    ),
    _build_choice_task(
        name="hellaswag",
        about="HellaSwag: which of four endings continues the description of a scene?",
        option_count=4,
    ),
    Task(
        name="ccg",
        kind="tagging",
        about="CCG supertagging: the syntactic category of every word (CCGbank, licensed).",
        labels=(),  # read from the data
        recipe=_GUIDE_RECIPE,
    ),
    _build_choice_task(
        name="cosmosqa",
        about="Cosmos QA: four answers to a question about what a blog post leaves unsaid.",
        option_count=4,
    ),
    _build_choice_task(
        name="csqa",
        about="CommonsenseQA: five short answers to a question about everyday things.",
        option_count=5,
    ),
    _build_nli_task(
        name="ocnli",
        about="OCNLI: MultiNLI's question, written in Chinese.",
        training_languages=("zh",),
        is_opt_in=True,
    ),
    _build_nli_task(
        name="indonli",
        about="IndoNLI: MultiNLI's question, written in Indonesian.",
        training_languages=("id",),
        is_opt_in=True,
    ),
    _build_nli_task(
        name="americasnli",
        about="AmericasNLI: XNLI's question in ten languages of the Americas, of which Aymara is the first.",
        training_languages=AMERICASNLI_LANGUAGES,
        is_opt_in=True,
    ),
    Task(
        name="massive",
        kind="text",
        about="MASSIVE: which of 60 things is asked of an assistant?",
        labels=MASSIVE_INTENTS,
        other_metrics=("macro_f1",),
        recipe=_GUIDE_RECIPE,
        is_opt_in=True,
    ),
    _build_nli_task(
        name="random",
        about="The negative control: the pairs of MultiNLI with random labels. It helps nothing, and may harm.",
        is_control=True,
        is_opt_in=True,
    ),
    Task(
        name="sham",
        kind="mlm",
        about="The benign control: guess masked words in the texts of MultiNLI, for as many steps as mnli has.",
        recipe=NLI_RECIPE,
        is_control=True,
        is_opt_in=True,
        text_task="mnli",
    ),
    Task(
        name="mlm",
        kind="mlm",
        about="Guess masked words in Wikipedia's articles, in every language of XTREME.",
        training_languages=("en", *languages_without("en")),
        recipe=Recipe(epochs=1, batch_size=32, max_length=256),
        is_opt_in=True,
    ),
)
INTERMEDIATES = Table("intermediate task of xtreme", (replace(task, training_set=task.name) for task in _TASKS))
