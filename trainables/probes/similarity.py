"""Similarity of tasks: what is needed to ask, before a target is trained, which intermediate task will help it.

    method      from which stages                          compared by              pair  choice  tagging  span
    textemb     before: intermediate, target of `none`     cosine                   yes   yes     yes      yes
    semb        before: intermediate, target of `none`     cosine                   yes   yes     yes      yes
    taskemb:C   after: intermediate, target of `none`      cosine per component C   yes   yes     yes      yes
    logme       before: every target                       greater is better        yes   yes     yes      yes
    knn         before: every target                       greater is better        yes   yes     yes      yes
    leep, nce   before: targets after an intermediate      greater is better        yes   no      yes      no
    train_size  before: every stage                        more is better           yes   yes     yes      yes

TextEmb and TaskEmb are those of Vu et al. (2020), LogME of You et al. (2021), LEEP of Nguyen et al. (2020), NCE of Tran
et al. (2019); kNN asks the five nearest neighbours, their input left out. SEmb (Poth et al. 2021) takes a sentence
encoder, and none is at hand in all languages: the layer that retrieval reads stands in for it.

LEEP and NCE need the intermediate task's head to answer the question that the target asks, one label per pair or one
per word: a pair task says nothing of words. Heads of span tasks and of multiple choice have no labels at all. Choices
and answers as targets have labels only as rows (`frozen.Labelled`), which no head of another task speaks of. The first
token's component of `taskemb` is absent where no head reads that token (profiles that pool segments, words). A head on
fused layers (method `layers`) has no `taskemb` and is not handed on: it reads other states than the others do.

Texts are taken as the task gives them to the encoder: both sentences of a pair in one row, an option with its question,
a window of a passage. Each set is a sample of `frozen.INPUTS` inputs, for the Fisher information of EXAMPLES, drawn by
the seed of the chain: all chains of a seed are asked about the same ones. Of mixtures, which are no task, only the size
is kept.
"""

from collections.abc import Iterator

import numpy as np

from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE, parse_chain
from spaces.stage import Stage
from trainables.data.task_data import resolve_labels
from trainables.kinds import KINDS
from trainables.kinds.label_head import KINDS_WITH_LABELS, LabelHead, read_label_head
from trainables.models.encoder_folder import LABEL_HEAD_FILE
from trainables.models.layer_fusion import LayerFusion
from trainables.probes.family import FamilyResult, Measurement, Prober, ProbeSubject
from trainables.probes.fisher import compute_task_embedding
from trainables.probes.frozen_features import (
    MAX_INPUTS,
    LabelledRows,
    embed_texts,
    extract_labelled_rows,
    sample_inputs,
)
from trainables.probes.label_transfer import leep, nce
from trainables.probes.logme import logme
from trainables.probes.neighbour_vote import leave_one_out_accuracy
from trainables.record.context import ENCODER
from trainables.retrieval.embeddings import official_layer_of
from trainables.worker.heartbeat import beat

PROBED_TASK_KINDS = ("pair", "choice", "tagging", "span")  # kinds with examples and gold labels of their own
FISHER_EXAMPLES = 48  # of which the Fisher information is the mean: each takes a backward pass of its own


def measure(subject: ProbeSubject) -> FamilyResult:
    """What the table above says of this stage."""
    parts, before = subject.fine_tuning.parts, subject.when == "before"
    readings = []
    if before:
        readings.append(Measurement(probe="train_size", value=float(sum(part.example_count for part in parts))))
    if len(parts) == 1 and parts[0].task.kind in PROBED_TASK_KINDS:
        readings += _measure_start(subject) if before else _measure_trained(subject)
    return FamilyResult(readings)


def _measure_start(subject: ProbeSubject) -> Iterator[Measurement]:
    """Of the encoder that the stage started from, on the stage's training set."""
    part, encoder, stage = subject.fine_tuning.parts[0], subject.encoder, subject.stage
    inputs = sample_inputs(part, MAX_INPUTS, stage.seed)
    if _represents_task(stage):
        layer = official_layer_of(encoder, subject.profile)
        text, sentence = embed_texts(encoder, part.task.kind, inputs, layer)
        yield Measurement(probe="textemb", vector=tuple(text.tolist()))
        yield Measurement(probe="semb", vector=tuple(sentence.tolist()), layer=layer)
    if stage.kind == "target":
        rng = np.random.default_rng(stage.seed)
        yield from _measure_rows(
            extract_labelled_rows(encoder, part.task.kind, inputs, subject.profile, rng, _read_parent_head(subject))
        )


def _measure_rows(rows: LabelledRows) -> Iterator[Measurement]:
    """How well frozen features and another task's answers fit labels; nothing where all labels are the same."""
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
    """Of the encoder that the stage made, with its head, on the stage's training set."""
    if not _represents_task(subject.stage) or isinstance(subject.fine_tuning.heads[0], LayerFusion):
        return
    part = subject.fine_tuning.parts[0]
    inputs = sample_inputs(part, FISHER_EXAMPLES, subject.stage.seed)
    found = compute_task_embedding(subject.encoder, subject.fine_tuning.heads[0], KINDS[part.task.kind], inputs)
    for component, vector in found.items():
        yield Measurement(probe=f"taskemb:{component}", vector=tuple(vector.tolist()))


def _represents_task(stage: Stage) -> bool:
    """Whether the stage is the first to train the encoder, so that its data stand for a task by themselves."""
    return stage.kind == "intermediate" or stage.intermediate == NONE


def _read_parent_head(subject: ProbeSubject) -> LabelHead | None:
    """The head of the intermediate task that the stage starts from; None if its kind is not the stage's own."""
    stage, place, kind = subject.stage, subject.context, subject.fine_tuning.parts[0].task.kind
    before = parse_chain(stage.intermediate).ingredients
    known = BENCHMARKS.find(stage.benchmark).intermediates
    if (
        len(before) != 1
        or before[0].task not in known
        or known[before[0].task].kind != kind
        or kind not in KINDS_WITH_LABELS
    ):
        return None
    content = place.results.read(place.file_name(f"{stage.parent}", f"{ENCODER}/{LABEL_HEAD_FILE}"))
    task = resolve_labels(place.source, known[before[0].task])
    return None if content is None else read_label_head(content, task, subject.encoder, subject.profile)


PROBER = Prober(measure=measure, probes_start=lambda stage: stage.kind in ("intermediate", "target"))
