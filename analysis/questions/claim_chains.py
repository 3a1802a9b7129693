"""The chains that a published claim is about, each with the chains that it is compared with."""

from collections.abc import Callable, Iterable, Mapping

from analysis.questions.chains import list_candidates, read_plain_chain, tasks_of
from analysis.transfer.array import Transfer
from analysis.transfer.same_data import read_multitask_mix
from spaces.chain import MLM, Chain, Ingredient, parse_chain
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.published_claims import BEST_TASKS, ClaimChains, PublishedClaim
from spaces.task import Task

ComparedChains = Mapping[str, tuple[str, ...]]  # chain -> the chains that it is compared with beside `none`
Signature = tuple[frozenset[Ingredient], str | None, int, str | None]  # ingredients, method, steps, target's method


def find_compared_chains(transfer: Transfer, claim: PublishedClaim) -> ComparedChains:
    """Return the chains of a claim with their opponents; empty where these scores have none.

    Controls and baselines are never among them, nor single tasks that no benchmark knows.
    """
    return _FINDERS[claim.chains](transfer)


def _find_single_tasks(transfer: Transfer) -> ComparedChains:
    return dict.fromkeys(_list_single_tasks(transfer), ())


def _find_pair_tasks(transfer: Transfer) -> ComparedChains:
    return {name: () for name, task in _list_single_tasks(transfer).items() if task.kind == "pair"}


def _find_best_tasks(transfer: Transfer) -> ComparedChains:
    singles = _list_single_tasks(transfer)
    others = tuple(name for name, task in singles.items() if task.name not in BEST_TASKS)
    return {name: others for name, task in singles.items() if others and task.name in BEST_TASKS}


def _find_mixes(transfer: Transfer) -> ComparedChains:
    """Return each mix of English tasks with those of its tasks that are chains here, two at least.

    Where the mix of all tasks is there, it alone counts.
    """
    tasks, singles = tasks_of(transfer), _list_single_tasks(transfer)
    chain_of_task = {task.name: name for name, task in singles.items()}
    mixes: dict[str, tuple[str, ...]] = {}
    for name, parsed in _parse_candidates(transfer).items():
        chain = read_plain_chain(transfer, name, tasks)
        if isinstance(chain, Chain):
            is_english = all(each.language in (None, ENGLISH) for each in chain.ingredients)
            members = chain.tasks if is_english and len(chain.tasks) > 1 else ()
        else:  # a file of scores may not tell the tasks of its mix of all
            is_plain = parsed.is_multitask and not (parsed.method or parsed.target_method or parsed.step_multiplier > 1)
            members = tuple(chain_of_task) if is_plain and not read_multitask_mix(transfer) else ()
        known = tuple(chain_of_task[task] for task in members if task in chain_of_task)
        if len(known) > 1:
            mixes[name] = known
    whole = {name: members for name, members in mixes.items() if parse_chain(name).is_multitask}
    return whole or mixes


def _find_masked_words(transfer: Transfer) -> ComparedChains:
    """Return each chain that has masked words beside its tasks with the same chain without them."""
    return _find_twins(transfer, lambda chain: (each for each in chain.ingredients if each.task != MLM))


def _find_translations(transfer: Transfer) -> ComparedChains:
    """Return each chain that has an English task's rows in another language with the English task."""
    tasks = tasks_of(transfer)

    def replace_by_english(chain: Chain) -> Iterable[Ingredient]:
        task = tasks.get(chain.tasks[0]) if len(chain.tasks) == 1 else None
        if task is None or task.kind == MLM or task.own_language != ENGLISH:
            return chain.ingredients
        return (Ingredient(task.name),)

    return _find_twins(transfer, replace_by_english)


_FINDERS: Mapping[ClaimChains, Callable[[Transfer], ComparedChains]] = {
    "single tasks": _find_single_tasks,
    "sentence-pair tasks": _find_pair_tasks,
    "best tasks": _find_best_tasks,
    "mixes": _find_mixes,
    "tasks with masked words": _find_masked_words,
    "translated tasks": _find_translations,
}


def _list_single_tasks(transfer: Transfer) -> dict[str, Task]:
    """Return the plain chains of one task in English."""
    tasks = tasks_of(transfer)
    singles: dict[str, Task] = {}
    for name in _parse_candidates(transfer):
        chain = read_plain_chain(transfer, name, tasks)
        if isinstance(chain, Chain) and len(chain.ingredients) == 1 and chain.tasks[0] in tasks:
            task = tasks[chain.tasks[0]]
            if (chain.ingredients[0].language or task.own_language) == ENGLISH:
                singles[name] = task
    return singles


def _find_twins(transfer: Transfer, reduce: Callable[[Chain], Iterable[Ingredient]]) -> ComparedChains:
    """Return each chain that `reduce` changes with the chain that it becomes, where these scores have that one."""
    chains = _parse_candidates(transfer)
    names = {_sign(chain, chain.ingredients): name for name, chain in chains.items()}
    twins: dict[str, tuple[str, ...]] = {}
    for name, chain in chains.items():
        other = names.get(_sign(chain, reduce(chain)))
        if other is not None and other != name:
            twins[name] = (other,)
    return twins


def _sign(chain: Chain, ingredients: Iterable[Ingredient]) -> Signature:
    """Return what tells chains apart; English is the language where none is named."""
    plain = (Ingredient(each.task) if each.language == ENGLISH else each for each in ingredients)
    return frozenset(plain), chain.method, chain.step_multiplier, chain.target_method


def _parse_candidates(transfer: Transfer) -> dict[str, Chain]:
    """Return the chains with a phase that are no controls, by name; other names than those of chains are left out.

    The baseline may have a phase too (`--against`).
    """
    chains: dict[str, Chain] = {}
    for name in (transfer.baseline, *list_candidates(transfer)):
        try:
            chain = parse_chain(name)
        except UsageError:
            continue
        taught = {name, *chain.tasks}
        if chain.ingredients and taught.isdisjoint(transfer.loaded_scores.controls):
            chains[name] = chain
    return chains
