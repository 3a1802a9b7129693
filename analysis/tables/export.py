"""The transfer matrix for programs: one record per estimate as CSV, or all of it as JSON. Numbers are not rounded."""

import csv
import io
import json
from typing import Any

from analysis.ranking import Matrix
from analysis.statistics.gains import Estimate
from spaces.benchmark import NONE

VERSION = 1  # of the JSON document; raised when a key changes its meaning


def records(found: Matrix) -> list[dict[str, Any]]:
    """One record per estimate, in the order of the table: gains, then the baseline's scores, then the floors'.

    `column` is a target or the name of a mean over targets (then `parts` counts targets instead of languages).
    """
    rows = [("gain", found.gains, found.intermediates), ("baseline", found.levels, (NONE,))]
    rows.append(("floor", found.levels, found.floors))
    columns = (*found.targets, *found.groups)
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
        "seeds": one.seeds,
        "of_seeds": one.of_seeds,
        "parts": one.parts,
        "of_parts": one.of_parts,
        "partial": one.partial,
        "holes": [{"seed": hole.seed, "status": hole.status, "reason": hole.reason} for hole in one.holes],
    }


def as_csv(found: Matrix) -> str:
    """Records as CSV; an absent number is empty, holes read `seed:status` with blanks between them."""
    rows = records(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        holes = " ".join(f"{hole['seed']}:{hole['status']}" for hole in row["holes"])
        writer.writerow({**row, "partial": str(row["partial"]).lower(), "holes": holes})
    return text.getvalue().rstrip("\n")


def as_json(found: Matrix) -> str:
    """What was read, the orders and the records as one JSON object."""
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
            "cells": found.cells,
            "runs": found.runs,
            "metrics": found.metrics,
            "notes": read.notes,
        },
        "controls": sorted(read.controls),
        "means": found.groups,
        "order": {group: found.order(group) for group in found.groups},
        "estimates": records(found),
    }
    return json.dumps(document, indent=1, ensure_ascii=False)
