"""What the hub says of a repository: its newest commit, and the files of a commit."""

import functools
from typing import Any

import huggingface_hub
import huggingface_hub.constants

from trainables.repositories.questions import AbsentError, ask_hub
from trainables.repositories.snapshot import CONTENT_ID, MAIN_BRANCH, RepositoryFile, RepositoryKey, Snapshot


def _ask_info(key: RepositoryKey, revision: str, *, with_files: bool) -> Any:
    kind, repo_id, branch = key
    info = functools.partial(
        huggingface_hub.HfApi().repo_info,
        repo_id,
        repo_type=kind,
        revision=None if revision == MAIN_BRANCH else revision,
        files_metadata=with_files,
        timeout=float(huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT),
    )
    return ask_hub(repo_id if branch == MAIN_BRANCH else f"{repo_id} ({branch})", info)


def ask_commit(key: RepositoryKey, revision: str) -> str:
    """Return the commit of a branch."""
    return str(_ask_info(key, revision, with_files=False).sha)


def list_commit(key: RepositoryKey, revision: str, notes: list[str]) -> Snapshot:
    """Return the snapshot of a branch or commit: one question, two where the hub leaves out the sizes of files.

    A repository that was renamed is told in `notes`.
    """
    kind, repo_id, branch = key
    info = _ask_info(key, revision, with_files=True)
    siblings = list(info.siblings or ())
    if all(sibling.size is not None and (sibling.blob_id or sibling.lfs) for sibling in siblings):
        files = [_make_file(each.rfilename, each.size, each.lfs, each.blob_id) for each in siblings]
    else:
        files = _list_tree(key, str(info.sha), [each.rfilename for each in siblings])
    files.sort(key=lambda file: file.name)
    if info.id != repo_id:
        notes.append(f"{repo_id} is called {info.id} on the hub by now.")
    return Snapshot(kind=kind, repo_id=repo_id, branch=branch, commit=str(info.sha), files=tuple(files))


def _list_tree(key: RepositoryKey, commit: str, names: list[str]) -> list[RepositoryFile]:
    """Return the files with sizes and contents; from a mirror that has no such page, their names alone."""
    kind, repo_id, _ = key

    def list_files() -> list[RepositoryFile]:
        entries = huggingface_hub.HfApi().list_repo_tree(repo_id, repo_type=kind, revision=commit, recursive=True)
        files = (entry for entry in entries if isinstance(entry, huggingface_hub.hf_api.RepoFile))
        return [_make_file(file.path, file.size, file.lfs, file.blob_id) for file in files]

    try:
        return ask_hub(f"{repo_id} at commit {commit}", list_files)
    except AbsentError:
        return [RepositoryFile(name, None, None) for name in names]


def _make_file(name: str, size: int | None, lfs: Any, blob_id: str | None) -> RepositoryFile:
    """Return a file; a large one is known by the hash of its content, not by that of the pointer to it."""
    content_id = blob_id if lfs is None else str(lfs.sha256)
    is_known = content_id is not None and CONTENT_ID.fullmatch(content_id) is not None
    return RepositoryFile(name, size if lfs is None else int(lfs.size), content_id if is_known else None)
