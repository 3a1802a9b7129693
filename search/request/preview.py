"""The part of a sweep that `--preview` runs: the first tenths of its phases, which are then measured on the targets."""

import dataclasses
import math
from collections.abc import Sequence

from search.request.options import RunOptions
from search.request.request import SweepRequest
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.probe_columns import MIN_PREVIEW_TASKS
from spaces.space import Range
from spaces.untrained_phase import is_untrained


def narrow_to_preview(request: SweepRequest, options: RunOptions) -> SweepRequest:
    """Return the request of a preview: phases at their first rate, of the first seed or of those of `--seeds`.

    Raise UsageError for `--plan`, or if there are too few phases, or no target with training rows.
    """
    assert options.preview is not None
    if options.plan:
        raise UsageError("--preview with --plan: leave one out. A preview trains tenths of the phases of one seed.")
    seeds = request.axes.all_seeds if options.seeds is not None else request.axes.seeds[:1]
    phases = [
        dataclasses.replace(stratum, rates=_first_of(stratum.rates))
        for stratum in request.plan
        if stratum.kind == "intermediate"
        and stratum.seed in seeds
        and not is_untrained(request.maker.recipe_of(stratum))
    ]
    targets = [
        stratum
        for stratum in request.plan
        if stratum.kind == "target" and stratum.intermediate == NONE and stratum.seed == request.axes.seeds[0]
    ]
    tasks = {stratum.task for stratum in phases}
    if len(tasks) < MIN_PREVIEW_TASKS:
        raise UsageError(
            f"--preview: an order takes {MIN_PREVIEW_TASKS} intermediate tasks that are trained, here are {len(tasks)}."
        )
    if not targets:
        raise UsageError("--preview: no target has training rows, so there is nothing to measure.")
    pretraining = [stratum for stratum in request.plan if stratum.kind == "pretrain"]
    stages = [request.maker.make_stage(target, _middle_of(target.rates), None) for target in targets]
    return dataclasses.replace(
        request,
        plan=(*pretraining, *phases),
        whole_plan=request.plan,
        shared={},
        context=dataclasses.replace(
            request.context,
            preview_tenth=options.preview,
            preview_targets=tuple(stage.to_json() for stage in stages),
        ),
    )


def _first_of(rates: Sequence[float | None] | Range) -> tuple[float | None, ...] | Range:
    """Return the axis of one arm that the sweep has, too: the middle rate, which comes first, or the first draw."""
    return dataclasses.replace(rates, draws=1) if isinstance(rates, Range) else tuple(rates[:1])


def _middle_of(rates: Sequence[float | None] | Range) -> float | None:
    return math.sqrt(rates.low * rates.high) if isinstance(rates, Range) else rates[0]
