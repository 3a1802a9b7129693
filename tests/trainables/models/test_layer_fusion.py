"""Feature aggregation: worked by hand in 64 bits, near plain at first, for every kind of task."""

import numpy as np
import pytest
import torch
from torch import nn

from spaces.benchmark import BENCHMARKS
from spaces.encoders import EncoderProfile
from spaces.task import Recipe
from tests.trainables.conftest import tiny_encoder
from tests.trainables.training.test_fine_tuning import SOURCE, continue_after, part
from trainables.features.features import Tensors, collate
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder, compute_layer_states
from trainables.models.layer_fusion import LayerFusion
from trainables.training.encoding import Encoding, encode_split
from trainables.training.fine_tuning import FineTuning, build_task_head

INTERMEDIATES = BENCHMARKS["miniature"].intermediates
TASKS = {"pair": "mnli", "choice": "hellaswag", "tagging": "ccg", "span": "squad", "mlm": "mlm"}


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


def begin(
    kind: str, recipe: Recipe, profile: EncoderProfile, encoder: Encoder | None = None, fuse: bool = True
) -> FineTuning:
    encoder = encoder or tiny_encoder()
    assert recipe.steps is not None
    parts = [part(TASKS[kind], encoder, recipe, profile)]
    dev_sets = [encode_split(SOURCE, parts[0].task, "dev", "en", Encoding(encoder.tokenizer, recipe, profile))]
    return FineTuning(
        encoder, parts, dev_sets, recipe, profile, steps=recipe.steps, learning_rate=5e-3, seed=0, fuse_layers=fuse
    )


@pytest.mark.parametrize("kind", KINDS)
def test_training_starts_from_the_last_layer_alone_and_moves_the_attention(
    kind: str, recipe: Recipe, profile: EncoderProfile
) -> None:
    training = begin(kind, recipe, profile)
    task, encoder = training.parts[0].task, training.encoder
    features = training.parts[0].table[:4]
    batch = collate(features, encoder.pad_id, per_position=KINDS[kind].per_position, device=encoder.device)
    fusion = training.heads[0].eval()
    assert isinstance(fusion, LayerFusion)
    encoder.model.eval()
    with torch.inference_mode():
        plain = encoder.compute_logits(fusion.head, batch)
        torch.testing.assert_close(encoder.compute_logits(fusion, batch), plain, rtol=0, atol=0)
    before = {name: value.clone() for name, value in fusion.state_dict().items()}
    training.train(3)
    assert all(
        not torch.equal(before[f"{name}.weight"], fusion.state_dict()[f"{name}.weight"])
        for name in ("query", "key", "value")
    )
    assert task.kind == kind and 0 <= training.evaluate(training.dev_sets[0]).metrics[task.official_metrics[0]] <= 1


def test_the_layers_are_those_above_the_embeddings(encoder: Encoder, recipe: Recipe, profile: EncoderProfile) -> None:
    batch = collate(
        part("mnli", encoder, recipe, profile).table[:2], encoder.pad_id, per_position=False, device=encoder.device
    )
    encoder.model.eval()
    with torch.inference_mode():
        layers = compute_layer_states(encoder.model, batch)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        last = encoder.model(**inputs).last_hidden_state
    assert len(layers) == encoder.model.config.num_hidden_layers
    torch.testing.assert_close(layers[-1], last)


def test_a_cut_run_continues_bit_for_bit(recipe: Recipe, profile: EncoderProfile) -> None:
    continue_after(4, lambda: begin("tagging", recipe, profile))


def test_without_it_the_head_is_the_kinds_own(encoder: Encoder, profile: EncoderProfile) -> None:
    head = build_task_head(encoder, INTERMEDIATES["mnli"], profile, fuse_layers=False)
    assert not isinstance(head, LayerFusion)
