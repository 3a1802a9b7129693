"""Versions of Python and of the packages that scores may depend on, as this process would import them.

A sweep records them, and nodes of a cluster are compared by them: only equal versions give equal scores.
"""

import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version

RECORDED_PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "ray", "optuna", "pyarrow", "polars", "numpy")
WORKER_PACKAGES = ("python", "torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow")
NOT_INSTALLED = "not installed"


@cache
def read_version(name: str) -> str:
    """Return the version of a package, or that of Python; NOT_INSTALLED for one that is not there."""
    try:
        return platform.python_version() if name == "python" else version(name)
    except PackageNotFoundError:
        return NOT_INSTALLED


def read_versions(extra: Iterable[str] = ()) -> dict[str, str]:
    """Return the version of Python and of each recorded package, and of `extra` packages that a sweep needs."""
    return {name: read_version(name) for name in ("python", *RECORDED_PACKAGES, *extra)}


def read_worker_versions(extra: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of what a worker imports, and of `extra` packages."""
    return {name: read_version(name) for name in (*WORKER_PACKAGES, *extra)}
