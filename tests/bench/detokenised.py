"""What the blanks of tokenised rows change: inference in English and Swahili, raw and detokenised, with a real encoder.

    python tests/bench/detokenised.py --data DIR --encoder ENCODER                     # about ten minutes of one core
    python tests/bench/detokenised.py --data DIR --encoder ENCODER --rows 400 --test-pairs 150 --seeds 5     # a minute

DIR is laid out like the hub and has MultiNLI in English and Swahili in its tokenised form. Four training sets hold the
same pairs: English and Swahili, each as its files are (raw) and as tasks read it (detokenised). Tests are XNLI's own
rows in both languages. The encoder stays frozen: a text is the mean of its states in the last layer, and a head of one
hidden layer reads [u, v, |u - v|, u * v] of premise and hypothesis. So this is a lower bound of what training the whole
encoder could learn, or could learn to ignore. A seed draws four fifths of the pairs, their order and the head's start,
alike for the four sets: differences are paired.

Points are shares of correct answers times 100. The first interval is Student's t over seeds: these tests, other
training. The second is over premises of the tests, whose three hypotheses count together: this training, other tests.
The last four lines are the question's own quantity, training in Swahili over training in English: with English rows
detokenised and Swahili rows raw, as the hub's are, and with both written alike.
"""

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np
import torch
from numpy.typing import NDArray

from analysis.statistics.interval import compute_interval
from spaces.xtreme import INTERMEDIATES, TARGETS
from trainables.data import load_rows, real_data
from trainables.features.examples import PairExample
from trainables.models.encoder import Encoder, load_encoder
from trainables.models.encoder_shape import count_layers
from trainables.retrieval import embeddings

LANGUAGES = ("en", "sw")
FORMS = ("raw", "detokenised")
HIDDEN, EPOCHS, BATCH, RATE, DROPOUT = 256, 20, 32, 1e-3, 0.3
COMPARISONS = (
    ("English detokenised over raw", "en detokenised", "en raw"),
    ("Swahili detokenised over raw", "sw detokenised", "sw raw"),
    ("Swahili raw over English detokenised", "sw raw", "en detokenised"),
    ("Swahili over English, both detokenised", "sw detokenised", "en detokenised"),
)


def read_training(data: Path, language: str, form: str) -> list[PairExample]:
    """All training pairs in a language; the same index holds the same pair in every language and form."""
    keep_blanks = mock.patch.object(load_rows, "find_tokenised", return_value=None)
    with keep_blanks if form == "raw" else nullcontext():
        rows = real_data.load_split(INTERMEDIATES["mnli"], "train", language, origin=data).examples
    return [row for row in rows if isinstance(row, PairExample)]


def build_features(encoder: Encoder, pairs: list[PairExample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (pairs, 4 x width) of the frozen encoder, and labels. Every distinct text is read once."""
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.first, pair.second)))
    index = {text: i for i, text in enumerate(texts)}
    vectors = embeddings.embed(encoder, texts, [count_layers(encoder.model)])[0] * encoder.width**0.5
    u = vectors[[index[pair.first] for pair in pairs]]
    v = vectors[[index[pair.second] for pair in pairs]]
    labels = torch.tensor([pair.label for pair in pairs])
    return torch.cat([u, v, (u - v).abs(), u * v], dim=1), labels


def train_head(features: torch.Tensor, labels: torch.Tensor, seed: int) -> torch.nn.Module:
    """Train a head on four fifths of the pairs; the seed alone decides which, in which order, and from which start."""
    torch.manual_seed(seed)
    chosen = torch.randperm(len(labels))[: len(labels) * 4 // 5]
    head = torch.nn.Sequential(
        torch.nn.Linear(features.shape[1], HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Dropout(DROPOUT),
        torch.nn.Linear(HIDDEN, 3),
    )
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for rows in chosen[torch.randperm(len(chosen))].split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(head(features[rows]), labels[rows]).backward()
            optimizer.step()
    return head.eval()


def describe(name: str, test: str, difference: NDArray[np.float64]) -> str:
    """A line on a difference of correct answers, [seeds, pairs]; rows of three pairs share a premise."""
    points = 100 * difference
    over_seeds = compute_interval(points.mean(axis=1).tolist())
    over_premises = compute_interval(points.mean(axis=0).reshape(-1, 3).mean(axis=1).tolist())
    intervals = "   ".join(
        "none" if at is None else f"{at[0]:+5.1f} to {at[1]:+5.1f}" for at in (over_seeds, over_premises)
    )
    return f"{name:<42} {test}  {points.mean():+5.1f}   {intervals}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--test-pairs", type=int, default=600, help="a multiple of 3: pairs share premises by threes")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--longest", type=int, default=120, help="characters of an English premise")
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder, start = load_encoder(options.encoder), time.process_time()

    sets = {(language, form): read_training(options.data, language, form) for language in LANGUAGES for form in FORMS}
    usable = [i for i, pair in enumerate(sets["en", "raw"]) if len(pair.first) <= options.longest]
    chosen = sorted(np.random.default_rng(0).permutation(usable)[: options.rows].tolist())
    tests = {}
    for language in LANGUAGES:
        rows = real_data.load_split(TARGETS["xnli"], "test", language, origin=options.data).examples
        tests[language] = build_features(
            encoder, [row for row in rows if isinstance(row, PairExample)][: options.test_pairs]
        )
    correct = {}
    for (language, form), pairs in sets.items():
        features, labels = build_features(encoder, [pairs[i] for i in chosen])
        changed = sum(pairs[i] != sets[language, "raw"][i] for i in chosen) / len(chosen)
        for seed in range(options.seeds):
            head = train_head(features, labels, seed)
            with torch.no_grad():
                for test, (test_features, gold) in tests.items():
                    right = (head(test_features).argmax(dim=1) == gold).double().numpy()
                    correct.setdefault((f"{language} {form}", test), []).append(right)
        print(f"{language} {form}: {changed:.0%} of pairs changed, {time.process_time() - start:.0f} CPU s", flush=True)

    arrays = {key: np.stack(value) for key, value in correct.items()}
    print(f"\n{len(chosen)} pairs, {options.seeds} seeds, {options.test_pairs} test pairs a language; chance is 33.3")
    for trained in dict.fromkeys(name for name, _ in arrays):
        scores = "   ".join(f"test {test} {100 * arrays[trained, test].mean():.1f}" for test in LANGUAGES)
        print(f"trained on {trained:<16} {scores}")
    print("\ndifference, test, points, interval over seeds, interval over premises")
    for name, one, other in COMPARISONS:
        for test in LANGUAGES:
            print(describe(name, test, arrays[one, test] - arrays[other, test]))


if __name__ == "__main__":
    main()
