"""Measure this machine with one encoder: training steps, evaluation, nearest neighbours, files.

The steps are those of a trial: forward and backward pass, clipping and AdamW of `training/fine_tuning.py`, with one
thread, on the device of the trial. On the CPU the time of the process counts and not the clock on the wall, so that
other programs are not counted: it is the speed of an idle machine.
"""

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from search.cost.pass_speed import Load, MachineSpeed, fit_speed, load_of_batch
from spaces.encoders import EncoderProfile, MiniatureRecipe
from spaces.stage import TENTHS
from spaces.task import Recipe, Task
from spaces.whole_files import write_file
from trainables.features.examples import PairExample
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.miniature.world import World
from trainables.models.encoder import Encoder
from trainables.models.encoder_shape import count_positions
from trainables.record.tensor_file import write_tensors
from trainables.retrieval.neighbours import MARGIN_NEIGHBOURS, find_neighbours
from trainables.training.batches import Batches, TrainingPart
from trainables.training.evaluation import EVAL_BATCH_TOKENS, EvalSet
from trainables.training.fine_tuning import FineTuning
from trainables.training.miniature_encoder import start_pretraining

# Rows and sub-tokens of the batches that are timed, smallest first.
SHAPES = ((2, 16), (4, 32), (16, 32), (32, 32), (32, 64), (16, 128), (32, 128), (32, 256))
REPEATS = 3  # of which the median counts, after one to warm up
SHAPE_SECONDS = 1.5  # after which a shape is not repeated
STEP_SECONDS, EVALUATION_SECONDS = 10.0, 5.0  # for all shapes, as far as can be foreseen
MOST_STEPS = 1_000
VECTORS, OTHER_VECTORS = 512, 2_048  # sentence vectors that are compared
STORED_BYTES = 64 * 2**20  # of weights that are written to time a file
SAMPLE_TEXTS = 2_000  # of the miniature's pretraining
SAMPLE_RECIPE = Recipe(steps=MOST_STEPS)
SAMPLE_TASK = Task(name="speed", kind="pair", about="Random pieces.", labels=("no", "yes"), recipe=SAMPLE_RECIPE)

Shape = tuple[int, int]  # rows of a batch, sub-tokens of a row
Clock = Callable[[], float]


def measure_speed(encoder: Encoder, profile: EncoderProfile, shapes: Sequence[Shape] = SHAPES) -> MachineSpeed:
    """Return the speed of training and evaluating an encoder on its device. Its weights stay what they are."""
    clock, device = _choose_clock(encoder.device), encoder.device.type
    longest = count_positions(encoder.model) or shapes[-1][1]
    shapes = tuple(dict.fromkeys((rows, min(length, longest)) for rows, length in shapes))
    eval_shapes = [shape for shape in shapes if shape[0] * shape[1] <= EVAL_BATCH_TOKENS[device]]
    wall, process = time.perf_counter(), time.process_time()
    with _one_thread():
        training = _start_training(encoder, profile)

        def prepare_step(shape: Shape) -> Callable[[], object]:
            part = TrainingPart(task=SAMPLE_TASK, table=build_sample(encoder, shape))
            training.batches = Batches([part], steps=MOST_STEPS, batch_size=shape[0], bucket=1, seed=0)
            return lambda: training.train(training.step + 1)

        def prepare_evaluation(shape: Shape) -> Callable[[], object]:
            examples = [PairExample("", "", 0)] * shape[0]
            table = build_sample(encoder, shape)
            eval_set = EvalSet(task=SAMPLE_TASK, language="en", examples=examples, features=table)
            return lambda: training.evaluate(eval_set)

        step = fit_speed(time_shapes(prepare_step, shapes, clock, STEP_SECONDS))
        forward = fit_speed(time_shapes(prepare_evaluation, eval_shapes, clock, EVALUATION_SECONDS))
        per_cosine = _time_cosines(encoder, clock)
    slowdown = (time.perf_counter() - wall) / max(1e-9, time.process_time() - process)
    return MachineSpeed(
        step=step,
        forward=forward,
        per_cosine=per_cosine,
        encoder_bytes=sum(weight.nbytes for weight in encoder.model.parameters()),
        slowdown=1.0 if device == "cuda" else max(1.0, slowdown),
    )


def time_shapes(
    prepare: Callable[[Shape], Callable[[], object]], shapes: Sequence[Shape], clock: Clock, most_seconds: float
) -> list[tuple[Load, float]]:
    """Return the load and the seconds of batches: the smallest shape, then always the largest that the time allows.

    At least two shapes are timed, whatever that takes.
    """
    began, waiting, timings = time.perf_counter(), list(shapes), list[tuple[Load, float]]()
    while waiting:
        left = most_seconds - (time.perf_counter() - began)
        affordable = [shape for shape in waiting if timings and 2 * _expect_seconds(shape, timings) <= left]
        if not affordable and len(timings) > 1:
            break
        shape = affordable[-1] if affordable else waiting[0]
        waiting.remove(shape)
        timings.append((load_of_batch(*shape), _time_often(prepare(shape), clock)))
    return timings


def _expect_seconds(shape: Shape, timings: Sequence[tuple[Load, float]]) -> float:
    load = load_of_batch(*shape)
    if len(timings) > 1:
        return fit_speed(timings).seconds_of(load)
    (first, seconds), *_ = timings
    return seconds * load.tokens / first.tokens


def _time_often(run: Callable[[], object], clock: Clock) -> float:
    """Return the median seconds of a few runs, after one to warm up."""
    run()
    seconds: list[float] = []
    while len(seconds) < REPEATS and sum(seconds) < SHAPE_SECONDS:
        seconds.append(_time(run, clock))
    return median(seconds)


def build_sample(encoder: Encoder, shape: Shape) -> FeatureTable:
    """Return a table of pairs of one length, made of random pieces of the vocabulary."""
    rows, length = shape
    rng = np.random.default_rng(0)
    special = {*encoder.tokenizer.all_special_ids}
    pieces = range(encoder.model.get_input_embeddings().weight.shape[0])  # type: ignore[union-attr, index]
    ordinary = np.array([piece for piece in pieces if piece not in special], np.int32)
    marks = (np.arange(length, dtype=np.int32) * 2 // length,)  # two segments of one length
    features = [
        Feature(example=i, rows=(rng.choice(ordinary, length),), types=None, target=np.array(0, np.int32), marks=marks)
        for i in range(rows)
    ]
    return build_table([features], per_position=False)


def _start_training(encoder: Encoder, profile: EncoderProfile) -> FineTuning:
    part = TrainingPart(task=SAMPLE_TASK, table=build_sample(encoder, (2, 8)))
    return FineTuning(encoder, [part], (), SAMPLE_RECIPE, profile, steps=MOST_STEPS, learning_rate=0.0, seed=0)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread, as a trial does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _choose_clock(device: torch.device) -> Clock:
    """Return the time of this process, or on a GPU the clock on the wall once the GPU has done its work."""
    if device.type != "cuda":
        return time.process_time

    def wait_and_read() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return wait_and_read


def _time(run: Callable[[], object], clock: Clock) -> float:
    began = clock()
    run()
    return clock() - began


def _time_cosines(encoder: Encoder, clock: Clock) -> float:
    """Return the seconds of one comparison of two sentence vectors, as retrieval searches for neighbours."""
    vectors, others = torch.randn(VECTORS, encoder.width), torch.randn(OTHER_VECTORS, encoder.width)
    search = partial(find_neighbours, vectors, others, MARGIN_NEIGHBOURS, encoder.device)
    return _time_often(search, clock) / (VECTORS * OTHER_VECTORS)


def measure_miniature(world: World, recipe: MiniatureRecipe, profile: EncoderProfile) -> tuple[Encoder, MachineSpeed]:
    """Return a fresh encoder of the miniature's recipe, and its speed with that of its pretraining."""
    short = dataclasses.replace(recipe, texts=SAMPLE_TEXTS, steps=TENTHS)  # a tenth is one step
    began = time.process_time()
    with _one_thread():
        pretraining = start_pretraining(world, short)
        per_text = (time.process_time() - began) / (SAMPLE_TEXTS + recipe.held_out)
        scoring = _time_often(pretraining.score, time.process_time)
        steps = [_time(pretraining.advance, time.process_time) for _ in range(TENTHS)]
    per_step = max(0.0, median(steps) - scoring)
    encoder = Encoder(pretraining.encoder, pretraining.tokenizer, masked_word_head=pretraining.head)
    seconds = per_text * (recipe.texts + recipe.held_out) + per_step * recipe.steps + TENTHS * scoring
    return encoder, dataclasses.replace(measure_speed(encoder, profile), pretraining=seconds)


def time_storing(encoder: Encoder, folder: Path) -> float:
    """Return the seconds of writing one byte of weights to disk, by the clock on the wall: in or above `folder`."""
    weights: dict[str, torch.Tensor] = {}
    for name, weight in encoder.model.named_parameters():
        if sum(value.nbytes for value in weights.values()) < STORED_BYTES:
            weights[name] = weight.data[: max(1, STORED_BYTES // max(1, weight[:1].nbytes))]
    there = next((parent for parent in (folder, *folder.parents) if os.access(parent, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix=".speed-", dir=there) as temporary:
        fill = partial(write_tensors, tensors=weights)
        seconds = _time(lambda: write_file(Path(temporary) / "weights", fill), time.perf_counter)
    return seconds / sum(value.nbytes for value in weights.values())
