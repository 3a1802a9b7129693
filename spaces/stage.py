"""Stages: the nodes of work, each with a key that names its outcome.

Everything that can change the outcome of a stage is a field of it, so that equal keys mean equal experiments. Sharing,
resuming and extending a sweep rest on that. What cannot change the outcome (where the data lie, how many workers run,
the size of a micro-batch) is not a field.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal

StageKind = Literal["pretrain", "intermediate", "target", "retrieval"]
Precision = Literal["fp32", "bf16"]

# Raised when the meaning of a kind of stage changes, so that older results are not taken for newer ones.
VERSIONS: dict[StageKind, int] = {"pretrain": 2, "intermediate": 4, "target": 3, "retrieval": 3}

ENCODER_KINDS: tuple[StageKind, ...] = ("pretrain", "intermediate")  # kinds of stages that leave an encoder

OUTCOME_FILE = "outcome.json"  # in the folder of a stage: it is written last
TENTHS = 10  # time in a stage is counted in tenths of its own schedule


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage, in JSON values only.

    `task` is the intermediate phase, the training set of the targets, the retrieval target, or "encoder". `targets`
    maps each evaluated target to its languages. `recipe` is a Recipe (or the pretraining recipe) as a dict, `profile`
    the name of the EncoderProfile, `data` the fingerprint of the data and the settings of the world, `start` the
    encoder at the start of the chain. `precision` is that of matrix products: weights, moments and losses are always in
    32 bits. `parent` is the key of the stage whose encoder this one starts from. `limit` is the bound on training rows,
    `test_limit` that on the rows of dev and test, or on a retrieval pool.
    """

    kind: StageKind
    benchmark: str
    task: str
    intermediate: str
    seed: int
    learning_rate: float | None = None
    parent: str | None = None
    targets: Mapping[str, tuple[str, ...]]
    recipe: Mapping[str, Any] | None = None
    profile: str
    precision: Precision
    data: Mapping[str, Any]
    start: Mapping[str, Any]
    limit: int | None = None
    test_limit: int | None = None
    version: int

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no blanks. Equal stages give equal text."""
        return _CANONICAL.encode(dict(zip(_FIELDS, _VALUES(self), strict=True)))

    @cached_property
    def key(self) -> str:
        """The first 16 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """A short description for people, e.g. `target squad after mnli, seed 0, rate 0.001`."""
        words = [self.kind, self.task]
        if self.kind in ("target", "retrieval"):
            words.append(f"after {self.intermediate}")
        text = " ".join(words)
        if self.kind != "pretrain":
            text += f", seed {self.seed}"
        return text if self.learning_rate is None else f"{text}, rate {self.learning_rate:g}"


_FIELDS = tuple(field.name for field in dataclasses.fields(Stage))
_VALUES = attrgetter(*_FIELDS)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def stage_from_json(text: str) -> Stage:
    """Return the stage that `Stage.to_json` wrote. Raises ValueError for any other text."""
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("a stage must be a JSON object.")
    try:
        fields["targets"] = {name: tuple(languages) for name, languages in fields["targets"].items()}
        return Stage(**fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a stage: {error}") from error
