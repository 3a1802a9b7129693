"""Sizes of the files that the stages of a request leave, before anything runs: from shapes, recipes and known rows.

Weights and moments are exact but for headers. Tokenised tables and predictions of real data are estimates from the
published numbers of rows and the figures below, on the safe side.
"""

from search.cost.disk_plan import DiskSizes
from search.request.request import SweepRequest
from spaces.dataset import SplitPart
from spaces.encoders import PROFILES, EncoderProfile, EncoderShape
from spaces.phase import tasks_of
from spaces.plan import Stratum, map_by_workload
from spaces.space import Range
from spaces.stage import TENTHS
from spaces.task import Task, TaskKind
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from trainables.storage.base import is_remote

BLOCK_BYTES = 4096  # file systems give space in blocks
FLOAT_BYTES = 4
TENSOR_HEADER_BYTES = 160  # bytes of a tensor's name and place in a file of weights
TENSORS_PER_LAYER = 16  # of one layer
TOKENIZER_ENTRY_BYTES = 90  # bytes of a vocabulary entry in tokenizer.json
DEFAULT_LABEL_COUNT = 1500  # of a tagging task that only its data can tell: supertags
SCORES_FILE_BYTES, SCORE_ROW_BYTES = 7_000, 40  # bytes of a file of scores: empty, and of one row more
PROBE_FAMILY_BYTES = 200_000  # bytes of a family of probes: some 10,000 values where 25 layers speak 36 languages

# Bytes of one row: its predictions, and its sub-tokens in a tokenised table (up to 16 bytes each, and 40 beside).
PREDICTION_ROW_BYTES: dict[TaskKind, int] = {
    "pair": 16,
    "choice": 16,
    "tagging": 80,
    "span": 100,
    "mlm": 200,
    "retrieval": 40,
}
TABLE_ROW_BYTES: dict[TaskKind, int] = {
    "pair": 900,
    "choice": 1_600,
    "tagging": 700,
    "span": 4_000,
    "mlm": 3_000,
    "retrieval": 0,
}
DEFAULT_ROWS = 10_000  # rows of a test set in one language, where the number is not known from here


def estimate_sizes(request: SweepRequest, shape: EncoderShape) -> DiskSizes:
    """Bytes by stratum."""
    profile = PROFILES.find(request.maker.start.profile)
    return DiskSizes(
        encoder=_estimate_encoder(shape),
        checkpoint=map_by_workload(
            request.plan, lambda stratum: _estimate_checkpoint(request, stratum, shape, profile)
        ),
        outputs=map_by_workload(request.plan, lambda stratum: _estimate_outputs(request, stratum)),
        shared=_estimate_sweep_files(request) + _estimate_tables(request),
    )


def _estimate_encoder(shape: EncoderShape) -> int:
    """Weights, tokenizer, the head for masked words, and two small files, in a folder."""
    weights = FLOAT_BYTES * shape.parameters + TENSOR_HEADER_BYTES * (TENSORS_PER_LAYER * shape.layers + 8)
    words = FLOAT_BYTES * (shape.width**2 + 3 * shape.width + shape.vocabulary) + 8 * TENSOR_HEADER_BYTES
    return (
        _round_to_blocks(weights)
        + _round_to_blocks(words)
        + _round_to_blocks(TOKENIZER_ENTRY_BYTES * shape.vocabulary)
        + 3 * BLOCK_BYTES
    )


def _estimate_checkpoint(request: SweepRequest, stratum: Stratum, shape: EncoderShape, profile: EncoderProfile) -> int:
    """Weights, best weights and two moments of what is trained; pretraining keeps no best weights."""
    if stratum.kind == "retrieval":
        return 0
    pretrain = stratum.kind == "pretrain"
    head = (
        shape.width**2 + shape.vocabulary
        if pretrain
        else sum(_count_head_parameters(task, shape, profile) for task in list_trained_tasks(request, stratum))
    )
    copies = (3 if pretrain else 4) * (shape.parameters + head)
    return _round_to_blocks(
        FLOAT_BYTES * copies + 4 * TENSOR_HEADER_BYTES * (TENSORS_PER_LAYER * shape.layers + 16) + 2 * BLOCK_BYTES
    )


def _count_head_parameters(task: Task, shape: EncoderShape, profile: EncoderProfile) -> int:
    """Parameters of a task's head."""
    labels, width = len(task.labels) or DEFAULT_LABEL_COUNT, shape.width
    match task.kind:
        case "tagging":
            return (width + 1) * labels
        case "span":
            return 2 * (width + 1)
        case "mlm":
            return width**2 + shape.vocabulary
        case _:
            wide = 4 * width if profile.pooling == "segments" else width
            return (wide + 1) * width + (width + 1) * (labels if task.kind == "pair" else 1)


def list_trained_tasks(request: SweepRequest, stratum: Stratum) -> list[Task]:
    """The tasks that an intermediate or target stage trains."""
    benchmark = request.benchmark
    if stratum.kind == "target":
        return [benchmark.targets[stratum.targets[0]]]
    return list(tasks_of(request.maker.phases[stratum.task], benchmark))


def _estimate_outputs(request: SweepRequest, stratum: Stratum) -> int:
    """What a stage leaves for good: its folder, specification, outcome, scores, predictions."""
    tasks = [request.benchmark.targets[name] for name in stratum.targets]
    languages = sum(len(task.languages) for task in tasks)
    rows = sum(
        (TENTHS + len(task.languages)) * (len(task.official_metrics) + len(task.other_metrics) + 1) for task in tasks
    )
    found = 3 * BLOCK_BYTES + _round_to_blocks(SCORES_FILE_BYTES + SCORE_ROW_BYTES * rows)
    if request.context.probes and stratum.kind in ("intermediate", "target"):
        found += len(request.context.probes) * PROBE_FAMILY_BYTES
    if request.context.keep_predictions and stratum.kind != "pretrain":
        shown = sum(
            PREDICTION_ROW_BYTES[task.kind] * _count_test_rows(request, task) * len(task.languages) for task in tasks
        )
        found += _round_to_blocks(SCORES_FILE_BYTES + shown + 1_000 * languages)
    return found


def _count_test_rows(request: SweepRequest, task: Task) -> int:
    """Test rows in one language."""
    found = DEFAULT_ROWS
    name = task.clean_target or task.name
    if name in TASK_SPLITS and request.benchmark.name != "miniature":
        found = sum(_count_published_rows(part) or DEFAULT_ROWS for part in TASK_SPLITS[name].test)
    return found if request.maker.test_limit is None else min(found, request.maker.test_limit)


def _count_published_rows(part: SplitPart) -> int | None:
    """Rows of the first split that the part may be read from."""
    return DATASETS[part.dataset].published_rows.get(part.splits[0])


def _estimate_tables(request: SweepRequest) -> int:
    """Tokenised data: what is trained on, English dev, and every test language. They may also lie elsewhere."""
    place = request.context
    if request.benchmark.name == "miniature" or place.scratch is not None or is_remote(place.results.url):
        return 0
    total = 0
    for need in request.task_needs:
        task = need.task
        parts = TASK_SPLITS[task.clean_target or task.name]
        rows = sum(_count_published_rows(part) or DEFAULT_ROWS for part in parts.train)
        rows = rows if request.maker.limit is None else min(rows, request.maker.limit)
        dev = sum(_count_published_rows(part) or DEFAULT_ROWS for part in parts.dev)
        dev = dev if request.maker.test_limit is None else min(dev, request.maker.test_limit)
        test = _count_test_rows(request, task) * len(task.languages) if need.role == "target" else 0
        learnt = (
            0 if task.clean_target else rows + dev
        )  # a shifted target is trained and judged by the clean one's tables
        total += TABLE_ROW_BYTES[task.kind] * task.option_count * (learnt + test)
        total += 12 * BLOCK_BYTES * (2 + len(task.languages))
    return total


def _estimate_sweep_files(request: SweepRequest) -> int:
    """The sweep's folder: its own file with the copy that replaces it, the rungs, the draws, what runs now."""
    stages = sum(stratum.arm_count for stratum in request.plan)
    drawn = 4_000 * stages if isinstance(request.axes.learning_rates, Range) else 0
    record = _round_to_blocks(20_000 + 200 * stages + 200 * len(request.plan))
    return 2 * record + BLOCK_BYTES * (6 + len(request.plan)) + drawn


def _round_to_blocks(number: int) -> int:
    return -(-number // BLOCK_BYTES) * BLOCK_BYTES
