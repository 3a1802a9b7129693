"""Sizes of the files that the stages of a request leave, before anything runs: from shapes, recipes and known rows.

Weights and moments are exact but for headers. Tokenised tables and predictions of real data are estimates from the
published numbers of rows and the figures below, on the safe side.
"""

from search.cost.disk_plan import Sizes
from search.request.request import Request
from spaces.dataset import Part
from spaces.encoders import Shape
from spaces.phase import tasks_of
from spaces.plan import Stratum, by_sort
from spaces.profile import PROFILES, Profile
from spaces.space import Range
from spaces.stage import TENTHS
from spaces.task import Kind, Task
from spaces.xtreme_data import DATASETS, PARTS
from trainables.storage.base import is_remote

BLOCK = 4096  # file systems give space in blocks
FLOAT = 4
HEADER = 160  # bytes of a tensor's name and place in a file of weights
TENSORS = 16  # of one layer
TOKENIZER = 90  # bytes of a vocabulary entry in tokenizer.json
LABELS = 1500  # of a tagging task that only its data can tell: supertags
SCORES, SCORE = 7_000, 40  # bytes of a file of scores: empty, and of one row more
PROBES = 200_000  # bytes of a family of probes: some 10,000 values where 25 layers speak 36 languages

# Bytes of one row: its predictions, and its sub-tokens in a tokenised table (up to 16 bytes each, and 40 beside).
PREDICTION: dict[Kind, int] = {"pair": 16, "choice": 16, "tagging": 80, "span": 100, "mlm": 200, "retrieval": 40}
TABLE: dict[Kind, int] = {"pair": 900, "choice": 1_600, "tagging": 700, "span": 4_000, "mlm": 3_000, "retrieval": 0}
UNKNOWN = 10_000  # rows of a test set in one language, where the number is not known from here


def sizes_of(request: Request, shape: Shape) -> Sizes:
    """Bytes by stratum."""
    profile = PROFILES.find(request.maker.start.profile)
    return Sizes(
        encoder=_encoder(shape),
        checkpoint=by_sort(request.plan, lambda stratum: _checkpoint(request, stratum, shape, profile)),
        small=by_sort(request.plan, lambda stratum: _small(request, stratum)),
        shared=_own(request) + _tables(request),
    )


def _encoder(shape: Shape) -> int:
    """Weights, tokenizer, the head for masked words, and two small files, in a folder."""
    weights = FLOAT * shape.parameters + HEADER * (TENSORS * shape.layers + 8)
    words = FLOAT * (shape.width**2 + 3 * shape.width + shape.vocabulary) + 8 * HEADER
    return _blocks(weights) + _blocks(words) + _blocks(TOKENIZER * shape.vocabulary) + 3 * BLOCK


def _checkpoint(request: Request, stratum: Stratum, shape: Shape, profile: Profile) -> int:
    """Weights, best weights and two moments of what is trained; pretraining keeps no best weights."""
    if stratum.kind == "retrieval":
        return 0
    pretrain = stratum.kind == "pretrain"
    head = (
        shape.width**2 + shape.vocabulary
        if pretrain
        else sum(_head(task, shape, profile) for task in trained(request, stratum))
    )
    copies = (3 if pretrain else 4) * (shape.parameters + head)
    return _blocks(FLOAT * copies + 4 * HEADER * (TENSORS * shape.layers + 16) + 2 * BLOCK)


def _head(task: Task, shape: Shape, profile: Profile) -> int:
    """Parameters of a task's head."""
    labels, width = len(task.labels) or LABELS, shape.width
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


def trained(request: Request, stratum: Stratum) -> list[Task]:
    """The tasks that an intermediate or target stage trains."""
    benchmark = request.benchmark
    if stratum.kind == "target":
        return [benchmark.targets[stratum.targets[0]]]
    return list(tasks_of(request.maker.phases[stratum.task], benchmark))


def _small(request: Request, stratum: Stratum) -> int:
    """What a stage leaves for good: its folder, specification, outcome, scores, predictions."""
    tasks = [request.benchmark.targets[name] for name in stratum.targets]
    languages = sum(len(task.languages) for task in tasks)
    rows = sum((TENTHS + len(task.languages)) * (len(task.score) + len(task.beside) + 1) for task in tasks)
    found = 3 * BLOCK + _blocks(SCORES + SCORE * rows)
    if request.place.probes and stratum.kind in ("intermediate", "target"):
        found += len(request.place.probes) * PROBES
    if request.place.predictions and stratum.kind != "pretrain":
        shown = sum(PREDICTION[task.kind] * _rows(request, task) * len(task.languages) for task in tasks)
        found += _blocks(SCORES + shown + 1_000 * languages)
    return found


def _rows(request: Request, task: Task) -> int:
    """Test rows in one language."""
    found = UNKNOWN
    name = task.clean or task.name
    if name in PARTS and request.benchmark.name != "miniature":
        found = sum(_published(part) or UNKNOWN for part in PARTS[name].test)
    return found if request.maker.test_limit is None else min(found, request.maker.test_limit)


def _published(part: Part) -> int | None:
    """Rows of the first split that the part may be read from."""
    return DATASETS[part.dataset].rows.get(part.splits[0])


def _tables(request: Request) -> int:
    """Tokenised data: what is trained on, English dev, and every test language. They may also lie elsewhere."""
    place = request.place
    if request.benchmark.name == "miniature" or place.scratch is not None or is_remote(place.results.url):
        return 0
    total = 0
    for need in request.tasks:
        task = need.task
        parts = PARTS[task.clean or task.name]
        rows = sum(_published(part) or UNKNOWN for part in parts.train)
        rows = rows if request.maker.limit is None else min(rows, request.maker.limit)
        dev = sum(_published(part) or UNKNOWN for part in parts.dev)
        dev = dev if request.maker.test_limit is None else min(dev, request.maker.test_limit)
        test = _rows(request, task) * len(task.languages) if need.role == "target" else 0
        learnt = 0 if task.clean else rows + dev  # a shifted target is trained and judged by the clean one's tables
        total += TABLE[task.kind] * task.options * (learnt + test)
        total += 12 * BLOCK * (2 + len(task.languages))
    return total


def _own(request: Request) -> int:
    """The sweep's folder: its own file with the copy that replaces it, the rungs, the draws, what runs now."""
    stages = sum(stratum.arms for stratum in request.plan)
    drawn = 4_000 * stages if isinstance(request.axes.learning_rates, Range) else 0
    record = _blocks(20_000 + 200 * stages + 200 * len(request.plan))
    return 2 * record + BLOCK * (6 + len(request.plan)) + drawn


def _blocks(number: int) -> int:
    return -(-number // BLOCK) * BLOCK
