"""The hub as a sweep reads it: every repository at one commit, which is found once and then handed to every worker."""

import functools
from collections.abc import Iterable, Mapping

import huggingface_hub.constants

from trainables.repositories.cache import find_cached, read_cached, recall_snapshot, remember_snapshot
from trainables.repositories.download import COMMIT_GONE
from trainables.repositories.listing import ask_commit, list_commit
from trainables.repositories.questions import AbsentError, HubError, NoNetworkError
from trainables.repositories.snapshot import (
    MAIN_BRANCH,
    RepositoryKey,
    RepositoryKind,
    Snapshot,
    snapshots_from_json,
    snapshots_to_json,
)


class Hub:
    """Snapshots of repositories. Each is found when it is first needed, and stays as it is.

    `recorded` are those that the sweep read before, and `commits` what is left of them if the record of their files is
    lost. A worker's hub knows the recorded ones only (`is_closed`). `notes` tells what a user must know.
    """

    def __init__(
        self,
        recorded: Iterable[Snapshot] = (),
        *,
        commits: Mapping[RepositoryKey, str] | None = None,
        is_closed: bool = False,
        downloads: bool = True,
    ) -> None:
        self._recorded = {snapshot.key: snapshot for snapshot in recorded}
        self._commits = dict(commits or {})
        self._found: dict[RepositoryKey, Snapshot] = dict(self._recorded) if is_closed else {}
        self._is_closed = is_closed
        self.downloads = downloads  # False: `--plan` and `--check` read no whole file but small ones
        self.notes: list[str] = []

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots that were needed so far, in order."""
        return tuple(self._found[key] for key in sorted(self._found))

    def to_json(self) -> str:
        """Return the snapshots as text: what the sweep records, and what workers are given."""
        return snapshots_to_json({**self._recorded, **self._found}.values())

    def find(self, kind: RepositoryKind, repo_id: str, branch: str = MAIN_BRANCH) -> Snapshot | None:
        """Return the snapshot of a repository; None if the hub has no such repository or branch.

        Raises HubError if the hub cannot be asked and no record or cache says what it has.
        """
        key = (kind, repo_id, branch)
        if key not in self._found:
            if self._is_closed:
                raise HubError(f"{repo_id}: this sweep did not record it. Start the sweep again.")
            self._found[key] = self._resolve(key)
        snapshot = self._found[key]
        return None if snapshot.commit is None else snapshot

    def _resolve(self, key: RepositoryKey) -> Snapshot:
        recorded = self._recorded.get(key)
        commit = recorded.commit if recorded is not None else self._commits.get(key)
        if recorded is None and commit is None:
            return _find_newest(key, self.notes)
        self._note_move(key, commit)
        if commit is None:
            assert recorded is not None
            return recorded
        if recorded is not None and recorded.is_whole:
            return recorded
        try:
            return list_commit(key, commit, self.notes)
        except NoNetworkError:
            cached = recorded or read_cached(key, commit)
            if cached is None:
                raise
            return cached
        except AbsentError as error:
            raise HubError(f"{error} {COMMIT_GONE}") from error

    def _note_move(self, key: RepositoryKey, commit: str | None) -> None:
        """Add a note if the branch has another commit by now than the sweep reads; None: the hub did not have it."""
        if huggingface_hub.constants.is_offline_mode():
            return
        _, repo_id, branch = key
        try:
            newest: str | None = ask_commit(key, branch)
        except AbsentError:
            newest = None
        except HubError as error:
            self.notes.append(f"whether {repo_id} has moved since this sweep began is unknown: {error}")
            return
        if newest != commit:
            was, state = (f"commit {name}" if name else "not being on the hub" for name in (commit, newest))
            self.notes.append(
                f"{repo_id} has moved from {was} to {state}. This sweep goes on as it began; "
                "--new-commits with another --name reads what is new."
            )


@functools.lru_cache(maxsize=4)
def open_recorded_hub(text: str) -> Hub:
    """Return the hub of a record by `Hub.to_json`, one for the whole process: it asks for nothing but files."""
    return Hub(snapshots_from_json(text), is_closed=True)


def _find_newest(key: RepositoryKey, notes: list[str]) -> Snapshot:
    kind, repo_id, branch = key
    try:
        newest = list_commit(key, branch, notes)
    except AbsentError:
        newest = Snapshot(kind=kind, repo_id=repo_id, branch=branch, commit=None)
    except NoNetworkError as error:
        cached = recall_snapshot(key) or find_cached(key)
        if cached is None:
            raise
        state = "was not on the hub" if cached.commit is None else f"is read from the cache at commit {cached.commit}"
        notes.append(f"{repo_id} {state}, as of the last answer that this machine had. {error}")
        return cached
    remember_snapshot(newest)
    return newest
