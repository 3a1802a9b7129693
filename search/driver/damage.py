"""What a run says of damaged files: one line each, at once, so that nothing is set aside unseen."""

from collections.abc import Callable, Iterable

from search.board.board import Board
from search.sweep.disk import quarantine_root_of
from trainables.storage.base import Storage


class DamageReporter:
    """Says what the driver found to be damaged, and at the end what workers set aside."""

    def __init__(self, results: Storage, print_line: Callable[[str], None]) -> None:
        self.results, self._print_line = results, print_line
        self.reported: list[str] = []
        self.files_at_start = results.list_sizes()  # as they were at the start
        self._quarantined_at_start = find_quarantined(self.files_at_start)

    def report(self, line: str | None) -> None:
        """Say a line, if it is one and was not said before."""
        if line is not None and line not in self.reported:
            self.reported.append(line)
            self._print_line(f"damaged: {line}")

    def report_driver_damage(self, board: Board) -> None:
        """Say what the driver has found by now."""
        for one in (board.store, board.stopping_policy, board.rate_sampler):
            for line in getattr(one, "damage", ()):
                self.report(line)

    def report_all_damage(self, board: Board) -> None:
        """Say what the driver has found, and what workers have set aside: they see no screen."""
        self.report_driver_damage(board)
        for name in sorted(find_quarantined(self.results.list_sizes()) - self._quarantined_at_start):
            if not any(name in line for line in self.reported):
                self.report(f"{name} was set aside by a worker and made anew")


def find_quarantined(files: Iterable[str]) -> set[str]:
    """Names of damaged files and folders that were set aside, among those of files."""
    roots = map(quarantine_root_of, files)
    return {root for root in roots if root is not None and ".damaged" in root}
