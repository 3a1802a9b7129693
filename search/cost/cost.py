"""What a plan costs before it runs: stages, training steps, compute and disk, all as stated upper bounds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import mean

from search.board.order import ArmDuration, assign_waves
from search.board.protocols import KeepPolicy
from search.cost.disk_plan import DiskSizes, estimate_disk_kept, estimate_disk_peak
from search.cost.disk_sizes import estimate_sizes, list_trained_tasks
from search.request.request import SweepRequest
from search.sweep.units import format_bytes
from spaces.chain import NONE
from spaces.encoders import EncoderShape, shape_of
from spaces.phase import passes_of
from spaces.plan import Stratum, map_by_workload
from spaces.task import Task
from spaces.xtreme_data import DATASETS, TASK_SPLITS

FLOPS_PER_TOKEN = 6  # per parameter of the body: forward 2, backward 4
GPU_FLOPS = 120e12  # effective bf16 speed of an A100, for the estimate in GPU-hours


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What training takes: steps, and tokens (every input at its full length) as the measure of its length.

    A token counts as often as the method passes over it. Choice tasks have one input per option. Questions whose
    context needs several windows count once. Pretraining, which nothing is compared with, has no tokens.
    """

    steps: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCost:
    """Totals of a plan. Bytes are those at the end, and at the worst moment in between."""

    stages: Counter[str]  # by kind
    trainings: int  # trained stages (pretraining, intermediate and target)
    naive_trainings: int  # the same cells as chains that share nothing
    steps: int | None  # None where the size of a training set is not known from here
    naive_steps: int | None
    gpu_hours: float | None
    naive_gpu_hours: float | None
    disk_kept: int | None  # None where the encoder's shape is not known from here
    disk_peak: int | None


def estimate_cost(request: SweepRequest, slots: int, keep: KeepPolicy) -> PlanCost:
    """Estimate a request. Naive chains: for each target, seed and rate the intermediate task is trained again."""
    shape = encoder_shape_of(request)
    stages: Counter[str] = Counter()
    for stratum in request.plan:
        stages[stratum.kind] += stratum.arm_count
    work = estimate_work(request)
    ours = _total_work(request.plan, work)
    chains = _list_naive_trainings(request)
    naive = _total_work(chains, work)
    sizes = None if shape is None else estimate_sizes(request, shape)
    return PlanCost(
        stages=stages,
        trainings=sum(stratum.arm_count for stratum in request.plan if stratum.kind != "retrieval"),
        naive_trainings=sum(stratum.arm_count for stratum in chains),
        steps=None if ours is None else ours.steps,
        naive_steps=None if naive is None else naive.steps,
        gpu_hours=_estimate_gpu_hours(ours, shape),
        naive_gpu_hours=_estimate_gpu_hours(naive, shape),
        disk_kept=None if sizes is None else estimate_disk_kept(request.plan, sizes, keep),
        disk_peak=None if sizes is None else _estimate_request_peak(request, work, sizes, slots, keep),
    )


def _estimate_request_peak(
    request: SweepRequest, works: Mapping[str, TrainingWork | None], sizes: DiskSizes, slots: int, keep: KeepPolicy
) -> int:
    scheduler = request.spec["scheduler"]
    together = assign_waves(request.plan, make_arm_duration(works), None if scheduler == "racing" else slots)
    waiting = scheduler in ("halving", "racing")
    return estimate_disk_peak(request.plan, sizes, slots, keep, together, arms_wait=waiting)


def _list_naive_trainings(request: SweepRequest) -> list[Stratum]:
    """The trainings of scripts that run one chain per target: nothing is shared, retrieval needs the chain too."""
    by_id = {stratum.id: stratum for stratum in request.plan}
    chains: list[Stratum] = []
    for stratum in request.plan:
        if stratum.kind in ("target", "retrieval"):
            parent = by_id.get(stratum.parent or "")
            asked = (request.benchmark.targets[name] for name in stratum.targets if name in request.axes.targets)
            wanted = {task.clean_target or task.name for task in asked}  # shifted items need no training of their own
            for _ in wanted:
                if parent is not None and parent.kind == "intermediate":
                    chains.append(parent)
                if stratum.kind == "target":
                    chains.append(stratum)
    return chains


def estimate_work(request: SweepRequest) -> dict[str, TrainingWork | None]:
    """What one arm of each stratum trains, by the stratum's id; None if a training set's size is unknown."""
    return map_by_workload(request.plan, partial(_estimate_arm_work, request))


def make_arm_duration(works: Mapping[str, TrainingWork | None]) -> ArmDuration:
    """How long an arm of a stratum takes, in tokens: what cannot be known from here counts as nothing."""

    def length(stratum: Stratum) -> float:
        work = works[stratum.id]
        return 0.0 if work is None else work.tokens

    return length


def _estimate_arm_work(request: SweepRequest, stratum: Stratum) -> TrainingWork | None:
    recipe = request.maker.recipe_of(stratum)
    if recipe is None:  # retrieval
        return TrainingWork(0, 0)
    if stratum.kind == "pretrain":
        return TrainingWork(int(recipe["steps"]), 0)
    tasks = [task for task in list_trained_tasks(request, stratum) if task.kind != "mlm"] or list_trained_tasks(
        request, stratum
    )
    steps = recipe["steps"]
    if steps is None:
        ingredients = recipe.get("ingredients", [[task.name, "en"] for task in tasks])
        rows = [_count_training_rows(request, task) for task in tasks for name, _ in ingredients if name == task.name]
        if None in rows:
            return None
        counted = sum(row for row in rows if row is not None)
        steps = round(min(counted, recipe.get("examples", counted)) / recipe["batch_size"] * recipe["epochs"])
    options = mean(task.option_count for task in tasks)
    tokens = int(steps) * recipe["batch_size"] * recipe["max_length"] * options
    return TrainingWork(int(steps), round(tokens * passes_of(recipe)))


def _count_training_rows(request: SweepRequest, task: Task) -> int | None:
    if task.name not in TASK_SPLITS:
        return None
    numbers = [DATASETS[part.dataset].published_rows.get(part.splits[0]) for part in TASK_SPLITS[task.name].train]
    if None in numbers:
        return None
    published = sum(number for number in numbers if number is not None)
    limit = request.maker.limit
    return published if limit is None else min(published, limit)


def _total_work(strata: Iterable[Stratum], work: Mapping[str, TrainingWork | None]) -> TrainingWork | None:
    """Of all arms of these strata."""
    steps = tokens = 0
    for stratum in strata:
        one = work[stratum.id]
        if one is None:
            return None
        steps, tokens = steps + one.steps * stratum.arm_count, tokens + one.tokens * stratum.arm_count
    return TrainingWork(steps, tokens)


def encoder_shape_of(request: SweepRequest) -> EncoderShape | None:
    """The shape of the encoder at the start of every chain; None if it cannot be known from here."""
    recipe = request.maker.start.recipe
    if recipe is None:
        return shape_of(request.context.model or request.maker.start.name)
    words, longest = (
        (recipe["vocabulary"], recipe["longest"]) if "vocabulary" in recipe else _measure_miniature_encoder(request)
    )
    return EncoderShape(
        name=request.maker.start.name,
        layers=recipe["layers"],
        width=recipe["width"],
        inner=recipe["inner"],
        vocabulary=words,
        positions=longest + 2,  # counted from the padding id + 1, as in XLM-R
    )


def _measure_miniature_encoder(request: SweepRequest) -> tuple[int, int]:
    """Entries of the miniature's vocabulary, and the tokens that its encoder reads."""
    from trainables.miniature import world

    source = request.context.source
    return len(world.build_tokenizer(world.build_world(source.world_seed, source.null_world))), world.MAX_TOKENS


def _estimate_gpu_hours(work: TrainingWork | None, shape: EncoderShape | None) -> float | None:
    if work is None or shape is None:
        return None
    return FLOPS_PER_TOKEN * shape.layer_parameters * work.tokens / GPU_FLOPS / 3600


def _format_hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}"


def describe_plan(request: SweepRequest, cost: PlanCost, reused: int) -> list[str]:
    """The plan in lines for the screen."""
    axes = request.axes
    kinds = ", ".join(f"{number} {kind}" for kind, number in cost.stages.items())
    lines = [
        f"sweep {request.name}: benchmark {request.benchmark.name}, encoder {request.maker.start.name}",
        f"  intermediate tasks: {', '.join((*axes.intermediates, *axes.floors))} (`{NONE}` is the baseline)",
        f"  targets: {', '.join(axes.targets)}",
        f"  learning rates: {axes.learning_rates}, seeds: {', '.join(map(str, axes.seeds))}",
        f"stages: {cost.stages.total()} ({kinds}); {reused} are done already and will be reused",
        f"trainings: {cost.trainings}; one chain per target, sharing nothing, would need {cost.naive_trainings}",
    ]
    if cost.steps is not None and cost.naive_steps is not None:
        lines.append(
            f"training steps without early stopping: {cost.steps:,}, against {cost.naive_steps:,} "
            f"({cost.naive_steps / max(1, cost.steps):.1f} times as many)"
        )
    if cost.gpu_hours is not None and cost.naive_gpu_hours is not None and cost.gpu_hours >= 0.1:
        lines.append(
            f"compute: at most {_format_hours(cost.gpu_hours)} GPU-hours, against {_format_hours(cost.naive_gpu_hours)} (inputs at "
            "full length, one window per question, 120 TFLOP/s as an A100 gives; evaluation adds 10 to 30 %)"
        )
    if cost.disk_peak is not None and cost.disk_kept is not None:
        lines.append(
            f"disk: at most {format_bytes(cost.disk_peak)} on the way, {format_bytes(cost.disk_kept)} at the end"
        )
    return lines
