"""The cost of a plan before it runs: stages, training steps, compute and disk, all as stated upper bounds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from statistics import mean

from search.board.order import ArmDuration, assign_waves
from search.board.protocols import KeepPolicy
from search.cost.disk_plan import DiskSizes, estimate_disk_kept, estimate_disk_peak
from search.cost.disk_sizes import estimate_sizes, list_trained_tasks
from search.request.request import SweepRequest
from spaces.chain import MLM
from spaces.encoders import EncoderShape, shape_of
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.phase import passes_of
from spaces.plan import Stratum, map_by_workload
from spaces.task import Task
from spaces.untrained_phase import is_untrained
from spaces.xtreme_data import count_published_rows
from trainables.repositories.cache import cache_folder_of

FLOPS_PER_TOKEN = 6  # per parameter of the body: forward 2, backward 4
GPU_FLOPS = 120e12  # per second: effective bf16 speed of an A100


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """The amount of training: steps, and tokens (every input at its full length) as a measure of its duration.

    A token counts as often as the method passes over it. Choice tasks have one input per option. Questions whose
    context needs several windows count once. Pretraining has no tokens, as nothing is compared with it.
    """

    steps: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCost:
    """Totals of a plan. Naive chains share nothing: each target, seed and rate trains the intermediate task again."""

    stages: Counter[str]  # by kind
    trainings: int  # trained stages (pretraining, intermediate and target); a shared training counts once
    naive_trainings: int
    steps: int | None  # None where the size of a training set is not known from here
    naive_steps: int | None
    gpu_hours: float | None
    naive_gpu_hours: float | None
    disk_kept: int | None  # bytes at the end; None where the encoder's shape is not known from here
    disk_peak: int | None  # bytes at the worst moment


def estimate_cost(request: SweepRequest, slots: int, keep: KeepPolicy) -> PlanCost:
    """Estimate a request's cost, with `slots` stages at once."""
    shape = encoder_shape_of(request)
    stages: Counter[str] = Counter()
    for stratum in request.plan:
        stages[stratum.kind] += stratum.arm_count
    own_work = _estimate_own_work(request)
    work_of = _leave_out_shared(own_work, request)
    shared = _total_work(request.plan, work_of)
    naive_chains = list_naive_trainings(request)
    naive = _total_work(naive_chains, own_work)
    sizes = None if shape is None else estimate_sizes(request, shape)
    return PlanCost(
        stages=stages,
        trainings=sum(s.arm_count for s in request.plan if s.kind != "retrieval" and s.id not in request.shared),
        naive_trainings=sum(stratum.arm_count for stratum in naive_chains),
        steps=None if shared is None else shared.steps,
        naive_steps=None if naive is None else naive.steps,
        gpu_hours=_estimate_gpu_hours(shared, shape),
        naive_gpu_hours=_estimate_gpu_hours(naive, shape),
        disk_kept=None if sizes is None else estimate_disk_kept(request.plan, sizes, keep),
        disk_peak=None if sizes is None else _estimate_request_peak(request, work_of, sizes, slots, keep),
    )


def _estimate_request_peak(
    request: SweepRequest, work_of: Mapping[str, TrainingWork | None], sizes: DiskSizes, slots: int, keep: KeepPolicy
) -> int:
    scheduler = request.spec["scheduler"]
    wave_of_seed = assign_waves(request.plan, make_arm_duration(work_of), None if scheduler == "racing" else slots)
    arms_wait = scheduler in ("halving", "racing")
    return estimate_disk_peak(request.plan, sizes, slots, keep, wave_of_seed, arms_wait=arms_wait)


def list_naive_trainings(request: SweepRequest) -> list[Stratum]:
    """Return the trainings of scripts that run one chain per target. Retrieval needs the chain too."""
    by_id = {stratum.id: stratum for stratum in request.plan}
    trainings: list[Stratum] = []
    for stratum in request.plan:
        if stratum.kind in ("target", "retrieval"):
            parent = by_id.get(stratum.parent or "")
            targets = (request.benchmark.targets[name] for name in stratum.targets if name in request.axes.targets)
            for _ in {task.trained_as for task in targets}:  # shifted and wide targets need no training
                if parent is not None and parent.kind == "intermediate":
                    trainings += [by_id[member] for member in parent.merged] or [parent]
                if stratum.kind == "target":
                    trainings.append(stratum)
    return trainings


def estimate_work(request: SweepRequest) -> dict[str, TrainingWork | None]:
    """Return the work of one arm of each stratum, by the stratum's id; None if a training set's size is unknown.

    A target that a phase leaves trained is no work.
    """
    return _leave_out_shared(_estimate_own_work(request), request)


def _leave_out_shared(
    work_of: Mapping[str, TrainingWork | None], request: SweepRequest
) -> dict[str, TrainingWork | None]:
    return {**work_of, **dict.fromkeys(request.shared, TrainingWork(0, 0))}


def _estimate_own_work(request: SweepRequest) -> dict[str, TrainingWork | None]:
    """Return the work of one arm of each stratum as if no target shared the training of a phase."""
    return map_by_workload(request.plan, partial(_estimate_arm_work, request))


def make_arm_duration(work_of: Mapping[str, TrainingWork | None]) -> ArmDuration:
    """Return a function from a stratum to the duration of one of its arms in tokens; unknown work counts as 0."""
    tokens = {id_: 0.0 if work is None else work.tokens for id_, work in work_of.items()}
    return lambda stratum: tokens[stratum.id]


def _estimate_arm_work(request: SweepRequest, stratum: Stratum) -> TrainingWork | None:
    recipe = request.maker.recipe_of(stratum)
    if recipe is None or stratum.kind == "retrieval" or is_untrained(recipe):
        return TrainingWork(0, 0)
    if stratum.kind == "pretrain":
        return TrainingWork(int(recipe["steps"]), 0)
    trained = list_trained_tasks(request, stratum)
    tasks = [task for task in trained if task.name != MLM] or trained
    steps, most_steps = recipe["steps"], recipe.get("most_steps")
    if steps is None:
        ingredients = recipe.get("ingredients", [[task.name, ENGLISH] for task in tasks])
        rows = [_count_training_rows(request, task) for task in tasks for name, _ in ingredients if name == task.name]
        total = _sum_known(rows)
        if total is None and most_steps is None:
            return None
        if total is not None:
            steps = round(min(total, recipe.get("examples", total)) / recipe["batch_size"] * recipe["epochs"])
    steps = min(number for number in (steps, most_steps) if number is not None)
    options = mean(task.option_count for task in tasks)
    tokens = int(steps) * recipe["batch_size"] * recipe["max_length"] * options
    return TrainingWork(int(steps), round(tokens * passes_of(recipe)))


def _count_training_rows(request: SweepRequest, task: Task) -> int | None:
    total, limit = count_published_rows(task.name), request.maker.limit
    return total if total is None or limit is None else min(total, limit)


def _sum_known(numbers: Sequence[int | None]) -> int | None:
    """Return the sum; None if any number is unknown."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _total_work(strata: Iterable[Stratum], work_of: Mapping[str, TrainingWork | None]) -> TrainingWork | None:
    """Return the work of all arms of these strata, None if that of any is unknown."""
    steps = tokens = 0
    for stratum in strata:
        work = work_of[stratum.id]
        if work is None:
            return None
        steps, tokens = steps + work.steps * stratum.arm_count, tokens + work.tokens * stratum.arm_count
    return TrainingWork(steps, tokens)


def _read_hub_shape(request: SweepRequest) -> EncoderShape | None:
    """Return the shape of an encoder of the hub from its configuration, which a plan downloads."""
    hub, model = request.context.source.hub, request.context.model
    if hub is None or model is None:
        return None
    with suppress(UsageError):  # the plan lists it among the problems
        snapshot = hub.find("model", model)
        return None if snapshot is None else shape_of(str(cache_folder_of(snapshot)))
    return None


def encoder_shape_of(request: SweepRequest) -> EncoderShape | None:
    """Return the shape of the encoder at the start of every chain, None if it is not known from here."""
    start = request.maker.start
    recipe = start.recipe
    if recipe is None:
        return shape_of(request.context.model or start.name) or _read_hub_shape(request)
    has_sizes = "vocabulary" in recipe
    vocabulary, longest = (recipe["vocabulary"], recipe["longest"]) if has_sizes else _measure_miniature(request)
    return EncoderShape(
        name=start.name,
        layers=recipe["layers"],
        width=recipe["width"],
        inner=recipe["inner"],
        vocabulary=vocabulary,
        positions=longest + 2,  # counted from the padding id + 1, as in XLM-R
    )


def _measure_miniature(request: SweepRequest) -> tuple[int, int]:
    """Return the size of the miniature's vocabulary, and the tokens that its encoder reads at most."""
    from trainables.miniature import world

    source = request.context.source
    return len(world.build_tokenizer(world.build_world(source.world_seed, source.null_world))), world.MAX_TOKENS


def _estimate_gpu_hours(work: TrainingWork | None, shape: EncoderShape | None) -> float | None:
    if work is None or shape is None:
        return None
    return FLOPS_PER_TOKEN * shape.layer_parameters * work.tokens / GPU_FLOPS / 3600
