"""Do diversity.py and training_languages.py find what is there, and nothing where nothing is? Simulated sweeps.

    python tests/bench/questions_mixes.py
    python tests/bench/questions_mixes.py --part diversity --worlds 2000

Diversity: the chains of the miniature's space, and a lopsided choice of mixes in which one good task stands in the
diverse ones. Null worlds: tasks add up; every mix has something of its own; skills saturate and lie across kinds;
what a kind brings changes from seed to seed, 0 on average; pairs of tasks go well together or not, whatever their kind.

Languages: training sets and evaluation languages of the miniature, and of XNLI's languages. Null worlds: both effects
add up; every pair of languages has something of its own; a training set gives something to each family; what is gained
by the own language changes from seed to seed, 0 on average.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # its own folder stays, for its neighbours

import parts

from analysis.questions.mix_contrasts import ONE_MORE_KIND, TWICE_AS_MANY_TASKS, TaskMix, compute_contrasts
from analysis.questions.training_languages import estimate_extra_effects
from analysis.questions.training_sets import TrainingSet
from analysis.statistics.moments import Array
from analysis.statistics.significance import adjust_p_values, compute_p_values
from spaces.benchmark import BENCHMARKS
from spaces.chain import MULTITASK, parse_chain
from spaces.space_chains import list_diversity_chains

Generator = np.random.Generator
row = partial(parts.row, width=15)
MINIATURE = BENCHMARKS["miniature"]
TASKS = tuple(task.name for task in MINIATURE.multitask_tasks())
PAIRS = "mnli+squad mnli+ccg mnli+hellaswag squad+hellaswag anli+qqp squad2+squad cosmosqa+csqa"
LOPSIDED = (*TASKS, *PAIRS.split())
MEASURES = ("worst", "quarter", "spread", "gap")
SEEDS = (3, 5, 10)


def mixes(names: Sequence[str]) -> list[TaskMix]:
    """The chains without those of another sampler."""
    tasks = {name: TASKS if name == MULTITASK else parse_chain(name).tasks for name in names if "~" not in name}
    kinds = {task: MINIATURE.intermediates[task].kind for task in TASKS}
    return [TaskMix(chain=name, tasks=each, kinds=tuple(kinds[task] for task in each)) for name, each in tasks.items()]


def shares(found: Sequence[TaskMix]) -> Array:
    return np.array([[(task in mix.tasks) / len(mix.tasks) for task in TASKS] for mix in found])


def additive(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    return np.repeat((shares(found) @ rng.normal(0, 4, len(TASKS)))[:, None], seeds, axis=1)


def good(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    return np.repeat((shares(found) @ (8.0 * (np.array(TASKS) == "mnli")))[:, None], seeds, axis=1)


def own(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    several = np.array([len(mix.tasks) > 1 for mix in found])
    return additive(rng, found, seeds) + (rng.normal(0, 2, len(found)) * several)[:, None]


def saturating(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    partners = rng.random((len(TASKS), 9)) < 0.3  # of nine targets
    gains = np.sqrt(shares(found) @ partners) @ rng.exponential(5, 9) / 9
    return np.repeat(gains[:, None], seeds, axis=1)


def seedwise(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    kinds = np.array([mix.effective_kinds for mix in found])
    return additive(rng, found, seeds) + np.outer(kinds - 1, rng.normal(0, 2, seeds))


def pairs(rng: Generator, found: Sequence[TaskMix], seeds: int) -> Array:
    together = rng.normal(0, 6, (len(TASKS), len(TASKS)))
    there = shares(found)
    return additive(rng, found, seeds) + np.einsum("mi,ij,mj->m", there, together, there)[:, None]


WORLDS: dict[str, Callable[[Generator, Sequence[TaskMix], int], Array]] = {
    "tasks add up": additive,
    "one good task": good,
    "own of each mix": own,
    "saturating": saturating,
    "by seed": seedwise,
    "pairs": pairs,
}


def measured(rng: Generator, truth: Array) -> dict[str, Array]:
    """Four measures of the same truth, with noise that they share in part."""
    common = rng.normal(0, 0.7, truth.shape)
    return {name: truth + common + rng.normal(0, 0.7, truth.shape) for name in MEASURES}


def verdicts(rng: Generator, found: Sequence[TaskMix], truth: Array, labellings: int) -> list[bool]:
    """More kinds: one measure below 0.05, any after Holm, the interval alone; more tasks: one measure below 0.05."""
    lines = compute_contrasts(found, measured(rng, truth), rng, labellings)  # type: ignore[arg-type]
    kinds = [one for one in lines[ONE_MORE_KIND].values() if one is not None]
    twice = [one for one in lines[TWICE_AS_MANY_TASKS].values() if one is not None]
    p = np.array([one.p for one in kinds])
    return [p[0] < 0.05, bool((adjust_p_values(p) < 0.05).any()), kinds[0].effect.p < 0.05, twice[0].p < 0.05]


def naive(found: Sequence[TaskMix], rng: Generator, truth: Array) -> bool:
    """Mixes of several kinds less those of one, of two tasks, tested over seeds: what ignores which tasks they are."""
    values = measured(rng, truth)["quarter"]
    sort = [
        np.array([len(mix.tasks) == 2 and mix.has_several_kinds == several for mix in found])
        for several in (True, False)
    ]
    return bool(compute_p_values(values[sort[0]].mean(axis=0) - values[sort[1]].mean(axis=0)) < 0.05)


def of_diversity(rng: Generator, worlds: int) -> None:
    print("\nNothing comes of kinds: shares of worlds in which something is said of them, by one measure, by any of")
    print("four after Holm, by its interval alone, by a plain test over seeds; and said of twice as many tasks\n")
    row("world", "mixes", "seeds", "one measure", "any, Holm", "interval", "plain test", "twice")
    for world, make in WORLDS.items():
        for chosen, names in (("the space's", list_diversity_chains(MINIATURE)), ("lopsided", LOPSIDED)):
            found = mixes(names)
            for seeds in SEEDS:
                said = []
                for _ in range(worlds):
                    truth = make(rng, found, seeds)
                    said.append([*verdicts(rng, found, truth, 199), naive(found, rng, truth)])
                one, any_, interval, twice, plain = np.mean(said, axis=0).tolist()
                row(world, chosen, seeds, one, any_, interval, plain, twice)
    print("\nEach kind more brings so many points (noise of a score: 1), each mix has 0.5 of its own: shares found\n")
    row("points", "seeds", "one measure", "any, Holm")
    found = mixes(list_diversity_chains(MINIATURE))
    kinds = np.array([mix.effective_kinds for mix in found])
    for slope in (0.5, 1.0, 2.0, 4.0):
        for seeds in SEEDS:
            said = []
            for _ in range(worlds // 2):
                truth = additive(rng, found, seeds) + (slope * kinds + rng.normal(0, 0.5, len(found)))[:, None]
                said.append(verdicts(rng, found, truth, 199)[:2])
            row(slope, seeds, *np.mean(said, axis=0).tolist())


def of_pair(rng: Generator, truth: Array) -> Array:
    return truth[..., None] + rng.normal(0, 1.5, truth.shape)[..., None]


def of_family(rng: Generator, truth: Array, families: Sequence[str]) -> Array:
    names = list(dict.fromkeys(families))
    gifts = rng.normal(0, 1.5, (len(truth), len(names)))
    return (truth + gifts[:, [names.index(name) for name in families]])[..., None]


def of_languages(rng: Generator, worlds: int) -> None:
    print("\nThe own language brings nothing special: shares of worlds in which it is said to, by the extra; and by")
    print("the plain difference of own and other pairs over seeds. Then it brings 2 points: shares found\n")
    row("world", "languages", "seeds", "extra", "plain test", "found")
    for benchmark, names in (("miniature", "en qna qnb qma qmb qfa"), ("xtreme", "en ar bg de el hi ru sw th ur")):
        known = BENCHMARKS[benchmark].languages
        languages = names.split()
        sets = [TrainingSet(chain=name, task="mnli", languages=(name,)) for name in languages]
        families = [known[name].family for name in languages]
        own = np.eye(len(languages))
        foreign = np.array(languages) != "en"
        for world in ("additive", "pairs", "families", "by seed"):
            for seeds in SEEDS:
                said = []
                for _ in range(worlds):
                    truth = rng.normal(0, 3, (len(sets), 1)) + rng.normal(0, 3, len(languages))
                    gains = truth[..., None]
                    if world == "pairs":
                        gains = of_pair(rng, truth)
                    elif world == "families":
                        gains = of_family(rng, truth, families)
                    elif world == "by seed":
                        gains = gains + own[..., None] * rng.normal(0, 1.5, seeds)
                    runs = rng.normal(0, 1, (len(sets), 1, seeds)) + rng.normal(0, 1, (1, len(languages), seeds))
                    gains = gains + runs + rng.normal(0, 0.7, (*truth.shape, seeds))
                    there = gains[:, foreign]
                    plain = there[own[:, foreign] > 0].mean(axis=0) - there[own[:, foreign] == 0].mean(axis=0)
                    line = [bool(compute_p_values(plain) < 0.05)]
                    for each in (gains, gains + 2 * own[..., None]):
                        one = estimate_extra_effects(sets, languages, each, known)["own language"]
                        line.append(one is not None and one.p < 0.05)
                    said.append(line)
                plainly, extra, planted = np.mean(said, axis=0).tolist()
                row(world, len(languages), seeds, extra, plainly, planted)


PARTS = {"diversity": of_diversity, "languages": of_languages}


if __name__ == "__main__":
    parts.run_parts(__doc__, PARTS, worlds=500, of="sweeps")
