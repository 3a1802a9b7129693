"""Time and memory to open MNLI's training set: as a list of features, as a table built first, as a table found built.

    python tests/bench/encoding.py --data DIR                   # DIR is laid out like the hub; needs nyu-mll/glue mnli
    python tests/bench/encoding.py --data DIR --copies 26       # every pair 26 times, near MNLI's 392,702

Each way runs in a new process, in turn, `--repeats` times; medians are printed. Memory is what the process gained since
before its first look at the data: private memory, which every worker has for itself, and mapped files, which all
workers of a machine share. The last column is the time to make 1,000 batches of 32 in random order.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAYS = ("list", "first", "second")
BATCHES, SIZE = 1_000, 32


def memory() -> tuple[int, int]:
    """Resident megabytes of this process: private, and of mapped files."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) // 1024, int(lines["RssFile"].split()[0]) // 1024


def tokenizer_of(data: Path, folder: Path) -> None:
    """Train byte pairs on the premises and save them."""
    from spaces.xtreme import INTERMEDIATES
    from tests.subwords import train_subwords
    from trainables.data import real_data
    from trainables.features.examples import PairExample

    found = real_data.load_split(INTERMEDIATES["mnli"], "train", origin=data).examples
    texts = [example.first for example in found if isinstance(example, PairExample)]
    train_subwords(texts, 8_000).save_pretrained(folder)


def measure(way: str, data: Path, place: Path, copies: int) -> dict[str, float]:
    """What one process sees."""
    import numpy as np
    import torch
    from transformers import AutoTokenizer

    from spaces.encoders import PROFILES
    from spaces.xtreme import INTERMEDIATES
    from trainables.data import data_check
    from trainables.data import task_data as examples_of
    from trainables.features.features import Feature, collate
    from trainables.kinds import pair
    from trainables.training import encoding

    task, profile = INTERMEDIATES["mnli"], PROFILES["pretrained"]
    assert task.recipe is not None
    assert not data_check.find_problems(task, data)  # imports what every way needs
    recipe, source = task.recipe, examples_of.DataSource(benchmark="xtreme", data=str(data))
    tokenizer = AutoTokenizer.from_pretrained(place / "tokenizer")
    read = examples_of.load_examples

    def many(*what: object) -> tuple[list[object], object]:
        found, left_out = read(*what)  # type: ignore[arg-type]
        return found * copies, left_out

    encoding.load_examples = many  # type: ignore[assignment]
    before = memory()
    began = time.perf_counter()
    features: Sequence[Feature]
    if way == "list":
        examples, _ = many(source, task, "train", "en")
        features = pair.encode(tokenizer, examples, recipe, profile)  # type: ignore[arg-type]
    else:
        stored = encoding.Encoding(tokenizer, recipe, profile, place / "encoded")
        features = encoding.encode_training_table(source, task, stored)
    seconds = time.perf_counter() - began
    opened = memory()
    order = np.random.default_rng(0).integers(0, len(features), (BATCHES, SIZE)).tolist()
    began = time.perf_counter()
    for chosen in order:
        collate([features[i] for i in chosen], 1, per_position=False, device=torch.device("cpu"))
    batches = time.perf_counter() - began
    after = memory()
    return {
        "features": len(features),
        "seconds": seconds,
        "private": opened[0] - before[0],
        "mapped": opened[1] - before[1],
        "private, read": after[0] - before[0],
        "mapped, read": after[1] - before[1],
        "batches": batches,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data laid out like the hub")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--copies", type=int, default=1, help="how often each pair is taken")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.way is not None:
        print(json.dumps(measure(options.way, options.data, options.place, options.copies)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        tokenizer_of(options.data, Path(temporary) / "tokenizer")
        report(options.repeats, lambda way, turn: run(options, way, Path(temporary), turn))
    return 0


def run(options: argparse.Namespace, way: str, temporary: Path, turn: int) -> dict[str, float]:
    place = temporary / str(turn)
    place.mkdir(exist_ok=True)
    if not (place / "tokenizer").exists():
        (place / "tokenizer").symlink_to(temporary / "tokenizer")
    command = [sys.executable, __file__, "--way", way, "--place", str(place), "--data", str(options.data)]
    done = subprocess.run([*command, "--copies", str(options.copies)], check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(repeats: int, run: Callable[[str, int], dict[str, float]]) -> None:
    runs = [{way: run(way, turn) for way in WAYS} for turn in range(repeats)]
    print("| way | features | s to open | MB private | MB mapped | after reading: private | mapped | s for batches |")
    print("|---|---|---|---|---|---|---|---|")
    for way in WAYS:
        medians = {name: statistics.median(turn[way][name] for turn in runs) for name in runs[0][way]}
        print(
            f"| {way} | {medians['features']:,.0f} | {medians['seconds']:.3f} | {medians['private']:.0f} | "
            f"{medians['mapped']:.0f} | {medians['private, read']:.0f} | {medians['mapped, read']:.0f} | "
            f"{medians['batches']:.2f} |"
        )


if __name__ == "__main__":
    sys.exit(main())
