"""How many trials fit: from the flags and the machine, before Ray starts."""

import os
from argparse import Namespace

from spaces.errors import UsageError


def local_slots(options: Namespace) -> int:
    """Trials at once on this machine; raises UsageError if one trial asks for more than there is.

    With --address the cluster decides, and `cluster_slots` is asked once Ray is connected.
    """
    if options.address is not None:
        return int(options.max_concurrent or 1)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return slots(options, cpus, _gpus() if options.gpus_per_trial else 0)


def slots(options: Namespace, cpus: float, gpus: float) -> int:
    """Trials that fit on so many CPUs and GPUs; raises UsageError if not even one does."""
    if options.cpus_per_trial > cpus:
        raise UsageError(f"--cpus-per-trial {options.cpus_per_trial}: there are {cpus:g} CPUs here.")
    fit = int(cpus // options.cpus_per_trial)
    if options.gpus_per_trial:
        if options.gpus_per_trial > gpus:
            raise UsageError(f"--gpus-per-trial {options.gpus_per_trial:g}: there are {gpus:g} GPUs here.")
        fit = min(fit, int(gpus / options.gpus_per_trial))
    return min(fit, options.max_concurrent) if options.max_concurrent else fit


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()
