"""Runs in MLflow: an experiment for the sweep, in it a run for each stage, known again by tags."""

import logging
from collections.abc import Sequence
from typing import Any

from analysis.tracking.tracked_runs import TrackedRun, refuse_missing, refuse_place

STAGE_TAG, DIGEST_TAG = "transfer_search.stage", "transfer_search.digest"
MAX_METRICS = 1000  # of one request, by MLflow's rule


def export_runs(runs: Sequence[TrackedRun], place: str, project: str) -> int:
    """Write the runs that are not there into the experiment `project` at the tracking URI `place`; return their number.

    A run of the same stage with other contents, or one that a kill left unfinished, is deleted: it lacks the digest,
    which is written last. Raise UsageError if MLflow is not installed, or the place cannot be used.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise refuse_missing("mlflow", "mlflow-skinny") from error
    logging.getLogger("alembic").setLevel(logging.WARNING)  # else a new database tells each of its tables
    try:
        client = MlflowClient(tracking_uri=place)
        experiment = client.get_experiment_by_name(project)
        experiment_id = client.create_experiment(project) if experiment is None else experiment.experiment_id
        known = _list_known(client, experiment_id)
        written = 0
        for run in runs:
            digests = known.get(run.key, {})
            if run.digest not in digests.values():
                _write_run(client, experiment_id, run)
                written += 1
            for run_id in (run_id for run_id, digest in digests.items() if digest != run.digest):
                client.delete_run(run_id)
    except (MlflowException, OSError) as error:
        raise refuse_place(f"{place} cannot be used by MLflow", error) from error
    return written


def _list_known(client: Any, experiment_id: str) -> dict[str, dict[str, str | None]]:
    """Return the runs of each stage in an experiment: id and digest, None for one that is not whole."""
    known: dict[str, dict[str, str | None]] = {}
    token = None
    while True:
        page = client.search_runs([experiment_id], page_token=token)
        for run in page:
            if stage := run.data.tags.get(STAGE_TAG):
                known.setdefault(stage, {})[run.info.run_id] = run.data.tags.get(DIGEST_TAG)
        token = page.token
        if not token:
            return known


def _write_run(client: Any, experiment_id: str, run: TrackedRun) -> None:
    """Write a run with its settings as parameters."""
    from mlflow.entities import Metric, Param

    created = client.create_run(experiment_id, start_time=0, run_name=run.name, tags={STAGE_TAG: run.key})
    run_id = created.info.run_id
    params = [Param(name, str(value)) for name, value in run.settings.items()]
    metrics = [
        Metric(name, value, int(1000 * run.seconds_at(step)), step)
        for name, points in run.series.items()
        for step, value in points
    ]
    client.log_batch(run_id, params=params)
    for start in range(0, len(metrics), MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + MAX_METRICS])
    client.set_tag(run_id, DIGEST_TAG, run.digest)
    client.set_terminated(run_id, end_time=int(1000 * run.seconds))
