"""Made-up scores of mixes of tasks, in which it is known what kinds and tasks bring, and their comparison."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.questions.evenness import measure_evenness
from analysis.questions.task_mixes import MixComparison, compare_mixes
from spaces.benchmark import BENCHMARKS
from spaces.chain import MULTITASK, parse_chain
from spaces.space_chains import list_diversity_chains
from tests.analysis.sweep_files import read_transfer, write_file

MINIATURE = BENCHMARKS["miniature"]
TASKS = {task.name: task.kind for task in MINIATURE.multitask_tasks()}
NAMES = list_diversity_chains(MINIATURE)
EVEN = {"en": 0.7, "qna": 0.6, "qnb": 0.6, "qma": 0.5, "qfa": 0.5}
Rows = list[tuple[Any, ...]]


def tasks_of(chain: str) -> tuple[str, ...]:
    phase = chain.partition("~")[0]
    return tuple(TASKS) if phase == MULTITASK else parse_chain(phase).tasks


def scores(
    chains: Iterable[str] = NAMES,
    *,
    seeds: int = 3,
    targets: tuple[str, ...] = ("xnli", "panx"),
    weakest: float = 0.0,
    everywhere: float = 0.0,
    tasks: dict[str, float] | None = None,
) -> Rows:
    """Points per kind beyond the first in the two weakest languages, and in all but English; points per task."""
    rng = np.random.default_rng(1)
    rows: Rows = []
    for chain in ("none", *chains):
        names = () if chain == "none" else tasks_of(chain)
        kinds = max(1, len({TASKS[name] for name in names})) - 1
        for target in targets:
            for seed in range(seeds):
                for language, score in EVEN.items():
                    gain = np.mean([(tasks or {}).get(name, 0.0) for name in names]) if names else 0.0
                    gain += kinds * (weakest * (language in ("qma", "qfa")) + everywhere * (language != "en"))
                    value = score + (gain + rng.normal(0, 0.3)) / 100
                    rows.append((chain, target, seed, language, "accuracy", float(value), "miniature"))
    return rows


def compare(folder: Path, rows: Rows) -> MixComparison:
    even = measure_evenness(read_transfer(write_file(folder, rows, "benchmark")))
    return compare_mixes(even, np.random.default_rng(0))
