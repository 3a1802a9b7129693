"""What a plan costs before it runs: stages, training steps, compute and disk, all as stated upper bounds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import mean

from search.board.keep import Keep
from search.board.order import Length, waves
from search.cost.disk_plan import Sizes, disk_kept, disk_peak
from search.cost.disk_sizes import sizes_of, trained
from search.request.request import Request
from search.sweep.estimate import size
from spaces.chain import NONE
from spaces.encoders import Shape, shape_of
from spaces.phase import passes_of
from spaces.plan import Stratum, by_sort
from spaces.task import Task
from spaces.xtreme_data import DATASETS, PARTS

FLOPS_PER_TOKEN = 6  # per parameter of the body: forward 2, backward 4
GPU_FLOPS = 120e12  # effective bf16 speed of an A100, for the estimate in GPU-hours


@dataclass(frozen=True, slots=True)
class Work:
    """What training takes: steps, and tokens (every input at its full length) as the measure of its length.

    A token counts as often as the method passes over it. Choice tasks have one input per option. Questions whose
    context needs several windows count once. Pretraining, which nothing is compared with, has no tokens.
    """

    steps: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
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


def cost_of(request: Request, slots: int, keep: Keep) -> Cost:
    """Estimate a request. Naive chains: for each target, seed and rate the intermediate task is trained again."""
    shape = shape_of_request(request)
    stages: Counter[str] = Counter()
    for stratum in request.plan:
        stages[stratum.kind] += stratum.arms
    work = works_of(request)
    ours = _sum(request.plan, work)
    chains = _chains(request)
    naive = _sum(chains, work)
    sizes = None if shape is None else sizes_of(request, shape)
    return Cost(
        stages=stages,
        trainings=sum(stratum.arms for stratum in request.plan if stratum.kind != "retrieval"),
        naive_trainings=sum(stratum.arms for stratum in chains),
        steps=None if ours is None else ours.steps,
        naive_steps=None if naive is None else naive.steps,
        gpu_hours=_hours(ours, shape),
        naive_gpu_hours=_hours(naive, shape),
        disk_kept=None if sizes is None else disk_kept(request.plan, sizes, keep),
        disk_peak=None if sizes is None else _disk_peak(request, work, sizes, slots, keep),
    )


def _disk_peak(request: Request, works: Mapping[str, Work | None], sizes: Sizes, slots: int, keep: Keep) -> int:
    scheduler = request.spec["scheduler"]
    together = waves(request.plan, length_of(works), None if scheduler == "racing" else slots)
    waiting = scheduler in ("halving", "racing")
    return disk_peak(request.plan, sizes, slots, keep, together, waiting=waiting)


def _chains(request: Request) -> list[Stratum]:
    """The trainings of scripts that run one chain per target: nothing is shared, retrieval needs the chain too."""
    by_id = {stratum.id: stratum for stratum in request.plan}
    chains: list[Stratum] = []
    for stratum in request.plan:
        if stratum.kind in ("target", "retrieval"):
            parent = by_id.get(stratum.parent or "")
            asked = (request.benchmark.targets[name] for name in stratum.targets if name in request.axes.targets)
            wanted = {task.clean or task.name for task in asked}  # shifted items need no training of their own
            for _ in wanted:
                if parent is not None and parent.kind == "intermediate":
                    chains.append(parent)
                if stratum.kind == "target":
                    chains.append(stratum)
    return chains


def works_of(request: Request) -> dict[str, Work | None]:
    """What one arm of each stratum trains, by the stratum's id; None if a training set's size is unknown."""
    return by_sort(request.plan, partial(_work, request))


def length_of(works: Mapping[str, Work | None]) -> Length:
    """How long an arm of a stratum takes, in tokens: what cannot be known from here counts as nothing."""

    def length(stratum: Stratum) -> float:
        work = works[stratum.id]
        return 0.0 if work is None else work.tokens

    return length


def _work(request: Request, stratum: Stratum) -> Work | None:
    recipe = request.maker.recipe(stratum)
    if recipe is None:  # retrieval
        return Work(0, 0)
    if stratum.kind == "pretrain":
        return Work(int(recipe["steps"]), 0)
    tasks = [task for task in trained(request, stratum) if task.kind != "mlm"] or trained(request, stratum)
    steps = recipe["steps"]
    if steps is None:
        ingredients = recipe.get("ingredients", [[task.name, "en"] for task in tasks])
        rows = [_rows(request, task) for task in tasks for name, _ in ingredients if name == task.name]
        if None in rows:
            return None
        counted = sum(row for row in rows if row is not None)
        steps = round(min(counted, recipe.get("examples", counted)) / recipe["batch_size"] * recipe["epochs"])
    options = mean(task.options for task in tasks)
    tokens = int(steps) * recipe["batch_size"] * recipe["max_length"] * options
    return Work(int(steps), round(tokens * passes_of(recipe)))


def _rows(request: Request, task: Task) -> int | None:
    if task.name not in PARTS:
        return None
    numbers = [DATASETS[part.dataset].rows.get(part.splits[0]) for part in PARTS[task.name].train]
    if None in numbers:
        return None
    published = sum(number for number in numbers if number is not None)
    limit = request.maker.limit
    return published if limit is None else min(published, limit)


def _sum(strata: Iterable[Stratum], work: Mapping[str, Work | None]) -> Work | None:
    """Of all arms of these strata."""
    steps = tokens = 0
    for stratum in strata:
        one = work[stratum.id]
        if one is None:
            return None
        steps, tokens = steps + one.steps * stratum.arms, tokens + one.tokens * stratum.arms
    return Work(steps, tokens)


def shape_of_request(request: Request) -> Shape | None:
    """The shape of the encoder at the start of every chain; None if it cannot be known from here."""
    recipe = request.maker.start.recipe
    if recipe is None:
        return shape_of(request.place.model or request.maker.start.name)
    words, longest = (recipe["vocabulary"], recipe["longest"]) if "vocabulary" in recipe else _miniature(request)
    return Shape(
        name=request.maker.start.name,
        layers=recipe["layers"],
        width=recipe["width"],
        inner=recipe["inner"],
        vocabulary=words,
        positions=longest + 2,  # counted from the padding id + 1, as in XLM-R
    )


def _miniature(request: Request) -> tuple[int, int]:
    """Entries of the miniature's vocabulary, and the tokens that its encoder reads."""
    from trainables.miniature import world

    source = request.place.source
    return len(world.tokenizer(world.world(source.world_seed, source.null_world))), world.LONGEST


def _hours(work: Work | None, shape: Shape | None) -> float | None:
    if work is None or shape is None:
        return None
    return FLOPS_PER_TOKEN * shape.body * work.tokens / GPU_FLOPS / 3600


def _said(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}"


def describe(request: Request, cost: Cost, reused: int) -> list[str]:
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
            f"compute: at most {_said(cost.gpu_hours)} GPU-hours, against {_said(cost.naive_gpu_hours)} (inputs at "
            "full length, one window per question, 120 TFLOP/s as an A100 gives; evaluation adds 10 to 30 %)"
        )
    if cost.disk_peak is not None and cost.disk_kept is not None:
        lines.append(f"disk: at most {size(cost.disk_peak)} on the way, {size(cost.disk_kept)} at the end")
    return lines
