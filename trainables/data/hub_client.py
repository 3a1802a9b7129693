"""Questions to the Hugging Face hub: commits, configs, splits.

Every answer is cached for the life of the process: each question is asked once, and all stages get the same answer.
Every question raises UsageError if the hub cannot be reached.
"""

import functools
from collections.abc import Callable, Iterable

import datasets
import huggingface_hub

from spaces.errors import UsageError, first_line_of


@functools.lru_cache(maxsize=64)
def resolve_commit(repo_id: str, revision: str | None) -> str | None:
    """Return the commit that a branch of a repository points to; None if there is no such repository or branch.

    Rows are read at this commit, and `sweep.json` records it.
    """
    try:
        return str(huggingface_hub.HfApi().dataset_info(repo_id, revision=revision).sha)
    except (huggingface_hub.errors.RepositoryNotFoundError, huggingface_hub.errors.RevisionNotFoundError):
        return None
    except Exception as error:  # the hub's clients raise errors of several libraries
        raise _unreachable_error(repo_id, error) from error


@functools.lru_cache(maxsize=64)
def list_configs(repo_id: str, commit: str) -> frozenset[str]:
    """Return the configs of a repository; empty if `datasets` cannot load it (loading script, no data files)."""
    return _ask_hub(repo_id, lambda: datasets.get_dataset_config_names(repo_id, revision=commit))


@functools.lru_cache(maxsize=512)
def list_splits(repo_id: str, config: str, commit: str) -> frozenset[str]:
    """Return the splits of a config; empty if `datasets` cannot load it."""
    return _ask_hub(repo_id, lambda: datasets.get_dataset_split_names(repo_id, config, revision=commit))


def _ask_hub(repo_id: str, question: Callable[[], Iterable[str]]) -> frozenset[str]:
    try:
        return frozenset(question())
    except (ValueError, RuntimeError, FileNotFoundError):
        return frozenset()
    except Exception as error:  # as in resolve_commit
        raise _unreachable_error(repo_id, error) from error


def _unreachable_error(repo_id: str, error: Exception) -> UsageError:
    reason = first_line_of(error).rstrip(".")
    return UsageError(f"cannot reach the hub for {repo_id}: {reason}. Give --data DIR to read a local folder.")
