"""How often does published.py call a claim shown where nothing is true, and how often where the paper is right?

    python tests/bench/published_claims.py --worlds 2000

Sweeps of `none`, six tasks, their mix, one chain with masked words and one with translated rows, on the nine targets.
Noise over seeds has sd 1 on every target, or is in half common to all targets of a chain (its intermediate run), or is
three times as large for retrieval and TyDiQA. Null worlds have no effect at all: "any shown" is the share of tables in
which one claim or more is as published or opposite (at most .05 by Holm), "covered" the share of 95% intervals that
contain the true difference, 0. In the worlds of the paper retrieval gains 15, TyDiQA 10 and XQuAD 2 points after all
tasks, and mnli, squad and hellaswag one more on all targets but XNLI: "shown" is the share of the seven claims of a
gain that are as published, "wrong" that of tables with a claim that is opposite.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a script
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.questions.published_claims import ClaimResult, judge_claims
from analysis.scores.load import load
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer, build_transfer
from spaces.published import AVERAGED_TARGETS
from spaces.published_claims import BEST_TASKS
from spaces.xtreme import TARGETS as XTREME
from tests.analysis.sweep_files import write_file
from tests.bench.parts import row, run_parts

CHAINS = ("none", "mnli", "qqp", "squad", "hellaswag", "csqa", "cosmosqa", "multitask", "mnli+mlm", "mnli@sw")
NOISY = ("bucc", "tatoeba", "tydiqa")
NOISES: Mapping[str, tuple[float, float]] = {"equal": (0.0, 1.0), "by chain": (0.5, 1.0), "by target": (0.0, 3.0)}


def make_template(seeds: int) -> Transfer:
    """Return a transfer matrix of the right shape, whose scores are to be replaced."""
    rows = [
        (chain, target, seed, "de", metric, 0.5, "test", "xtreme")
        for chain in CHAINS
        for target in AVERAGED_TARGETS
        for seed in range(seeds)
        for metric in XTREME[target].official_metrics
    ]
    with tempfile.TemporaryDirectory() as folder:
        return build_transfer(load([write_file(Path(folder), rows, "split", "benchmark")]))


def simulate(
    rng: np.random.Generator, template: Transfer, effects: Array, noise: tuple[float, float]
) -> tuple[ClaimResult, ...]:
    """Return the verdicts on one table: effects [chains, targets] and noise, in points."""
    common, scale = noise
    shape = template.scores.shape  # chains x targets x one language x seeds
    errors = np.sqrt(common) * rng.standard_normal((shape[0], 1, 1, shape[3]))
    errors = errors + np.sqrt(1 - common) * rng.standard_normal(shape)
    errors[:, [template.targets.index(target) for target in NOISY]] *= scale
    return judge_claims(replace(template, scores=50 + effects[:, :, None, None] + errors))


def list_effects(template: Transfer) -> Array:
    """Return the effects of the paper's worlds [chains, targets]."""
    gains = {"bucc": 15.0, "tatoeba": 15.0, "tydiqa": 10.0, "xquad": 2.0}
    rows = []
    for chain in template.chains:
        is_best = chain.split("+")[0].split("@")[0] in (*BEST_TASKS, "multitask")
        one_more = [float(is_best and target != "xnli") for target in template.targets]
        base = [0.0 if chain == "none" else gains.get(target, 0.0) for target in template.targets]
        rows.append(np.add(base, one_more))
    return np.array(rows)


def iter_settings() -> Iterator[tuple[str, int, tuple[float, float], Transfer]]:
    """Yield the name of each noise, each number of seeds, the noise, and a template of that shape."""
    for name, noise in NOISES.items():
        for seeds in (3, 5, 10):
            yield name, seeds, noise, make_template(seeds)


def show_null(rng: np.random.Generator, worlds: int) -> None:
    """Print how often a claim is shown where there is no effect."""
    print("null worlds")
    row("noise", "seeds", "any shown", "covered", "lowest", "of claim", width=14)
    for name, seeds, noise, template in iter_settings():
        effects = np.zeros((len(template.chains), len(template.targets)))
        shown, covered = [], []
        names: list[str] = []
        for _ in range(worlds):
            results = simulate(rng, template, effects, noise)
            shown.append(any(each.verdict in ("as published", "opposite") for each in results))
            covered.append([each.interval[0] <= 0 <= each.interval[1] for each in results])
            names = [each.claim.name for each in results]
        by_claim = np.mean(covered, axis=0)
        worst = int(by_claim.argmin())
        row(name, seeds, *map(float, (np.mean(shown), by_claim.mean(), by_claim[worst])), names[worst], width=14)


def show_power(rng: np.random.Generator, worlds: int) -> None:
    """Print how often the claims are shown where they are right."""
    print("worlds of the paper")
    row("noise", "seeds", "shown", "wrong", "fewest", "of claim", width=14)
    for name, seeds, noise, template in iter_settings():
        effects = list_effects(template)
        shown, wrong = [], []
        names: list[str] = []
        for _ in range(worlds):
            results = simulate(rng, template, effects, noise)
            above = [each for each in results if each.claim.direction == "above"]
            names = [each.claim.name for each in above]
            shown.append([each.verdict == "as published" for each in above])
            wrong.append(any(each.verdict == "opposite" for each in results))
        by_claim = np.mean(shown, axis=0)
        worst = int(by_claim.argmin())
        row(name, seeds, *map(float, (by_claim.mean(), np.mean(wrong), by_claim[worst])), names[worst], width=14)


if __name__ == "__main__":
    run_parts(__doc__, {"null": show_null, "power": show_power}, worlds=2000, of="tables")
