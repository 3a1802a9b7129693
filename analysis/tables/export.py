"""A ranking for programs: one record per estimate as CSV, or all of it as JSON. Numbers are not rounded."""

import csv
import io
import json
import math
from dataclasses import asdict
from typing import Any

from analysis.transfer.contest import Contest
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking
from spaces.chain import NONE

VERSION = 2  # of the JSON document; raised when a key changes its meaning


def records(found: Ranking) -> list[dict[str, Any]]:
    """One record per estimate, in the order of the table: gains, then the baseline's scores, then the floors'.

    `column` is a target (or a language, family, ...) or the name of a mean over targets. `parts` counts languages
    where a column has one target, else targets. `decided` is true where seeds are lacking because a race
    decided the chain early.
    """
    rows = [("gain", found.gains, found.intermediates), ("baseline", found.levels, (NONE,))]
    rows.append(("floor", found.levels, found.transfer.floors))
    columns = [column.name for column in found.columns]
    return [
        {"quantity": quantity, "intermediate": name, "column": column, **_fields(estimates[name, column])}
        for quantity, estimates, names in rows
        for name in names
        for column in columns
    ]


def _fields(one: Estimate) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {
        "mean": one.mean,
        "sd": one.sd,
        "low": low,
        "high": high,
        "p": one.p,
        "p_holm": one.holm,
        "p_above": one.above,
        "seeds": one.seeds,
        "of_seeds": one.of_seeds,
        "parts": one.parts,
        "of_parts": one.of_parts,
        "partial": one.partial,
        "decided": one.decided > 0,
        "holes": [{"seed": hole.seed, "status": hole.status, "reason": hole.reason} for hole in one.holes],
        "values": one.values,
    }


def as_csv(found: Ranking) -> str:
    """Records as CSV; an absent number is empty, holes read `seed:status` and values `seed:points`, blanks between."""
    rows = records(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        holes = " ".join(f"{hole['seed']}:{hole['status']}" for hole in row["holes"])
        values = " ".join(f"{seed}:{value!r}" for seed, value in row["values"].items())
        flags = {name: str(row[name]).lower() for name in ("partial", "decided")}
        writer.writerow({**row, **flags, "holes": holes, "values": values})
    return text.getvalue().rstrip("\n")


def as_json(found: Ranking) -> str:
    """What was read, the orders, the contests, the costs and the records as one JSON object."""
    read = found.read
    document = {
        "version": VERSION,
        "read": {
            "source": read.source,
            "benchmark": read.benchmark,
            "model": read.model,
            "seeds": read.seeds,
            "limited": read.limited,
            "stages": None if read.stages is None else dict(zip(("done", "of"), read.stages, strict=True)),
            "cells": found.counts,
            "runs": found.runs,
            "metrics": found.transfer.metrics,
            "notes": read.notes,
        },
        "by": found.by,
        "controls": sorted(read.controls),
        "decided": {name: _decided(found, name) for name in sorted(found.transfer.withheld)},
        "means": {name: contest.column.targets for name, contest in found.contests.items()},
        "order": {name: contest.order for name, contest in found.contests.items()},
        "contests": {name: _contest(contest) for name, contest in found.contests.items()},
        "hours": {name: asdict(cost) for name, cost in found.costs.items()},
        "worth_their_cost": found.worth,
        "estimates": records(found),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _decided(found: Ranking, name: str) -> dict[str, Any]:
    seeds, withheld = found.read.seeds, found.transfer.withheld[name]
    return {"after": [seed for seed in seeds if seed not in withheld], "of": len(seeds)}


def _contest(found: Contest) -> dict[str, Any]:
    test = {
        name: value if not isinstance(value, float) or math.isfinite(value) else None
        for name, value in asdict(found.test).items()
    }
    return {
        "leader": found.leader,
        "p_best": found.best,
        "mean_rank": {name: asdict(rank) for name, rank in found.ranks.items()},
        "groups": found.letters,
        "leave_one_seed_out": None if found.honest is None else asdict(found.honest),
        "friedman_nemenyi": test,
    }
