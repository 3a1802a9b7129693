"""Whether a checkpoint's head for masked words will be recognised, told from headers and a small random model."""

from collections.abc import Mapping

from transformers import AutoModelForMaskedLM, PreTrainedModel

from trainables.models.checkpoint_head import (
    FoundHead,
    find_masked_lm_class,
    find_whole_head,
    list_head_tensors,
    names_masked_lm,
)
from trainables.models.load_report import read_load_report
from trainables.models.masked_words import NO_HEAD
from trainables.models.small_model import build_meta_model, build_small_model


def foresee_head(model: PreTrainedModel, shapes: Mapping[str, tuple[int, ...]], *, is_saved: bool) -> FoundHead:
    """Return what loading an encoder will say of its head; the head itself is a small random one.

    `model` is on the meta device, `shapes` are those of the tensors in the weights. `is_saved` is True where a stage
    has saved a head in its own file.
    """
    config = model.config
    has_head = names_masked_lm(config) or list_head_tensors(model, list(shapes))
    if is_saved or find_masked_lm_class(config) is None or not has_head:
        return FoundHead(None, "" if is_saved else NO_HEAD)
    try:
        masked_lm = build_meta_model(config, AutoModelForMaskedLM)
        missing = read_load_report(masked_lm, shapes)["missing_keys"]
        return find_whole_head(build_small_model(config, AutoModelForMaskedLM), missing)
    except Exception:  # an architecture that cannot be made so small is told of when it is loaded
        return FoundHead(None)
