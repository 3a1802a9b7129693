"""Training throughput beside a user's other loops: real tokens per second, padding, share of peak, memory.

    python tests/bench/throughput.py --shape large                                        # on a GPU
    python tests/bench/throughput.py --shape base --layers 2 --vocabulary 32000 --steps 40  # minutes on one CPU core
    python tests/bench/throughput.py --shape miniature --steps 200                        # the miniature's own mnli
    python tests/bench/throughput.py --data DIR                                           # MNLI itself, from a folder
    python tests/bench/throughput.py --data DIR --model ENCODER --rivals trainer tuned    # a pretrained encoder on it

All train the same classifier (XLM-R's shape with random weights, or `--model`) on the same sentence pairs with AdamW, a
linear schedule, clipped gradients, batches of 32 and rate 1e-5. The rivals:

- `trainer`: `transformers.Trainer` with its default settings (it needs the package accelerate).
- `tuned`: the Trainer with this run's precision and batches by length, which a user would have to ask for; it begins
  with the longest, so give it some hundred steps.
- `plain`: a loop written by hand around a DataLoader that pads each batch, in this run's precision.
- `bare`: the same loop on our batches, made beforehand, with the fused optimizer: what our own loop costs beside the
  calls that it cannot do without.

Each measurement is a process of its own; they take turns, and ratios are of neighbours. Seconds on one thread of the
CPU are those of the processor, which other jobs beside it lengthen less. The share of the peak counts 6
operations per parameter of the layers and real token: padding, attention and the embeddings count as nothing, so that
it says what of the machine reaches the result.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench")]

import numpy as np
import torch
from rivals import BATCH, RATE, WARM, Measured, bare, now, plain, trainer
from transformers import AutoConfig, XLMRobertaConfig, XLMRobertaModel
from transformers import PreTrainedTokenizerBase as Tokenizer

from spaces import encoders
from spaces.benchmark import BENCHMARKS
from spaces.encoders import ENCODER_SHAPES, MINIATURE_PRETRAINING, PROFILES, EncoderProfile, EncoderShape
from spaces.task import Recipe
from tests.subwords import train_subwords
from trainables.data.task_data import DataSource, load_examples
from trainables.features.feature_table import build_table
from trainables.features.features import Feature
from trainables.kinds import KINDS
from trainables.miniature import world
from trainables.models.encoder import Encoder, load_encoder, load_tokenizer
from trainables.models.masked_words import build_fresh_head
from trainables.training.batches import TrainingPart
from trainables.training.evaluation import EvalSet
from trainables.training.fine_tuning import FineTuning

OURS, RIVALS = "ours", ("trainer", "tuned", "plain", "bare")
HEADS = {"miniature": 4, "tiny": 4, "base": 12, "large": 16}
# Mean and deviation of the log length in sub-tokens, and the recipe's longest: MNLI's pairs under a 24,000-piece
# tokenizer, SQuAD's windows and UDPOS's sentences under XLM-R's.
LENGTHS = {"mnli": (3.70, 0.44, 128), "squad": (5.15, 0.35, 384), "udpos": (3.25, 0.60, 128)}
# Dense operations per second without sparsity, from the makers' data sheets, by a word of the device's name.
PEAKS = {
    "bf16": {"A100": 312e12, "H100": 989e12, "H200": 989e12, "L4": 121e12, "A10": 125e12},
    "fp32": {"A100": 19.5e12, "H100": 67e12, "H200": 67e12, "L4": 30.3e12, "A10": 31.2e12, "V100": 15.7e12},
}
TASK = BENCHMARKS["xtreme"].intermediates["mnli"]
MINIATURE = BENCHMARKS["miniature"].intermediates["mnli"]


def shape_of(options: Namespace) -> EncoderShape:
    """Layers and sizes of the encoder."""
    if options.model is not None:
        found = encoders.shape_of(options.model)
        assert found is not None
        return replace(found, name=Path(options.model).name)
    known = {
        "base": ENCODER_SHAPES["FacebookAI/xlm-roberta-base"],
        "large": ENCODER_SHAPES["FacebookAI/xlm-roberta-large"],
    }
    known["tiny"] = EncoderShape(name="tiny", layers=2, width=128, inner=512, vocabulary=8000)
    own, words = MINIATURE_PRETRAINING, len(world.build_tokenizer(world.build_world()))
    known["miniature"] = EncoderShape(
        name="miniature", layers=own.layers, width=own.width, inner=own.inner, vocabulary=words
    )
    full = known[options.shape]
    layers, vocabulary = options.layers or full.layers, options.vocabulary or full.vocabulary
    return EncoderShape(name=options.shape, layers=layers, width=full.width, inner=full.inner, vocabulary=vocabulary)


def profile_of(options: Namespace) -> EncoderProfile:
    """The shape's own profile, with the head of XLM-R's classifier, which all have."""
    own = PROFILES["miniature" if options.shape == "miniature" else "pretrained"]
    return replace(own, pooling="first", bucket=options.bucket or own.bucket)


def data(options: Namespace, vocabulary: int) -> tuple[Tokenizer, list[Feature]]:
    """Sentence pairs as features, enough for every step to have its own (but the miniature's)."""
    profile = profile_of(options)
    if options.shape == "miniature":
        tokenizer, recipe = world.build_tokenizer(world.build_world()), MINIATURE.recipe
        assert recipe is not None
        pairs: Any = load_examples(DataSource(benchmark="miniature"), MINIATURE, "train", "en")[0]
        return tokenizer, KINDS["pair"].encode(tokenizer, pairs, recipe, profile)
    mean, deviation, longest = LENGTHS[options.lengths]
    count, recipe = max(8192, (WARM + options.steps) * BATCH), Recipe(steps=1, max_length=longest)
    if options.data is not None:
        pairs = load_examples(DataSource(benchmark="xtreme", data=options.data), TASK, "train", "en")[0][:count]
        texts = [text for pair in pairs for text in (pair.first, pair.second)]
        own = None if options.model is None else load_tokenizer(options.model)
        tokenizer = own or train_subwords(texts, min(24_000, vocabulary), longest)
        return tokenizer, KINDS["pair"].encode(tokenizer, pairs, recipe, profile)
    rng = np.random.default_rng(0)
    lengths = np.clip(np.exp(rng.normal(mean, deviation, count)).round().astype(int), 8, longest)
    tokenizer = train_subwords(["a b"], 10, longest)  # for its padding only
    rows = [rng.integers(5, vocabulary, length, dtype=np.int32) for length in lengths]
    labels = rng.integers(0, len(TASK.labels), count, dtype=np.int32)
    return tokenizer, [
        Feature(example=i, rows=(row,), types=None, target=labels[i].reshape(())) for i, row in enumerate(rows)
    ]


def measure(options: Namespace) -> dict[str, float]:
    """One measurement in this process: seconds, tokens with and without padding, bytes at the peak."""
    shape = shape_of(options)
    tokenizer, features = data(options, shape.vocabulary)
    config = configuration(options, shape)
    torch.manual_seed(0)
    if options.one in ("plain", "trainer", "tuned"):
        seconds, batches = (plain if options.one == "plain" else trainer)(options, config, tokenizer, features)
    else:
        work = begun(options, config, tokenizer, features)
        order = (work.batches.batch_at(step)[1] for step in range(work.steps))
        seconds, batches = ours(options, work) if options.one == OURS else bare(options, config, tokenizer, order)
    if options.device == "cuda":
        memory = torch.cuda.max_memory_allocated()
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    padded, real = (sum(column) for column in zip(*batches, strict=True))
    return {"seconds": seconds, "padded": padded, "real": real, "memory": memory}


def configuration(options: Namespace, shape: EncoderShape) -> Any:
    """The configuration of the classifier."""
    if options.model is not None:
        labels = len(TASK.labels)
        return AutoConfig.from_pretrained(options.model, num_labels=labels, attn_implementation=options.attention)
    return XLMRobertaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=HEADS[options.shape],
        intermediate_size=shape.inner,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
        num_labels=len(TASK.labels),
        attn_implementation=options.attention,
        **({"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} if options.shape == "miniature" else {}),
    )


def begun(options: Namespace, config: Any, tokenizer: Tokenizer, features: list[Feature]) -> FineTuning:
    """Our run, before its first step."""
    if options.model is None:
        model: Any = XLMRobertaModel(config, add_pooling_layer=False).to(options.device)
    else:
        model = load_encoder(options.model, tokenizer=tokenizer).model
    if options.compile:
        model.compile(dynamic=True)
    encoder = Encoder(model, tokenizer, options.precision, masked_word_head=build_fresh_head(model))
    dev = EvalSet(task=TASK, language="en", examples=[], features=build_table([], per_position=False))
    steps = WARM + options.steps
    part = TrainingPart(task=TASK, table=build_table([features], per_position=False))
    recipe = Recipe(steps=steps, batch_size=BATCH, max_length=LENGTHS[options.lengths][2])
    profile = profile_of(options)
    return FineTuning(encoder, [part], [dev], recipe, profile, steps=steps, learning_rate=RATE, seed=0)


def ours(options: Namespace, work: FineTuning) -> Measured:
    """Our own loop."""
    work.train(WARM)
    began = now(options)
    work.train(work.steps)
    seconds = now(options) - began
    seen = [[feature.length for feature in work.batches.batch_at(step)[1]] for step in range(WARM, work.steps)]
    return seconds, [(len(lengths) * max(lengths), sum(lengths)) for lengths in seen]


def peak(options: Namespace) -> float:
    """Operations per second of the device: by name, or those of a large matrix product."""
    if options.device == "cuda":
        for word in torch.cuda.get_device_name().replace("-", " ").split():
            if word in PEAKS[options.precision]:
                return PEAKS[options.precision][word]
    dtype, size = torch.bfloat16 if options.precision == "bf16" else torch.float32, 2048
    one, other = (torch.randn(size, size, device=options.device).to(dtype) for _ in range(2))
    times = []
    for _ in range(5):
        began = now(options)
        _ = one @ other
        times.append(now(options) - began)
    return 2 * size**3 / min(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=tuple(HEADS), default="base")
    parser.add_argument("--layers", type=int, help="fewer layers, for slow machines")
    parser.add_argument("--vocabulary", type=int, help="a smaller one, for slow machines")
    parser.add_argument("--lengths", choices=LENGTHS, default="mnli", help="of made-up inputs (default: %(default)s)")
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa", help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=40, help="measured steps (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each (default: %(default)s)")
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=["trainer", "plain", "bare"])
    parser.add_argument(
        "--bucket", type=int, help="batches that are sorted by length together (default: the profile's)"
    )
    cuda = torch.cuda.is_available()
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if cuda else "cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16" if cuda else "fp32")
    parser.add_argument("--threads", type=int, default=1, help="on the CPU (default: %(default)s)")
    parser.add_argument("--data", help="folder laid out like the hub, with nyu-mll/glue")
    parser.add_argument("--model", help="folder of a pretrained encoder; needs --data")
    parser.add_argument("--compile", action="store_true", help="torch.compile for our encoder")
    parser.add_argument("--one", choices=(OURS, *RIVALS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.model is not None and options.data is None:
        parser.error("--model needs --data: its tokenizer reads real pairs.")
    torch.set_num_threads(options.threads)
    if options.one is not None:
        print(json.dumps(measure(options)))
        return 0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (OURS, *options.rivals)}
    for _ in range(options.pairs):
        for name, rows in found.items():
            command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    report(options, found)
    return 0


def report(options: Namespace, found: dict[str, list[dict[str, float]]]) -> None:
    shape, top = shape_of(options), peak(options)
    device = torch.cuda.get_device_name() if options.device == "cuda" else f"CPU, {options.threads} threads"
    print(f"{shape.name}, {shape.layers} layers, vocabulary {shape.vocabulary}, {options.precision}, {device}")
    print(
        f"peak {top / 1e12:.3g} TFLOP/s in {options.precision}; {options.steps} steps of {BATCH}, {options.pairs} runs"
    )
    print("\n| | real tokens/s | padding | of the peak | peak memory | ours / it |\n|---|---|---|---|---|---|")
    speeds = {name: [row["real"] / row["seconds"] for row in rows] for name, rows in found.items()}
    for name, rows in found.items():
        speed, low, high = statistics.median(speeds[name]), min(speeds[name]), max(speeds[name])
        padding = 1 - sum(row["real"] for row in rows) / sum(row["padded"] for row in rows)
        share = 6 * shape.layer_parameters * speed / top
        ratios = [own / other for own, other in zip(speeds[OURS], speeds[name], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        memory = max(row["memory"] for row in rows) / 1e9
        print(
            f"| {name} | {speed:,.0f} ({low:,.0f} to {high:,.0f}) | {padding:.1%} | {share:.1%} | {memory:.2f} GB "
            f"| {'' if name == OURS else ratio} |"
        )


if __name__ == "__main__":
    sys.exit(main())
