"""TF32: when products of 32-bit numbers are rounded, without a GPU."""

import pytest
import torch

from spaces.stage import Precision
from trainables.training.tf32 import use_tf32


@pytest.mark.parametrize(
    ("device", "precision", "inside"),
    [("cuda", "bf16", "high"), ("cuda", "fp32", "highest"), ("cpu", "bf16", "highest")],
)
def test_only_a_gpu_that_trains_in_bf16_rounds_products_in_32_bits(
    device: str, precision: Precision, inside: str
) -> None:
    with pytest.raises(ZeroDivisionError), use_tf32(torch.device(device), precision):
        assert torch.get_float32_matmul_precision() == inside
        raise ZeroDivisionError
    assert torch.get_float32_matmul_precision() == "highest"
