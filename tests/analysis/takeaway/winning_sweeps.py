"""Made-up sweeps whose phases left encoders, with a known winner."""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from spaces.model_files import ENCODER_FOLDER, MASKED_WORD_HEAD_FILE
from tests.analysis.sweep_files import Run, write_sweep

TARGETS = ("xnli", "udpos", "xquad", "tatoeba")
LIFTS = {"none": 0.0, "mnli": 0.04, "squad": 0.02}
DEV = {0: 0.5, 1: 0.7, 2: 0.6}  # English dev of the targets by seed


def phase_key(chain: str, seed: int) -> str:
    return f"{chain}-{seed}"


def swept(
    results: Path,
    encoder: Path,
    lifts: Mapping[str, float] = LIFTS,
    spread: float = 0.001,
    *,
    seeds: Collection[int] = tuple(DEV),
    **spec: Any,
) -> Path:
    """Write a sweep whose phases left encoders; a chain gains its lift and varies by `spread` over seeds."""
    runs = []
    for chain, lift in lifts.items():
        for seed in seeds:
            parent = None if chain == "none" else phase_key(chain, seed)
            if parent is not None:
                runs.append(Run(intermediate=chain, seed=seed, test={}, kind="intermediate", stage=parent, rate=2e-5))
                shutil.copytree(encoder, results / "stages" / parent / ENCODER_FOLDER)
                (results / "stages" / parent / ENCODER_FOLDER / MASKED_WORD_HEAD_FILE).touch()
            for number, target in enumerate(TARGETS):
                value = 0.5 + lift + spread * ((seed + number) % 3 - 1) * (1 if chain == "mnli" else -1)
                rate = None if target == "tatoeba" else 1e-3
                test = {target: {"en": value, "de": value}}
                runs.append(Run(intermediate=chain, seed=seed, test=test, parent=parent, dev=(DEV[seed],), rate=rate))
    return write_sweep(results, runs, scheduler="halving", **spec)
