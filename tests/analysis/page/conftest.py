"""A sweep with all that a page can show, the page about it, and a browser to look at it with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GAINS = {"helps": 4.0, "alike": 3.8, "idle": 0.2, "hurts": -3.0, "random": 0.0}  # points, planted
TARGETS = {"xnli": "en qna qma qfa", "udpos": "en qna qmb", "xquad": "en qna qma", "tatoeba": "qna qma"}
RATES = (5e-4, 1e-3, 2e-3)
SEEDS = range(4)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, run_of: Any, write_sweep: Callable[..., Path]) -> Path:
    """A sweep of the miniature's targets: planted gains, stopped, degenerate and missing runs, costs and curves."""
    rng = np.random.default_rng(7)
    runs = []
    for seed in SEEDS:
        for chain in ("none", *GAINS):
            parent = None if chain == "none" else f"intermediate-{chain}-{seed}"
            if parent:
                hours = {"seconds": 3600.0 * (1 + len(chain)), "parent": None}
                dev = np.linspace(0.4, 0.8, 10).round(4).tolist()
                runs.append(
                    run_of(
                        intermediate=chain,
                        test={"x": {}},
                        seed=seed,
                        dev=dev,
                        kind="intermediate",
                        stage=parent,
                        extra=hours,
                    )
                )
            for target, spoken in TARGETS.items():
                if (chain, target, seed) == ("idle", "xquad", 2):
                    continue  # a hole
                level = 0.6 + (GAINS.get(chain, 0.0) + rng.normal(0, 0.4)) / 100
                test = {target: {each: float(level + rng.normal(0, 0.002)) for each in spoken.split()}}
                if target == "tatoeba":
                    runs.append(
                        run_of(intermediate=chain, test=test, seed=seed, rate=None, kind="retrieval", parent=parent)
                    )
                    continue
                for rate in RATES:
                    status = "stopped" if rate == RATES[2] else "finished"
                    if (chain, target, rate) == ("hurts", "udpos", RATES[0]):
                        status = "degenerate"
                    curve = (level - 0.3 / np.arange(1, 4 if status == "stopped" else 11) - 30 * rate).tolist()
                    runs.append(
                        run_of(
                            intermediate=chain,
                            test=test,
                            seed=seed,
                            rate=rate,
                            dev=curve,
                            status=status,
                            parent=parent,
                            reason="constant predictions" if status == "degenerate" else None,
                        )
                    )
    folder = tmp_path_factory.mktemp("world")
    spec = {"controls": ["random"], "retrieval": ["tatoeba"], "targets": list(TARGETS), "seeds": list(SEEDS)}
    spec["intermediates"] = list(GAINS)
    return write_sweep(folder, runs, **spec)
