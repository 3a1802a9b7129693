"""TF32: matrix products of 32-bit numbers whose factors a GPU rounds to ten bits of mantissa; sums stay in 32 bits.

GPUs have it from capability 8.0 on (NVIDIA A100); on others torch computes in 32 bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from spaces.stage import Precision


@contextmanager
def use_tf32(device: torch.device, precision: Precision) -> Iterator[None]:
    """Within the context, a GPU that trains in bf16 computes the products that stay in 32 bits by TF32.

    These are the heads', above all that of masked words: one product with the whole vocabulary. The states that they
    read came out of bf16, which has fewer bits. On tensor cores TF32 is half as fast as bf16 and several times as fast
    as 32 bits. Logits stay in 32 bits, since in bf16 many would be equal. Scores and probes are computed outside of the
    context. With fp32, and on a CPU, nothing changes.
    """
    if device.type != "cuda" or precision != "bf16":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
