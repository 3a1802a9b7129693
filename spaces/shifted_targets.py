"""Shifted targets: the test items of a target, changed so that their labels stay.

They share the training of the target that they change, and are evaluated in the same stage where they are named.
A language of a mixed one is a pair of languages, `qma-en`: the first sentence in one, the second in the other. This is
the generalised setting of Huang et al. (2021, 2104.08645) with English on one side, in both orders: where n languages
are tested these are 2 (n - 1) of their n (n - 1) pairs.
"""

from dataclasses import replace

from spaces.language import ENGLISH
from spaces.task import Task


def mix_languages(task: Task, *, parallel: bool) -> Task:
    """The target with its two sentences in different languages.

    `parallel` says that no pair of languages leaves out rows, as they do whose labels differ between the two.
    """
    foreign = [name for name in task.languages if name != ENGLISH]
    pairs = (*(f"{name}-{ENGLISH}" for name in foreign), *(f"{ENGLISH}-{name}" for name in foreign))
    return replace(
        task,
        name=f"{task.name}-mixed",
        about=f"{task.name} with its two sentences in different languages, one of them English.",
        languages=pairs,
        is_opt_in=True,
        clean_target=task.name,
        shift="mixed",
        is_parallel=parallel,
    )


def perturb_target(task: Task, how: str) -> Task:
    """The target with other words or spellings; `how` says which, for people."""
    return replace(
        task,
        name=f"{task.name}-perturbed",
        about=f"{task.name} {how}",
        is_opt_in=True,
        clean_target=task.name,
        shift="perturbed",
    )
