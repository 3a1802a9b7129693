"""`search/run.py` on one logical GPU of 16 GiB, where every stage takes 2 GiB. Prints each trial's share as it starts.

The driver makes up what torch would measure on a GPU; workers train on the CPU (logical_gpu/ in their Python path).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tiny_sweep import main

from search.cluster import cluster
from search.driver.packing import GpuPacking
from search.process import signals
from search.request import resources
from spaces.command import run_command
from spaces.stage import Stage

GIB = 2**30

cluster.count_mig_parts = lambda: 1  # what Ray is told to have
cluster.count_local_cpus = resources.count_local_cpus = lambda: 4
resources._count_local_gpus = lambda: 1
record_peak, mark_running = GpuPacking.record_peak, GpuPacking.mark_running


def _record_peak(self: GpuPacking, stage: Stage, peak: int | None) -> None:
    assert peak is None, "this machine has a GPU: the test makes up the figures of one"
    record_peak(self, stage, 2 * GIB)


def _mark_running(self: GpuPacking, trial_id: str) -> None:
    mark_running(self, trial_id)
    trial = self.trials[trial_id]
    others = sum(other.is_running for other in self.trials.values()) - 1
    print(f"started: {trial.stage.kind} {trial.share:g} beside {others}")


GpuPacking.record_peak, GpuPacking.mark_running = _record_peak, _mark_running  # type: ignore[method-assign]

if __name__ == "__main__":
    signals.install()
    sys.exit(run_command(main))
