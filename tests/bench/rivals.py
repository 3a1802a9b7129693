"""The loops that `throughput.py` sets beside ours: the Trainer's, and two written by hand.

Each takes the bench's options, the encoder's configuration, a tokenizer and features, and gives the seconds of the
measured steps, with the sub-tokens of each of their batches with padding and without.
"""

import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    XLMRobertaForSequenceClassification,
    get_linear_schedule_with_warmup,
)
from transformers import PreTrainedTokenizerBase as Tokenizer

from trainables.features.features import Feature, collate

BATCH, RATE, WARM = 32, 1e-5, 5  # WARM steps come before the clock starts

Measured = tuple[float, list[tuple[int, int]]]


def now(options: Namespace) -> float:
    """Seconds, once the device has done all that it was given: on one thread of the CPU those of the processor."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    elif options.threads == 1:
        return time.process_time()
    return time.perf_counter()


class Clock(TrainerCallback):
    """Starts when WARM steps are done and stops with the last."""

    def __init__(self, options: Namespace) -> None:
        self.options, self.began, self.ended = options, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step == WARM:
            self.began = now(self.options)
        if state.global_step == WARM + self.options.steps:
            self.ended = now(self.options)


def trainer(options: Namespace, config: Any, tokenizer: Tokenizer, features: list[Feature]) -> Measured:
    """`transformers.Trainer` with its default settings, or `tuned`: this run's precision, batches by length."""
    pad, clock, batches = DataCollatorWithPadding(tokenizer), Clock(options), []

    def collated(chosen: list[dict[str, Any]]) -> Any:
        batch = pad(chosen)
        batches.append(_size(batch))
        return batch

    settings: dict[str, Any] = {"max_steps": WARM + options.steps, "learning_rate": RATE, "report_to": "none"}
    settings |= {"per_device_train_batch_size": BATCH, "disable_tqdm": True, "use_cpu": options.device == "cpu"}
    if options.one == "tuned":
        settings |= {"bf16": options.precision == "bf16", "train_sampling_strategy": "group_by_length"}
    Trainer(
        _classifier(options, config),
        TrainingArguments(output_dir="unused", **settings, save_strategy="no"),
        collated,
        _rows(features),
        callbacks=[clock],
    ).train()
    return clock.ended - clock.began, batches[WARM : WARM + options.steps]  # it fetches one batch ahead


def plain(options: Namespace, config: Any, tokenizer: Tokenizer, features: list[Feature]) -> Measured:
    """What one writes in thirty lines: batches as they come, each padded to its longest row."""
    loader: Any = DataLoader(
        _rows(features),  # type: ignore[arg-type]  # any sequence will do
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        collate_fn=DataCollatorWithPadding(tokenizer),
        pin_memory=options.device == "cuda",
    )
    return _loop(options, config, _endless(loader), fused=options.device == "cuda")


def bare(options: Namespace, config: Any, tokenizer: Tokenizer, batches: Iterable[list[Feature]]) -> Measured:
    """The same loop on batches that were made before, with the fused optimizer."""
    pad_id, device = config.pad_token_id, torch.device("cpu")
    assert isinstance(pad_id, int)
    made = [collate(batch, pad_id, per_position=False, device=device) for batch in batches]
    inputs = [{**batch, "labels": batch.pop("target")} for batch in made]
    return _loop(options, config, iter(inputs), fused=True)


def _loop(options: Namespace, config: Any, batches: Iterator[Any], *, fused: bool) -> Measured:
    model = _classifier(options, config).to(options.device)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, fused=fused)
    steps, sizes, began = WARM + options.steps, [], 0.0
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    for step in range(steps):
        if step == WARM:
            began = now(options)
        batch = next(batches)
        sizes.append(_size(batch))
        batch = {name: value.to(options.device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16"):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return now(options) - began, sizes[WARM:]


def _classifier(options: Namespace, config: Any) -> Any:
    if options.model is None:
        return XLMRobertaForSequenceClassification(config)
    return AutoModelForSequenceClassification.from_pretrained(options.model, config=config, dtype=torch.float32)


def _rows(features: list[Feature]) -> list[dict[str, Any]]:
    return [{"input_ids": feature.rows[0].tolist(), "labels": int(feature.target)} for feature in features]


def _size(batch: Any) -> tuple[int, int]:
    """Sub-tokens of a batch with padding and without; it is still on the host."""
    return batch["attention_mask"].numel(), int(batch["attention_mask"].sum())


def _endless(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        yield from loader
