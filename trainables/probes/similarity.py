"""Similarity of tasks: measurements to ask, before a target is trained, which intermediate task will help it.

    method      from which stages                          compared by              pair  text  choice  tagging  span
    textemb     before: intermediate, target of `none`     cosine                   yes   yes   yes     yes      yes
    semb        before: intermediate, target of `none`     cosine                   yes   yes   yes     yes      yes
    taskemb:C   after: intermediate, target of `none`      cosine per component C   yes   yes   yes     yes      yes
    logme       before: every target                       greater is better        yes   yes   yes     yes      yes
    knn         before: every target                       greater is better        yes   yes   yes     yes      yes
    leep, nce   before: targets after an intermediate      greater is better        yes   yes   no      yes      no
    train_size  before: every stage                        more is better           yes   yes   yes     yes      yes

TextEmb and TaskEmb are those of Vu et al. (2020), LogME of You et al. (2021), LEEP of Nguyen et al. (2020), NCE of Tran
et al. (2019). kNN asks the five nearest neighbours of other inputs. SEmb (Poth et al. 2021) takes a sentence encoder,
and none exists for all languages: the layer that retrieval reads replaces it.

LEEP and NCE need a head of the intermediate task that answers the question of the target, with one label per pair,
text or word: the head of a pair task has no labels for words. Heads of span tasks and of multiple choice have no labels
at all. Choices and spans as targets have labels only as rows (`LabelledRows`), for which no head of another task has
predictions. The first token's component of `taskemb` is absent where no head reads that token (profiles that pool
segments, words). A head on fused layers (method `layers`) has no `taskemb` and is not handed on, because it reads other
states than the other heads do.

Texts are the inputs of the encoder in the task: both sentences of a pair in one row, an option with its question, a
window of a passage. Each set is a sample of MAX_INPUTS inputs, or of FISHER_EXAMPLES for the Fisher information, drawn
by the seed of the chain: all chains of a seed have the same sample. A mixture is not a task, so only its size is kept.
"""

from collections.abc import Iterator

import numpy as np
import torch

from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE, parse_chain
from spaces.model_files import LABEL_HEAD_FILE
from spaces.stage import Stage
from trainables.data.task_data import resolve_labels
from trainables.kinds import KINDS
from trainables.kinds.label_head import KINDS_WITH_LABELS, LabelHead, read_label_head
from trainables.models.encoder import Encoder
from trainables.models.layer_fusion import LayerFusion
from trainables.probes import frozen_features
from trainables.probes.family import FamilyResult, Measurement, Prober, ProbeSubject
from trainables.probes.fisher import compute_task_embedding
from trainables.probes.transferability import leave_one_out_accuracy, leep, logme, nce
from trainables.record.context import ENCODER
from trainables.retrieval.embeddings import official_layer_of
from trainables.training.fine_tuning import FineTuning
from trainables.worker.heartbeat import beat

PROBED_TASK_KINDS = ("pair", "text", "choice", "tagging", "span")  # kinds with examples and gold labels of their own
FISHER_EXAMPLES = 48  # each needs a backward pass of its own


def measure(subject: ProbeSubject) -> FamilyResult:
    """Return the measurements that the table above lists for the stage."""
    parts, is_start = subject.require_training().parts, subject.when == "before"
    measurements = []
    if is_start:
        measurements.append(Measurement(probe="train_size", value=float(sum(part.example_count for part in parts))))
    if len(parts) == 1 and parts[0].task.kind in PROBED_TASK_KINDS:
        measurements += _measure_start(subject) if is_start else _measure_trained(subject)
    return FamilyResult(measurements)


def _measure_start(subject: ProbeSubject) -> Iterator[Measurement]:
    """Yield measurements of the encoder that the stage started from, on the stage's training set."""
    part, encoder, stage = subject.require_training().parts[0], subject.encoder, subject.stage
    inputs = frozen_features.sample_inputs(part, frozen_features.MAX_INPUTS, stage.seed)
    if _represents_task(stage):
        layer = official_layer_of(encoder, subject.profile)
        text, sentence = frozen_features.embed_texts(encoder, part.task.kind, inputs, layer)
        yield Measurement(probe="textemb", vector=tuple(text.tolist()))
        yield Measurement(probe="semb", vector=tuple(sentence.tolist()), layer=layer)
    if stage.kind == "target":
        rng, head = np.random.default_rng(stage.seed), _read_parent_head(subject)
        kind, profile = part.task.kind, subject.profile
        yield from _measure_rows(frozen_features.extract_labelled_rows(encoder, kind, inputs, profile, rng, head))


def _measure_rows(rows: frozen_features.LabelledRows) -> Iterator[Measurement]:
    """Yield the fit of labels by frozen features and by another task's predictions; nothing if all labels are equal."""
    if len(np.unique(rows.labels)) < 2:
        return
    yield Measurement(probe="logme", value=logme(rows.features, rows.labels))
    beat()
    if len(np.unique(rows.inputs)) > 1:
        yield Measurement(probe="knn", value=leave_one_out_accuracy(rows.features, rows.labels, rows.inputs))
        beat()
    if rows.source_probabilities is not None:
        yield Measurement(probe="leep", value=leep(rows.source_probabilities, rows.labels))
        yield Measurement(probe="nce", value=nce(rows.source_probabilities.argmax(axis=1), rows.labels))


def _measure_trained(subject: ProbeSubject) -> Iterator[Measurement]:
    """Yield measurements of the encoder that the stage trained, with its head, on the stage's training set."""
    if not _represents_task(subject.stage):
        return
    embedding = embed_task(subject.encoder, subject.require_training(), subject.stage.seed)
    for component, vector in (embedding or {}).items():
        yield Measurement(probe=f"taskemb:{component}", vector=tuple(vector.tolist()))


def embed_task(encoder: Encoder, training: FineTuning, seed: int) -> dict[str, torch.Tensor] | None:
    """Return the Fisher information of a training's task; None for a mixture, masked words, and fused layers."""
    part, head = training.parts[0], training.heads[0]
    if len(training.parts) > 1 or isinstance(head, LayerFusion) or part.task.kind not in PROBED_TASK_KINDS:
        return None
    inputs = frozen_features.sample_inputs(part, FISHER_EXAMPLES, seed)
    return compute_task_embedding(encoder, head, KINDS[part.task.kind], inputs)


def _represents_task(stage: Stage) -> bool:
    """Return True if the stage is the first to train the encoder, so that its data represent a task by themselves.

    Unlike `has_no_phase_before` it is False for the floor and for baselines with a method, which are not compared with
    other tasks.
    """
    return stage.kind == "intermediate" or stage.intermediate == NONE


def _read_parent_head(subject: ProbeSubject) -> LabelHead | None:
    """Return the head of the intermediate task that the stage starts from; None if it is of another kind of task."""
    stage, context, kind = subject.stage, subject.context, subject.require_training().parts[0].task.kind
    tasks = [ingredient.task for ingredient in parse_chain(stage.intermediate).ingredients]
    intermediates = BENCHMARKS.find(stage.benchmark).intermediates
    task = intermediates.get(tasks[0]) if len(tasks) == 1 else None
    if task is None or task.kind != kind or kind not in KINDS_WITH_LABELS:
        return None
    content = context.results.read(context.file_name(f"{stage.parent}", f"{ENCODER}/{LABEL_HEAD_FILE}"))
    task = resolve_labels(context.source, task)
    return None if content is None else read_label_head(content, task, subject.encoder, subject.profile)


PROBER = Prober(measure=measure, probes_start=lambda stage: stage.kind in ("intermediate", "target"))
