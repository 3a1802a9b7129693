"""Intermediate stages without training: the mean of other phases' encoders, or a ready encoder, is what they leave."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from spaces.stage import Stage
from spaces.untrained_phase import MERGED, READY, is_merge
from trainables.models.encoder import Encoder, check_finite
from trainables.models.encoder_cache import load_cached_encoder
from trainables.record.context import StageContext
from trainables.stage_start import locate_encoder, open_stage_encoder
from trainables.worker.heartbeat import beat


def build_untrained_encoder(stage: Stage, context: StageContext) -> Encoder:
    """Return the encoder of a merge or of a ready encoder.

    Raises ValueError where an encoder is missing, damaged, or not finite, or where those of a merge are unlike.
    """
    assert stage.recipe is not None
    if is_merge(stage.recipe):
        return average_encoders(_iter_members(stage, context))
    place = locate_encoder(context.ready_encoders[stage.recipe[READY]], context)
    encoder = load_cached_encoder(place, precision=stage.precision)
    check_finite(encoder.model)
    return encoder


def _iter_members(stage: Stage, context: StageContext) -> Iterator[Encoder]:
    for key in (stage.recipe or {})[MERGED]:
        with open_stage_encoder(context, key) as folder:
            yield load_cached_encoder(str(folder), precision=stage.precision)
        beat()


def average_encoders(encoders: Iterable[Encoder]) -> Encoder:
    """Return the first encoder with the mean of all weights: the start plus the mean of the changes.

    So is the head for masked words. At most two encoders are in memory. Raises ValueError for encoders with other
    weights than the first one, or none.
    """
    mean: Encoder | None = None
    for number, encoder in enumerate(encoders, 1):
        if mean is None:
            mean = encoder
            continue
        for own, other in ((mean.model, encoder.model), (mean.masked_word_head, encoder.masked_word_head)):
            _move_towards(own, other, 1 / number)
        mean.masked_word_head.is_trained |= encoder.masked_word_head.is_trained
    if mean is None:
        raise ValueError("a merge needs encoders.")
    return mean


@torch.no_grad()
def _move_towards(own: nn.Module, other: nn.Module, share: float) -> None:
    """Move the weights of a module in place by a share of the way to those of another one."""
    weights, others = _list_weights(own), _list_weights(other)
    if {name: value.shape for name, value in weights.items()} != {name: value.shape for name, value in others.items()}:
        raise ValueError("the encoders of a merge have other weights: they do not come from one start.")
    for name, value in weights.items():
        value.lerp_(others[name].to(value.device), share)


def _list_weights(module: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of real numbers, without copying them; others, such as positions, are the same everywhere."""
    return {name: value for name, value in module.state_dict().items() if value.is_floating_point()}
