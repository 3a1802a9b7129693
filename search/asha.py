"""Early stopping: one Ray ASHA per stratum, on English dev, with rungs that survive a restart.

Only like competes with like: arms of one stratum have the same task, parent and seed. A single ASHA over all stages
would judge a task by another task's scale. Ray does not save a scheduler's state, so each stratum's rungs are a small
file: the scores in the order in which they came in, replayed at the start.
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from spaces.stage import TENTHS
from trainables.storage import Storage, set_aside, write_text

GRACE = 3  # tenths before anything may be stopped
REDUCTION = 2  # rungs at 3 and 6 tenths; about half of a rung goes on
_ENTRY = re.compile(r'\["([\w.+-]+)", (\d+), (-?\d+(?:\.\d+)?(?:e[-+]\d+)?)\]')


class StratifiedAsha(FIFOScheduler):
    """A Tune scheduler that hands each result to the ASHA of its stratum. Rung entries are keyed by stage key."""

    def __init__(self, storage: Storage, folder: str, competing: set[str]) -> None:
        """`folder` has one rungs file per stratum; `competing` are the ids of strata with more than one arm."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.storage, self.folder, self.competing = storage, folder, competing
        self.entries: dict[str, list[tuple[str, int, float]]] = {}
        self.stopped: set[str] = set()
        self.damage: list[str] = []  # what was found to be damaged: one line each
        self.torn: set[str] = set()  # strata whose rungs file was damaged
        self._ashas: dict[str, Any] = {}
        for name in sorted(storage.sizes(folder)):
            file = PurePosixPath(name)
            if file.suffix == ".json" and not file.name.startswith("."):
                self._replay(name, stratum=file.stem)

    def _replay(self, name: str, stratum: str) -> None:
        content = (self.storage.read(name) or b"").decode(errors="replace")
        entries = whole_entries(content)
        for entry in entries:
            self._enter(stratum, *entry)
        if json.dumps(entries) != content:
            self.torn.add(stratum)
            kept = f"its first {len(entries)} entries are kept" if entries else "its stratum's rungs begin afresh"
            self.damage.append(f"{name} is damaged; {kept} -> {set_aside(self.storage, name)}")
            if entries:
                self._write(stratum)

    def _write(self, stratum: str) -> None:
        write_text(self.storage, f"{self.folder}/{stratum}.json", json.dumps(self.entries[stratum]))

    def _asha(self, stratum: str) -> Any:
        if stratum not in self._ashas:
            self._ashas[stratum] = AsyncHyperBandScheduler(
                time_attr="tenth",
                metric="dev",
                mode="max",
                max_t=TENTHS,
                grace_period=GRACE,
                reduction_factor=REDUCTION,
            )
        return self._ashas[stratum]

    def _enter(self, stratum: str, key: str, tenth: int, score: float) -> str:
        asha, who = self._asha(stratum), SimpleNamespace(trial_id=key)
        if key not in asha._trial_info:
            asha.on_trial_add(None, who)
        self.entries.setdefault(stratum, []).append((key, tenth, score))
        decision: str = asha.on_trial_result(None, who, {"tenth": tenth, "dev": score})
        if decision == TrialScheduler.STOP:
            self.stopped.add(key)
        return decision

    def report(self, stratum: str, key: str, tenth: int, score: float) -> str:
        """Judge a score: STOP or CONTINUE. The same stage enters a tenth once, however often it is reported."""
        if key in self.stopped:  # stopped before a kill that lost the record of it
            return str(TrialScheduler.STOP)
        known = any(entry[:2] == (key, tenth) for entry in self.entries.get(stratum, ()))
        if stratum not in self.competing or tenth >= TENTHS or known:
            return str(TrialScheduler.CONTINUE)
        decision = self._enter(stratum, key, tenth, score)
        if tenth >= GRACE:  # what comes before cannot change a decision
            self._write(stratum)
        return decision

    def stopped_before(self, stratum: str, key: str, curve: Sequence[float]) -> bool:
        """Whether to believe an outcome that says that a stage was stopped, though its rungs do not.

        Where they were damaged it is this sweep that stopped it, as far as can be told; its curve is entered again.
        """
        if stratum not in self.torn:
            return False
        self.report_curve(stratum, key, curve)
        self.stopped.add(key)
        return True

    def stopped_curve(self, key: str) -> list[float] | None:
        """English dev by tenth of a stage that was stopped; None if it was not."""
        if key not in self.stopped:
            return None
        return [score for entries in self.entries.values() for name, _, score in entries if name == key]

    def enter_finished(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Let an arm that was finished elsewhere stand in the rungs, so that new arms are measured against it too."""
        self.report_curve(stratum, key, curve)
        self.stopped.discard(key)

    def report_curve(self, stratum: str, key: str, curve: Sequence[float]) -> str:
        """Report every tenth of a curve in order, so that each rung is entered at its own tenth, also after a kill."""
        decision = str(TrialScheduler.CONTINUE)
        for tenth, score in enumerate(curve, start=1):
            decision = self.report(stratum, key, tenth, score)
            if decision == TrialScheduler.STOP:
                break
        return decision

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Tune's question after every tenth."""
        return self.report_curve(trial.config["stratum"], trial.config["key"], result["curve"])

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Metric and mode are ours."""
        return True

    def debug_string(self) -> str:
        """One line for Tune's log."""
        return f"StratifiedAsha: {len(self._ashas)} strata, {len(self.stopped)} stopped"


def whole_entries(content: str) -> list[tuple[str, int, float]]:
    """The entries of a rungs file up to the first damaged one: stage, tenth and score, each tenth once and in order.

    What follows is lost, since the order in which scores came in decides what is stopped.
    """
    entries: list[tuple[str, int, float]] = []
    last: dict[str, int] = {}
    place = 1 if content.startswith("[") else len(content)
    while match := _ENTRY.match(content, place):
        key, tenth, score = match[1], int(match[2]), float(match[3])
        if not last.get(key, 0) < tenth < TENTHS or not math.isfinite(score):
            break
        last[key] = tenth
        entries.append((key, tenth, score))
        place = match.end() + len(", ")
    return entries
