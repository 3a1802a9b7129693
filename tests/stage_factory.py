"""What makes the stages of the miniature's chains, without data or an encoder."""

from spaces.benchmark import BENCHMARKS, UNBOUNDED
from spaces.encoders import PROFILES
from spaces.named_spaces import SPACES
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.plan import StageFactory, StartEncoder
from spaces.space import Axes, Space, resolve_axes

MINIATURE = BENCHMARKS["miniature"]


def axes_of(space: Space) -> Axes:
    return resolve_axes(space, MINIATURE, PROFILES["miniature"])


FULL = axes_of(SPACES["full"].build(MINIATURE))


def make_factory(
    intermediates: tuple[str, ...] = MINIATURE.intermediate_names(),
    mixture: tuple[str, ...] = FULL.mixture,
    **changes: object,
) -> StageFactory:
    tasks = MINIATURE.intermediates.values()
    ingredients = (f"{task.name}@{language}" for task in tasks for language in task.training_languages)
    fields = {
        "benchmark": MINIATURE,
        "start": StartEncoder(name="miniature", profile="miniature", recipe={"steps": 10}, data="d"),
        "world": {"world_seed": 0},
        "fingerprints": {("intermediate", ingredient): "i" for ingredient in ingredients}
        | {("target", name): "t" for name in MINIATURE.targets},
        "languages": {task.name: task.languages for task in MINIATURE.targets.values()},
        "phases": resolve_phases(
            intermediates, MINIATURE, mixture=mixture, budget=UNBOUNDED, masked=DEFAULT_MASKED_WORDS
        ),
        "limit": None,
        "test_limit": None,
        "pool_limit": None,
        "precision": "fp32",
    }
    return StageFactory(**{**fields, **changes})  # type: ignore[arg-type]
