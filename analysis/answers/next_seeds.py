"""The answer of next_seeds.py: which chains should get more seeds, why, and what that should bring."""

from analysis.questions.next_seeds import ChainAdvice, SeedAdvice
from analysis.statistics.allocation import Outlook
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import number_or_none
from analysis.tables.source import describe_source, list_names, pluralise

QUESTION = "Where do the next seeds belong?"


def build_answer(advice: SeedAdvice) -> Answer:
    """Return the advice, with what is expected of it and of the same budget spread evenly."""
    return Answer(
        question=QUESTION,
        sentences=(_write_verdict(advice), _write_reason(advice), _write_outlook(advice)),
        source_lines=describe_source(advice.transfer.loaded_scores),
        tables=(_build_chain_table(advice), _build_outlook_table(advice)),
        notes=_explain(advice),
    )


def _write_verdict(advice: SeedAdvice) -> str:
    chains: dict[int, list[str]] = {}
    for chain in advice.chains:
        if chain.new_seeds:
            chains.setdefault(len(chain.new_seeds), []).append(chain.chain)
    parts = [
        f"{pluralise(count, 'more seed')} of {list_names(names, word='and')}"
        for count, names in sorted(chains.items(), reverse=True)
    ]
    return f"Next: {'; '.join(parts)}. That is {advice.cost} of {advice.budget} chains at one seed each."


def _write_reason(advice: SeedAdvice) -> str:
    tasks = [chain for chain in advice.chains if chain.p_best is not None]
    leading = ", ".join(f"{chain.chain} {chain.p_best:.2f}" for chain in tasks[:3])
    scope = "by the mean over targets" if advice.criterion == "mean" else "on a target, averaged over targets"
    rest = [chain.p_best or 0.0 for chain in tasks if not chain.new_seeds]
    others = f" {pluralise(len(rest), 'task')} without new seeds: {sum(rest):.2f} together." if rest else ""
    paired = "A gain is paired by seed, so the baseline gets every seed that a task gets."
    return f"Probability of being the best {scope}: {leading}.{others} {paired}"


def _write_outlook(advice: SeedAdvice) -> str:
    now, then, even = advice.now, advice.advised, advice.even
    return (
        f"Expected loss by choosing the wrong task: {now.regret:.2f} points now, {then.regret:.2f} after these seeds, "
        f"{even.regret:.2f} after as many spread evenly. Probability that the chosen task is told apart from all "
        f"others: {now.decided:.2f} now, {then.decided:.2f} after these seeds, {even.decided:.2f} spread evenly."
    )


def _build_chain_table(advice: SeedAdvice) -> Grid:
    columns = (
        *(GridColumn("chain"), GridColumn("seeds now", "count"), GridColumn("more", "count"), GridColumn("which")),
        *(GridColumn("gain", "difference"), GridColumn("P(best)", "number")),
        *(GridColumn("width now", "points"), GridColumn("width then", "points")),
    )
    return Grid("Chains, and the width of the 95% interval of the gain", columns, tuple(map(_build_row, advice.chains)))


def _build_row(chain: ChainAdvice) -> GridRow:
    which = ", ".join(map(str, chain.new_seeds)) or "-"
    best = None if chain.p_best is None else GridNumber(value=round(chain.p_best, 2))
    widths = map(_number, (chain.width_now, chain.width_then))
    return (chain.chain, len(chain.seeds), len(chain.new_seeds), which, _number(chain.gain), best, *widths)


def _number(value: float | None) -> GridNumber | None:
    return None if value is None else number_or_none(value)


def _build_outlook_table(advice: SeedAdvice) -> Grid:
    outlooks: dict[str, Outlook] = {"now": advice.now, "as advised": advice.advised, "spread evenly": advice.even}
    columns = (GridColumn("seeds"), GridColumn("expected loss, points", "number"), GridColumn("told apart", "share"))
    rows = tuple(
        (name, GridNumber(value=round(each.regret, 3)), number_or_none(each.decided)) for name, each in outlooks.items()
    )
    return Grid("What the choice of a task loses, as far as is known now", columns, rows)


def _explain(advice: SeedAdvice) -> tuple[str, ...]:
    return (
        "A unit of the budget is one chain at one seed, on all targets; seeds of the baseline count too. Its new seeds "
        "narrow the gains of the other tasks as well, as far as seeds do not move all chains alike: of its variance "
        f"over seeds {advice.common_share:.0%} is common to all.",
        "Expected loss: the best true gain less that of the task that would be chosen, over what these scores leave "
        "open (shrunken gains, with variances doubled for caution). Seeds go where it falls most: a task that may well "
        "be the best and is uncertain gets them, one that is clearly behind does not. Controls get none.",
        "Told apart: the chosen task is ahead of each other one with a probability of 97.5%.",
    )
