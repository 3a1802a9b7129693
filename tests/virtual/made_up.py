"""Made-up courses with curves that cross. They depend on the arm alone, so all schedulers see the same ones."""

import math
import random

from spaces.stage import TENTHS, Stage

from .courses import Course, Courses, evenly

EVALUATION = 0.2  # of the training time, as search/cost/cost.py says: 10 to 30 %


def made_up(seconds: dict[str, float], steps: dict[str, int], *, noise: float = 0.01, seed: int = 0) -> Courses:
    """Return courses whose arms take these seconds and steps, by kind and task (`target xnli-en`).

    English dev rises to a plateau. Its height depends on the arm and on the rate's distance from the best rate of the
    task. Its speed depends on the rate: small rates are slow, so that curves cross. The parent's key has no influence:
    scores are the same whichever parent won under another scheduler.
    """

    def course(stage: Stage) -> Course:
        name = f"{stage.kind} {stage.task}"
        curve = () if stage.kind == "retrieval" else curve_of(stage, stage.learning_rate or 1e-5, noise, seed)
        evaluation = EVALUATION * seconds[name] if stage.learning_rate is not None else 0.0
        return evenly(curve, steps[name], seconds[name], evaluation)

    return course


def curve_of(stage: Stage, rate: float, noise: float, seed: int) -> tuple[float, ...]:
    """Return English dev scores by tenth, from 0 to 1, with four digits like scores over a few thousand items."""
    task = random.Random(f"{seed} {stage.kind} {stage.task}")
    plateau, best = task.uniform(0.5, 0.9), math.exp(task.uniform(math.log(5e-6), math.log(5e-5)))
    chain = random.Random(f"{seed} {stage.kind} {stage.task} {stage.intermediate}")
    arm = random.Random(f"{seed} {stage.kind} {stage.task} {stage.intermediate} {stage.seed} {rate}")
    off = math.log(rate / best)
    top = plateau + chain.gauss(0.0, 0.02) - 0.02 * off**2 + arm.gauss(0.0, noise)
    slowness = 2.0 * math.exp(-0.3 * off) * arm.lognormvariate(0.0, 0.2)  # in tenths
    return tuple(
        round(min(1.0, max(0.0, top * (1 - math.exp(-tenth / slowness)) + arm.gauss(0.0, noise / 3))), 4)
        for tenth in range(1, TENTHS + 1)
    )
