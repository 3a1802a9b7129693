"""The data that a chain was trained on: repositories and commits that the sweep recorded, and their licences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spaces.benchmark import BENCHMARKS
from spaces.chain import Chain, Ingredient, parse_chain
from spaces.xtreme_data import DATASETS, TASK_SPLITS

NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """A repository whose rows a task was trained on. `commit` is known of repositories that were read from the hub."""

    task: str
    repository: str
    config: str
    commit: str | None
    licence: str


def list_training_data(record: Mapping[str, Any], chain: str, target: str | None = None) -> list[TrainingData]:
    """Return the training data of a chain's phase and of a target, from the content of `sweep.json`.

    A synthetic world has none.
    """
    found = {}
    for entry in (*_list_source_names(record, chain), *([f"target {target}"] if target else [])):
        task = entry.partition(" ")[2].partition("@")[0]
        for line in record.get("sources", {}).get(entry, ()):
            split, _, repository, config, *_ = line.split()
            if split == "train":
                found[task, repository, config] = TrainingData(
                    task=task,
                    repository=repository,
                    config=config,
                    commit=record.get("repositories", {}).get(repository),
                    licence=find_licence(task, repository),
                )
    return list(found.values())


def _list_source_names(record: Mapping[str, Any], chain: str) -> Iterator[str]:
    """Yield the names that the record gives to the sources of a chain's ingredients."""
    spec = record["spec"]
    benchmark = BENCHMARKS[spec["benchmark"]]
    for ingredient in (part for phase in list_phases(chain) for part in _list_ingredients(spec, phase)):
        task, known = ingredient.task, benchmark.intermediates.get(ingredient.task)
        language = ingredient.language or (None if known is None or known.kind == "mlm" else known.own_language)
        entries = f"intermediate {task}@{language or ''}"  # masked words without a language are those of all of them
        for name in record.get("sources", {}):
            if name == entries or (language is None and name.startswith(entries)):
                yield name


def list_phases(chain: str) -> tuple[Chain, ...]:
    """Return the phase of a chain, or the members of a merge."""
    parsed = parse_chain(chain)
    return parsed.members or (parsed,)


def _list_ingredients(spec: Mapping[str, Any], phase: Chain) -> tuple[Ingredient, ...]:
    mixed = spec.get("mixture", {}).get(phase.phase, ())
    return tuple(map(Ingredient, mixed)) if phase.is_multitask else phase.ingredients


def find_licence(task: str, repository: str) -> str:
    """Return the licence of the rows that a task trains on from a repository; several if it has several datasets."""
    splits = TASK_SPLITS.get(task)
    parts = [] if splits is None else [*splits.train, *([splits.translated] if splits.translated else [])]
    datasets = [DATASETS[name] for part in parts for name in part.datasets]
    licences = [each.licence for each in datasets or DATASETS.values() if repository in (each.repo_id, *each.fallbacks)]
    return "; ".join(dict.fromkeys(licences)) or NOT_RECORDED
