"""A training step of a model that can be computed by hand: two outcomes with logits (z, 0), z = sum of a * words.

Two rows of three tokens in 64 bits. Both begin with a special token, and one token of the second row is padding.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from trainables.features.features import Tensors
from trainables.kinds import KINDS
from trainables.methods.step import TrainingStep

IDS = [[1, 2, 3], [1, 4, 0]]
ORDINARY = torch.tensor([[0, 1, 1], [0, 1, 0]], dtype=torch.float64).unsqueeze(-1)
LABELS = torch.tensor([0, 1])


@dataclass
class Linear:
    """A linear model. `a` (3, width) is trained, `seen` holds the words of every pass."""

    a: torch.Tensor
    table: nn.Embedding
    seen: list[torch.Tensor] = field(default_factory=list)

    def margin(self, words: torch.Tensor) -> torch.Tensor:
        return (self.a * words).sum((1, 2))

    def logits(self, batch: Tensors, words: torch.Tensor | None) -> torch.Tensor:
        words = self.table(batch["input_ids"]) if words is None else words
        self.seen.append(words.detach().clone())
        margin = self.margin(words)
        return torch.stack([margin, torch.zeros_like(margin)], dim=-1)

    @property
    def words(self) -> torch.Tensor:
        words: torch.Tensor = self.table(torch.tensor(IDS)).detach()
        return words


def linear(seed: int = 0) -> Linear:
    torch.manual_seed(seed)
    table = nn.Embedding(5, 4).double()
    return Linear(torch.randn(3, 4, dtype=torch.float64, requires_grad=True), table)


def step(model: Linear, share: float = 1.0) -> TrainingStep:
    ids = torch.tensor(IDS)
    batch = {"input_ids": ids, "attention_mask": (ids != 0).to(torch.int64), "target": LABELS}
    of_model = {"compute_logits": model.logits, "embedding_table": model.table, "special_ids": (1,)}
    return TrainingStep(batch=batch, kind=KINDS["pair"], share=share, **of_model)


def mean_norm(words: torch.Tensor) -> torch.Tensor:
    """The mean norm by hand: tokens 1 and 2 of the first row are ordinary, and token 1 of the second."""
    first = (words[0, 1].norm() + words[0, 2].norm()) / 2
    return torch.stack([first, words[1, 1].norm()])[:, None, None]


def slope(margin: torch.Tensor) -> torch.Tensor:
    """The derivative of the mean cross-entropy by each row's margin; label 0 is the first outcome."""
    return (torch.sigmoid(margin) - torch.tensor([1.0, 0.0], dtype=torch.float64)) / 2


def loss(margin: torch.Tensor) -> torch.Tensor:
    return -torch.nn.functional.logsigmoid(margin * torch.tensor([1.0, -1.0], dtype=torch.float64)).mean()


def gradient_of_a(model: Linear, words: torch.Tensor) -> torch.Tensor:
    """The derivative of the loss at these words by `a`: the sum of slope times words."""
    margin = model.margin(words).detach()
    return (slope(margin)[:, None, None] * words).sum(0)


def uphill(model: Linear, words: torch.Tensor) -> torch.Tensor:
    """The direction in which each row's loss rises: the sign of its slope times a, on ordinary tokens, at norm 1."""
    sign = slope(model.margin(words)).sign()[:, None, None]
    rise = sign * model.a.detach() * ORDINARY
    return rise / rise.flatten(1).norm(dim=1)[:, None, None]


def drawn(sample: Callable[..., torch.Tensor], seed: int) -> torch.Tensor:
    """The first draw of a rule after this seed."""
    torch.manual_seed(seed)
    return sample(2, 3, 4, dtype=torch.float64)
