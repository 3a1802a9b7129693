"""The memory of the host that a trial takes at its peak: Ray places no more trials on a machine than it holds.

For a GPU only what does not depend on the batch is told, since a batch is divided until it fits.

The parts were measured on the CPU (docs/lab-log.md, "A worker's memory"). On a GPU they are those of the code, and were
not measured.
"""

from search.cost.cost import encoder_shape_of
from search.cost.disk_sizes import FLOAT_BYTES, count_trained_parameters
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.sweep.units import format_bytes
from spaces.encoders import PIECE_VALUES, STATE_COPIES, EncoderShape
from spaces.phase import method_of
from spaces.plan import map_by_workload
from spaces.task import Recipe
from spaces.xtreme_data import TASK_SPLITS, published_rows_of

GIGABYTE = 10**9
IMPORT_BYTES = 550_000_000  # torch, transformers and Ray, and what a process reads of the data
MINIATURE_BYTES = 250_000_000  # its texts while it pretrains, and its tables, which stay in the process
CUDA_BYTES = 2_500_000_000  # libraries of CUDA in the host's memory
TOKENIZER_ENTRY_BYTES = 2_000  # of a piece of the vocabulary in a tokenizer that is loaded
ROW_BYTES = 1_000  # of a training row while its table is built
# Copies beside the weights themselves, of those that are trained.
CPU_COPIES = STATE_COPIES + 1  # two moments, gradients, and the best ones
GPU_COPIES = STATE_COPIES  # two moments and gradients, on the GPU
HOST_COPIES = STATE_COPIES + 1  # beside a GPU: the best ones, and a checkpoint on its way to the disk
PREVIEW_COPIES = STATE_COPIES + 1  # a short training of its own: weights, gradients and two moments
PLAIN = ""  # the method of trainings that change all weights
LAYER_BYTES = 130  # of a hidden value of a piece in a layer, kept for the backward pass


def find_trial_memory(request: SweepRequest, options: RunOptions) -> int | None:
    """Return the bytes that each trial is to ask for: those of the flag, or predicted; None if the shape is unknown."""
    if options.memory_per_trial is not None:
        return round(options.memory_per_trial * GIGABYTE)
    shape = encoder_shape_of(request)
    return None if shape is None else estimate_trial_memory(request, shape, uses_gpu=bool(options.gpus_per_trial))


def describe_memory(request: SweepRequest, options: RunOptions, slots: int) -> list[str]:
    """Return the memory of a plan as lines to print; none if it is unknown."""
    memory = find_trial_memory(request, options)
    if not memory:
        return []
    together = f", {slots} at once {format_bytes(slots * memory)}" if slots > 1 and not options.uses_cluster else ""
    lines = [f"memory of the host: at most {format_bytes(memory)} a trial{together}"]
    shape = encoder_shape_of(request)
    return lines + ([_describe_gpu_memory(request, shape)] if options.gpus_per_trial and shape is not None else [])


def _describe_gpu_memory(request: SweepRequest, shape: EncoderShape) -> str:
    sizes = {
        method: format_bytes(FLOAT_BYTES * (shape.parameters + GPU_COPIES * trained))
        for method, trained in _count_trained(request, shape).items()
    }
    plain = sizes.pop(PLAIN, None)
    parts = ([] if plain is None else [plain]) + [f"{size} with {method}" for method, size in sizes.items()]
    return f"memory of a GPU: {', '.join(parts)}, for weights, gradients and moments; a batch, or a part of it, on top"


def _count_trained(request: SweepRequest, shape: EncoderShape) -> dict[str, int]:
    """Return the parameters of the encoder that trainings change, by the method that freezes others, PLAIN if none."""
    trained = {}
    plan = [stratum for stratum in request.plan if stratum.kind != "retrieval"]
    for recipe in map_by_workload(plan, request.maker.recipe_of).values():
        method = method_of(recipe)
        name = PLAIN if method is None or not method.freezes_encoder else method.name
        trained[name] = count_trained_parameters(shape, recipe)
    return trained


def estimate_trial_memory(request: SweepRequest, shape: EncoderShape, *, uses_gpu: bool) -> int:
    """Return the bytes of the host's memory that the largest trial of a request takes at its peak."""
    weights = FLOAT_BYTES * shape.parameters
    trained = FLOAT_BYTES * max(_count_trained(request, shape).values(), default=shape.parameters)
    tokenizer = TOKENIZER_ENTRY_BYTES * shape.vocabulary
    size = IMPORT_BYTES + tokenizer + _estimate_data(request)
    if uses_gpu:
        return size + CUDA_BYTES + max(weights, HOST_COPIES * trained)  # weights are read before they are moved
    is_frozen = trained < weights
    word_gradient = 0 if is_frozen else FLOAT_BYTES * shape.vocabulary * shape.width  # of one piece, beside the sum
    longest = max((_find_length(need.task.recipe) for need in request.task_needs), default=0)
    values = max(PIECE_VALUES, longest * shape.width)  # an input is not divided
    size += PREVIEW_COPIES * weights if request.context.preview_tenth else 0
    return size + weights + CPU_COPIES * trained + word_gradient + LAYER_BYTES * values * shape.layers


def _estimate_data(request: SweepRequest) -> int:
    """Return the bytes of the largest training set, which is read as a whole."""
    if request.context.source.is_miniature:
        return MINIATURE_BYTES
    splits = (TASK_SPLITS[need.task.name] for need in request.task_needs if need.task.name in TASK_SPLITS)
    return ROW_BYTES * max((sum(published_rows_of(part) or 0 for part in split.train) for split in splits), default=0)


def _find_length(recipe: Recipe | None) -> int:
    return 0 if recipe is None else recipe.max_length
