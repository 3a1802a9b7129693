"""The recipes of `xtreme` (google-research/xtreme): its own training and retrieval scripts, for XLM-R Large.

Files are named as in the public repository. XTREME has no intermediate tasks: these keep the recipe `ours`. Its script
for questions trains for 500 steps of warm-up, which for TyDiQA are more than all its steps, and keeps the last weights.

Retrieval slices the hidden states before it picks a layer. For BUCC it takes the last 12 states, at any depth, and of
these number 7: state 20 of a 24-layer encoder, 8 of a 12-layer one, always 4 below the last. For Tatoeba it picks
number 13 of the last 24 states, and number 7 of the last 12.
"""

from dataclasses import replace

from spaces.recipe_set import RecipeRow, RecipeSet, RetrievalRow
from spaces.task import Recipe, RetrievalRecipe

XNLI = "scripts/train_xnli.sh"
PAWSX = "scripts/train_pawsx.sh"
UDPOS = "scripts/train_udpos.sh"
PANX = "scripts/train_panx.sh"
QUESTIONS = "scripts/train_qa.sh"
CLASSIFY = "third_party/run_classify.py"
TAG = "third_party/run_tag.py"
RUN_SQUAD = "third_party/run_squad.py"
SQUAD = "third_party/processors/squad.py"
BUCC = "scripts/run_bucc2018.sh, third_party/evaluate_retrieval.py"
TATOEBA = "scripts/run_tatoeba.sh, third_party/evaluate_retrieval.py"

_PAIRS = Recipe(
    epochs=5, batch_size=32, max_length=128, learning_rate=2e-5, warmup=0.0, warmup_steps=0, weight_decay=0.0
)
_SPANS = Recipe(
    epochs=3,
    batch_size=32,
    max_length=384,
    learning_rate=3e-5,
    warmup_steps=500,
    weight_decay=1e-4,
    windows="step",
    stride=128,
    question_limit=64,
    decoding="maximal context",
    selection="last",
)
_SCRIPT_SETTINGS = "epochs batch_size max_length learning_rate selection"
_DEFAULTS = "warmup weight_decay clip splits"
_SPAN_SOURCES = {
    QUESTIONS: "epochs batch_size max_length learning_rate warmup weight_decay windows selection splits",
    RUN_SQUAD: "clip question_limit",
    SQUAD: "decoding",
}


XTREME = RecipeSet(
    name="xtreme",
    about="XTREME's own scripts for XLM-R Large; its targets only",
    repository="google-research/xtreme",
    benchmarks=("xtreme", "xtreme-r", "xtreme-wide"),
    targets=(
        RecipeRow(
            tasks=("xnli",),
            kind="pair",
            recipe=replace(_PAIRS, learning_rate=3e-5),
            sources={XNLI: _SCRIPT_SETTINGS, CLASSIFY: _DEFAULTS},
        ),
        RecipeRow(
            tasks=("pawsx",),
            kind="pair",
            recipe=_PAIRS,
            sources={PAWSX: _SCRIPT_SETTINGS, CLASSIFY: _DEFAULTS},
        ),
        RecipeRow(
            tasks=("udpos",),
            kind="tagging",
            recipe=replace(_PAIRS, epochs=10),
            sources={UDPOS: _SCRIPT_SETTINGS, TAG: _DEFAULTS},
        ),
        RecipeRow(
            tasks=("panx",),
            kind="tagging",
            recipe=replace(_PAIRS, epochs=10),
            sources={PANX: _SCRIPT_SETTINGS, TAG: _DEFAULTS},
        ),
        RecipeRow(tasks=("xquad", "mlqa"), kind="span", recipe=_SPANS, sources=_SPAN_SOURCES),
        RecipeRow(
            tasks=("tydiqa",),
            kind="span",
            recipe=replace(_SPANS, splits="tydiqa with all rows"),
            sources=_SPAN_SOURCES,
        ),
    ),
    retrieval=(
        RetrievalRow(task="bucc", reading=RetrievalRecipe(pooling="first", below_top=4), source=BUCC),
        RetrievalRow(task="tatoeba", reading=RetrievalRecipe(layers=((12, 8), (24, 14))), source=TATOEBA),
    ),
)
