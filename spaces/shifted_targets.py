"""Shifted targets: targets whose test items are changed so that their labels stay.

A shifted target has the training set of the target that it changes, and is evaluated in the same stage where it is
named. A language of a mixed target is a pair of languages, such as `qma-en`: the first sentence in one, the second in
the other. This is the generalised setting of Huang et al. (2021, 2104.08645) with English on one side, in both orders:
with n test languages, 2 (n - 1) of their n (n - 1) pairs.
"""

from dataclasses import replace

from spaces.language import ENGLISH, join_pair
from spaces.task import Task


def mix_languages(task: Task, *, is_parallel: bool) -> Task:
    """Return the target with its sentences in different languages; `is_parallel`: labels are alike in all."""
    foreign = [name for name in task.languages if name != ENGLISH]
    return replace(
        task,
        name=f"{task.name}-mixed",
        about=f"{task.name} with its two sentences in different languages, one of them English.",
        languages=(*(join_pair(name, ENGLISH) for name in foreign), *(join_pair(ENGLISH, name) for name in foreign)),
        is_opt_in=True,
        clean_target=task.name,
        shift="mixed",
        is_parallel=is_parallel,
    )


def perturb_target(task: Task, description: str) -> Task:
    """Return the target with other words or spellings, as the description says."""
    return replace(
        task,
        name=f"{task.name}-perturbed",
        about=f"{task.name} {description}",
        is_opt_in=True,
        clean_target=task.name,
        shift="perturbed",
    )
