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

JSON_VERSION = 2  # of the JSON document; raised when a key changes its meaning


def build_records(found: Ranking) -> list[dict[str, Any]]:
    """One record per estimate, in the order of the table: gains, then the baseline's scores, then the floors'.

    `column` is a target (or a language, family, ...) or the name of a mean over targets. `parts` counts languages
    where a column has one target, else targets. `decided` is true where seeds are lacking because a race
    decided the chain early.
    """
    rows = [("gain", found.gains, found.intermediates), ("baseline", found.reference_scores, (NONE,))]
    rows.append(("floor", found.reference_scores, found.transfer.floors))
    columns = [column.name for column in found.columns]
    return [
        {
            "quantity": quantity,
            "intermediate": name,
            "column": column,
            **_build_estimate_fields(estimates[name, column]),
        }
        for quantity, estimates, names in rows
        for name in names
        for column in columns
    ]


def _build_estimate_fields(one: Estimate) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {
        "mean": one.mean,
        "sd": one.sd,
        "low": low,
        "high": high,
        "p": one.p,
        "p_holm": one.p_holm,
        "p_above": one.p_above,
        "seeds": one.seeds,
        "of_seeds": one.of_seeds,
        "parts": one.parts,
        "of_parts": one.of_parts,
        "partial": one.is_partial,
        "decided": one.skipped_seed_count > 0,
        "holes": [{"seed": hole.seed, "status": hole.status, "reason": hole.reason} for hole in one.holes],
        "values": one.values,
    }


def as_csv(found: Ranking) -> str:
    """Records as CSV; an absent number is empty, holes read `seed:status` and values `seed:points`, blanks between."""
    rows = build_records(found)
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
    read = found.loaded_scores
    document = {
        "version": JSON_VERSION,
        "read": {
            "source": read.source,
            "benchmark": read.benchmark,
            "model": read.model,
            "seeds": read.seeds,
            "limited": read.is_limited,
            "stages": None if read.stage_counts is None else dict(zip(("done", "of"), read.stage_counts, strict=True)),
            "cells": found.cell_counts,
            "runs": found.run_counts,
            "metrics": found.transfer.metrics,
            "notes": read.notes,
        },
        "by": found.by,
        "controls": sorted(read.controls),
        "decided": {name: _build_decided(found, name) for name in sorted(found.transfer.skipped_seeds)},
        "means": {name: contest.column.targets for name, contest in found.contests.items()},
        "order": {name: contest.order for name, contest in found.contests.items()},
        "contests": {name: _build_contest(contest) for name, contest in found.contests.items()},
        "hours": {name: asdict(cost) for name, cost in found.costs.items()},
        "worth_their_cost": found.pareto_front,
        "estimates": build_records(found),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _build_decided(found: Ranking, name: str) -> dict[str, Any]:
    seeds, withheld = found.loaded_scores.seeds, found.transfer.skipped_seeds[name]
    return {"after": [seed for seed in seeds if seed not in withheld], "of": len(seeds)}


def _build_contest(found: Contest) -> dict[str, Any]:
    test = {
        name: value if not isinstance(value, float) or math.isfinite(value) else None
        for name, value in asdict(found.rank_test).items()
    }
    return {
        "leader": found.leader,
        "p_best": found.p_best,
        "mean_rank": {name: asdict(rank) for name, rank in found.ranks.items()},
        "groups": found.letters,
        "leave_one_seed_out": None if found.winner_estimate is None else asdict(found.winner_estimate),
        "friedman_nemenyi": test,
    }
