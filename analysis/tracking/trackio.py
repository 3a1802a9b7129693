"""Runs in Trackio's database on this machine: a project for the sweep, in it a run for each stage."""

import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from analysis.tracking.tracked_runs import TrackedRun, refuse_missing, refuse_place

DIGEST = "transfer_search.digest"  # a setting of each run


def export_runs(runs: Sequence[TrackedRun], place: str, project: str) -> int:
    """Write the runs that are not there into `project` of the databases in the folder `place`; return their number.

    A run of the same stage with other contents is replaced. A run is one transaction, so none is there in part. Raise
    UsageError if Trackio is not installed, or the folder or the project's name cannot be used.
    """
    os.environ["TRACKIO_DIR"] = place  # read when Trackio is imported
    try:
        import trackio
        from trackio.sqlite_storage import SQLiteStorage  # what Trackio's own importers of curves write with
    except ImportError as error:
        raise refuse_missing("trackio", "trackio") from error
    written = 0
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
        SQLiteStorage.validate_project_name(project)
        SQLiteStorage.init_db(project)
        known = {run.id: run for run in trackio.Api().runs(project)}
        for run in runs:
            earlier = known.get(run.key)
            if earlier is not None:
                if (earlier.config or {}).get(DIGEST) == run.digest:
                    continue
                earlier.delete()
            values = run.values_by_step
            SQLiteStorage.bulk_log(
                project,
                run.name,
                list(values.values()),
                steps=list(values),
                timestamps=[datetime.fromtimestamp(run.seconds_at(step), UTC).isoformat() for step in values],
                config={**run.settings, DIGEST: run.digest},
                run_id=run.key,
            )
            written += 1
    except (OSError, ValueError, sqlite3.Error) as error:
        raise refuse_place(f"{place} cannot be used by Trackio", error) from error
    return written
