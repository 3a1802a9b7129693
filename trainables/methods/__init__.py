"""Methods: what happens between a batch and its gradients. Each is a small function of a `Step` (see step.py)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Task
from trainables.methods.adversarial import fgm, freelb, pgd, plain
from trainables.methods.step import Rule, Step, step_of

__all__ = ["RULES", "Rule", "Step", "of", "plain", "problems", "step_of"]

RULES: Mapping[str, Callable[..., torch.Tensor]] = {"fgm": fgm, "pgd": pgd, "freelb": freelb}


def of(entry: Mapping[str, Any] | None, tasks: Sequence[Task]) -> Rule:
    """The rule of a stage whose recipe has this entry, {"name": ..., "settings": {...}}; without one, the plain one.

    Raises UsageError if the method has no meaning for one of the tasks.
    """
    if entry is None:
        return plain
    found = [line for task in tasks for line in problems(entry["name"], task)]
    if found:
        raise UsageError("; ".join(found))
    return partial(RULES[entry["name"]], **entry["settings"])


def problems(name: str, task: Task) -> list[str]:
    """Why a task cannot be trained by a method, a line each."""
    reason = METHODS.find(name).unsuited.get(task.kind)
    return [] if reason is None else [f"{task.name}~{name}: {name} has no meaning for {task.kind} tasks: {reason}."]
