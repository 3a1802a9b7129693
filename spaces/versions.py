"""Versions of Python and of the packages that scores may depend on, as this process would import them.

A sweep records them, and nodes of a cluster are compared by them: only equal versions give equal scores.
"""

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

RECORDED_PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "ray", "optuna", "pyarrow", "polars", "numpy")
WORKER_PACKAGES = ("python", "torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow")
NOT_INSTALLED = "not installed"


@cache
def read_versions() -> Mapping[str, str]:
    """Return the version of Python and of each recorded package."""
    versions = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = NOT_INSTALLED
    return versions


def read_worker_versions() -> dict[str, str]:
    """Return the versions of what a worker imports."""
    return {name: read_versions()[name] for name in WORKER_PACKAGES}
