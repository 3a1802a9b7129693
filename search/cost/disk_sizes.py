"""Sizes of the files that the stages of a request leave, before anything runs: from shapes, recipes and known rows.

Weights and moments are exact except for headers. Tokenised tables and predictions of real data are estimated, on the
safe side, from the published numbers of rows and the constants below.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from search.cost.disk_plan import DiskSizes
from search.request.ceiling_rows import list_training_sets
from search.request.request import SweepRequest
from spaces.dataset import SplitPart
from spaces.encoders import PROFILES, EncoderShape
from spaces.phase import method_of, tasks_of
from spaces.plan import Stratum, map_by_workload
from spaces.space import Range
from spaces.stage import TENTHS
from spaces.task import Task, TaskKind
from spaces.untrained_phase import is_untrained
from spaces.xtreme_data import TASK_SPLITS, published_rows_of
from trainables.storage.base import is_remote

BLOCK_BYTES = 4096  # file systems allocate space in blocks
FLOAT_BYTES = 4
TENSOR_HEADER_BYTES = 160  # of a tensor's name and offset in a file of weights
TENSORS_PER_LAYER = 16
TOKENIZER_ENTRY_BYTES = 90  # of a vocabulary entry in tokenizer.json
DEFAULT_LABEL_COUNT = 1500  # of a tagging task whose labels only the data tell: supertags
SCORES_FILE_BYTES, SCORE_ROW_BYTES = 7_000, 40  # of an empty file of scores, and of one more row
PROBE_FAMILY_BYTES = 200_000  # of a family of probes: some 10,000 values for 25 layers and 36 languages

# Bytes of one row: its predictions, and its sub-tokens in a tokenised table (up to 16 bytes each, plus 40).
PREDICTION_ROW_BYTES: dict[TaskKind, int] = {
    "pair": 16,
    "text": 16,
    "choice": 16,
    "tagging": 80,
    "span": 100,
    "mlm": 200,
    "retrieval": 40,
}
TABLE_ROW_BYTES: dict[TaskKind, int] = {
    "pair": 900,
    "text": 700,
    "choice": 1_600,
    "tagging": 700,
    "span": 4_000,
    "mlm": 20_000,
    "retrieval": 0,
}
DEFAULT_ROWS = 10_000  # of a split in one language whose size is not published


def estimate_sizes(request: SweepRequest, shape: EncoderShape) -> DiskSizes:
    """Return the bytes of an encoder, of checkpoints and outputs by stratum, and of shared files."""
    return DiskSizes(
        encoder=_estimate_encoder(shape),
        checkpoint=map_by_workload(request.plan, partial(_estimate_checkpoint, request, shape)),
        outputs=map_by_workload(request.plan, partial(_estimate_outputs, request)),
        shared=_estimate_sweep_files(request) + _estimate_tables(request),
        model=_estimate_encoder(shape) if request.context.keep_models else 0,
    )


def _estimate_encoder(shape: EncoderShape) -> int:
    """Return the bytes of an encoder's folder: weights, tokenizer, the head for masked words, and small files."""
    weights = FLOAT_BYTES * shape.parameters + TENSOR_HEADER_BYTES * (TENSORS_PER_LAYER * shape.layers + 8)
    mlm_head = FLOAT_BYTES * (shape.width**2 + 3 * shape.width + shape.vocabulary) + 8 * TENSOR_HEADER_BYTES
    tokenizer = TOKENIZER_ENTRY_BYTES * shape.vocabulary
    return sum(map(_round_to_blocks, (weights, mlm_head, tokenizer))) + 3 * BLOCK_BYTES


def count_trained_parameters(shape: EncoderShape, recipe: Mapping[str, Any] | None) -> int:
    """Return the parameters of the encoder, or of its adapters, that a stage with this recipe trains."""
    method = method_of(recipe)
    if recipe is None or method is None or not method.freezes_encoder:
        return shape.parameters
    return shape.count_adapter_parameters(recipe["method"]["rank"])


def _estimate_checkpoint(request: SweepRequest, shape: EncoderShape, stratum: Stratum) -> int:
    """Return the bytes of weights, best weights and two moments. Pretraining keeps no best weights."""
    if stratum.kind == "retrieval" or is_untrained(request.maker.recipe_of(stratum)):
        return 0
    trained = count_trained_parameters(shape, request.maker.recipe_of(stratum))
    if stratum.kind == "pretrain":
        copies, head = 3, shape.width**2 + shape.vocabulary
    else:
        pooling, tasks = PROFILES.find(request.maker.start.profile).pooling, list_trained_tasks(request, stratum)
        copies, head = 4, sum(_count_head_parameters(task, shape, pooling) for task in tasks)
    values = copies * (trained + head)
    headers = 4 * TENSOR_HEADER_BYTES * (TENSORS_PER_LAYER * shape.layers + 16)
    return _round_to_blocks(FLOAT_BYTES * values + headers + 2 * BLOCK_BYTES)


def _count_head_parameters(task: Task, shape: EncoderShape, pooling: str) -> int:
    labels, width = len(task.labels) or DEFAULT_LABEL_COUNT, shape.width
    match task.kind:
        case "tagging":
            return (width + 1) * labels
        case "span":
            return 2 * (width + 1)
        case "mlm":
            return width**2 + shape.vocabulary
        case _:
            pooled = 4 * width if pooling == "segments" and task.kind != "text" else width
            return (pooled + 1) * width + (width + 1) * (1 if task.kind == "choice" else labels)


def list_trained_tasks(request: SweepRequest, stratum: Stratum) -> list[Task]:
    """Return the tasks that an intermediate or target stage trains on."""
    benchmark = request.benchmark
    if stratum.kind == "target":
        return [benchmark.targets[stratum.targets[0]]]
    return list(tasks_of(request.maker.phases[stratum.task], benchmark))


def _estimate_outputs(request: SweepRequest, stratum: Stratum) -> int:
    """Return the bytes that a stage leaves for good: folder, specification, outcome, scores, probes, predictions."""
    tasks = [request.benchmark.targets[name] for name in stratum.targets]
    score_rows = sum(
        (TENTHS + len(task.languages) * (1 + request.context.target_dev))
        * (len(task.official_metrics) + len(task.other_metrics) + 1)
        for task in tasks
    )
    size = 3 * BLOCK_BYTES + _round_to_blocks(SCORES_FILE_BYTES + SCORE_ROW_BYTES * score_rows)
    if request.context.probes and stratum.kind in ("intermediate", "target"):
        size += len(request.context.probes) * PROBE_FAMILY_BYTES
    if request.context.keep_predictions and stratum.kind != "pretrain":
        predictions = sum(
            (PREDICTION_ROW_BYTES[task.kind] * _count_test_rows(request, task) + 1_000) * len(task.languages)
            for task in tasks
        )
        size += _round_to_blocks(SCORES_FILE_BYTES + predictions)
    return size


def _sum_rows(parts: Iterable[SplitPart], limit: int | None) -> int:
    rows = sum(published_rows_of(part) or DEFAULT_ROWS for part in parts)
    return rows if limit is None else min(rows, limit)


def _count_test_rows(request: SweepRequest, task: Task) -> int:
    """Return the test rows in one language."""
    limit = request.maker.pool_limit if task.kind == "retrieval" else request.maker.test_limit
    name = task.clean_target or task.name
    if name in TASK_SPLITS and request.benchmark.name != "miniature":
        return _sum_rows(TASK_SPLITS[name].test, limit)
    return DEFAULT_ROWS if limit is None else min(DEFAULT_ROWS, limit)


def _estimate_tables(request: SweepRequest) -> int:
    """Return the bytes of tokenised data in the results: training rows, English dev, every test language."""
    context = request.context
    if request.benchmark.name == "miniature" or context.scratch is not None or is_remote(context.results.url):
        return 0
    size = 0
    for need in request.task_needs:
        task = need.task
        rows = _count_test_rows(request, task) * len(task.languages) if need.role == "target" else 0
        if task.trained_as == task.name:  # else it is trained and selected on another target's tables
            splits = TASK_SPLITS[task.name]
            rows += _sum_rows(splits.train, None) + _sum_rows(splits.dev, request.maker.test_limit)
        if need.role == "target" and context.target_dev and task.trained_as == task.name:
            rows += _sum_rows(TASK_SPLITS[task.name].dev, request.maker.test_limit) * len(task.languages)
        size += TABLE_ROW_BYTES["pair" if task.text_task else task.kind] * task.option_count * rows
        size += 12 * BLOCK_BYTES * (2 + len(task.languages))
    return size + _estimate_translation_tables(request)


def _estimate_translation_tables(request: SweepRequest) -> int:
    """Return the bytes of the tokenised training rows in other languages. Shots are in no file."""
    tasks = list_training_sets(request.axes, request.benchmark)
    size = 0
    for ceiling in request.axes.ceilings:
        for training_set, languages in ceiling.rows.items() if ceiling.shots is None else ():
            task = tasks[training_set]
            rows = _sum_rows(TASK_SPLITS[task.name].train, None)
            size += (TABLE_ROW_BYTES[task.kind] * task.option_count * rows + 12 * BLOCK_BYTES) * len(languages)
    return size


def _estimate_sweep_files(request: SweepRequest) -> int:
    """Return the bytes of the sweep's folder: its own file twice (a copy replaces it), status, rungs and draws."""
    stages = sum(stratum.arm_count for stratum in request.plan)
    draws = 4_000 * stages if isinstance(request.axes.learning_rates, Range) else 0
    sweep_file = _round_to_blocks(20_000 + 200 * stages + 200 * len(request.plan))
    return 2 * sweep_file + BLOCK_BYTES * (6 + len(request.plan)) + draws


def _round_to_blocks(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES
