"""The rules by name, and the one that a stage asks for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.data import Source
from trainables.features.feature_table import FeatureTable
from trainables.methods import synonym_pairs
from trainables.methods.adversarial import fgm, freelb, pgd, plain
from trainables.methods.agreement import r3f, smart
from trainables.methods.needs import SYNONYMS, problems
from trainables.methods.salt import proposer, salt
from trainables.methods.step import Rule
from trainables.methods.synonyms import smoothed, token_table
from trainables.models.encoder import Encoder

SALT, LAYERS = "salt", "layers"
RULES: Mapping[str, Callable[..., torch.Tensor]] = {
    "fgm": fgm,
    "pgd": pgd,
    "freelb": freelb,
    "smart": smart,
    "r3f": r3f,
    SYNONYMS: smoothed,
    SALT: salt,
    LAYERS: plain,  # it is in the head (trainables/models/layer_fusion.py)
}


def rule_of(
    entry: Mapping[str, Any] | None,
    tasks: Sequence[Task],
    source: Source,
    encoder: Encoder,
    tables: Sequence[FeatureTable] = (),
) -> Rule:
    """The rule of a stage whose recipe has this entry, a name beside its settings; without one, the plain rule.

    The encoder is the one that the stage starts from, and `tables` are all texts that it sees in the language of its
    training sets. Raises UsageError if the method cannot train one of the tasks.
    """
    if entry is None:
        return plain
    name = entry["name"]
    found = [line for task in tasks for line in problems(source, name, task)]
    if found:
        raise UsageError("\n".join(found))
    rule = partial(RULES[name], **{setting: value for setting, value in entry.items() if setting != "name"})
    if name == SYNONYMS:
        return partial(rule, table=token_table(synonym_pairs.synonyms(source), encoder.tokenizer, encoder.device))
    if name == SALT:
        return partial(rule, proposer=proposer(encoder, tables))
    return rule
