"""The recipes of `jiant` (nyu-mll/jiant): its XTREME scripts for targets, its guide for intermediate tasks.

Files are named as in the public repository. The guide trains an intermediate task with the simple interface at its
defaults, but for the batch: three epochs in batches of 4, inputs of at most 256 sub-tokens, the last weights. Phang et
al. 2020 trained some intermediate tasks longer; their appendix could not be read, so nothing is taken from it.
"""

from dataclasses import replace

from spaces.benchmark import Mixture
from spaces.recipe_set import OURS, RecipeRow, RecipeSet, RetrievalRow
from spaces.task import Recipe, RetrievalRecipe

_SCRIPTS = "jiant/scripts/benchmarks/xtreme"
CONFIGS = f"{_SCRIPTS}/subscripts/d_write_configs.sh"
CACHE = f"{_SCRIPTS}/subscripts/c_tokenize_and_cache.sh"
WRITER = f"{_SCRIPTS}/xtreme_runconfig_writer.py"
RUN = "jiant/scripts/postproc/xtreme/subscripts/e_run_models.sh"
OPTIMIZER = "jiant/shared/model_setup.py"
RUNNER = "jiant/proj/main/runscript.py"
METARUNNER = "jiant/proj/main/metarunner.py"
SQUAD = "jiant/tasks/lib/templates/squad_style/core.py"
DECODING = "jiant/tasks/lib/templates/squad_style/utils.py"
CHOICE = "jiant/tasks/lib/templates/multiple_choice.py"
SIMPLE = "jiant/proj/simple/runscript.py"
CONFIGURATOR = "jiant/proj/main/scripts/configurator.py"
GUIDE = "guides/projects/xstilts.md"

_TARGET_SOURCES = {
    CONFIGS: "epochs batch_size",
    CACHE: "max_length",
    RUN: "learning_rate selection",
    WRITER: "warmup splits",
    OPTIMIZER: "weight_decay",
    RUNNER: "clip",
}
_SPAN_SOURCES = {SQUAD: "windows question_limit", DECODING: "decoding"}
_SPANS = Recipe(
    epochs=2,
    batch_size=16,
    max_length=384,
    windows="step",
    stride=128,
    question_limit=64,
    decoding="maximal context",
)

_GUIDE_RECIPE = Recipe(epochs=3, batch_size=4, max_length=256, selection="last")
_GUIDE_SOURCES = {
    SIMPLE: "epochs max_length learning_rate clip selection",
    GUIDE: "batch_size",
    CONFIGURATOR: "warmup",
    OPTIMIZER: "weight_decay",
}


def _build_choice_row(task: str, file: str, recipe: Recipe) -> RecipeRow:
    sources = {**_GUIDE_SOURCES, file: "splits question_beside"}
    return RecipeRow(tasks=(task,), kind="choice", recipe=recipe, sources=sources)


JIANT = RecipeSet(
    name="jiant",
    about="jiant's scripts and guide for Phang et al. 2020",
    repository="nyu-mll/jiant",
    benchmarks=("xtreme", "xtreme-r", "xtreme-wide"),
    learning_rates=(1e-5,),
    targets=(
        RecipeRow(
            tasks=("xnli",),
            kind="pair",
            recipe=Recipe(epochs=2, batch_size=32, max_length=256, splits="xnli selected on mnli"),
            sources=_TARGET_SOURCES,
        ),
        RecipeRow(
            tasks=("pawsx",),
            kind="pair",
            recipe=Recipe(epochs=5, batch_size=32, max_length=256),
            sources=_TARGET_SOURCES,
        ),
        RecipeRow(
            tasks=("udpos", "panx"),
            kind="tagging",
            recipe=Recipe(epochs=10, batch_size=32, max_length=256),
            sources=_TARGET_SOURCES,
        ),
        RecipeRow(tasks=("xquad", "mlqa"), kind="span", recipe=_SPANS, sources={**_TARGET_SOURCES, **_SPAN_SOURCES}),
        # Its 462 steps end before the first evaluation, which comes after 1,000: only the last weights are seen.
        RecipeRow(
            tasks=("tydiqa",),
            kind="span",
            recipe=replace(_SPANS, selection="last", splits="tydiqa with all rows"),
            sources={**_TARGET_SOURCES, RUN: "learning_rate", METARUNNER: "selection", **_SPAN_SOURCES},
        ),
    ),
    intermediates=(
        RecipeRow(
            tasks=("anli", "mnli", "qqp", "ocnli", "indonli", "americasnli", "random"),
            kind="pair",
            recipe=_GUIDE_RECIPE,
            sources={**_GUIDE_SOURCES, OURS: "splits"},
        ),
        # A control has the schedule of the task whose rows it reads.
        RecipeRow(tasks=("sham",), kind="mlm", recipe=_GUIDE_RECIPE, sources={**_GUIDE_SOURCES, OURS: "splits"}),
        RecipeRow(tasks=("ccg",), kind="tagging", recipe=_GUIDE_RECIPE, sources={**_GUIDE_SOURCES, OURS: "splits"}),
        RecipeRow(
            tasks=("squad", "squad2"),
            kind="span",
            recipe=replace(_SPANS, epochs=3, batch_size=4, max_length=256, selection="last"),
            sources={**_GUIDE_SOURCES, OURS: "splits", **_SPAN_SOURCES},
        ),
        _build_choice_row(
            "hellaswag", "jiant/tasks/lib/hellaswag.py", replace(_GUIDE_RECIPE, splits="hellaswag in parts")
        ),
        _build_choice_row("cosmosqa", "jiant/tasks/lib/cosmosqa.py", replace(_GUIDE_RECIPE, question_beside="context")),
        _build_choice_row(
            "csqa", "jiant/tasks/lib/commonsenseqa.py", replace(_GUIDE_RECIPE, question_beside="context")
        ),
    ),
    retrieval=(
        RetrievalRow(task="bucc", reading=RetrievalRecipe(), source=WRITER),
        RetrievalRow(task="tatoeba", reading=RetrievalRecipe(), source=WRITER),
    ),
    mixture=Mixture(recipe=_GUIDE_RECIPE, sampler="proportional"),
    mixture_sources={**_GUIDE_SOURCES, CONFIGURATOR: "warmup sampler"},
)
