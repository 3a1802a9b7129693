"""The memory of the host that a trial takes at its peak: Ray places no more trials on a machine than it holds.

The parts were measured on the CPU (docs/lab-log.md, "A worker's memory"). On a GPU they are those of the code, and were
not measured.
"""

from search.cost.cost import encoder_shape_of
from search.cost.disk_sizes import FLOAT_BYTES
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.sweep.units import format_bytes
from spaces.encoders import PIECE_VALUES, STATE_COPIES, EncoderShape
from spaces.task import Recipe
from spaces.xtreme_data import TASK_SPLITS, published_rows_of

GIGABYTE = 10**9
IMPORT_BYTES = 550_000_000  # torch, transformers and Ray, and what a process reads of the data
MINIATURE_BYTES = 250_000_000  # its texts while it pretrains, and its tables, which stay in the process
CUDA_BYTES = 2_500_000_000  # libraries of CUDA in the host's memory
TOKENIZER_ENTRY_BYTES = 2_000  # of a piece of the vocabulary in a tokenizer that is loaded
ROW_BYTES = 1_000  # of a training row while its table is built
CPU_COPIES = STATE_COPIES + 2  # of the weights: themselves, two moments, gradients, and the best ones
GPU_COPIES = STATE_COPIES + 1  # the best ones, and a checkpoint on its way to the disk
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
    return [f"memory of the host: at most {format_bytes(memory)} a trial{together}"]


def estimate_trial_memory(request: SweepRequest, shape: EncoderShape, *, uses_gpu: bool) -> int:
    """Return the bytes of the host's memory that the largest trial of a request takes at its peak."""
    weights = FLOAT_BYTES * shape.parameters
    tokenizer = TOKENIZER_ENTRY_BYTES * shape.vocabulary
    size = IMPORT_BYTES + tokenizer + _estimate_data(request)
    if uses_gpu:
        return size + CUDA_BYTES + GPU_COPIES * weights
    word_gradient = FLOAT_BYTES * shape.vocabulary * shape.width  # of one piece, beside the sum
    longest = max((_find_length(need.task.recipe) for need in request.task_needs), default=0)
    values = max(PIECE_VALUES, longest * shape.width)  # an input is not divided
    return size + CPU_COPIES * weights + word_gradient + LAYER_BYTES * values * shape.layers


def _estimate_data(request: SweepRequest) -> int:
    """Return the bytes of the largest training set, which is read as a whole."""
    if request.context.source.is_miniature:
        return MINIATURE_BYTES
    splits = (TASK_SPLITS[need.task.name] for need in request.task_needs if need.task.name in TASK_SPLITS)
    return ROW_BYTES * max((sum(published_rows_of(part) or 0 for part in split.train) for split in splits), default=0)


def _find_length(recipe: Recipe | None) -> int:
    return 0 if recipe is None else recipe.max_length
