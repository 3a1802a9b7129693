"""The preview of a phase: how well its encoder suits each target so far, before any target is trained.

    probe    what it measures on English training rows of a target (greater: more gain is predicted)
    logme    evidence for the labels, given the features of the frozen encoder (You et al. 2021, ICML)
    knn      share of rows whose nearest neighbours of other inputs vote for their label
    speed    minus the mean loss of a short training of SHORT_STEPS steps, with a schedule of its own
    taskemb  similarity to the phase's own task: cosine of the Fisher information of both, as a mean over the parts of
             the encoder (Vu et al. 2020, EMNLP); the target's is taken after the short training

All phases of a seed read the same samples of rows, and their short trainings the same batches from the same head. The
short trainings are thrown away.
"""

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from spaces.encoders import EncoderProfile
from spaces.stage import TENTHS, Stage, stage_from_json
from trainables.models.encoder import Encoder
from trainables.probes.frozen_features import MAX_INPUTS, extract_labelled_rows, sample_inputs
from trainables.probes.similarity import embed_task
from trainables.probes.transferability import leave_one_out_accuracy, logme
from trainables.record.context import StageContext
from trainables.record.preview_file import append_measurements, is_previewed
from trainables.training.fine_tuning import FineTuning
from trainables.training.losses import DivergedError
from trainables.training_stage import start_training
from trainables.worker.heartbeat import beat
from trainables.worker.stage_clock import spend

SHORT_STEPS = 20
TaskEmbedding = Mapping[str, torch.Tensor]


def preview_if_due(stage: Stage, training: object, context: StageContext, profile: EncoderProfile) -> bool:
    """Measure a phase on every target of the context's preview once it is so far; return True if it was done now.

    The training goes on afterwards as if it had not been measured.
    """
    if not context.preview_tenth or stage.kind != "intermediate" or not isinstance(training, FineTuning):
        return False
    if training.tenth < context.preview_tenth or is_previewed(stage.key, context):
        return False
    with spend("probing"):
        append_measurements(stage.key, _measure_targets(stage, training, context, profile), context)
    return True


def _measure_targets(
    stage: Stage, training: FineTuning, context: StageContext, profile: EncoderProfile
) -> list[dict[str, Any]]:
    devices = [training.encoder.device] if training.encoder.device.type == "cuda" else []
    rows: list[dict[str, Any]] = []
    with torch.random.fork_rng(devices):
        phase_embedding = embed_task(training.encoder, training, stage.seed)
        for text in context.preview_targets:
            target = dataclasses.replace(stage_from_json(text), seed=stage.seed)
            columns = {"stage": stage.key, "intermediate": stage.intermediate, "seed": stage.seed}
            columns |= {"tenth": training.tenth, "training": target.task}
            values = _measure(target, phase_embedding, training, context, profile)
            rows += [{**columns, "probe": probe, "value": value} for probe, value in values]
            beat()
    return rows


def _measure(
    target: Stage,
    phase_embedding: TaskEmbedding | None,
    training: FineTuning,
    context: StageContext,
    profile: EncoderProfile,
) -> Iterator[tuple[str, float | None]]:
    """Yield each probe with its value; those that cannot be measured have none, or are left out."""
    encoder = _copy_encoder(training)
    recipe = {name: value for name, value in (target.recipe or {}).items() if name != "method"}
    recipe |= {"steps": SHORT_STEPS, "epochs": None, "most_steps": None}
    short = start_training(dataclasses.replace(target, recipe=recipe), encoder, context, profile)
    short.limit_micro_batch(training.micro_batch)
    short.may_halve = training.may_halve
    kind = short.parts[0].task.kind
    inputs = sample_inputs(short.parts[0], MAX_INPUTS, target.seed)
    rows = extract_labelled_rows(encoder, kind, inputs, profile, np.random.default_rng(target.seed))
    if np.isfinite(rows.features).all():
        yield "logme", logme(rows.features, rows.labels) if len(np.unique(rows.labels)) > 1 else None
        has_inputs = len(np.unique(rows.inputs)) > 1
        yield "knn", leave_one_out_accuracy(rows.features, rows.labels, rows.inputs) if has_inputs else None
    try:
        yield "speed", -short.train(SHORT_STEPS)
    except DivergedError:
        return
    target_embedding = embed_task(encoder, short, target.seed)
    yield "taskemb", None if phase_embedding is None else _compare(phase_embedding, target_embedding or {})


def _copy_encoder(training: FineTuning) -> Encoder:
    """Return a copy of the encoder that a training has now, with its adapters merged."""
    encoder = training.encoder
    model, head, adapters = copy.deepcopy((encoder.model, encoder.masked_word_head, training.adapters))
    if adapters is not None and training.tenth < TENTHS:  # at the end they are merged
        adapters.merge()
    return Encoder(model, encoder.tokenizer, encoder.precision, masked_word_head=head)


def _compare(one: TaskEmbedding, other: TaskEmbedding) -> float | None:
    """Return the mean over the parts that both have of the cosine of their vectors; None if they share no part."""
    parts = [name for name in one if name in other]
    cosines = [torch.nn.functional.cosine_similarity(one[name], other[name], dim=0).item() for name in parts]
    return float(np.mean(cosines)) if cosines else None
