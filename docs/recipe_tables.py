"""Write the tables of recipes in docs/protocol.md again, from spaces/recipes.py.

python docs/recipe_tables.py
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from spaces.benchmark import BENCHMARKS  # noqa: E402
from spaces.encoders import PROFILES  # noqa: E402
from spaces.recipe_set import OURS, RecipeSet, list_settings  # noqa: E402
from spaces.recipes import RECIPE_SETS, choose_recipes  # noqa: E402
from spaces.task import Recipe, Task  # noqa: E402

PAGE = ROOT / "docs" / "protocol.md"
BEGIN, END = "<!-- tables: python docs/recipe_tables.py -->\n", "<!-- end of tables -->"
COLUMNS = {
    "Targets": (("xnli",), ("pawsx",), ("udpos", "panx"), ("xquad", "mlqa"), ("tydiqa",)),
    "Intermediate tasks": (("mnli", "anli"), ("qqp",), ("squad", "squad2"), ("ccg",), ("hellaswag",), ("cosmosqa",)),
}
LABELS: dict[str, tuple[str, Callable[[Recipe], str]]] = {
    "epochs": ("epochs", lambda recipe: f"{recipe.epochs:g}"),
    "batch_size": ("batch", lambda recipe: str(recipe.batch_size)),
    "max_length": ("longest input", lambda recipe: str(recipe.max_length)),
    "learning_rate": ("learning rate", lambda recipe: _format_rates((recipe.learning_rate or 0,))),
    "warmup": (
        "warm-up",
        lambda recipe: f"{recipe.warmup:.0%}" if recipe.warmup_steps is None else f"{recipe.warmup_steps} steps",
    ),
    "weight_decay": ("weight decay", lambda recipe: f"{recipe.weight_decay:g}"),
    "clip": ("largest gradient", lambda recipe: f"{recipe.clip:g}"),
    "windows": ("windows", lambda recipe: f"{recipe.windows} {recipe.stride}"),
    "question_limit": ("longest question", lambda recipe: str(recipe.question_limit or recipe.max_length // 2)),
    "decoding": ("decoding", lambda recipe: recipe.decoding),
    "question_beside": ("question beside", lambda recipe: recipe.question_beside),
    "selection": ("weights kept", lambda recipe: recipe.selection),
    "splits": ("rows", lambda recipe: recipe.splits or "its own"),
}


def _format_rates(rates: Sequence[float]) -> str:
    return " or ".join(f"{rate:.0e}".replace("e-0", "e-") for rate in rates)


def format_tables() -> str:
    """Return the tables as Markdown: each recipe's cells, and the sources of the published ones."""
    lines: list[str] = []
    for heading, columns in COLUMNS.items():
        for recipes in RECIPE_SETS.values():
            if heading != "Targets" and recipes.name == "xtreme":
                continue  # it has none
            lines += ["", f"### {heading}, `{recipes.name}`", ""]
            lines += _format_table(recipes, columns)
    for recipes in RECIPE_SETS.values():
        if recipes.repository is not None:
            lines += ["", f"### Sources of `{recipes.name}` ({recipes.repository})", "", *_format_sources(recipes)]
    return "\n".join(lines) + "\n\n"


def _format_table(recipes: RecipeSet, columns: Sequence[tuple[str, ...]]) -> list[str]:
    settings = [
        name for name in LABELS if any(name in list_settings(_find_task(recipes, tasks[0]).kind) for tasks in columns)
    ]
    rows = [f"| | {' | '.join(', '.join(tasks) for tasks in columns)} |", f"|---{'|---' * len(columns)}|"]
    for name in settings:
        cells = [_format_cell(recipes, tasks[0], name) for tasks in columns]
        rows.append(f"| {LABELS[name][0]} | {' | '.join(cells)} |")
    return rows


def _format_cell(recipes: RecipeSet, task: str, setting: str) -> str:
    """Return a cell; of `ours`, in bold unless jiant has the same."""
    text = _describe(recipes, task, setting)
    if recipes.name != OURS or text == _describe(RECIPE_SETS["jiant"], task, setting):
        return text
    return f"**{text}**" if text else ""


def _describe(recipes: RecipeSet, task: str, setting: str) -> str:
    found = _find_task(recipes, task)
    if setting not in list_settings(found.kind) or found.recipe is None:
        return ""
    if setting == "learning_rate" and found.recipe.learning_rate is None:
        return _format_rates(recipes.learning_rates or PROFILES["pretrained"].learning_rates)
    return LABELS[setting][1](found.recipe)


def _find_task(recipes: RecipeSet, name: str) -> Task:
    benchmark = choose_recipes(BENCHMARKS["xtreme"], recipes.name)
    return benchmark.targets[name] if name in benchmark.targets else benchmark.intermediates[name]


def _format_sources(recipes: RecipeSet) -> list[str]:
    """Return one row per file and settings, with all tasks that have them from there."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for row in (*recipes.targets, *recipes.intermediates):
        for source, settings in row.sources.items():
            labels = ", ".join(LABELS[name][0] for name in settings.split())
            tasks.setdefault((source, labels), []).extend(row.tasks)
    for reading in recipes.retrieval:
        tasks.setdefault((reading.source, "layer, pooling"), []).append(reading.task)
    for source, settings in recipes.mixture_sources.items():
        if "sampler" in settings:
            tasks[source, "sampler"] = ["mixes of tasks"]
    rows = [
        f"| {source if source == OURS else f'`{source}`'} | {labels} | {', '.join(names)} |"
        for (source, labels), names in tasks.items()
    ]
    return ["| file | settings | tasks |", "|---|---|---|", *rows]


def main() -> int:
    """Rewrite the page; returns the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + format_tables() + END + rest.split(END)[1], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
