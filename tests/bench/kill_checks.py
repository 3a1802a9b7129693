"""What must hold after kills: each check returns what is wrong, in words, and nothing if all is well."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl
from witness import Line

from tests.score_rows import drop_costs

RUNGS = (3, 6)  # tenths, of ASHA
ORPHAN = 5.0  # seconds that a worker may train on after its driver was killed: Ray ends it after three
Entries = Mapping[str, Sequence[tuple[str, int, float]]]  # of each stratum, in the order of their coming


@dataclass(slots=True)
class Kill:
    """One kill: whom and how, when, and how many tenths had to be begun again because of it."""

    kind: str
    time: float
    workers: int
    repeated: int = 0


def has_lost_worker(results: Path) -> bool:
    """Return True while a stage that has lost a worker is not done."""
    lost = (file.parent for file in results.glob("stages/*/attempts.json"))
    return any(not (folder / "outcome.json").exists() for folder in lost)


def repeated_work(lines: Sequence[Line], kills: Sequence[Kill]) -> list[str]:
    """No stage that is done is trained again, nor a tenth whose state was written; who asks to end repeats nothing.

    Fills `kill.repeated`. An orphan may begin tenths after the kill of its driver, and is lost with them.
    """
    wrong, done, saved = [], set[str](), defaultdict[str, int](int)
    begun: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for line in lines:
        match line.word:
            case "done":
                done.add(line.key)
            case "saved":
                saved[line.key] = line.tenth
            case "begin":
                if line.key in done:
                    wrong.append(f"stage {line.key} was done and trained tenth {line.tenth} again")
                elif line.tenth <= saved[line.key]:
                    wrong.append(f"tenth {line.tenth} of stage {line.key} was written and trained again")
                begun[line.key, line.tenth].append(line.time)
    for (key, tenth), times in begun.items():
        for first, second in pairwise(times):
            after = [kill for kill in kills if first <= kill.time <= second]
            before = [kill for kill in kills if first - ORPHAN <= kill.time < first]
            if not after and not before:
                wrong.append(f"tenth {tenth} of stage {key} was trained twice without a kill in between")
            else:
                (after[0] if after else before[-1]).repeated += 1
    for kill in kills:
        if kill.repeated and kill.kind.endswith("once"):
            wrong.append(f"{kill.kind} repeated {kill.repeated} tenths with {kill.workers} workers")
    return wrong


def scores(results: Path) -> pl.DataFrame:
    rows = pl.read_parquet(results / "stages" / "*" / "scores.parquet", glob=True)
    return drop_costs(rows).sort(drop_costs(rows).columns)


def equal_scores(results: Path, whole: Path) -> list[str]:
    """Every score is the same, bit for bit, as in a sweep that nobody interrupted."""
    return [] if scores(results).equals(scores(whole)) else ["the scores differ from those of the uninterrupted sweep"]


def read_rungs(results: Path) -> dict[str, list[tuple[str, int, float]]]:
    files = results.glob("*/rungs/*.json")
    return {file.stem: [(k, t, s) for k, t, s in json.loads(file.read_text())] for file in files}


def kept_rungs(before: Entries, after: Entries) -> list[str]:
    """What stood in the rungs when the sweep was killed stands there still, in the same order."""
    lost = [name for name, old in before.items() if list(after.get(name, ()))[: len(old)] != list(old)]
    return [f"rungs of {name} lost or changed entries" for name in lost]


def sound_rungs(results: Path) -> list[str]:
    """Each rung is entered once, at its own tenth, and what was stopped follows from the entries and nothing else."""
    wrong, outcomes = [], {}
    for file in results.glob("stages/*/outcome.json"):
        outcomes[file.parent.name] = json.loads(file.read_text())
    stopped = set[str]()
    for name, entries in read_rungs(results).items():
        tenths: defaultdict[str, list[int]] = defaultdict(list)
        for key, tenth, score in entries:
            tenths[key].append(tenth)
            if outcomes[key]["curve"][tenth - 1] != score:
                wrong.append(f"{name}: {key} entered tenth {tenth} with a score of another one")
        wrong += [f"{name}: {key} entered {found}" for key, found in tenths.items() if found != _upto(len(found))]
        stopped |= replay(entries)
    recorded = {key for key, outcome in outcomes.items() if outcome["status"] == "stopped"}
    wrong += [f"{key} is stopped in one place and not in the other" for key in stopped ^ recorded]
    ended = {key: outcomes[key]["tenth"] for key in recorded}
    wrong += [f"{key} was stopped after {tenth} tenths" for key, tenth in ended.items() if tenth not in RUNGS]
    return wrong


def _upto(count: int) -> list[int]:
    return list(range(1, count + 1))


def replay(entries: Sequence[tuple[str, int, float]]) -> set[str]:
    """Who is stopped, by the rule itself: below the median of those that reached the rung before."""
    rungs: dict[int, list[float]] = {tenth: [] for tenth in RUNGS}
    stopped = set()
    for key, tenth, score in entries:
        if tenth in rungs:
            if rungs[tenth] and score < statistics.median(rungs[tenth]):
                stopped.add(key)
            rungs[tenth].append(score)
    return stopped


def table(kills: Sequence[Kill]) -> str:
    """Kills by kind: how many, tenths repeated in all, most and mean per kill."""
    count = Counter(kill.kind for kill in kills)
    rows = [f"{'kill':<28}{'kills':>6}{'repeated':>10}{'most':>6}{'mean':>7}"]
    for kind in [*sorted(count), "all"]:
        found = [kill.repeated for kill in kills if kind in (kill.kind, "all")]
        if found:
            rows.append(f"{kind:<28}{len(found):>6}{sum(found):>10}{max(found):>6}{statistics.mean(found):>7.2f}")
    return "\n".join(rows)
