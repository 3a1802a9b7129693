"""Which tasks should get the next seeds, so that the choice of the best one is as good as it can become?

What is known of the true gains is normal: a mean and a covariance per task, apart from other tasks. More seeds of a
task reveal a part of what is uncertain. So before they are run, the distribution of the mean that will then be known is
known, and with it the expected gain of the task that will then be chosen (value of information: Raiffa and Schlaifer
1961; for ranking and selection: Frazier, Powell and Dayanik 2009, INFORMS J. Comput. 21:599). Seeds go where this is
largest. A gain is paired by seed, so the baseline gets as many new seeds as the task that gets most.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from analysis.statistics.moments import EPSILON, Array, BoolArray, IntArray

MAX_CONTENDERS = 12  # tasks that may get seeds: the likeliest to be the best
DRAWS = 2000
RESOLUTION = 1e-4  # of the expected loss: a smaller improvement is a matter of the draws
SURE = 0.975  # posterior probability of a lead over each rival at which two tasks count as told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known of the true gains, by criterion: a mean over targets, or one target for each."""

    mean: Array  # [criteria, tasks]
    variance: Array  # [criteria, tasks]
    learned: Array  # [1 + seeds, criteria, tasks]: part of the variance that so many new seeds will remove
    is_candidate: BoolArray  # [tasks], False for those that nobody would choose

    @property
    def most_seeds(self) -> int:
        """The largest number of new seeds of a task that is looked at."""
        return len(self.learned) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What to expect of a choice after new seeds; means over criteria."""

    regret: float  # the best true gain less that of the chosen task
    decided: float  # probability that the chosen task is told apart from every other one


def build_knowledge(
    mean: npt.ArrayLike,
    covariance: npt.ArrayLike,
    noise: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    is_candidate: BoolArray,
    most_seeds: int,
) -> Knowledge:
    """Return what is known by criterion.

    Args:
        mean: [tasks, targets], posterior means of the true gains
        covariance: [tasks, targets, targets], of these
        noise: [tasks, targets, targets], covariance of a task's own part at one new seed
        weights: [criteria, targets]
        is_candidate: [tasks]
        most_seeds: of a task, that are looked at
    """
    mean, covariance, noise = (np.asarray(array, dtype=np.float64) for array in (mean, covariance, noise))
    weights = np.asarray(weights, dtype=np.float64)
    seen = np.einsum("ct,itu->iuc", weights, covariance)  # covariance of each target's gain with each criterion
    learned = np.zeros((1 + most_seeds, len(weights), len(mean)))
    jitter = EPSILON * np.eye(weights.shape[1])
    for seeds in range(1, 1 + most_seeds):
        answers = np.linalg.solve(covariance + noise / seeds + jitter, seen)
        learned[seeds] = np.einsum("iuc,iuc->ci", seen, answers)
    variance = np.einsum("iuc,cu->ci", seen, weights)
    return Knowledge(
        mean=weights @ mean.T,
        variance=variance,
        learned=np.clip(learned, 0.0, variance),
        is_candidate=is_candidate,
    )


def estimate_best(knowledge: Knowledge, normals: Array) -> Array:
    """Return the probability [criteria, tasks] that each task is the best, as far as is known now."""
    draws = _draw(knowledge, knowledge.variance, normals)
    best = draws.argmax(axis=-1)
    return np.stack([np.bincount(row, minlength=draws.shape[-1]) / len(row) for row in best])


def predict_outlook(knowledge: Knowledge, seeds: IntArray, normals: Array) -> Outlook:
    """Return what to expect after `seeds` [tasks] more, with `normals` [draws, tasks]."""
    learned = _take(knowledge, seeds)
    truth = _draw(knowledge, knowledge.variance, normals).max(axis=-1).mean()
    draws = _draw(knowledge, learned, normals)
    left = np.maximum(knowledge.variance - learned, 0.0)[:, None]
    chosen = draws.argmax(axis=-1)[..., None]
    lead = np.take_along_axis(draws, chosen, axis=-1) - draws
    error = np.sqrt(np.take_along_axis(np.broadcast_to(left, draws.shape), chosen, axis=-1) + left)
    is_apart = ndtr(np.divide(lead, error, out=np.full(lead.shape, np.inf), where=error > 0)) >= SURE
    np.put_along_axis(is_apart, chosen, np.True_, axis=-1)
    return Outlook(
        regret=max(0.0, float(truth - draws.max(axis=-1).mean())), decided=float(is_apart.all(axis=-1).mean())
    )


def allocate_seeds(knowledge: Knowledge, budget: int, normals: Array) -> IntArray:
    """Return the number [tasks] of new seeds of each task that makes the expected regret of the choice least.

    The seeds of all tasks and the largest number, which is the baseline's, add up to `budget` at most. It is first
    spread evenly over the k likeliest best, for each k; then seeds are moved one by one while that helps. Where nothing
    more can be learned about the choice the seeds go to the best task alone.
    """
    order = np.argsort(-estimate_best(knowledge, normals).mean(axis=0), kind="stable")
    contenders = [int(task) for task in order if knowledge.is_candidate[task]][:MAX_CONTENDERS]
    tried = [_spread(knowledge, contenders[:count], budget) for count in range(1, len(contenders) + 1)]
    best, value = _pick(knowledge, [seeds for seeds in tried if seeds.any()], normals)
    while True:
        moved = _list_moves(knowledge, best, contenders, budget)
        if not moved:
            return best
        candidate, improved = _pick(knowledge, moved, normals)
        if improved <= value + RESOLUTION:
            return best
        best, value = candidate, improved


def predict_gain_variances(
    now: Array, probed: Array, *, counts: IntArray, further: IntArray, seeds: IntArray, added: int, probe: int
) -> Array:
    """Return the variance of each mean gain [tasks] once tasks have `seeds` more, and the baseline `added` more.

    A variance at n paired seeds and m further ones of the baseline is v / n - u m / (n (n + m)), see `baseline`.

    Args:
        now: variance of each mean gain
        probed: the same, if the baseline alone had `probe` more seeds
        counts: paired seeds of each task
        further: seeds that the baseline has and the task lacks
        seeds: new seeds of each task, paired
        added: new seeds of the baseline
        probe: 1 or more
    """
    counts = np.maximum(1, counts)
    gained = _weigh_further(counts, further + probe) - _weigh_further(counts, further)
    unit = (now - probed) / gained
    single = counts * (now + unit * _weigh_further(counts, further))
    left = np.maximum(0, further + added - seeds)
    return np.asarray(single / (counts + seeds) - unit * _weigh_further(counts + seeds, left))


def _weigh_further(paired: IntArray, further: IntArray) -> Array:
    return np.asarray(further / (paired * (paired + further)))


def spread_evenly(knowledge: Knowledge, budget: int) -> IntArray:
    """Return the new seeds of all candidates if each got as many, and the first ones one more."""
    return _spread(knowledge, [int(task) for task in np.flatnonzero(knowledge.is_candidate)], budget)


def draw_normals(tasks: int, rng: np.random.Generator, draws: int = DRAWS) -> Array:
    """Return normals [draws, tasks], each with its mirror image, so that a mean of draws is exact."""
    half = rng.standard_normal((draws // 2, tasks))
    return np.concatenate([half, -half])


def _spread(knowledge: Knowledge, tasks: list[int], budget: int) -> IntArray:
    """Return seeds for `tasks`, as even as the budget allows with the baseline's share, the first ones one more."""
    seeds = np.zeros(knowledge.mean.shape[1], dtype=np.int64)
    each = min(budget // (len(tasks) + 1), knowledge.most_seeds)
    seeds[tasks] = each
    rest = budget - each * (len(tasks) + 1) - 1  # one more of any task is one more of the baseline
    if rest > 0 and each < knowledge.most_seeds:
        seeds[tasks[:rest]] += 1
    return seeds


def _list_moves(knowledge: Knowledge, seeds: IntArray, tasks: list[int], budget: int) -> list[IntArray]:
    moves = []
    for source in (task for task in tasks if seeds[task]):
        for goal in (task for task in tasks if task != source and seeds[task] < knowledge.most_seeds):
            moved = seeds.copy()
            moved[source] -= 1
            moved[goal] += 1
            if moved.sum() + moved.max() <= budget:
                moves.append(moved)
    return moves


def _pick(knowledge: Knowledge, allocations: list[IntArray], normals: Array) -> tuple[IntArray, float]:
    """Return the first allocation with the largest expected gain of the choice, up to RESOLUTION, and that gain."""
    values = [_expect_choice(knowledge, seeds, normals) for seeds in allocations]
    index = next(i for i, value in enumerate(values) if value >= max(values) - RESOLUTION)
    return allocations[index], values[index]


def _expect_choice(knowledge: Knowledge, seeds: IntArray, normals: Array) -> float:
    """Return the expected true gain of the task that will be chosen; only means of tasks with new seeds can change."""
    moving = seeds > 0
    means = np.where(knowledge.is_candidate, knowledge.mean, -np.inf)
    still = means[:, ~moving].max(axis=-1, initial=-np.inf)
    draws = means[:, None, moving] + np.sqrt(_take(knowledge, seeds)[:, None, moving]) * normals[:, moving]
    return float(np.maximum(draws.max(axis=-1, initial=-np.inf), still[:, None]).mean())


def _take(knowledge: Knowledge, seeds: IntArray) -> Array:
    """Return the learned variance [criteria, tasks] after `seeds` [tasks]."""
    index = np.broadcast_to(seeds, (1, *knowledge.mean.shape))
    return np.asarray(np.take_along_axis(knowledge.learned, index, axis=0)[0])


def _draw(knowledge: Knowledge, variance: Array, normals: Array) -> Array:
    """Return draws [criteria, draws, tasks] around the means; tasks that are no candidates are never the best."""
    draws = knowledge.mean[:, None] + np.sqrt(variance)[:, None] * normals
    return np.where(knowledge.is_candidate, draws, -np.inf)
