"""The report of damaged files in a run: one line each, at once, so that no file is moved aside unnoticed."""

from collections.abc import Callable, Iterable

from search.sweep.disk import quarantine_root_of
from trainables.storage.base import Storage


class DamageReporter:
    """Reports the damaged files that the driver finds, and at the end those that workers moved aside."""

    def __init__(self, results: Storage, print_line: Callable[[str], None]) -> None:
        self.results, self._print_line = results, print_line
        self.reported: list[str] = []
        self.files_at_start = results.list_sizes()
        self._quarantined_at_start = find_quarantined(self.files_at_start)

    def report(self, lines: Iterable[str]) -> None:
        """Print the lines that were not printed before."""
        for line in lines:
            if line not in self.reported:
                self.reported.append(line)
                self._print_line(f"damaged: {line}")

    def report_moved_by_workers(self) -> None:
        """Report the damaged files that workers, which print nothing, moved aside since the start."""
        for name in sorted(find_quarantined(self.results.list_sizes()) - self._quarantined_at_start):
            if not any(name in line for line in self.reported):
                self.report([f"a worker moved a damaged file or folder aside and made it again -> {name}"])


def find_quarantined(files: Iterable[str]) -> set[str]:
    """Return the names of damaged files and folders that were moved aside, from the names of all files."""
    roots = map(quarantine_root_of, files)
    return {root for root in roots if root is not None and ".damaged" in root}
