"""What a tokenizer does, in JSON values: its serialised rules, and the settings of its wrapper that change ids."""

import hashlib
import json
import math
import weakref
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from trainables.features.template import PROBE

TOKENIZER_FILE = "tokenizer.json"
_hashes: weakref.WeakKeyDictionary[PreTrainedTokenizerBase, str] = weakref.WeakKeyDictionary()
USUAL_NAMES = {"pad_token": "pad", "unk_token": "unk", "mask_token": "mask"}  # without brackets, in any case


def read_rules(backend: Tokenizer) -> dict[str, Any]:
    """Return everything that the backend applies to a text: normaliser, split, vocabulary, merges, added tokens."""
    rules: dict[str, Any] = json.loads(backend.to_str())
    del rules["truncation"], rules["padding"]  # state of the last call; every call sets its own
    return rules


def hash_tokenizer(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of everything that determines the tokenizer's output.

    It is computed once per object, because the vocabulary of XLM-R has 250,000 entries. Raises ValueError if the
    tokenizer has no fast implementation.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            "the tokenizer has no fast implementation: tagging and answer extraction need its character offsets."
        )
    if tokenizer not in _hashes:
        rules = read_rules(tokenizer.backend_tokenizer)
        wrapper = [tokenizer.model_input_names, tokenizer.truncation_side, tokenizer.unk_token_id]
        wrapper += [True] if tokenizer.split_special_tokens else []  # hashes of former versions lack it
        _hashes[tokenizer] = hashlib.sha256(json.dumps([rules, wrapper], sort_keys=True).encode()).hexdigest()
    return _hashes[tokenizer]


def find_unusual_rules(tokenizer: PreTrainedTokenizerBase, folder: Path, *, reads_types: bool) -> str | None:
    """Return a hash of what the tokenizer does; None if `tokenizer.json` alone says it.

    It does if the library loaded these rules unchanged, and if the names of special tokens are the usual ones. Other
    files then cannot have changed an id. `reads_types` is True for a model that reads token types.
    """
    file, rules = folder / TOKENIZER_FILE, read_rules(tokenizer.backend_tokenizer)
    gives_types = "token_type_ids" in tokenizer.model_input_names
    types = max(tokenizer.backend_tokenizer.encode(PROBE, PROBE).type_ids)
    special = sorted(entry["id"] for entry in rules["added_tokens"] if entry["special"])
    is_usual = (
        all(_has_usual_name(tokenizer, role) for role in USUAL_NAMES)
        and sorted(tokenizer.all_special_ids) == special
        and (tokenizer.truncation_side, bool(tokenizer.split_special_tokens)) == ("right", False)
        and (gives_types or not types or not reads_types)
    )
    if is_usual and file.is_file() and _are_equal(read_rules(Tokenizer.from_file(str(file))), rules):
        return None
    named = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    wrapper = [named, sorted(tokenizer.all_special_ids), tokenizer.truncation_side, tokenizer.split_special_tokens]
    content = json.dumps([rules, *wrapper, types if gives_types else 0], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _are_equal(rules: dict[str, Any], others: dict[str, Any]) -> bool:
    """Return True for the same rules. Two readers of numbers differ in the last bit of a piece's score."""
    if {**rules, "model": None} != {**others, "model": None}:
        return False
    model, other = rules["model"], others["model"]
    if not model["vocab"] or not isinstance(model["vocab"], list):
        return bool(model == other)
    if {**model, "vocab": None} != {**other, "vocab": None} or len(model["vocab"]) != len(other["vocab"]):
        return False
    pieces = zip(model["vocab"], other["vocab"], strict=True)
    return all(one[0] == two[0] and math.isclose(one[1], two[1], rel_tol=1e-12) for one, two in pieces)


def _has_usual_name(tokenizer: PreTrainedTokenizerBase, role: str) -> bool:
    name = getattr(tokenizer, role)
    return name is None or str(name).strip("<>[]|").lower() == USUAL_NAMES[role]
