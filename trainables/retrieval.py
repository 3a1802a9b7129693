"""Retrieval without training: a sentence is the mean of its tokens' hidden states in one layer (Tatoeba, BUCC)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spaces.profile import Profile
from spaces.task import Task
from trainables.encoder import Encoder
from trainables.examples import Parallel
from trainables.metrics import accuracy, mining_f1, mining_threshold

MAX_LENGTH = 512  # sub-tokens, as in the published scripts
BATCH = 128
NEIGHBOURS = 4  # of the ratio margin (Artetxe and Schwenk 2019)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Metrics (shares from 0 to 1), and what was found: (query, candidate, score), places as read, by query."""

    metrics: dict[str, float]
    found: list[tuple[int, int, float]]


def layer_of(encoder: Encoder, profile: Profile) -> int:
    """The layer that is read: 0 is the embeddings' output; XTREME reads 14 of 24, other depths in proportion."""
    return round(profile.retrieval_depth * int(encoder.model.config.num_hidden_layers))


def embed(encoder: Encoder, sentences: Sequence[str], layer: int) -> torch.Tensor:
    """Unit vectors (sentences, width): the mean over all tokens, special ones included, of the layer's states."""
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    limit = min(MAX_LENGTH, int(encoder.model.config.max_position_embeddings) - 2)
    vectors = torch.empty(len(sentences), encoder.width)
    encoder.model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            coded = encoder.tokenizer(
                [sentences[i] for i in chosen], padding=True, truncation=True, max_length=limit, return_tensors="pt"
            ).to(encoder.device)
            states = encoder.model(**coded, output_hidden_states=True).hidden_states[layer]
            mask = coded["attention_mask"].unsqueeze(-1).to(states.dtype)
            means = (states * mask).sum(1) / mask.sum(1)
            vectors[chosen] = torch.nn.functional.normalize(means, dim=-1).float().cpu()
    return vectors


def nearest(queries: torch.Tensor, candidates: torch.Tensor) -> list[int]:
    """For each query the index of the candidate with the largest cosine."""
    guesses: list[int] = []
    for block in queries.split(1024):
        guesses += (block @ candidates.T).argmax(-1).tolist()
    return guesses


def mine(queries: torch.Tensor, candidates: torch.Tensor) -> tuple[list[int], list[float]]:
    """Best candidate per query and its ratio margin; each candidate is given once, to its best query (-1: none).

    The margin is the cosine over the mean cosine of both sides' four nearest neighbours. Pairs that are best from
    the query's side and pairs that are best from the candidate's side are merged greedily by margin.
    """
    cosines = queries @ candidates.T
    rows = cosines.topk(min(NEIGHBOURS, cosines.shape[1]), dim=1).values.mean(1)
    columns = cosines.topk(min(NEIGHBOURS, cosines.shape[0]), dim=0).values.mean(0)
    margins = cosines / ((rows[:, None] + columns[None, :]) / 2)
    forward, backward = margins.max(1), margins.max(0)
    pairs = [(value, i, j) for i, (value, j) in enumerate(zip(*_lists(forward), strict=True))]
    pairs += [(value, i, j) for j, (value, i) in enumerate(zip(*_lists(backward), strict=True))]
    guesses, scores, taken = [-1] * len(queries), [-math.inf] * len(queries), set()
    for value, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if guesses[i] < 0 and j not in taken:
            guesses[i], scores[i] = j, value
            taken.add(j)
    return guesses, scores


def _lists(best: "torch.return_types.max") -> tuple[list[float], list[int]]:
    return best.values.tolist(), best.indices.tolist()


def retrieve(encoder: Encoder, task: Task, profile: Profile, test: Parallel, dev: Parallel | None) -> Retrieved:
    """Metrics and finds: accuracy of the nearest neighbour, or mining F1 with the threshold chosen on `dev`.

    XTREME chooses the threshold on the gold pairs of the language's own dev part; so does this. It is the one place
    where a score uses labels of the target language, and no selection of stages ever sees it.
    """
    layer = layer_of(encoder, profile)
    vectors = embed(encoder, test.queries, layer), embed(encoder, test.candidates, layer)
    if not task.mine:
        guesses = nearest(*vectors)
        scores = (vectors[0] * vectors[1][guesses]).sum(-1).tolist()
        found = list(zip(range(len(guesses)), guesses, scores, strict=True))
        return Retrieved({"accuracy": accuracy(test.gold, guesses)}, found)
    if dev is None:
        raise ValueError(f"{task.name} needs a dev part to choose its threshold on.")
    threshold = mining_threshold(
        dev.gold, *mine(embed(encoder, dev.queries, layer), embed(encoder, dev.candidates, layer))
    )
    guesses, scores = mine(*vectors)
    pairs = zip(range(len(guesses)), guesses, scores, strict=True)
    found = [(i, guess, score) for i, guess, score in pairs if guess >= 0 and score >= threshold]
    return Retrieved({"f1": mining_f1(test.gold, guesses, scores, threshold)}, found)
