"""Feature aggregation: worked by hand in 64 bits, near plain at first, for every kind of task."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainables.trainings import MINIATURE, PROFILE, TASKS, assert_continues, batch_of, part, training_of
from trainables.features.features import Tensors
from trainables.kinds import KINDS, build_task_head
from trainables.models.encoder import Encoder, compute_layer_states
from trainables.models.layer_fusion import LayerFusion


class Seen(nn.Module):
    """A head that shows what it is given."""

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        return hidden


def test_the_fused_state_is_the_one_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    width, layers = 6, rng.normal(size=(4, 2, 3, 6))  # four layers of two rows of three tokens
    query, key, value = rng.normal(size=(3, width, width))
    expected = np.empty((2, 3, width))
    for row in range(2):
        for token in range(3):
            *lower, last = layers[:, row, token]
            scores = np.array([(query @ last) @ (key @ below) / np.sqrt(width) for below in lower])
            shares = np.exp(scores) / np.exp(scores).sum()
            expected[row, token] = last + sum(share * value @ below for share, below in zip(shares, lower, strict=True))
    fusion = LayerFusion(Seen(), width).double()
    for linear, matrix in ((fusion.query, query), (fusion.key, key), (fusion.value, value)):
        linear.weight.data = torch.from_numpy(matrix)
    fused = fusion([torch.from_numpy(layer) for layer in layers], {})
    np.testing.assert_allclose(fused.detach().numpy(), expected, rtol=1e-12)


def test_one_layer_has_nothing_to_fuse() -> None:
    with pytest.raises(ValueError, match="at least two layers"):
        LayerFusion(Seen(), 4)([torch.zeros(1, 2, 4)], {})


@pytest.mark.parametrize("kind", KINDS)
def test_training_starts_from_the_last_layer_alone_and_moves_the_attention(kind: str) -> None:
    training = training_of({**TASKS, "mlm": "mlm"}[kind], fuse_layers=True)
    task, encoder = training.parts[0].task, training.encoder
    batch = batch_of(training.parts[0].table[:4], encoder, kind)
    fusion = training.heads[0].eval()
    assert isinstance(fusion, LayerFusion)
    encoder.model.eval()
    with torch.inference_mode():
        plain = encoder.compute_logits(fusion.head, batch)
        torch.testing.assert_close(encoder.compute_logits(fusion, batch), plain, rtol=0, atol=0)
    before = {name: value.clone() for name, value in fusion.state_dict().items()}
    training.train(3)
    after = fusion.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in ("query.weight", "key.weight", "value.weight"))
    assert (
        task.kind == kind
        and 0 <= training.evaluate(training.selection.dev_sets[0]).metrics[task.official_metrics[0]] <= 1
    )


def test_the_layers_are_those_above_the_embeddings(encoder: Encoder) -> None:
    batch = batch_of(part("mnli", encoder).table[:2], encoder)
    encoder.model.eval()
    with torch.inference_mode():
        layers = compute_layer_states(encoder.model, batch)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        last = encoder.model(**inputs).last_hidden_state
    assert len(layers) == encoder.model.config.num_hidden_layers
    torch.testing.assert_close(layers[-1], last)


def test_a_cut_run_continues_bit_for_bit() -> None:
    assert_continues(4, lambda: training_of("ccg", fuse_layers=True))


def test_without_it_the_head_is_the_kinds_own(encoder: Encoder) -> None:
    head = build_task_head(encoder, MINIATURE.intermediates["mnli"], PROFILE, fuse_layers=False)
    assert not isinstance(head, LayerFusion)
