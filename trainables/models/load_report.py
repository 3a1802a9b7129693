"""What `transformers` would do with tensors of given names and shapes: which would be missing, unknown, of other shape.

The library renames tensors of older checkpoints and strips prefixes by rules of its own. It is therefore asked itself,
with tensors that take no memory (a single zero, expanded).
"""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from transformers import PreTrainedModel

POOLER = "pooler"  # never read
# Buffers that older versions of the library saved with the weights, and now compute.
COMPUTED_BUFFERS = ("position_ids", "token_type_ids", "inv_freq")
SHOWN = 2  # names in a message


def find_load_fault(model: PreTrainedModel, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return what keeps weights with these names and shapes from being those of `model` (on the meta device), or None.

    Heads and the pooler may be missing or there: the encoder does not have the former, and nothing reads the latter.
    """
    try:
        report = read_load_report(model, shapes)
    except Exception as error:  # whatever the library's conversions do with tensors of unexpected shapes
        reason = " ".join(str(error).split()).rstrip(".")[:160]
        return f"the weights do not load as {type(model).__name__}: {reason}."
    return find_report_fault(model, report)


def read_load_report(model: PreTrainedModel, shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, Collection[Any]]:
    """Return the library's report on loading weights with these names and shapes as `model` (on the meta device)."""
    tensors = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    with torch.random.fork_rng(devices=[]):
        loaded: Any = type(model).from_pretrained(
            None,
            config=model.config,
            state_dict=tensors,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
            trust_remote_code=False,
        )
    report: Mapping[str, Collection[Any]] = loaded[1]
    return report


def find_report_fault(model: PreTrainedModel, report: Mapping[str, Collection[Any]]) -> str | None:
    """Return the first fault in the library's report on loading `model`, as itself or below a head, or None."""
    kind, expected = type(model).__name__, model.state_dict().keys()
    modules = {name.partition(".")[0] for name in expected} - {POOLER}

    def is_own(name: str) -> bool:  # a tensor that the states depend on
        return name.removeprefix(f"{model.base_model_prefix}.").partition(".")[0] in modules

    missing, unexpected = sorted(filter(is_own, report["missing_keys"])), sorted(report["unexpected_keys"])
    if missing:
        return (
            f"{len(missing)} of {len(expected)} tensors of {kind} are not in the weights "
            f"({_list_names(missing)}){_describe_prefix(missing, unexpected)}."
        )
    mismatched = sorted((name, *sizes) for name, *sizes in report.get("mismatched_keys", ()) if is_own(name))
    if mismatched:
        name, found, wanted = mismatched[0]
        return f"{len(mismatched)} tensors do not have {kind}'s shape ({name}: {list(found)}, not {list(wanted)})."
    surplus = [name for name in filter(is_own, unexpected) if not _is_harmless(name, model)]
    if surplus:
        return f"{len(surplus)} tensors in the weights have no place in {kind} ({_list_names(surplus)})."
    return next((" ".join(str(message).split()) for message in report.get("error_msgs", ())), None)


def _list_names(names: Collection[str]) -> str:
    more = ", ..." if len(names) > SHOWN else ""
    return ", ".join(list(names)[:SHOWN]) + more


def _describe_prefix(missing: Collection[str], unexpected: Collection[str]) -> str:
    """Return a hint if a missing tensor is there under a longer name."""
    pairs = ((longer, name) for name in missing for longer in unexpected if longer.endswith(f".{name}"))
    longer, name = next(pairs, ("", ""))
    return f"; they have the prefix {longer.removesuffix(name)!r}" if name else ""


def _is_harmless(name: str, model: PreTrainedModel) -> bool:
    """Return True for tensors that published checkpoints have too many, and that no class ever read.

    These are computed buffers, DeBERTa's second name of the word embeddings, and its positions where they are unused.
    """
    if name.rpartition(".")[2] in COMPUTED_BUFFERS or name.endswith("word_embeddings._weight"):
        return True
    has_positions = getattr(model.config, "position_biased_input", True)
    return name.endswith("position_embeddings.weight") and not has_positions
