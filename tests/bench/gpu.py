"""What only a GPU shows, in about eight minutes: speed against the Trainer, checkpoints, evaluation, memory, packing.

    python tests/bench/gpu.py                    # on a GPU: XLM-R Base and Large, random weights
    python tests/bench/gpu.py --shape tiny       # the same parts in some minutes on a CPU, to see that they run

Parts: `speed` (real sub-tokens per second and share of the peak, for inputs as long as those of MNLI, SQuAD and UDPOS,
against `transformers.Trainer` with its defaults and told bf16 and batches by length), `switches` (eager attention,
torch.compile), `stage` (shares of training, evaluation and checkpoints: written at once and in the background, with
evaluation batch by batch and ahead), `memory` (a run that must halve its batches to fit), `packing` (two trainings side
by side against one after the other; run it once with NVIDIA's MPS and once without), `launches` (fewer calls for the
device: launches.py) and `host` (where the host's time of a step goes). Each part prints a table as soon as it is done,
and parts that would begin after `--minutes` are named and left out.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench")]

import launches
import throughput
import torch
from rivals import BATCH, RATE, WARM, now
from torch.profiler import ProfilerActivity, profile
from transformers import XLMRobertaConfig, XLMRobertaModel

from spaces.task import Recipe
from trainables.features.feature_table import build_table
from trainables.models.encoder import Encoder
from trainables.models.masked_words import build_fresh_head
from trainables.record.checkpoints import Checkpoints
from trainables.storage.local_storage import LocalStorage
from trainables.training import evaluation
from trainables.training.batches import TrainingPart
from trainables.training.evaluation import EvalSet
from trainables.training.fine_tuning import FineTuning

Part = Callable[[Namespace], None]
SPEED_HEADING = "| real tokens/s | padding | of the peak | peak memory | ours / it |\n|---|---|---|---|---|---|"
THROUGHPUT = str(ROOT / "tests" / "bench" / "throughput.py")


def run_throughput(options: Namespace, shape: str, *flags: str) -> list[str]:
    """Return the table rows of a run of `throughput.py`, or its error as one line."""
    size = ["--vocabulary", "8000"] if options.shape == "tiny" else []
    command = [
        sys.executable,
        THROUGHPUT,
        "--shape",
        shape,
        "--steps",
        str(options.steps),
        "--pairs",
        "1",
        *size,
        *flags,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ") and not line.startswith("| |")]
    return rows or [f"| failed: {done.stderr.strip().splitlines()[-1:]} |"]


def measure_speed(options: Namespace) -> None:
    """Print the speed of our loop beside that of the Trainer, for three kinds of inputs."""
    print(f"| shape, inputs, loop {SPEED_HEADING}")
    for shape in options.shapes:
        for lengths in throughput.LENGTHS:
            for row in run_throughput(options, shape, "--lengths", lengths, "--rivals", "trainer", "tuned"):
                print(f"| {shape}, {lengths}, {row.removeprefix('| ')}", flush=True)


def measure_switches(options: Namespace) -> None:
    """Print the speed of our loop with other attention, and compiled."""
    print(f"| shape, switch, loop {SPEED_HEADING}")
    for shape in options.shapes:
        for name, flags in (("as it is", ()), ("eager", ("--attention", "eager")), ("compiled", ("--compile",))):
            for row in run_throughput(options, shape, *flags, "--rivals", "bare")[:1]:
                print(f"| {shape}, {name}, {row.removeprefix('| ')}", flush=True)


def begin(options: Namespace, shape: str, *, batch: int = BATCH) -> tuple[FineTuning, EvalSet]:
    """Return a training on made-up pairs before its first step, and a dev set of them."""
    flags = Namespace(
        **{
            **vars(options),
            "shape": shape,
            "lengths": "mnli",
            "data": None,
            "model": None,
            "layers": None,
            "bucket": None,
        }
    )
    flags.vocabulary = 8_000 if options.shape == "tiny" else None
    size = throughput.shape_of(flags)
    tokenizer, features = throughput.data(flags, size.vocabulary)
    config = XLMRobertaConfig(
        vocab_size=size.vocabulary, hidden_size=size.width, num_hidden_layers=size.layers,
        num_attention_heads=throughput.HEADS[shape], intermediate_size=size.inner, max_position_embeddings=514,
        type_vocab_size=1, pad_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = XLMRobertaModel(config, add_pooling_layer=False).to(options.device)
    encoder = Encoder(model, tokenizer, options.precision, masked_word_head=build_fresh_head(model))
    table = build_table([features], per_position=False)
    dev = EvalSet(
        task=throughput.TASK, language="en", examples=[], features=build_table([features[:2_000]], per_position=False)
    )
    steps = WARM + 10 * options.steps
    recipe = Recipe(steps=steps, batch_size=batch, max_length=128)
    part = TrainingPart(task=throughput.TASK, table=table)
    training = FineTuning(
        encoder, [part], [dev], recipe, throughput.profile_of(flags), steps=steps, learning_rate=RATE, seed=0
    )
    training.train(WARM)
    return training, dev


def guess(training: FineTuning, dev: EvalSet, *, ahead: bool) -> None:
    """Predict the dev set, without scoring."""
    encoder, head = training.encoder, training.heads[0]
    encoder.model.eval()
    head.eval()
    with torch.inference_mode(), encoder.autocast():
        evaluation._Prediction(encoder, head, dev, training.eval_batch_tokens).run(ahead=ahead)


def measure_stage(options: Namespace) -> None:
    """Print the seconds of a tenth's steps, of dev and of a checkpoint, the two last ones done in two ways."""
    print("| shape | part | seconds |\n|---|---|---|")
    for shape in options.shapes:
        training, dev = begin(options, shape)
        rows: dict[str, float] = {}

        @contextlib.contextmanager
        def timed(name: str, rows: dict[str, float] = rows) -> Iterator[None]:
            began = wall(options)
            yield
            rows[name] = wall(options) - began

        with timed(f"{options.steps} steps"):
            training.train(training.step + options.steps)
        for name, ahead in (("batch by batch", False), ("ahead", True)):
            guess(training, dev, ahead=ahead)
            with timed(f"2,000 dev examples, {name}"):
                guess(training, dev, ahead=ahead)
        with tempfile.TemporaryDirectory(dir=options.disk) as folder:
            checkpoints = Checkpoints(LocalStorage(Path(folder)), "stages/0123456789abcdef")
            with timed("a checkpoint, at once"):
                checkpoints.write(training.take_state())
            with timed("a checkpoint, until training goes on"):
                checkpoints.write(training.take_state(), in_background=True)
            with timed(f"{options.steps} steps beside its writing"):
                training.train(training.step + options.steps)
            with timed("the rest of its writing"):
                checkpoints.finish()
        for name, seconds in rows.items():
            print(f"| {shape} | {name} | {seconds:.3f} |", flush=True)


def wall(options: Namespace) -> float:
    """Return the clock on the wall, once the device has done all that it was given."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measure_memory(options: Namespace) -> None:
    """Print the peak of a plain run, and what becomes of one that may have half of that."""
    if options.device != "cuda":
        print("left out: the CPU's memory is not limited.")
        return
    shape = options.shapes[-1]
    training, _ = begin(options, shape)
    peak, total = torch.cuda.max_memory_allocated(), torch.cuda.get_device_properties(0).total_memory
    print(f"peak of {shape}: {peak / 1e9:.2f} GB allocated, {torch.cuda.max_memory_reserved() / 1e9:.2f} GB reserved")
    del training
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.6 * peak / total)
    halved, _ = begin(options, shape, batch=4 * BATCH)
    halved.train(halved.step + 5)
    print(f"with 60 % of it and batches of {4 * BATCH}: {halved.note}")
    torch.cuda.set_per_process_memory_fraction(1.0)


def measure_packing(options: Namespace) -> None:
    """Print the sub-tokens per second of one training, and of two side by side."""
    print("| shape | trainings | real tokens/s in all |\n|---|---|---|")
    for shape in options.shapes:
        for count in (1, 2):
            command = [
                sys.executable,
                __file__,
                "--one",
                shape,
                "--shape",
                options.shape,
                "--steps",
                str(options.steps),
            ]
            started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
            lines = [process.communicate()[0].splitlines() for process in started]
            speeds = [json.loads(line[-1]) if line else float("nan") for line in lines]
            print(f"| {shape} | {count} | {sum(speeds):,.0f} |", flush=True)


def train_alone(options: Namespace) -> float:
    """Return the real sub-tokens per second of one training, measured over some seconds."""
    training, _ = begin(options, options.one)
    real, began = 0, now(options)
    while now(options) - began < options.seconds and training.step < training.steps:
        real += sum(feature.length for feature in training.batches.batch_at(training.step)[1])
        training.train(training.step + 1)
    return real / (now(options) - began)


def measure_host(options: Namespace) -> None:
    """Print the operations that take most of the host's time of a step, and the number of their calls."""
    training, _ = begin(options, options.shapes[0])
    with profile(activities=[ProfilerActivity.CPU]) as found:
        training.train(training.step + 5)
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


def measure_launches(options: Namespace) -> None:
    """Print what a step takes with fewer calls for the device."""
    print("| shape | step | ms | ms of the host |\n|---|---|---|---|")
    for shape in options.shapes:
        for name, build in launches.VARIANTS.items():
            training, _ = begin(options, shape)
            try:
                step = build(training, launches.make_batch(training))
                whole, host = launches.time_steps(step, training.encoder.device)
                print(f"| {shape} | {name} | {whole:.1f} | {host:.1f} |", flush=True)
            except RuntimeError as error:
                print(f"| {shape} | {name} | {error} | |", flush=True)


PARTS: dict[str, Part] = {
    "speed": measure_speed,
    "stage": measure_stage,
    "packing": measure_packing,
    "memory": measure_memory,
    "switches": measure_switches,
    "launches": measure_launches,
    "host": measure_host,
}


def main() -> int:
    """Run the parts in their order until the time is up; return the exit code."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=("xlm-r", "tiny"), default="xlm-r")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--steps", type=int, help="measured steps of each loop (40, of the tiny shape 5)")
    parser.add_argument("--disk", help="folder for checkpoints (default: that of temporary files)")
    parser.add_argument("--one", choices=tuple(throughput.HEADS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.device, options.precision, options.threads = ("cuda", "bf16", 1) if cuda else ("cpu", "fp32", 1)
    options.shapes = ["tiny"] if options.shape == "tiny" else ["base", "large"]
    options.steps = options.steps or (5 if options.shape == "tiny" else 40)
    options.seconds = 2.0 if options.shape == "tiny" else 10.0
    torch.set_num_threads(1)
    if options.one is not None:
        print(json.dumps(train_alone(options)))
        return 0
    device = torch.cuda.get_device_name() if cuda else "CPU, one thread"
    print(f"{device}, torch {torch.__version__}, {options.precision}, {options.steps} steps of {BATCH}")
    end = time.monotonic() + 60 * options.minutes
    for name in options.parts:
        if time.monotonic() > end:
            print(f"\n## {name}: left out, the {options.minutes:g} minutes are over")
            continue
        began = time.monotonic()
        print(f"\n## {name}\n", flush=True)
        try:
            PARTS[name](options)
        except Exception as error:  # the other parts still say something
            print(f"failed: {type(error).__name__}: {error}")
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
