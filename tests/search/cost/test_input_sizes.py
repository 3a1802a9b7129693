"""Inputs before a sweep runs: sampled rows and their padding."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.cost.input_sizes import InputSampler, InputSizes, full_length_sizes
from search.cost.pass_speed import Load
from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from tests.hub_layout import PAIR, pair_rows
from trainables.data.split_sample import sample_split
from trainables.data.task_data import DataSource
from trainables.features.examples import PairExample
from trainables.models.encoder import load_encoder

MNLI = BENCHMARKS["xtreme"].intermediates["mnli"]


def sizes_of(lengths: list[int], rows: int, options: int = 1, inputs_per_row: float = 1.0) -> InputSizes:
    return InputSizes(
        row_count=rows,
        lengths=np.array(lengths),
        options=np.full(len(lengths), options),
        inputs_per_row=inputs_per_row,
    )


def test_a_step_is_padded_to_its_longest_input() -> None:
    assert sizes_of([4, 4], 2).step_load(2, bucket=1) == Load(1, 8, 32)
    assert sizes_of([2, 8], 2).step_load(2, bucket=1) == Load(1, 16, 128)
    assert sizes_of([2, 8], 2, options=5).step_load(2, bucket=1) == Load(1, 80, 640)


def test_sorting_by_length_saves_padding() -> None:
    sizes = sizes_of(list(range(1, 65)), 64)
    assert sizes.step_load(8, bucket=8).tokens < sizes.step_load(8, bucket=1).tokens


def test_an_evaluation_takes_long_inputs_first_in_batches_that_fit() -> None:
    # 8 alone (2 x 8 > 12), then 4 + 2, padded to 4.
    assert sizes_of([2, 8, 4], 3).evaluation_load(12) == Load(2, 16, 64 + 32)
    # Ten of each: 8 alone, three of 4 in a batch, the last one with two of 2, and six of 2 in a batch.
    assert sizes_of([2, 8, 4], 30).evaluation_load(12) == Load(10 + 3 + 1 + 2, 80 + 36 + 12 + 16, 640 + 144 + 48 + 32)
    assert sizes_of([5], 10, inputs_per_row=2.0).evaluation_load(5, limit=4) == Load(8, 40, 200)


@pytest.mark.parametrize("rows", [1, 7, 100, 1_000])
def test_more_rows_are_more_work(rows: int) -> None:
    lengths = list(range(3, 60))
    fewer, more = (sizes_of(lengths, count).evaluation_load(256) for count in (rows, 2 * rows))
    assert more.tokens > fewer.tokens > 0


def test_rows_that_are_not_here_count_at_full_length(tmp_path: Path, model: Path) -> None:
    assert MNLI.recipe is not None
    sampler = InputSampler(
        DataSource(benchmark="xtreme", data=str(tmp_path)), load_encoder(str(model)), PROFILES["pretrained"]
    )
    sizes = sampler.sizes_of(MNLI, "train", "en", MNLI.recipe)
    assert sizes.lengths.tolist() == [MNLI.recipe.max_length] and sizes.row_count == 392_702
    assert sampler.full_length == {"mnli"} and sampler.reading_seconds == 0
    csqa = BENCHMARKS["xtreme"].intermediates["csqa"]
    assert csqa.recipe is not None
    assert full_length_sizes(csqa, "dev", csqa.recipe).options.tolist() == [5]


def test_rows_are_sampled_once_over_the_whole_split(write: Any, model: Path) -> None:
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(2_000))
    data = write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(300))
    source, encoder = DataSource(benchmark="xtreme", data=str(data)), load_encoder(str(model))
    assert MNLI.recipe is not None
    sampler = InputSampler(source, encoder, PROFILES["pretrained"])
    sizes = sampler.sizes_of(MNLI, "train", "en", MNLI.recipe)
    assert sizes is sampler.sizes_of(MNLI, "train", "en", MNLI.recipe)
    assert sizes.row_count == 2_000 and 400 <= len(sizes.lengths) <= 512
    assert not sampler.full_length and sampler.reading_seconds > 0
    limited = InputSampler(dataclasses.replace(source, test_limit=40), encoder, PROFILES["pretrained"])
    assert len(limited.sizes_of(MNLI, "dev", "en", MNLI.recipe).lengths) == 40
    sample = sample_split(source, MNLI, "train", "en", 4)
    assert sample is not None
    assert [example.first for example in sample.examples if isinstance(example, PairExample)] == [
        "p0", "p500", "p1000", "p1500"
    ]  # fmt: skip
