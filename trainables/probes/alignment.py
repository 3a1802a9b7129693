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

from spaces.chain import parse_chain
from spaces.errors import UsageError
from spaces.stage import Stage
from trainables.probes.family import FamilyResult, Measurement, Prober, ProbeSubject
from trainables.probes.tag_transfer import measure_tag_transfer
from trainables.probes.translations import load_translations
from trainables.probes.vector_similarity import build_gram, cosine_gap, permuted_cka, random_cosine, unbiased_cka
from trainables.retrieval.embeddings import embed
from trainables.retrieval.neighbours import MARGIN_NEIGHBOURS, Neighbours, compute_margins, find_neighbours
from trainables.worker.heartbeat import beat


def measure(subject: ProbeSubject) -> FamilyResult:
    """All probes of one encoder; where the data lack what one reads there is a note and no reading."""
    found = FamilyResult()
    for read in (_measure_sentences, measure_tag_transfer):
        try:
            found.measurements.extend(read(subject))
        except UsageError as error:
            found.notes.append(f"not probed: {error}")
    return found


def has_no_phase_before(stage: Stage) -> bool:
    """Whether no intermediate phase, which would have measured its encoder, came before the stage."""
    return stage.kind == "intermediate" or not parse_chain(stage.intermediate).ingredients


PROBER = Prober(measure=measure, probes_start=has_no_phase_before, encoder_only=True)


def _measure_sentences(subject: ProbeSubject) -> Iterator[Measurement]:
    """The readings of parallel sentences, language by language; English ones that languages share are embedded once."""
    encoder, device = subject.encoder, subject.encoder.device
    layers = range(int(encoder.model.config.num_hidden_layers) + 1)

    @functools.lru_cache(maxsize=1)
    def embedded(sentences: tuple[str, ...]) -> torch.Tensor:
        return embed(encoder, sentences, layers, normalise=False).to(device)

    for language, (english, foreign) in load_translations(subject.context.source).items():
        ours, theirs = embedded(english), embed(encoder, foreign, layers, normalise=False).to(device)
        for layer in layers:
            for name, value in measure_layer(theirs[layer], ours[layer]).items():
                yield Measurement(probe=name, value=value, layer=layer, language=language)
            beat()


def measure_layer(foreign: torch.Tensor, english: torch.Tensor) -> dict[str, float | None]:
    """The probes of sentences in one layer, row i beside its translation: (sentences, width) each, at least 4 rows."""
    theirs, ours = build_gram(foreign), build_gram(english)
    asking, asked = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (foreign, english))
    of = find_neighbours(asking, asked, MARGIN_NEIGHBOURS, foreign.device)
    back = find_neighbours(asked, asking, MARGIN_NEIGHBOURS, foreign.device)
    return {
        "cka": unbiased_cka(theirs, ours),
        "cka_permuted": permuted_cka(theirs, ours),
        "retrieval_forward": _hit_rate(of.indices[:, 0]),
        "retrieval_backward": _hit_rate(back.indices[:, 0]),
        "margin_forward": _hit_rate(_nearest_by_margin(of, back)),
        "margin_backward": _hit_rate(_nearest_by_margin(back, of)),
        "retrieval_chance": 1 / len(foreign),
        "cosine_gap": cosine_gap(foreign, english),
        "random_cosine": random_cosine(foreign, english),
    }


def _nearest_by_margin(of: Neighbours, back: Neighbours) -> torch.Tensor:
    """The neighbour of highest ratio margin of each vector."""
    return of.indices.gather(1, compute_margins(of, back).argmax(1, keepdim=True)).flatten()


def _hit_rate(found: torch.Tensor) -> float:
    """The share of vectors that found their own place."""
    return float((found == torch.arange(len(found))).double().mean())
