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
from spaces.chain import NONE, read_chain
from spaces.stage import Stage
from trainables.data.data import complete
from trainables.kinds import KINDS
from trainables.kinds.label_head import LABELLED, LabelHead, read_label_head
from trainables.models.encoder_folder import LABEL_HEAD
from trainables.models.layer_fusion import LayerFusion
from trainables.probes.family import Family, Found, Reading, Subject
from trainables.probes.fisher import task_embedding
from trainables.probes.frozen import INPUTS, Labelled, labelled, sample, text_means
from trainables.probes.label_transfer import leep, nce
from trainables.probes.logme import logme
from trainables.probes.neighbour_vote import leave_one_out
from trainables.record.places import ENCODER
from trainables.retrieval.sentences import layer_of
from trainables.worker.heartbeat import beat

PROBED = ("pair", "choice", "tagging", "span")  # kinds with examples and gold labels of their own
EXAMPLES = 48  # of which the Fisher information is the mean: each takes a backward pass of its own


def measure(subject: Subject) -> Found:
    """What the table above says of this stage."""
    parts, before = subject.work.parts, subject.when == "before"
    readings = []
    if before:
        readings.append(Reading(probe="train_size", value=float(sum(part.examples for part in parts))))
    if len(parts) == 1 and parts[0].task.kind in PROBED:
        readings += _before(subject) if before else _after(subject)
    return Found(readings)


def _before(subject: Subject) -> Iterator[Reading]:
    """Of the encoder that the stage started from, on the stage's training set."""
    part, encoder, stage = subject.work.parts[0], subject.encoder, subject.stage
    inputs = sample(part, INPUTS, stage.seed)
    if _of_start(stage):
        layer = layer_of(encoder, subject.profile)
        text, sentence = text_means(encoder, part.task.kind, inputs, layer)
        yield Reading(probe="textemb", vector=tuple(text.tolist()))
        yield Reading(probe="semb", vector=tuple(sentence.tolist()), layer=layer)
    if stage.kind == "target":
        rng = np.random.default_rng(stage.seed)
        yield from _fits(labelled(encoder, part.task.kind, inputs, subject.profile, rng, _head_of_parent(subject)))


def _fits(rows: Labelled) -> Iterator[Reading]:
    """How well frozen features and another task's answers fit labels; nothing where all labels are the same."""
    if len(np.unique(rows.labels)) < 2:
        return
    yield Reading(probe="logme", value=logme(rows.features, rows.labels))
    beat()
    if len(np.unique(rows.groups)) > 1:
        yield Reading(probe="knn", value=leave_one_out(rows.features, rows.labels, rows.groups))
        beat()
    if rows.answers is not None:
        yield Reading(probe="leep", value=leep(rows.answers, rows.labels))
        yield Reading(probe="nce", value=nce(rows.answers.argmax(axis=1), rows.labels))


def _after(subject: Subject) -> Iterator[Reading]:
    """Of the encoder that the stage made, with its head, on the stage's training set."""
    if not _of_start(subject.stage) or isinstance(subject.work.heads[0], LayerFusion):
        return
    part = subject.work.parts[0]
    inputs = sample(part, EXAMPLES, subject.stage.seed)
    found = task_embedding(subject.encoder, subject.work.heads[0], KINDS[part.task.kind], inputs)
    for component, vector in found.items():
        yield Reading(probe=f"taskemb:{component}", vector=tuple(vector.tolist()))


def _of_start(stage: Stage) -> bool:
    """Whether the stage is the first to train the encoder, so that its data stand for a task by themselves."""
    return stage.kind == "intermediate" or stage.intermediate == NONE


def _head_of_parent(subject: Subject) -> LabelHead | None:
    """The head of the intermediate task that the stage starts from; None if its kind is not the stage's own."""
    stage, place, kind = subject.stage, subject.place, subject.work.parts[0].task.kind
    before = read_chain(stage.intermediate).ingredients
    known = BENCHMARKS.find(stage.benchmark).intermediates
    if len(before) != 1 or before[0].task not in known or known[before[0].task].kind != kind or kind not in LABELLED:
        return None
    content = place.results.read(place.name(f"{stage.parent}", f"{ENCODER}/{LABEL_HEAD}"))
    task = complete(place.source, known[before[0].task])
    return None if content is None else read_label_head(content, task, subject.encoder, subject.profile)


FAMILY = Family(measure=measure, before=lambda stage: stage.kind in ("intermediate", "target"))
