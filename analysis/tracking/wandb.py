"""Offline runs of Weights & Biases: a folder for each stage, whose name says what is in it. `wandb sync` sends them."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from analysis.tracking.tracked_runs import TrackedRun, refuse_missing, refuse_place
from spaces.whole_files import write_folder

SECONDS = "seconds"  # a series of each run: the time of its tenths, to be chosen as the x axis
QUIET = {"silent": True, "console": "off", "x_save_requirements": False}
NO_FACTS_OF_THIS_MACHINE = {"x_disable_stats": True, "x_disable_meta": True, "disable_git": True, "disable_code": True}


def export_runs(runs: Sequence[TrackedRun], place: str, project: str) -> int:
    """Write the runs that are not there into folders below `place`; return their number. Nothing is sent.

    The id of a run is the key of its stage and the digest of its contents, so a run is never continued: one of the same
    stage with other contents is replaced. Raise UsageError if W&B is not installed, or a folder cannot be written.
    """
    try:
        import wandb
        from wandb.errors import Error  # not there if `wandb` is but a folder of runs
    except ImportError as error:
        raise refuse_missing("wandb", "wandb") from error
    written = 0
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
        for run in runs:
            folder = Path(place, f"offline-run-{run.key}-{run.digest}")
            if folder.exists():
                continue
            write_folder(folder, partial(_write_run, wandb, run, project))
            for other in set(Path(place).glob(f"offline-run-{run.key}-*")) - {folder}:
                shutil.rmtree(other)
            written += 1
    except (OSError, Error) as error:
        raise refuse_place(f"{place} cannot be written by W&B", error) from error
    finally:
        wandb.teardown()
    return written


def _write_run(wandb: Any, run: TrackedRun, project: str, folder: Path) -> None:
    """Fill the folder of a run: its file, without the logs that W&B leaves around it."""
    own_root = folder / "root"
    own_root.mkdir()
    session = wandb.init(
        dir=own_root,
        mode="offline",
        project=project,
        id=f"{run.key}-{run.digest}",
        name=run.name,
        group=str(run.settings["intermediate"]),
        config=dict(run.settings),
        settings=wandb.Settings(**QUIET, **NO_FACTS_OF_THIS_MACHINE),
    )
    for step, values in run.values_by_step.items():
        session.log({**values, SECONDS: run.seconds_at(step)}, step=step)
    session.finish()
    Path(session.settings.sync_file).replace(folder / f"run-{session.id}.wandb")
    shutil.rmtree(own_root)
