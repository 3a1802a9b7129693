"""The lines of `--plan` and of every start: what a sweep trains, and what that costs at most."""

from search.cost.cost import PlanCost
from search.request.needs import methods_of
from search.request.request import SweepRequest
from search.sweep.units import format_bytes
from spaces.bounds import describe_bounds
from spaces.chain import NONE
from spaces.method import METHODS
from spaces.rates import scale_rates
from spaces.recipe_set import OURS
from spaces.recipes import RECIPE_SETS, describe_rates, list_kept_tasks
from spaces.space import Axes


def describe_plan(request: SweepRequest, cost: PlanCost, reused: int) -> list[str]:
    """Return the plan and its cost as lines to print; `reused` stages are finished already."""
    axes = request.axes
    kinds = ", ".join(f"{number} {kind}" for kind, number in cost.stages.items())
    lines = [
        f"sweep {request.name}: benchmark {request.benchmark.name}, encoder {request.maker.start.name}",
        f"  intermediate tasks: {', '.join((*axes.intermediates, *axes.references))} (`{NONE}` is the baseline)",
        f"  targets: {', '.join(axes.targets)}",
        f"  learning rates: {axes.learning_rates}, seeds: {_describe_seeds(axes)}",
        *([f"  method of fine-tuning on the targets: {axes.target_method}"] if axes.target_method else []),
        *_describe_method_rates(axes),
        *_describe_recipes(request),
        *([f"  bounds: {bounds}; scores are marked as limited"] if (bounds := describe_bounds(request.spec)) else []),
        f"stages: {cost.stages.total()} ({kinds}); {reused} are done already and will be reused",
        f"trainings: {cost.trainings}; one chain per target, sharing nothing, would need {cost.naive_trainings}",
    ]
    if cost.steps is not None and cost.naive_steps is not None:
        lines.append(
            f"training steps without early stopping: {cost.steps:,}, against {cost.naive_steps:,} "
            f"({cost.naive_steps / max(1, cost.steps):.1f} times as many)"
        )
    if cost.gpu_hours is not None and cost.naive_gpu_hours is not None and cost.gpu_hours >= 0.1:
        hours, naive_hours = _format_hours(cost.gpu_hours), _format_hours(cost.naive_gpu_hours)
        lines.append(
            f"compute: at most {hours} GPU-hours, against {naive_hours} (inputs at full length, one window per "
            "question, 120 TFLOP/s as on an A100; evaluation adds 10 to 30 %)"
        )
    if cost.disk_peak is not None and cost.disk_kept is not None:
        peak, kept = format_bytes(cost.disk_peak), format_bytes(cost.disk_kept)
        lines.append(f"disk: at most {peak} while the sweep runs, {kept} at the end")
    return lines


def _format_hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}"


def _describe_method_rates(axes: Axes) -> list[str]:
    """Return the learning rates of methods that have others than plain training."""
    scaled = [METHODS[name] for name in methods_of(axes) if METHODS[name].rate_factor != 1.0]
    return [
        f"  learning rates of {method.name}: {scale_rates(axes.learning_rates, method.name)}, "
        f"{method.rate_factor:g} times those of plain training"
        for method in scaled
    ]


def _describe_seeds(axes: Axes) -> str:
    """Return `0, 1, 2; none: 0, 1, 2, 3, 4, 5` for a baseline with three seeds more than the other chains."""
    lists = {name: ", ".join(map(str, seeds)) for name, seeds in axes.chain_seeds.items()}
    return "; ".join([", ".join(map(str, axes.seeds)), *(f"{name}: {seeds}" for name, seeds in lists.items())])


def _describe_recipes(request: SweepRequest) -> list[str]:
    """Return the recipe, its own learning rates, and the tasks of the sweep that keep `ours`; nothing for `ours`."""
    if request.recipe == OURS:
        return []
    lines = [f"  recipe: {request.recipe} ({RECIPE_SETS[request.recipe].about})"]
    rates = describe_rates((need.name, need.task.recipe) for need in request.task_needs)
    lines += [f"  learning rates of the recipe, instead of those above: {rates}"] if rates else []
    kept = [name for name in list_kept_tasks(request.benchmark, request.recipe) if name in _names_of(request)]
    return lines + ([f"  not in the recipe, as in {OURS}: {', '.join(kept)}"] if kept else [])


def _names_of(request: SweepRequest) -> set[str]:
    return {need.task.name for need in request.task_needs}
