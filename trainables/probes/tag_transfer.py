"""Transfer of a linear probe for tags from English words to words of other languages.

The map from hidden states to tags is fitted on English and applied to the other languages, as in mOthello (Hua et al.
2024). The encoder stays frozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from spaces.benchmark import BENCHMARKS
from spaces.language import ENGLISH
from spaces.task import Split
from trainables.data import task_data
from trainables.features.features import collate
from trainables.models.encoder import Encoder, compute_all_states
from trainables.probes.family import Measurement, ProbeSubject
from trainables.training.encoding import Encoding, encode_split
from trainables.training.evaluation import EVAL_BATCH_TOKENS, EvalSet
from trainables.worker.heartbeat import beat

FIT_WORDS, TEST_WORDS = 2_000, 1_000  # English words to fit, words per language to test: 205 MB for XLM-R Large
RIDGE = 0.01  # penalty as a share of the mean variance of a hidden unit


@dataclass(frozen=True, slots=True)
class WordStates:
    """Hidden states (layers, words, width) in 32 bits, each the mean of a word's sub-tokens, and tags (words,)."""

    states: torch.Tensor
    tags: torch.Tensor


def measure_tag_transfer(subject: ProbeSubject) -> Iterator[Measurement]:
    """Yield the probe's accuracy by layer and language, its ratio to English, and the most frequent tag's accuracy.

    The probe is fitted on English dev rows; all languages, English too, are tested on test rows, on as many sentences
    as the bound on probes allows. Raises UsageError if the data lack the target.
    """
    context, encoder = subject.context, subject.encoder
    benchmark = BENCHMARKS.find(context.source.benchmark)
    task = task_data.resolve_labels(context.source, benchmark.targets[benchmark.tagging_target])

    def load_words(split: Split, language: str, most: int, sentences: int | None = None) -> WordStates:
        assert task.recipe is not None
        encoding = Encoding(encoder.tokenizer, task.recipe, subject.profile, context.encoded_folder)
        evaluated = encode_split(context.source, task, split, language, encoding)
        return compute_word_states(encoder, evaluated, most, sentences)

    english = load_words("dev", ENGLISH, FIT_WORDS)
    probes = [fit_probe(states, english.tags, len(task.labels)) for states in english.states]
    majority_tag = int(english.tags.bincount().argmax())
    english_scores: list[float] = []
    for language in sorted(task_data.find_languages(context.source, task), key=lambda code: code != ENGLISH):
        words = load_words("test", language, TEST_WORDS, context.source.probe_limit)
        scores = [score_probe(probe, states, words.tags) for probe, states in zip(probes, words.states, strict=True)]
        english_scores = english_scores or scores
        chance = float((words.tags == majority_tag).double().mean())
        yield Measurement(probe="transfer_chance", language=language, value=chance)
        for layer, score in enumerate(scores):
            yield Measurement(probe="transfer_accuracy", language=language, layer=layer, value=score)
            if language != ENGLISH:
                ratio = score / english_scores[layer] if english_scores[layer] else None
                yield Measurement(probe="transfer_ratio", language=language, layer=layer, value=ratio)


def compute_word_states(encoder: Encoder, evaluated: EvalSet, most: int, sentences: int | None = None) -> WordStates:
    """Return at most `most` words of at most so many `sentences`, drawn alike for every encoder; long ones come first.

    There is at least one sentence.
    """
    features = [evaluated.features[int(i)] for i in np.random.default_rng(0).permutation(len(evaluated.features))]
    word_counts = np.cumsum([len(feature.origin) for feature in features])
    chosen = features[: max(1, int((word_counts <= most).sum()))][:sentences]
    chosen.sort(key=lambda feature: -feature.length)  # less padding
    states, tags = [], []
    encoder.model.eval()
    with torch.inference_mode(), encoder.autocast():
        while chosen:
            size = max(1, EVAL_BATCH_TOKENS[encoder.device.type] // chosen[0].length)
            features, chosen = chosen[:size], chosen[size:]
            batch = collate(features, encoder.pad_id, per_position=True, device=encoder.device)
            is_first = batch["target"] >= 0  # the first sub-token of each word
            layers = compute_all_states(encoder.model, batch)
            means = [average_words(layer.float(), batch["marks"])[is_first] for layer in layers]
            states.append(torch.stack(means).cpu())
            tags.append(batch["target"][is_first].cpu())
            beat()
    return WordStates(torch.cat(states, dim=1), torch.cat(tags))


def fit_probe(states: torch.Tensor, tags: torch.Tensor, labels: int) -> torch.Tensor:
    """Return weights (width + 1, labels) of a ridge regression of one-hot tags on states (words, width).

    The last row is the constant, which has no penalty. The penalty of the others is RIDGE times the mean variance of
    the states' units. The solution is in closed form, in double precision.
    """
    inputs = states.double()
    centre = inputs.mean(0)
    inputs = inputs - centre
    one_hot = torch.nn.functional.one_hot(tags, labels).double()
    mean = one_hot.mean(0)
    squares = inputs.T @ inputs
    penalty = RIDGE * squares.diagonal().mean().clamp(min=torch.finfo(torch.float64).tiny)
    weights = torch.linalg.solve(squares + penalty * torch.eye(len(squares)), inputs.T @ (one_hot - mean))
    return torch.cat([weights, (mean - centre @ weights)[None]])


def score_probe(probe: torch.Tensor, states: torch.Tensor, tags: torch.Tensor) -> float:
    """Return the share of words whose tag has the highest value."""
    predictions = (states.double() @ probe[:-1] + probe[-1]).argmax(1)
    return float((predictions == tags).double().mean())


def average_words(hidden: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Return the mean hidden state of each position's word, (batch, length, width).

    `words` (batch, length) holds word indices, -1 outside of words.
    """
    rows, length, width = hidden.shape
    slots = length + 1  # an upper bound: asking the device for the number of words would wait for it
    index = words.where(words >= 0, length)  # the last slot gathers positions outside of words
    expanded = index.unsqueeze(-1).expand_as(hidden)
    sums = hidden.new_zeros(rows, slots, width).scatter_add(1, expanded, hidden)
    counts = hidden.new_zeros(rows, slots).scatter_add(1, index, hidden.new_ones(rows, length))
    return (sums / counts.clamp(min=1).unsqueeze(-1)).gather(1, expanded)
