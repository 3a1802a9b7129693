"""The gate of a node: a worker looks at its own machine before its first stage, whenever the machine joined.

So no stage runs on a machine that sees other results, data or packages, or that has no GPU for a trial. Such a stage
costs no try, and the driver keeps the node out from then on. Errors on the way (a busy hub, a full disk) are those of a
stage, and are told apart as such.
"""

import errno
import uuid
from contextlib import suppress
from os import getpid

from spaces.stage import Precision
from spaces.versions import read_worker_versions
from trainables.record.node_facts import (
    NodeFacts,
    Places,
    UnfitNodeError,
    facts_from_json,
    find_marker,
    find_node_problems,
    identify_model,
    list_data,
)
from trainables.storage.open import open_storage
from trainables.training.gpu_smoke import GpuFaultError, check_gpu

_passed: set[tuple[str, Precision | None]] = set()  # in this process


def check_own_node(name: str, places: Places, marker: str, precision: Precision | None) -> None:
    """Raise UnfitNodeError unless this machine, `name` in messages, has what the driver's has.

    The facts of the driver's are in the file `marker` of the results. `precision` is that of training on a GPU, None
    for a trial without one. A process checks once. Raises GpuFaultError for a GPU that fails in a step of training, and
    the errors of reading and writing.
    """
    if (marker, precision) in _passed:
        return
    problems = _list_problems(name, places, marker)
    try:
        lack = None if precision is None else check_gpu(uses_bf16=precision == "bf16")
    except GpuFaultError as error:
        raise GpuFaultError(f"node {name}: {error}") from error
    problems += [] if lack is None else [f"node {name}: {lack}"]
    if problems:
        raise UnfitNodeError("; ".join(problems))
    _passed.add((marker, precision))


def _list_problems(name: str, places: Places, marker: str) -> list[str]:
    storage, answer = open_storage(places.results), f"{marker}-{uuid.uuid4().hex[:12]}.{getpid()}"
    try:
        found = find_marker(places, marker, answer)
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno != errno.EROFS:
            raise
        return [f"node {name} cannot write into the results folder {places.results}: {error}."]
    finally:
        with suppress(OSError):  # where it cannot write there is nothing to remove
            storage.remove(answer)
    if found is None:
        versions = read_worker_versions(places.packages)
        facts = NodeFacts(versions=versions, marker=None, data=None, models={})
        return find_node_problems(name, facts, facts, places, has_answered=False)
    driver_facts = facts_from_json((storage.read(marker) or b"").decode())
    versions, data = read_worker_versions(places.packages), list_data(places)
    models = {model: identify_model(model, places) for model in places.models}
    facts = NodeFacts(versions=versions, marker=found, data=data, models=models)
    return find_node_problems(name, facts, driver_facts, places, has_answered=True)
