"""The diagonal Fisher information: squares per example, by hand and against plain gradients."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from spaces.miniature import INTERMEDIATES
from tests.trainables.trainings import PROFILE, RECIPE, batch_of
from trainables.data.task_data import DataSource, load_examples
from trainables.features.features import Feature, Tensors
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder
from trainables.probes.fisher import compute_task_embedding

VOCABULARY, WIDTH = 3, 2


class OneLayer(nn.Module):
    """A model that maps each token to its column of a matrix: its states are linear in the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(model_type="one layer")
        self.layer = nn.Linear(VOCABULARY, WIDTH, bias=False, dtype=torch.float64)
        self.layer.weight.data = torch.tensor([[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]], dtype=torch.float64)

    def forward(self, input_ids: torch.Tensor, **_: Any) -> SimpleNamespace:
        embedded = nn.functional.one_hot(input_ids, VOCABULARY).double()
        states = self.layer(embedded)
        return SimpleNamespace(hidden_states=(embedded, states), last_hidden_state=states)


class Mean(nn.Module):
    """A head whose logits are the mean state of a row."""

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        return hidden.mean(dim=1)


def by_hand(rows: list[list[int]], labels: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Squares per example and the square of the sum, as means over inputs: [width] each."""
    weight = np.array([[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]])
    gradients = []
    for row, label in zip(rows, labels, strict=True):
        x = np.mean([np.eye(VOCABULARY)[token] for token in row], axis=0)
        logits = weight @ x
        p = np.exp(logits) / np.exp(logits).sum()
        gradients.append(np.outer(np.eye(WIDTH)[label] - p, x))
    per_example = np.mean([gradient**2 for gradient in gradients], axis=0).mean(axis=1)
    return per_example, (np.sum(gradients, axis=0) ** 2).mean(axis=1)


def test_squares_are_per_example() -> None:
    rows, labels = [[0, 1], [0, 1], [2, 2]], [0, 1, 1]
    model = OneLayer()
    encoder = SimpleNamespace(
        model=model, pad_id=0, device=torch.device("cpu"), autocast=lambda: torch.autocast("cpu", enabled=False)
    )
    arrays = [(np.array(row, dtype=np.int32), np.array(y, dtype=np.int32)) for row, y in zip(rows, labels, strict=True)]
    features = [Feature(example=i, rows=(row,), types=None, target=y) for i, (row, y) in enumerate(arrays)]
    embedding = compute_task_embedding(encoder, Mean(), KINDS["pair"], features)  # type: ignore[arg-type]
    per_example, of_batch = by_hand(rows, labels)
    assert embedding["layer.weight"].numpy() == pytest.approx(per_example, rel=1e-6)
    assert per_example != pytest.approx(of_batch, rel=0.1)
    # The gradient of a token is half of the row's. Summed over both it is the row's: p - y, squared, over 2 tokens.
    assert set(embedding) == {"layer.weight", "layer 1", "first token"}
    assert embedding["layer 1"].numpy() == pytest.approx(4 * embedding["first token"].numpy() / 2, rel=1e-6)


def test_every_component_of_an_encoder_is_there_and_its_gradients_are_left_alone(encoder: Encoder) -> None:
    task = INTERMEDIATES["ccg"]
    kind = KINDS["tagging"]
    examples, _ = load_examples(DataSource(benchmark="miniature"), task, "train", "en")
    features = kind.encode(encoder.tokenizer, examples[:4], RECIPE, PROFILE)
    head = kind.build_head(encoder, task, PROFILE)
    embedding = compute_task_embedding(encoder, head, kind, features)
    assert all(weight.grad is None for weight in encoder.model.parameters())
    assert {
        "layer 1",
        "layer 2",
    } <= embedding.keys() and "first token" not in embedding  # the head of words does not read it
    query = encoder.model.encoder.layer[0].attention.self.query
    squares = []
    for feature in features:
        batch = batch_of([feature], encoder, "tagging")
        encoder.model.zero_grad()
        words = int((batch["target"] >= 0).sum())
        (kind.compute_loss(encoder.compute_logits(head, batch), batch) * words).backward()
        squares.append(query.weight.grad.double() ** 2)
    assert len([name for name in embedding if name.endswith(".weight")]) == 12
    name = "encoder.layer.0.attention.self.query.weight"
    assert embedding[name].numpy() == pytest.approx(torch.stack(squares).mean(0).mean(1).numpy(), rel=1e-4)
