"""The record of the repositories that a sweep reads, in its results: `<sweep>/repositories.json`.

It holds commits and files. `sweep.json` has the commits, too, for people and in case that the record is lost.
"""

import json
import re

from spaces.errors import UsageError
from spaces.sweep_record import SWEEP_FILE
from trainables.repositories.hub import Hub, open_recorded_hub
from trainables.repositories.snapshot import RepositoryKey, Snapshot, snapshots_from_json
from trainables.storage.base import Storage, write_text

RECORD_FILE = "repositories.json"
_KEY = re.compile(r"(dataset|model) (\S+) (\S+)")


def name_record(sweep: str) -> str:
    """Return the name of a sweep's record in the results."""
    return f"{sweep}/{RECORD_FILE}"


def read_hub(results: Storage, record: str) -> Hub:
    """Return the hub that a worker reads: the recorded commits alone. Raises UsageError without a record."""
    content = results.read(record)
    if content is None:
        raise UsageError(f"{results.url}/{record} is missing: start the sweep again, it writes the file.")
    return open_recorded_hub(content.decode())


def read_snapshots(results: Storage, sweep: str) -> tuple[tuple[Snapshot, ...], str | None]:
    """Return the recorded snapshots, and a line on a damaged record, which counts as none."""
    content = results.read(name_record(sweep))
    if content is None:
        return (), None
    try:
        return snapshots_from_json(content), None
    except UsageError as error:
        return (), f"{name_record(sweep)}: {error} The hub is asked for the files of the commits in {SWEEP_FILE}."


def read_commits(results: Storage, sweep: str) -> dict[RepositoryKey, str]:
    """Return the commits in `sweep.json`, if there are any. Damage is reported by the reader of the whole file."""
    try:
        record = json.loads(results.read(f"{sweep}/{SWEEP_FILE}") or b"{}")["repositories"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    commits: dict[RepositoryKey, str] = {}
    for text, commit in record:
        match = _KEY.fullmatch(text)
        if match and isinstance(commit, str):
            commits["dataset" if match[1] == "dataset" else "model", match[2], match[3]] = commit
    return commits


def write_record(results: Storage, record: str, hub: Hub) -> None:
    """Write the record whole, if it would change."""
    text = hub.to_json()
    if results.read(record) != text.encode():
        write_text(results, record, text)
