"""The kinds of task: each is a module with the same functions (see kind.py)."""

from collections.abc import Mapping

from trainables.kinds import choice, mlm, pair, span, tagging
from trainables.kinds.kind import KindOfTask

KINDS: Mapping[str, KindOfTask] = {"pair": pair, "choice": choice, "tagging": tagging, "span": span, "mlm": mlm}
