"""A ranking for programs: one record per estimate as CSV, or everything as JSON. Numbers are not rounded."""

import csv
import io
import json
import math
from dataclasses import asdict
from itertools import product
from typing import Any

from analysis.tables import failures, new_samples, other_comparisons, phases
from analysis.tables.escapes import escape_formula
from analysis.tables.numbers import summarise_seeds
from analysis.tables.same_data_table import list_seen
from analysis.tables.source import role_of
from analysis.tables.standings import mark_same_data
from analysis.transfer.contest import Contest
from analysis.transfer.estimate import Estimate
from analysis.transfer.other_baselines import BaselineComparison
from analysis.transfer.planned import PlannedComparison
from analysis.transfer.ranking import Ranking
from analysis.transfer.same_data import SameDataComparison

JSON_VERSION = 2  # of the JSON document; raised when a key changes its meaning
SAME_NAMES = (
    "p",
    "p_holm",
    "p_fdr",
    "p_above",
    "seeds",
    "of_seeds",
    "parts",
    "of_parts",
)  # fields of a record and an estimate


def build_records(ranking: Ranking) -> list[dict[str, Any]]:
    """Return one record per estimate, in the order of the table: gains, then the scores of baseline, floors, ceilings.

    `column` is a target (or a language, family, ...) or the name of a mean over targets. `parts` counts languages
    where a column has one target, else targets. `decided` is true where seeds are missing because a race decided the
    chain early, `same_data` where the chain trains on the target's own training rows.
    """
    rows = [("gain", ranking.gains, ranking.intermediates), ("baseline", ranking.reference_scores, (ranking.baseline,))]
    rows.append(("floor", ranking.reference_scores, ranking.transfer.floors))
    rows.append(("ceiling", ranking.reference_scores, ranking.transfer.ceilings))
    columns = [column.name for column in ranking.columns]
    records = []
    for quantity, estimates, names in rows:
        for name, column in product(names, columns):
            record = {"quantity": quantity, "intermediate": name, "column": column}
            same_data = {"same_data": bool(quantity == "gain" and mark_same_data(ranking, name, column))}
            records.append(record | _build_estimate_fields(estimates[name, column]) | same_data)
    return records


def _build_estimate_fields(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.interval or (None, None)
    return {
        "mean": estimate.mean,
        "sd": estimate.sd,
        "low": low,
        "high": high,
        **{name: getattr(estimate, name) for name in SAME_NAMES},
        "partial": estimate.is_partial,
        "decided": estimate.skipped_seed_count > 0,
        "holes": [asdict(hole) for hole in estimate.holes],
        "values": estimate.values,
    }


def as_csv(ranking: Ranking) -> str:
    """Return records as CSV. An absent number is empty; holes are `seed:status` and values `seed:points`, by blanks."""
    rows = build_records(ranking)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        holes = " ".join(f"{hole['seed']}:{hole['status']}" for hole in row["holes"])
        values = " ".join(f"{seed}:{value!r}" for seed, value in row["values"].items())
        flags = {name: str(row[name]).lower() for name in ("partial", "decided", "same_data")}
        names = {name: escape_formula(row[name]) for name in ("intermediate", "column")}
        writer.writerow({**row, **names, **flags, "holes": holes, "values": values})
    return text.getvalue().rstrip("\n")


def as_json(ranking: Ranking) -> str:
    """Return the scores' source, the orders, contests, costs and records as one JSON object."""
    scores = ranking.loaded_scores
    stages = scores.stage_counts
    document = {
        "version": JSON_VERSION,
        "read": {
            "source": scores.source,
            "benchmark": scores.benchmark,
            "model": scores.model,
            "seeds": scores.seeds,
            "limited": scores.is_limited,
            "stages": None if stages is None else {"done": stages[0], "of": stages[1]},
            "cells": ranking.cell_counts,
            "runs": ranking.run_counts,
            "metrics": ranking.transfer.metrics,
            "notes": scores.notes,
        },
        "by": ranking.by,
        "errors": ranking.errors,
        "by_target": _build_choices(ranking),
        "planned": [_build_planned(each) for each in ranking.planned],
        "against": ranking.baseline,
        "controls": sorted(name for name in scores.controls if role_of(scores, name) == "control"),
        "baselines": scores.other_baselines,
        "without_same_data": [_build_without(ranking, each) for each in ranking.without_same_data],
        "other_baselines": [_build_comparison(each) for each in ranking.baseline_comparisons],
        "tuned_as_often": _build_matched_tuning(ranking),
        "decided": {name: _build_decided(ranking, name) for name in sorted(ranking.transfer.skipped_seeds)},
        "means": {name: contest.column.targets for name, contest in ranking.contests.items()},
        "groups": _build_groups(ranking),
        "other_comparisons": other_comparisons.build_document(ranking),
        "new_samples": new_samples.build_document(ranking),
        "order": {name: contest.order for name, contest in ranking.contests.items()},
        "contests": {name: _build_contest(contest) for name, contest in ranking.contests.items()},
        "hours": {name: asdict(cost) for name, cost in ranking.costs.items()},
        "devices": list(ranking.devices),
        "worth_their_cost": ranking.pareto_front,
        "phases": phases.build_document(ranking),
        "failures": failures.build_json(ranking),
        "estimates": build_records(ranking),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _build_groups(ranking: Ranking) -> dict[str, Any]:
    return {
        column.name: {
            "targets": column.targets,
            "gains": {
                name: _build_estimate_fields(ranking.group_gains[name, column.name]) for name in ranking.intermediates
            },
        }
        for column in ranking.group_columns
    }


def _build_decided(ranking: Ranking, name: str) -> dict[str, Any]:
    seeds, skipped = ranking.loaded_scores.seeds, ranking.transfer.skipped_seeds[name]
    return {"after": [seed for seed in seeds if seed not in skipped], "of": len(seeds)}


def _build_choices(ranking: Ranking) -> dict[str, Any]:
    choices = [
        {
            "targets": choice.targets,
            "task": choice.task,
            "gain": None if choice.gain is None else _build_estimate_fields(choice.gain),
            "not_told_apart": choice.rivals,
        }
        for choice in ranking.target_choices.choices
    ]
    return {"choices": choices, "expected_gain": ranking.target_choices.honest}


def _build_without(ranking: Ranking, comparison: SameDataComparison) -> dict[str, Any]:
    gains = ((name, comparison.gains.get(name), comparison.unseen_gains.get(name)) for name in ranking.intermediates)
    return {
        "mean": comparison.mean,
        "targets": comparison.common,
        "contest": None if comparison.contest is None else _build_contest(comparison.contest),
        "order": () if comparison.contest is None else comparison.contest.order,
        "tasks": {
            name: {
                "gain": None if gain is None else _build_estimate_fields(gain),
                "has_seen": list_seen(ranking, name),
                "unseen_targets": comparison.unseen[name],
                "gain_on_unseen": None if unseen is None else _build_estimate_fields(unseen),
            }
            for name, gain, unseen in gains
        },
    }


def _build_comparison(comparison: BaselineComparison) -> dict[str, Any]:
    return {
        "baseline": comparison.name,
        "gain": _build_estimate_fields(comparison.own),
        "best": comparison.best,
        "gain_of_best_against_it": _build_estimate_fields(comparison.gain),
    }


def _build_matched_tuning(ranking: Ranking) -> dict[str, Any] | None:
    matched = ranking.matched_tuning
    if matched is None:
        return None
    gains = {mean: (task, summarise_seeds(values), values) for mean, (task, values) in matched.gains.items()}
    return {
        "seed_pairs": matched.pairs,
        "gains": {
            mean: {
                "intermediate": task,
                "mean": number.value,
                "low": number.low,
                "high": number.high,
                "values": [value if math.isfinite(value) else None for value in values.tolist()],
            }
            for mean, (task, number, values) in gains.items()
        },
    }


def _build_planned(comparison: PlannedComparison) -> dict[str, Any]:
    return {"intermediate": comparison.task, "column": comparison.column, "p_holm": comparison.p}


def _build_contest(contest: Contest) -> dict[str, Any]:
    rank_test = asdict(contest.rank_test)
    return {
        "leader": contest.leader,
        "p_best": contest.p_best,
        "mean_rank": {name: asdict(rank) for name, rank in contest.ranks.items()},
        "groups": contest.letters,
        "leave_one_seed_out": None if contest.winner_estimate is None else asdict(contest.winner_estimate),
        "friedman_nemenyi": {name: value if math.isfinite(value) else None for name, value in rank_test.items()},
    }
