"""What a run says of damaged files: one line each, at once, so that nothing is set aside unseen."""

from collections.abc import Callable, Iterable

from search.board.board import Board
from search.sweep.disk import set_aside_root
from trainables.storage.base import Storage


class Damage:
    """Says what the driver found to be damaged, and at the end what workers set aside."""

    def __init__(self, results: Storage, say: Callable[[str], None]) -> None:
        self.results, self._say = results, say
        self.lines: list[str] = []
        self.files = results.sizes()  # as they were at the start
        self._before = asides(self.files)

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
        for name in sorted(asides(self.results.sizes()) - self._before):
            if not any(name in line for line in self.lines):
                self.say(f"{name} was set aside by a worker and made anew")


def asides(files: Iterable[str]) -> set[str]:
    """Names of damaged files and folders that were set aside, among those of files."""
    roots = map(set_aside_root, files)
    return {root for root in roots if root is not None and ".damaged" in root}
