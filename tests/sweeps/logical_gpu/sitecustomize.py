"""In a Python path, this folder makes Ray's logical GPUs pass for GPUs of 16 GiB; stages train on the CPU all the same.

Python imports this module at its start. It waits for the module that asks torch for a GPU.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

ASKING = "trainables.training.gpu_smoke"


class LogicalGpu(MetaPathFinder):
    """Finds the one module, once, and changes what it finds."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != ASKING:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            facts: dict[str, Any] = {"capability": "9.0", "has_bf16": True, "driver": None, "compute_mode": None}
            gpu = module.GpuFacts(name="logical GPU", memory=16 * 2**30, fault=None, **facts)
            passing = {"require_gpu": lambda: None, "check_gpu": lambda *, uses_bf16: None}
            module.__dict__.update(passing, collect_gpu_facts=lambda *, uses_bf16: gpu)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, LogicalGpu())
