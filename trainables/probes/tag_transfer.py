"""A frozen probe across languages: what tells tags apart in English words, does it in the words of other languages?

A linear map from hidden states to tags is fitted on English and read elsewhere, as in mOthello (Hua et al. 2024). The
encoder stays as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from spaces.benchmark import BENCHMARKS
from trainables.data import task_data
from trainables.data.task_data import Split
from trainables.features.features import Feature, collate
from trainables.models.encoder import Encoder, compute_all_states
from trainables.probes.family import Measurement, ProbeSubject
from trainables.training.encoding import Encoding, encode_split
from trainables.training.evaluation import EVAL_BATCH_TOKENS, EvalSet
from trainables.worker.heartbeat import beat

FIT_WORDS, TEST_WORDS = (
    2_000,
    1_000,
)  # English words to fit, words per language to read: XLM-R Large's layers take 205 MB
RIDGE = 0.01  # of the mean variance of a hidden unit


@dataclass(frozen=True, slots=True)
class WordStates:
    """Hidden states (layers, words, width) in float32, each the mean of a word's sub-tokens, and tags (words,)."""

    states: torch.Tensor
    tags: torch.Tensor


def measure_tag_transfer(subject: ProbeSubject) -> Iterator[Measurement]:
    """The accuracy of the probe in every layer and language, its ratio to English, and the commonest tag's accuracy.

    It is fitted on English dev; English too is read on test rows. Raises UsageError where the data lack the target.
    """
    place, encoder = subject.context, subject.encoder
    benchmark = BENCHMARKS.find(place.source.benchmark)
    task = task_data.resolve_labels(place.source, benchmark.targets[benchmark.tagging_target])

    def words(split: Split, language: str, most: int) -> WordStates:
        recipe = task.recipe
        assert recipe is not None
        return compute_word_states(
            encoder,
            encode_split(
                place.source,
                task,
                split,
                language,
                Encoding(encoder.tokenizer, recipe, subject.profile, place.encoded_folder),
            ),
            most,
        )

    english = words("dev", "en", FIT_WORDS)
    probes = [fit_probe(states, english.tags, len(task.labels)) for states in english.states]
    commonest = int(english.tags.bincount().argmax())
    at_home: list[float] = []
    for language in sorted(task_data.find_languages(place.source, task), key=lambda code: code != "en"):
        read = words("test", language, TEST_WORDS)
        found = [score_probe(probe, states, read.tags) for probe, states in zip(probes, read.states, strict=True)]
        at_home = at_home or found
        yield Measurement(
            probe="transfer_chance", language=language, value=float((read.tags == commonest).double().mean())
        )
        for layer, value in enumerate(found):
            yield Measurement(probe="transfer_accuracy", language=language, layer=layer, value=value)
            if language != "en":
                ratio = value / at_home[layer] if at_home[layer] else None
                yield Measurement(probe="transfer_ratio", language=language, layer=layer, value=ratio)


def compute_word_states(encoder: Encoder, evaluated: EvalSet, most: int) -> WordStates:
    """The words, `most` of them, of sentences that are drawn alike for every encoder."""
    features = [evaluated.features[int(i)] for i in np.random.default_rng(0).permutation(len(evaluated.features))]
    sizes = np.cumsum([len(feature.origin) for feature in features])
    chosen = features[: max(1, int((sizes <= most).sum()))]
    states, tags = [], []
    size = EVAL_BATCH_TOKENS[encoder.device.type] // max(feature.length for feature in chosen)
    encoder.model.eval()
    with torch.inference_mode(), encoder.autocast():
        for start in range(0, len(chosen), max(1, size)):
            found, said = _compute_batch_states(encoder, chosen[start : start + max(1, size)])
            states.append(found)
            tags.append(said)
            beat()
    return WordStates(torch.cat(states, dim=1), torch.cat(tags))


def _compute_batch_states(encoder: Encoder, features: list[Feature]) -> tuple[torch.Tensor, torch.Tensor]:
    batch = collate(features, encoder.pad_id, per_position=True, device=encoder.device)
    hidden = compute_all_states(encoder.model, batch)
    first = batch["target"] >= 0  # the first sub-token of each word
    states = torch.stack([average_words(layer.float(), batch["marks"])[first] for layer in hidden])
    return states.cpu(), batch["target"][first].cpu()


def fit_probe(states: torch.Tensor, tags: torch.Tensor, labels: int) -> torch.Tensor:
    """Ridge regression of one-hot tags on states (words, width): weights (width + 1, labels), the last row constant.

    In closed form, in double precision. The penalty is RIDGE times the mean variance of the states' units; the
    constant has none.
    """
    inputs = states.double()
    centre = inputs.mean(0)
    inputs = inputs - centre
    wanted = torch.nn.functional.one_hot(tags, labels).double()
    base = wanted.mean(0)
    squares = inputs.T @ inputs
    penalty = RIDGE * squares.diagonal().mean().clamp(min=torch.finfo(torch.float64).tiny)
    weights = torch.linalg.solve(squares + penalty * torch.eye(len(squares)), inputs.T @ (wanted - base))
    return torch.cat([weights, (base - centre @ weights)[None]])


def score_probe(probe: torch.Tensor, states: torch.Tensor, tags: torch.Tensor) -> float:
    """The share of words whose tag has the highest value."""
    guesses = (states.double() @ probe[:-1] + probe[-1]).argmax(1)
    return float((guesses == tags).double().mean())


def average_words(hidden: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Each position gets the mean hidden state of its word. `words` (batch, length) holds word indices, -1 outside."""
    rows, length, width = hidden.shape
    slots = length + 1  # more words there cannot be, and how many there are only the device knows
    index = words.where(words >= 0, length)  # the last slot gathers what belongs to no word
    spread = index.unsqueeze(-1).expand_as(hidden)
    sums = hidden.new_zeros(rows, slots, width).scatter_add(1, spread, hidden)
    counts = hidden.new_zeros(rows, slots).scatter_add(1, index, hidden.new_ones(rows, length))
    return (sums / counts.clamp(min=1).unsqueeze(-1)).gather(1, spread)
