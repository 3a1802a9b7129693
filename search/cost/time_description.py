"""The lines of `--plan` on time: the hours on this machine, by a measurement on the spot, or why there are none."""

from collections.abc import Mapping, Sequence

from search.cost.cost import encoder_shape_of
from search.cost.pass_speed import MachineSpeed, load_of_batch
from search.cost.wall_time import WallTime, estimate_wall_time
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.sweep.units import format_bytes, format_duration
from spaces.encoders import PROFILES
from spaces.errors import first_line_of
from spaces.plan import Stratum

BUSY = 1.25  # slowdown from which on the line says that other programs run

LEAST_SHARE = 0.005  # of the time, of an activity that is named
THOUSAND = load_of_batch(20, 50)  # sub-tokens that are evaluated


class UnmeasurableError(Exception):
    """The reason why the speed of this machine cannot be measured."""


def describe_time(request: SweepRequest, options: RunOptions, slots: int, done: Mapping[str, int]) -> list[str]:
    """Measure this machine, and return the time of a plan as lines to print; a single one where that cannot be done.

    `done` counts the finished arms of each stratum. No file is downloaded, and nothing is written to the results.
    """
    try:
        _check_measurable(request, options)
        return _measure_and_estimate(request, options, slots, done)
    except Exception as error:  # a plan is printed whatever an encoder does
        return [f"time: not measured: {first_line_of(error)}"]


def _check_measurable(request: SweepRequest, options: RunOptions) -> None:
    """Raise UnmeasurableError for a request whose stages cannot be timed on this machine."""
    if options.uses_cluster:
        raise UnmeasurableError("the trials run on a cluster, and this machine says nothing of its speed.")
    if request.missing_data:
        raise UnmeasurableError("data or the encoder are missing, see above.")
    if encoder_shape_of(request) is None:
        raise UnmeasurableError("the encoder's configuration does not name its layers, width and vocabulary.")


def _measure_and_estimate(request: SweepRequest, options: RunOptions, slots: int, done: Mapping[str, int]) -> list[str]:
    import torch  # seconds, which no other line of a plan needs

    from search.cost.encoder_speed import find_encoder_speed
    from search.cost.input_sizes import InputSampler
    from search.cost.stage_work import WorkEstimator
    from trainables.training.evaluation import EVAL_BATCH_TOKENS

    if options.gpus_per_trial and not torch.cuda.is_available():
        raise UnmeasurableError("the trials need a GPU, and this machine has none.")
    shape = encoder_shape_of(request)
    assert shape is not None
    encoder, speed = find_encoder_speed(request, uses_gpu=bool(options.gpus_per_trial))
    sampler = InputSampler(request.context.source, encoder, PROFILES.find(request.maker.start.profile))
    batch_tokens = EVAL_BATCH_TOKENS[encoder.device.type]
    works = WorkEstimator(request=request, sizes=sampler, shape=shape, batch_tokens=batch_tokens).estimate()
    wall = estimate_wall_time(request, works, speed, slots, done=done, reading=sampler.reading_seconds)
    stops_early = options.scheduler != "none" and any(
        stratum.kind == "target" and stratum.arm_count > 1 for stratum in request.plan
    )
    lines = format_wall_time(wall, speed, tuple(sorted(sampler.full_length)), stops_early=stops_early)
    return lines if options.hours is None else [*lines, describe_hours(wall, request.plan, options.hours)]


def describe_hours(wall: WallTime, plan: Sequence[Stratum], hours: float) -> str:
    """Return what of a plan a budget of time holds, in stages and in whole seeds, as a line to print."""
    done = [id_ for end, id_ in wall.ends if end <= 3600 * hours]
    seed_of = {stratum.id: stratum.seed for stratum in plan}
    waiting = {seed_of[id_] for end, id_ in wall.ends if end > 3600 * hours}
    whole = [str(seed) for seed in sorted({*seed_of.values()} - waiting)]
    seeds = f"whole seeds: {', '.join(whole)}" if whole else "no seed would be whole"
    return f"  --hours {hours:g} would hold {len(done)} of {len(wall.ends)} stages that are left; {seeds}"


def format_wall_time(
    wall: WallTime, speed: MachineSpeed, full_length: tuple[str, ...] = (), *, stops_early: bool = False
) -> list[str]:
    """Return the time of a plan, how it was measured, and what it does not count, as lines to print.

    `full_length` are tasks whose rows are not here. `stops_early` says that early stopping will shorten the sweep.
    """
    if not wall.left:
        return ["time: none, as every stage is done"]
    at_once = f"{wall.slots} trial{'s' * (wall.slots != 1)} at once"
    is_whole = wall.left == wall.whole
    total = "" if is_whole else f"; the whole sweep about {format_duration(wall.whole)}"
    lines = [
        f"time: about {format_duration(wall.left)}{'' if is_whole else ' more'} on this machine ({at_once}){total}, "
        f"against {format_duration(wall.naive)} for one chain per target",
        f"  of it {_describe_shares(wall)}; checkpoints of {format_bytes(round(wall.checkpoint_bytes))} are written",
    ]
    step, tokens = _format_seconds(speed.step.seconds_of(wall.mean_step)), wall.mean_step.tokens
    measured = f"a step of {tokens:,.0f} sub-tokens in {step}, " if tokens else ""
    evaluated = _format_seconds(speed.forward.seconds_of(THOUSAND))
    beside = "; trials side by side share its memory and take longer" if wall.slots > 1 else ""
    lines.append(
        f"  measured for one trial alone on an idle machine: {measured}evaluation of 1,000 in {evaluated}{beside}"
    )
    if speed.slowdown >= BUSY:
        lines.append(f"  other programs run now: with them it takes about {speed.slowdown:.1f} times as long")
    if stops_early:
        lines.append("  an upper bound: early stopping is not counted")
    if full_length:
        lines.append(f"  inputs at full length, as their rows are not on this machine: {', '.join(full_length)}")
    return lines


def _describe_shares(wall: WallTime) -> str:
    """Return `training 4.6 h (71 %), test 1.2 h (18 %), ...`, largest first, and what is left as starting."""
    spent = sorted(wall.spent.items(), key=lambda item: -item[1])
    shares = [(name, seconds) for name, seconds in spent if seconds >= LEAST_SHARE * wall.left]
    rest = wall.left - sum(seconds for _, seconds in shares)
    return ", ".join(
        f"{name} {format_duration(seconds)} ({100 * seconds / wall.left:.0f} %)"
        for name, seconds in (*shares, ("the rest", max(0.0, rest)))
    )


def _format_seconds(seconds: float) -> str:
    """Return a short time with two digits: 1.9 s, 45 ms."""
    return f"{seconds:.2g} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"
