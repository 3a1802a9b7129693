"""Gradient rules by the name of their method, and the rule of a stage."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from spaces.errors import UsageError
from spaces.method import AVERAGE, LORA
from spaces.task import Task
from trainables.data.task_data import DataSource
from trainables.features.feature_table import FeatureTable
from trainables.methods import synonym_pairs
from trainables.methods.adversarial import fgm, freelb, pgd, plain_fine_tuning
from trainables.methods.agreement import r3f, smart
from trainables.methods.requirements import SYNONYMS, find_problems
from trainables.methods.salt import build_proposer, salt
from trainables.methods.smoothing import build_synonym_table, randomized_smoothing
from trainables.methods.step import GradientRule
from trainables.models.encoder import Encoder

SALT, LAYERS = "salt", "layers"
RULES: Mapping[str, Callable[..., torch.Tensor]] = {
    "fgm": fgm,
    "pgd": pgd,
    "freelb": freelb,
    "smart": smart,
    "r3f": r3f,
    SYNONYMS: randomized_smoothing,
    SALT: salt,
    LAYERS: plain_fine_tuning,  # the method is in the head (trainables/models/layer_fusion.py)
    AVERAGE: plain_fine_tuning,  # in what is kept of the weights (trainables/training/averaging.py)
    LORA: plain_fine_tuning,  # in adapters, which take its settings (trainables/models/adapters.py)
}


def build_rule(
    entry: Mapping[str, Any] | None,
    tasks: Sequence[Task],
    source: DataSource,
    encoder: Encoder,
    tables: Sequence[FeatureTable] = (),
) -> GradientRule:
    """Return the rule of a stage whose recipe has this entry (a name and settings); without an entry, the plain rule.

    `encoder` is the one that the stage starts from. `tables` are all texts that the stage reads in the language of its
    training sets. Raises UsageError if the method cannot train one of the tasks.
    """
    if entry is None:
        return plain_fine_tuning
    name = entry["name"]
    problems = [line for task in tasks for line in find_problems(source, name, task)]
    if problems:
        raise UsageError("\n".join(problems))
    if name in (LORA, AVERAGE):
        return RULES[name]
    rule = partial(RULES[name], **settings_of(entry))
    if name == SYNONYMS:
        synonyms = synonym_pairs.read_synonyms(source)
        return partial(rule, table=build_synonym_table(synonyms, encoder.tokenizer, encoder.device))
    if name == SALT:
        return partial(rule, proposer=build_proposer(encoder, tables))
    return rule


def settings_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a method's entry in a recipe."""
    return {setting: value for setting, value in entry.items() if setting != "name"}
