"""The inputs of a sweep's stages before it runs: rows, sub-tokens and padding, by a sample of the rows.

Rows that are not on this machine count at their full length; `InputSampler.full_length` names their tasks.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.cost.pass_speed import NOTHING, Load, load_of_batch, sum_loads
from spaces.encoders import EncoderProfile
from spaces.errors import UsageError
from spaces.task import Recipe, Split, Task
from spaces.xtreme_data import TASK_SPLITS, published_rows_of
from trainables.data.split_sample import sample_split
from trainables.data.task_data import DataSource, resolve_labels
from trainables.models.encoder import Encoder
from trainables.training.encoding import Encoding, encode_examples
from trainables.training.schedule import BatchOrder

SAMPLED_ROWS = {"train": 512, "dev": 256, "test": 128}
SAMPLED_TEXTS = 48  # of masked words: whole articles
SAMPLED_BATCHES = 32
MOST_REPEATS = 20  # of a sampled input, to see how the inputs of a large split fill batches
DEFAULT_ROWS = 10_000  # of a split that is not here, where no number is published


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InputSizes:
    """The inputs of a split in one language. A sampled input is a window of a row, with one text for each option."""

    row_count: int  # of the whole split
    lengths: NDArray[np.int64]  # (sampled inputs,): sub-tokens of the longest text
    options: NDArray[np.int64]  # (sampled inputs,): texts
    inputs_per_row: float = 1.0

    def step_load(self, batch_size: int, bucket: int) -> Load:
        """Return the mean load of a training step, in batches that are padded as `BatchOrder` makes them."""
        order = BatchOrder(self.lengths, batch_size, SAMPLED_BATCHES, (0,), bucket=bucket)
        batches = [order.batch_indices(number) for number in range(SAMPLED_BATCHES)]
        return sum_loads(map(self._load_batch, batches)).times(1 / SAMPLED_BATCHES)

    def evaluation_load(self, batch_tokens: int, limit: int | None = None) -> Load:
        """Return the load of one evaluation of all rows, or of `limit` rows, long inputs first."""
        rows = self.row_count if limit is None else min(limit, self.row_count)
        inputs, waiting = rows * self.inputs_per_row, np.argsort(-self.lengths, kind="stable")
        if inputs >= len(waiting):  # many alike fill a batch together
            waiting = np.repeat(waiting, min(MOST_REPEATS, int(inputs) // len(waiting)))
        else:
            waiting = waiting[:: -(-len(waiting) // max(1, round(inputs)))]
        counted, load = len(waiting), NOTHING
        while len(waiting):
            texts = np.cumsum(self.options[waiting[:batch_tokens]])
            size = max(1, int(np.searchsorted(texts * self.lengths[waiting[0]], batch_tokens, side="right")))
            load += self._load_batch(waiting[:size])
            waiting = waiting[size:]
        return load.times(inputs / counted)

    def _load_batch(self, indices: Sequence[int] | NDArray[np.int64]) -> Load:
        return load_of_batch(int(self.options[indices].sum()), int(self.lengths[indices].max()))


def full_length_sizes(task: Task, split: Split, recipe: Recipe) -> InputSizes:
    """Return the sizes of rows that cannot be read: as many as are published, each of the recipe's full length."""
    name = (task.clean_target or task.name) if split == "test" else (recipe.splits or task.trained_as)
    parts = getattr(TASK_SPLITS[name], split) if name in TASK_SPLITS else ()
    rows = sum(published_rows_of(part) or DEFAULT_ROWS for part in parts) or DEFAULT_ROWS
    length, options = np.array([recipe.max_length]), np.array([task.option_count])
    return InputSizes(row_count=rows, lengths=length, options=options)


class InputSampler:
    """Samples of the splits that a sweep reads, each tokenised once."""

    def __init__(self, source: DataSource, encoder: Encoder, profile: EncoderProfile) -> None:
        self.source, self.tokenizer, self.profile = source, encoder.tokenizer, profile
        self.full_length: set[str] = set()  # tasks whose rows are not here
        self.reading_seconds = 0.0  # of all rows of the splits that were asked for: read, converted, tokenised
        self._known: dict[tuple[object, ...], InputSizes] = {}

    def sizes_of(self, task: Task, split: Split, language: str, recipe: Recipe, *, languages: int = 1) -> InputSizes:
        """Return the sizes of a split in one language, which stands for this number of `languages`."""
        key = (task.name, split, language, recipe)
        if key not in self._known:
            sizes = self._sample(task, split, language, recipe, languages)
            if sizes is None:
                self.full_length.add(task.name)
                sizes = full_length_sizes(task, split, recipe)
            self._known[key] = sizes
        return self._known[key]

    def _sample(self, task: Task, split: Split, language: str, recipe: Recipe, languages: int) -> InputSizes | None:
        count = SAMPLED_TEXTS if task.kind == "mlm" else SAMPLED_ROWS[split]
        first = None if split == "train" else self.source.test_limit
        began = time.process_time()
        try:
            sample = sample_split(self.source, resolve_labels(self.source, task), split, language, count, first=first)
        except UsageError:
            return None
        if sample is None or not sample.examples:
            return None
        opened, rows = time.process_time(), len(sample.examples)
        table = encode_examples(task, sample.examples, Encoding(self.tokenizer, recipe, self.profile))
        if not len(table):
            return None
        # Rows beyond the test limit are read, but not tokenised.
        tokenised = sample.row_count if first is None else min(first, sample.row_count)
        seconds = (opened - began) + (time.process_time() - opened) / rows * tokenised
        self.reading_seconds += seconds * languages
        return InputSizes(
            row_count=sample.row_count,
            lengths=table.lengths,
            options=np.diff(table.row_bounds),
            inputs_per_row=len(table) / rows,
        )

    def count_tokens(self, sentences: Sequence[str]) -> float:
        """Return the mean sub-tokens of a few of these sentences; 0 for none."""
        chosen = sentences[:: max(1, len(sentences) // SAMPLED_ROWS["test"])]
        coded = self.tokenizer(list(chosen))["input_ids"] if chosen else []
        return float(np.mean([len(ids) for ids in coded])) if coded else 0.0
