"""The gate of a node: a worker looks at its own machine before its first stage, whenever the machine joined.

So no stage runs on a machine that sees other results, data or packages, or whose GPU cannot train. Such a stage costs
no try, and the driver keeps the node out from then on.
"""

import json
import uuid

from spaces.stage import Precision
from trainables.record.node_facts import NodeFacts, Places, UnfitNodeError, collect_node_facts, find_node_problems
from trainables.storage.open import open_storage
from trainables.training.gpu_smoke import find_gpu_fault

_passed: set[tuple[str, Precision | None]] = set()  # in this process


def check_own_node(name: str, places: Places, driver_facts: str, precision: Precision | None) -> None:
    """Raise UnfitNodeError unless this machine, `name` in messages, has what the driver's has (its facts as JSON).

    `precision` is that of training on a GPU, None for a trial without one. A process checks once.
    """
    if (driver_facts, precision) in _passed:
        return
    problems = _list_problems(name, places, NodeFacts(**json.loads(driver_facts)))
    if precision is not None and (fault := find_gpu_fault(uses_bf16=precision == "bf16")):
        problems.append(f"node {name}: {fault}")
    if problems:
        raise UnfitNodeError("; ".join(problems))
    _passed.add((driver_facts, precision))


def _list_problems(name: str, places: Places, driver_facts: NodeFacts) -> list[str]:
    assert driver_facts.marker is not None
    answer = f"{driver_facts.marker}-{uuid.uuid4().hex[:12]}"
    facts = collect_node_facts(places, driver_facts.marker, answer)
    if facts.marker is not None:
        open_storage(places.results).remove(answer)
    return find_node_problems(name, facts, driver_facts, places, has_answered=True)
