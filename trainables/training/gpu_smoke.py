"""What a trial needs of its GPU: that there is one, and that it can do one small step of training."""

import subprocess
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from trainables.training.optimizer import build_optimizer

SMI_TIMEOUT = 20.0  # seconds


class NoGpuError(RuntimeError):
    """A trial has a share of a GPU, and torch can use none."""


class GpuFaultError(RuntimeError):
    """A small step of training failed on a GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuFacts:
    """A GPU as a trial sees it. Driver and compute mode are None where `nvidia-smi` does not tell them."""

    name: str
    memory: int  # bytes
    capability: str  # such as 8.0
    has_bf16: bool  # in hardware
    driver: str | None
    compute_mode: str | None
    fault: str | None  # why a step of training failed

    def __str__(self) -> str:
        driver = f", driver {self.driver}" if self.driver else ""
        return f"{self.name}, {self.memory / 2**30:.0f} GiB, capability {self.capability}{driver}"


def require_gpu() -> None:
    """Raise NoGpuError unless torch can use a GPU: a trial with a share of one must not train on the CPU instead."""
    if not torch.cuda.is_available():
        build = "a build without CUDA" if torch.version.cuda is None else f"built for CUDA {torch.version.cuda}"
        raise NoGpuError(f"the trial has a share of a GPU, but torch {torch.__version__} ({build}) sees none.")


def check_gpu(*, uses_bf16: bool) -> str | None:
    """Return what the first GPU that this process sees lacks for training, None if nothing.

    Raises GpuFaultError if a step of training fails on it, which another process may not meet.
    """
    try:
        require_gpu()
    except NoGpuError as error:
        return str(error)
    if uses_bf16 and not torch.cuda.is_bf16_supported(including_emulation=False):
        return f"{torch.cuda.get_device_name(0)} has no bf16. Give --precision fp32."
    if (fault := _find_step_fault(uses_bf16=uses_bf16)) is not None:
        raise GpuFaultError(f"a step of training failed on the GPU: {fault}")
    return None


def _find_step_fault(*, uses_bf16: bool) -> str | None:
    """Return why a step of training fails on the first GPU that this process sees; None if it does not."""
    try:
        run_step(torch.device("cuda", 0), uses_bf16=uses_bf16)
    except (RuntimeError, FloatingPointError) as error:
        return " ".join(str(error).split())
    return None


def collect_gpu_facts(*, uses_bf16: bool) -> GpuFacts:
    """Return the facts of the first GPU that this process sees, after a step on it. Raises NoGpuError without one."""
    require_gpu()
    properties = torch.cuda.get_device_properties(0)
    driver, mode = _read_smi(str(getattr(properties, "uuid", "")))
    return GpuFacts(
        name=properties.name,
        memory=properties.total_memory,
        capability=f"{properties.major}.{properties.minor}",
        has_bf16=torch.cuda.is_bf16_supported(including_emulation=False),
        driver=driver,
        compute_mode=mode,
        fault=_find_step_fault(uses_bf16=uses_bf16),
    )


def run_step(device: torch.device, *, uses_bf16: bool) -> None:
    """Do once what training does: a product, masked attention, a backward pass and a fused optimizer step.

    Raises RuntimeError if the device cannot, and FloatingPointError if its numbers are not finite.
    """
    weight = nn.Parameter(torch.eye(64, device=device))
    optimizer = build_optimizer([weight], 0.01, 1e-3)
    is_token = torch.arange(16, device=device) < 12
    with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16):
        states = torch.ones(2, 4, 16, 64, device=device) @ weight
        mixed = scaled_dot_product_attention(states, states, states, attn_mask=is_token.expand(2, 1, 16, 16))
    mixed.float().square().mean().backward()
    optimizer.step()
    if not bool(torch.isfinite(weight).all()):
        raise FloatingPointError("a step of training gave numbers that are not finite")


def _read_smi(uuid: str) -> tuple[str | None, str | None]:
    """Return the driver's version and the compute mode of a GPU, as `nvidia-smi` says them."""
    query = ["nvidia-smi", "--query-gpu=uuid,driver_version,compute_mode", "--format=csv,noheader"]
    try:
        lines = subprocess.run(query, capture_output=True, encoding="utf-8", timeout=SMI_TIMEOUT, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None, None
    for line in lines.splitlines():
        found, driver, mode = (part.strip() for part in line.split(","))
        if uuid and found.removeprefix("GPU-") == uuid.removeprefix("GPU-"):
            return driver, mode
    return None, None
