"""Files of tensors: reading returns what was written, whatever its type, shape and order in memory."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from trainables.record.tensor_file import AbandonedError, write_tensors

TENSORS = {
    "matrix": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "turned": torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
    "part": torch.arange(10)[3:7],
    "scalar": torch.tensor(3.5, dtype=torch.float64),
    "whole": torch.tensor(7),
    "bool": torch.tensor([True, False]),
    "bytes": torch.get_rng_state(),
    "half": torch.randn(3, dtype=torch.bfloat16),
    "empty": torch.empty(0, 4),
    "odd": torch.tensor([float("nan"), float("inf"), -0.0]),
    "trained": torch.nn.Parameter(torch.ones(2)),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_comes_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    write_tensors(tmp_path / "file", {name: TENSORS[name]})
    loaded = load_file(tmp_path / "file")[name]
    expected = TENSORS[name].detach()
    assert loaded.dtype == expected.dtype and loaded.shape == expected.shape
    assert torch.equal(loaded.reshape(-1).view(torch.uint8), expected.contiguous().reshape(-1).view(torch.uint8))


def test_all_of_them_in_one_file(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", TENSORS)
    loaded = load_file(tmp_path / "file")
    assert loaded.keys() == TENSORS.keys()
    assert all(torch.equal(loaded[name], TENSORS[name]) for name in TENSORS if name != "odd")


def test_a_file_that_is_given_up_ends_before_its_end(tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(AbandonedError):
        write_tensors(tmp_path / "file", {"first": torch.rand(9), "second": torch.rand(9)}, lambda: next(asked))
