"""SMART and R3F against a model computed by hand in 64 bits. The divergence of outcomes (z, 0) is a product."""

import pytest
import torch

from tests.trainables.methods.linear_steps import ORDINARY, Linear, drawn, gradient_of_a, linear, loss, mean_norm, step
from trainables.methods.agreement import divergence, r3f, smart

SEED = 5


def gap(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL(p, q) + KL(q, p) = (p - q) (logit p - logit q), where p and q are the chances of the first outcome."""
    return ((torch.sigmoid(one) - torch.sigmoid(other)) * (one - other)).mean()


def test_the_divergence_is_symmetric_and_right() -> None:
    one, other = torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p, q = one.softmax(-1), other.softmax(-1)
    expected = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)).mean()
    torch.testing.assert_close(divergence(one, other), expected)
    torch.testing.assert_close(divergence(other, one), expected)


def test_smart_finds_the_worst_within_the_cube() -> None:
    model, unit = linear(), mean_norm(linear().words) / 2  # the width is 4
    noise, rate, radius, weight = 0.01, 0.02, 0.015, 3.0
    settings = {"noise": noise, "rate": rate, "radius": radius, "weight": weight, "steps": 1}
    start = noise * unit * drawn(torch.randn, SEED)
    clean = model.margin(model.words).detach()
    perturbed = model.margin(model.words + start * ORDINARY).detach()
    q = torch.sigmoid(perturbed)
    rise = (
        q * (1 - q) * (perturbed - clean) + q - torch.sigmoid(clean)
    ) / 2  # by the margin, of the mean over two rows
    gradient = rise[:, None, None] * model.a.detach() * ORDINARY
    largest = gradient.abs().amax((1, 2), keepdim=True)
    moved = start + rate * unit * gradient / largest
    worst = torch.minimum(torch.maximum(moved, -radius * unit), radius * unit) * ORDINARY
    torch.manual_seed(SEED)
    value = smart(step(model, share=0.5), **settings)
    torch.testing.assert_close(model.seen[-1], model.words + worst)
    assert (worst.abs() == radius * unit * ORDINARY).any() and (moved.abs() > worst.abs()).any()
    objective = loss(clean) + weight * gap(clean, model.margin(model.words + worst).detach())
    torch.testing.assert_close(value, objective * 0.5)
    torch.testing.assert_close(model.a.grad, numerical(model, worst, weight) * 0.5, rtol=1e-6, atol=1e-9)


def test_r3f_penalises_what_random_noise_changes() -> None:
    model, unit = linear(), mean_norm(linear().words) / 2
    noise, weight = 0.3, 2.0
    draw = noise * unit * (2 * drawn(torch.rand, SEED) - 1) * ORDINARY
    torch.manual_seed(SEED)
    value = r3f(step(model), noise=noise, weight=weight)
    torch.testing.assert_close(model.seen[-1], model.words + draw)
    clean, noisy = model.margin(model.words).detach(), model.margin(model.words + draw).detach()
    torch.testing.assert_close(value, loss(clean) + weight * gap(clean, noisy))
    torch.testing.assert_close(model.a.grad, numerical(model, draw, weight), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("rule", "noisy"), [("r3f", False), ("smart", True)])
def test_of_the_two_only_smart_trains_the_table_on_the_perturbed_pass(rule: str, noisy: bool) -> None:
    model = linear()
    torch.manual_seed(SEED)
    if rule == "r3f":
        r3f(step(model), noise=0.3, weight=2.0)
    else:
        smart(step(model), noise=0.3, rate=0.1, radius=0.5, weight=2.0, steps=1)
    perturbation = model.seen[-1] - model.words
    clean_words = model.words.requires_grad_()
    other = clean_words if noisy else clean_words.detach()
    clean = model.margin(clean_words)
    (loss(clean) + 2.0 * gap(clean, model.margin(other + perturbation))).backward()
    expected = torch.zeros_like(model.table.weight)
    expected.index_add_(0, torch.tensor([1, 2, 3, 1, 4, 0]), clean_words.grad.flatten(0, 1))  # type: ignore[union-attr]
    torch.testing.assert_close(model.table.weight.grad, expected)


def numerical(model: Linear, perturbation: torch.Tensor, weight: float, width: float = 1e-6) -> torch.Tensor:
    """The gradient by `a` of loss and penalty, by central differences."""
    before = model.a.detach().clone()
    gradient = torch.zeros_like(before)

    def objective() -> float:
        clean = model.margin(model.words)
        return float(loss(clean) + weight * gap(clean, model.margin(model.words + perturbation)))

    with torch.no_grad():
        for place in range(before.numel()):
            values = []
            for side in (width, -width):
                model.a.copy_(before).view(-1)[place] += side
                values.append(objective())
            gradient.view(-1)[place] = (values[0] - values[1]) / (2 * width)
        model.a.copy_(before)
    assert not torch.equal(gradient, gradient_of_a(model, model.words))
    return gradient
