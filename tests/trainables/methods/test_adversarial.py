"""FGM, PGD and FreeLB against a model computed by hand in 64 bits."""

import pytest
import torch

from tests.trainables.methods.linear_steps import ORDINARY, drawn, gradient_of_a, linear, loss, mean_norm, step, uphill
from trainables.methods.adversarial import fgm, freelb, pgd, plain_fine_tuning
from trainables.methods.perturbation import draw_uniform, mean_word_norm, normalise_rows, project_to_ball

SETTINGS = {"radius": 0.3, "rate": 0.25, "start": 0.2}


def test_plain_is_the_gradient_of_the_loss() -> None:
    model = linear()
    value = plain_fine_tuning(step(model, share=0.25))
    torch.testing.assert_close(value, loss(model.margin(model.words)).detach() * 0.25)
    torch.testing.assert_close(model.a.grad, gradient_of_a(model, model.words) * 0.25)


def test_fgm_adds_the_gradient_one_radius_uphill() -> None:
    model = linear()
    value = fgm(step(model), radius=0.3)
    worst = model.words + 0.3 * mean_norm(model.words) * uphill(model, model.words)
    torch.testing.assert_close(model.seen[1], worst)
    moved = (model.seen[1] - model.words).flatten(1)
    torch.testing.assert_close(moved.norm(dim=1), 0.3 * mean_norm(model.words)[:, 0, 0])
    torch.testing.assert_close(model.a.grad, gradient_of_a(model, model.words) + gradient_of_a(model, worst))
    torch.testing.assert_close(value, (loss(model.margin(model.words)) + loss(model.margin(worst))).detach())


def test_where_a_gradient_is_zero_nothing_is_perturbed() -> None:
    model = linear()
    with torch.no_grad():
        model.a.zero_()
    fgm(step(model), radius=0.3)
    torch.testing.assert_close(model.seen[1], model.words)


def path(model, steps: int, seed: int) -> list[torch.Tensor]:  # type: ignore[no-untyped-def]
    """The perturbations by hand: a random start, then moves uphill that stay in the ball."""
    unit = mean_norm(model.words)
    components = torch.tensor([2 * 4, 1 * 4], dtype=torch.float64)[:, None, None]  # ordinary tokens times width
    perturbation = (2 * drawn(torch.rand, seed) - 1) * ORDINARY * SETTINGS["start"] * unit / components.sqrt()
    perturbations = [perturbation]
    while len(perturbations) < steps:
        moved = perturbation + SETTINGS["rate"] * unit * uphill(model, model.words + perturbation)
        length, radius = moved.flatten(1).norm(dim=1)[:, None, None], SETTINGS["radius"] * unit
        perturbation = torch.where(length > radius, moved * radius / length, moved)
        perturbations.append(perturbation)
    return perturbations


def test_pgd_trains_on_the_last_perturbation() -> None:
    model = linear()
    *_, last = path(model, steps=4, seed=3)
    torch.manual_seed(3)
    value = pgd(step(model), steps=4, **SETTINGS)
    torch.testing.assert_close(model.seen[-1], model.words + last)
    torch.testing.assert_close(model.a.grad, gradient_of_a(model, model.words + last))
    torch.testing.assert_close(value, loss(model.margin(model.words + last)).detach())
    lengths = last.flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, SETTINGS["radius"] * mean_norm(model.words)[:, 0, 0])  # the wall was reached


@pytest.mark.parametrize("steps", [1, 3])
def test_freelb_is_the_mean_over_all_perturbations(steps: int) -> None:
    model = linear()
    inputs = [model.words + perturbation for perturbation in path(model, steps, seed=3)]
    torch.manual_seed(3)
    value = freelb(step(model), steps=steps, **SETTINGS)
    torch.testing.assert_close(torch.stack(model.seen), torch.stack(inputs))
    torch.testing.assert_close(model.a.grad, torch.stack([gradient_of_a(model, words) for words in inputs]).mean(0))
    torch.testing.assert_close(value, torch.stack([loss(model.margin(words)) for words in inputs]).mean().detach())


def test_the_ball_moves_only_what_is_outside() -> None:
    rows = torch.tensor([[[3.0, 4.0]], [[0.3, 0.4]], [[0.0, 0.0]]])
    projected = project_to_ball(rows, torch.ones(3, 1, 1))
    torch.testing.assert_close(projected, torch.tensor([[[0.6, 0.8]], [[0.3, 0.4]], [[0.0, 0.0]]]))
    torch.testing.assert_close(normalise_rows(rows)[:2], torch.tensor([[[0.6, 0.8]], [[0.6, 0.8]]]))
    assert not normalise_rows(rows)[2].any()


def test_a_start_has_the_length_that_freelb_gives_it() -> None:
    model = linear()
    own_step = step(model)
    norm = mean_word_norm(own_step, model.words)
    torch.manual_seed(0)
    lengths = torch.stack([draw_uniform(own_step, model.words, norm).flatten(1).norm(dim=1) for _ in range(2000)])
    mean_square = (lengths / mean_norm(model.words)[:, 0, 0]).square().mean(0)
    torch.testing.assert_close(mean_square, torch.full((2,), 1 / 3, dtype=torch.float64), atol=0.02, rtol=0)
