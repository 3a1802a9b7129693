"""The bench of overhead wraps functions of the product by name: each of them is there."""

import importlib
from functools import reduce

import pytest

from tests.bench.spans import WRAPPED

NAMES = [(module, name) for module, names in WRAPPED.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[name for _, name in NAMES])
def test_what_the_bench_wraps_is_there(module: str, name: str) -> None:
    assert callable(reduce(getattr, name.split("."), importlib.import_module(module)))
