"""What pretraining reads and in which order: texts, options, and the plan of batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from spaces.stage import TENTHS

DRAWER = 50  # batches that are sorted by length together: enough to save padding, few enough to stay well mixed


@dataclass(frozen=True, slots=True)
class Text:
    """One training text, or a pair of translations, as token ids WITHOUT special tokens.

    A joined pair is one input `<s> first </s></s> second </s>` (the words of one side help to guess the other's).
    Otherwise the two sides are inputs of their own, and the contrastive term draws them together.
    """

    first: Sequence[int]
    second: Sequence[int] = ()
    joined: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to pretrain. The rate rises linearly over the first `warmup` share of the steps, then falls linearly to 0."""

    steps: int
    learning_rate: float
    batch_size: int | None = 64  # texts or pairs per step; exactly one of batch_size and tokens is given
    tokens: int | None = None  # budget of tokens per step, special tokens included, padding not
    warmup: float = 0.06
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0
    masking: float = 0.3  # share of the words to guess: 80 % of them masked, 10 % replaced at random, 10 % kept
    frozen_embeddings: bool = False  # keeps the word embeddings as they are given (positions and norms still learn)
    contrast: float = 0.0  # weight of InfoNCE between the two sides of pairs that are not joined
    contrast_layer: int = -1  # whose mean-pooled output it compares: 0 = embeddings, 1 = first layer, -1 = last
    temperature: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.batch_size is None) == (self.tokens is None):
            raise ValueError(f"give either batch_size or tokens, got {self.batch_size=}, {self.tokens=}.")
        if self.steps < TENTHS:
            raise ValueError(f"steps must be at least {TENTHS}, since progress is counted in tenths, got {self.steps}.")


def batches(lengths: Sequence[int], options: Options) -> list[list[int]]:
    """For each step the indices of its texts: shuffled each epoch, with like lengths together.

    Raises ValueError when there is nothing to train on.
    """
    if not lengths:
        raise ValueError("there are no texts to pretrain on.")
    order = torch.Generator().manual_seed(options.seed)
    plan: list[list[int]] = []
    while len(plan) < options.steps:
        shuffled = torch.randperm(len(lengths), generator=order).tolist()
        size = options.batch_size or max(1, (options.tokens or 1) * len(lengths) // sum(lengths))
        epoch: list[list[int]] = []
        for begin in range(0, len(shuffled), DRAWER * size):
            drawer = sorted(shuffled[begin : begin + DRAWER * size], key=lambda index: lengths[index])
            epoch += _cut(drawer, lengths, options)
        plan += [epoch[index] for index in torch.randperm(len(epoch), generator=order).tolist()]
    return plan[: options.steps]


def _cut(drawer: list[int], lengths: Sequence[int], options: Options) -> list[list[int]]:
    """The drawer in batches, each of `batch_size` texts or of at most `tokens` tokens (one text at the least)."""
    if options.batch_size is not None:
        borders = [*range(0, len(drawer), options.batch_size), len(drawer)]
    else:
        borders, held = [0], 0
        for place, index in enumerate(drawer):
            if held and held + lengths[index] > (options.tokens or 0):
                borders.append(place)
                held = 0
            held += lengths[index]
        borders.append(len(drawer))
    return [drawer[begin:end] for begin, end in pairwise(borders)]


def length(text: Text) -> int:
    """Tokens of a text or pair with its special tokens."""
    return len(text.first) + 2 + (len(text.second) + 2 if text.second else 0)
