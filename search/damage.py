"""What a run says of damaged files: one line each, at once, so that nothing is set aside unseen."""

import re
from collections.abc import Callable

from search.board import Board
from trainables.storage import Storage

_ASIDE = re.compile(r"(.*?\.damaged\d*)(/.*)?")


class Damage:
    """Says what the driver found to be damaged, and at the end what workers set aside."""

    def __init__(self, results: Storage, say: Callable[[str], None]) -> None:
        self.results, self._say = results, say
        self.lines: list[str] = []
        self._before = asides(results)

    def say(self, line: str | None) -> None:
        """Say a line, if it is one and was not said before."""
        if line is not None and line not in self.lines:
            self.lines.append(line)
            self._say(f"damaged: {line}")

    def look(self, board: Board) -> None:
        """Say what the driver has found by now."""
        for one in (board.store, board.gate, board.rates):
            for line in getattr(one, "damage", ()):
                self.say(line)

    def end(self, board: Board) -> None:
        """Say what the driver has found, and what workers have set aside: they see no screen."""
        self.look(board)
        for name in sorted(asides(self.results) - self._before):
            if not any(name in line for line in self.lines):
                self.say(f"{name} was set aside by a worker and made anew")


def asides(results: Storage) -> set[str]:
    """Names of damaged files and folders that were set aside."""
    return {found[1] for name in results.sizes() if (found := _ASIDE.fullmatch(name))}
