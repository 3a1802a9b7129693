"""Alignment probes: similarity of an encoder's states of translations, in every layer, language by language.

    cka, cka_permuted                     unbiased linear CKA of parallel sentences; the same with one side shuffled
    retrieval_forward, retrieval_backward share of sentences whose translation is nearest by cosine: into English, out
    margin_forward, margin_backward       the same by ratio margin among the nearest four
    retrieval_chance                      expected share of a random choice among the sentences
    cosine_gap                            cosine of translations minus that of other pairs, both languages centred
    random_cosine                         mean cosine of pairs that are no translations, not centred (anisotropy)
    transfer_accuracy                     of a linear probe for tags, trained on English words, read in each language
    transfer_ratio                        that accuracy, divided by the one in English
    transfer_chance                       accuracy of the most frequent English tag

Sentences are the means of their tokens. No target is tested on them, so that none is measured by its own test rows:
SIB-200's training rows, and in the miniature sentences of their own. Where the data lack them, a target's are read, and
said. The samples are the same for every encoder, so that differences are paired. With the opt-in target `sib200`, its
encoder has been trained on their English side when it is measured.
"""

import functools
from collections.abc import Iterator

import torch

from spaces.errors import UsageError
from spaces.phase import has_phase
from spaces.stage import Stage
from trainables.models.encoder_shape import count_layers
from trainables.probes.family import FamilyResult, Measurement, Prober, ProbeSubject
from trainables.probes.tag_transfer import measure_tag_transfer
from trainables.probes.translations import load_translations
from trainables.probes.vector_similarity import build_gram, cosine_gap, permuted_cka, random_cosine, unbiased_cka
from trainables.retrieval.embeddings import embed
from trainables.retrieval.neighbours import find_both_ways, nearest_by_margin
from trainables.worker.heartbeat import beat


def measure(subject: ProbeSubject) -> FamilyResult:
    """Return all measurements of one encoder, with a note instead where the data for a probe are missing."""
    result = FamilyResult()
    for probe in (_measure_sentences, measure_tag_transfer):
        try:
            result.measurements.extend(probe(subject))
        except UsageError as error:
            result.notes.append(f"not probed: {error}")
    return result


def has_no_phase_before(stage: Stage) -> bool:
    """Return True unless an intermediate phase, which has measured its encoder, came before the stage."""
    return stage.kind == "intermediate" or not has_phase(stage.intermediate)


PROBER = Prober(measure=measure, probes_start=has_no_phase_before, encoder_only=True)


def _measure_sentences(subject: ProbeSubject) -> Iterator[Measurement]:
    """Yield the measurements of parallel sentences. English sentences that languages share are embedded once."""
    encoder, device = subject.encoder, subject.encoder.device
    layers = range(count_layers(encoder.model) + 1)

    @functools.lru_cache(maxsize=1)
    def embed_english(sentences: tuple[str, ...]) -> torch.Tensor:
        return embed(encoder, sentences, layers, normalise=False).to(device)

    sentences = load_translations(subject.context.source)
    for language, (english_sentences, foreign_sentences) in sentences.by_language.items():
        english = embed_english(english_sentences)
        foreign = embed(encoder, foreign_sentences, layers, normalise=False).to(device)
        for layer in layers:
            for name, value in measure_layer(foreign[layer], english[layer]).items():
                yield Measurement(probe=name, value=value, layer=layer, language=language, target=sentences.source)
            beat()


def measure_layer(foreign: torch.Tensor, english: torch.Tensor) -> dict[str, float | None]:
    """Return the probes of sentences in one layer.

    Both sides are (sentences, width) with at least 4 rows. Row i of one side is the translation of row i of the other.
    """
    foreign_gram, english_gram = build_gram(foreign), build_gram(english)
    foreign_unit, english_unit = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (foreign, english))
    into_english, from_english = find_both_ways(foreign_unit, english_unit, foreign.device)
    return {
        "cka": unbiased_cka(foreign_gram, english_gram),
        "cka_permuted": permuted_cka(foreign_gram, english_gram),
        "retrieval_forward": _hit_rate(into_english.indices[:, 0]),
        "retrieval_backward": _hit_rate(from_english.indices[:, 0]),
        "margin_forward": _hit_rate(nearest_by_margin(into_english, from_english)),
        "margin_backward": _hit_rate(nearest_by_margin(from_english, into_english)),
        "retrieval_chance": 1 / len(foreign),
        "cosine_gap": cosine_gap(foreign, english),
        "random_cosine": random_cosine(foreign, english),
    }


def _hit_rate(nearest: torch.Tensor) -> float:
    """Return the share of vectors whose nearest vector has their own index."""
    return float((nearest == torch.arange(len(nearest))).double().mean())
