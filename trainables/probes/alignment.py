"""Alignment probes: does an encoder treat what translates each other alike? In every layer, language by language.

    cka, cka_permuted                     unbiased linear CKA of parallel sentences; the same with one side shuffled
    retrieval_forward, retrieval_backward share of sentences whose translation is nearest by cosine: into English, out
    margin_forward, margin_backward       the same by ratio margin among the nearest four
    retrieval_chance                      what drawing one of the sentences would find
    cosine_gap                            cosine of translations less that of other pairs, both languages centred
    random_cosine                         mean cosine of pairs that are no translations, not centred (anisotropy)
    transfer_accuracy                     of a linear probe for tags, trained on English words, read in each language
    transfer_ratio                        that accuracy, divided by the one in English
    transfer_chance                       accuracy of the commonest English tag

Sentences are the means of their tokens. The samples are the same for every encoder, so that differences are paired.
"""

import functools
from collections.abc import Iterator

import torch

from spaces.chain import read_chain
from spaces.errors import UsageError
from spaces.stage import Stage
from trainables.probes.family import Family, Found, Reading, Subject
from trainables.probes.likeness import cosine_gap, gram, permuted_cka, random_cosine, unbiased_cka
from trainables.probes.tag_transfer import tag_transfer
from trainables.probes.translations import translations
from trainables.retrieval.neighbours import NEAREST, Neighbours, margins, neighbours
from trainables.retrieval.sentences import embed
from trainables.worker.heartbeat import beat


def measure(subject: Subject) -> Found:
    """All probes of one encoder; where the data lack what one reads there is a note and no reading."""
    found = Found()
    for read in (_of_sentences, tag_transfer):
        try:
            found.readings.extend(read(subject))
        except UsageError as error:
            found.notes.append(f"not probed: {error}")
    return found


def starts_afresh(stage: Stage) -> bool:
    """Whether no intermediate phase, which would have measured its encoder, came before the stage."""
    return stage.kind == "intermediate" or not read_chain(stage.intermediate).ingredients


FAMILY = Family(measure=measure, before=starts_afresh, encoder_only=True)


def _of_sentences(subject: Subject) -> Iterator[Reading]:
    """The readings of parallel sentences, language by language; English ones that languages share are embedded once."""
    encoder, device = subject.encoder, subject.encoder.device
    layers = range(int(encoder.model.config.num_hidden_layers) + 1)

    @functools.lru_cache(maxsize=1)
    def embedded(sentences: tuple[str, ...]) -> torch.Tensor:
        return embed(encoder, sentences, layers, unit=False).to(device)

    for language, (english, foreign) in translations(subject.place.source).items():
        ours, theirs = embedded(english), embed(encoder, foreign, layers, unit=False).to(device)
        for layer in layers:
            for name, value in likeness(theirs[layer], ours[layer]).items():
                yield Reading(probe=name, value=value, layer=layer, language=language)
            beat()


def likeness(foreign: torch.Tensor, english: torch.Tensor) -> dict[str, float | None]:
    """The probes of sentences in one layer, row i beside its translation: (sentences, width) each, at least 4 rows."""
    theirs, ours = gram(foreign), gram(english)
    asking, asked = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (foreign, english))
    of = neighbours(asking, asked, NEAREST, foreign.device)
    back = neighbours(asked, asking, NEAREST, foreign.device)
    return {
        "cka": unbiased_cka(theirs, ours),
        "cka_permuted": permuted_cka(theirs, ours),
        "retrieval_forward": _hits(of.indices[:, 0]),
        "retrieval_backward": _hits(back.indices[:, 0]),
        "margin_forward": _hits(_by_margin(of, back)),
        "margin_backward": _hits(_by_margin(back, of)),
        "retrieval_chance": 1 / len(foreign),
        "cosine_gap": cosine_gap(foreign, english),
        "random_cosine": random_cosine(foreign, english),
    }


def _by_margin(of: Neighbours, back: Neighbours) -> torch.Tensor:
    """The neighbour of highest ratio margin of each vector."""
    return of.indices.gather(1, margins(of, back).argmax(1, keepdim=True)).flatten()


def _hits(found: torch.Tensor) -> float:
    """The share of vectors that found their own place."""
    return float((found == torch.arange(len(found))).double().mean())
