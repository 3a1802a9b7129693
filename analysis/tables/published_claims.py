"""The table of published claims with their verdicts, and the sentences around it."""

from collections.abc import Sequence

from analysis.questions.claim_contrasts import ClaimContrast
from analysis.questions.published_claims import ClaimResult, ClaimVerdict
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.statistics.moments import EPSILON, finite_or_none
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import number_or_none
from analysis.tables.source import group_by_reason, list_names, pluralise
from analysis.transfer.array import Transfer
from spaces.chain import NONE
from spaces.published import AVERAGED_TARGETS, RETRIEVAL_TARGETS
from spaces.published_claims import WHOLE_MEAN

COUNTED_VERDICTS: dict[ClaimVerdict, str] = {
    "as published": "as published",
    "opposite": "the opposite of what was published",
    "not shown": "not shown",
    "none shown": "of no gain or no loss, where none is shown and the table says what is excluded",
}


def describe_claims(transfer: Transfer, results: Sequence[ClaimResult]) -> str:
    """Return how many claims are tested, and how each verdict counts."""
    tested = [each for each in results if each.verdict != "not tested"]
    head = f"Against the paper: {len(tested)} of {len(results)} claims of Phang et al. 2020 are tested here"
    if not tested:
        benchmark = transfer.loaded_scores.benchmark
        if list_tables(results):
            return f"{head}; the table says what each lacks."
        why = f": {benchmark} is a synthetic world, and nothing in it is about natural language" if benchmark else ""
        return f"{head}{why}."
    parts = []
    for verdict, words in COUNTED_VERDICTS.items():
        names = [each.claim.name for each in tested if each.verdict == verdict]
        if names:
            parts.append(f"{len(names)} {words} ({list_names(names, len(names))})")
    return f"{head}: {'; '.join(parts)}."


def list_tables(results: Sequence[ClaimResult]) -> tuple[Grid, ...]:
    """Return the tables of the claims; none where one reason, such as a synthetic benchmark, rules all of them out."""
    if all(each.verdict == "not tested" and each.reason == results[0].reason for each in results):
        return ()
    return build_claim_table(results), build_measure_table(results)


def build_claim_table(results: Sequence[ClaimResult]) -> Grid:
    """Return the claims with difference, verdict, p value and the number of chains above 0."""
    numbers = (GridColumn("difference", "difference", interval=True), GridColumn("p (Holm)", "p"))
    columns = (GridColumn("claim"), numbers[0], GridColumn("verdict"), numbers[1], GridColumn("chains above 0"))
    title = f"Against the paper: claims of Phang et al. 2020, in points, with {CONFIDENCE_LEVEL:.0%} intervals"
    return Grid(title, columns, tuple(map(_build_row, results)))


def _build_row(result: ClaimResult) -> GridRow:
    contrast = result.contrast
    difference = None
    if contrast.chains:
        low, high = map(finite_or_none, result.interval)
        seeds = len(contrast.difference)
        difference = GridNumber(value=result.mean, low=low, high=high, seeds=seeds, of_seeds=seeds)
    above = f"{contrast.chains_above_zero} of {len(contrast.chains)}" if contrast.chains else ""
    p = None if result.p_holm is None else number_or_none(result.p_holm)
    return (result.claim.sentence, difference, format_verdict(result), p, above)


def format_verdict(result: ClaimResult) -> str:
    """Return the verdict in words; that of a claim of no gain names the gain that is excluded."""
    if result.verdict == "not tested":
        return f"not tested: {result.reason}"
    loss_or_gain = "gain" if result.claim.direction == "not above" else "loss"
    if result.verdict == "none shown":
        excluded = f"above {result.excluded:.1f}" if result.excluded > EPSILON else "at all"
        return f"no {loss_or_gain} shown; {loss_or_gain} {excluded} excluded"
    if result.verdict == "as published" and result.claim.direction != "above":
        return f"as published: a {'loss' if loss_or_gain == 'gain' else 'gain'}"
    return result.verdict


def build_measure_table(results: Sequence[ClaimResult]) -> Grid:
    """Return what each tested claim is measured on; without rows where none is."""
    columns = tuple(map(GridColumn, ("claim", "chains", "less", "targets", "less targets")))
    rows = tuple((each.claim.name, *_describe_measure(each.contrast)) for each in results if each.contrast.chains)
    return Grid("What the claims are measured on", columns, rows)


def _describe_measure(contrast: ClaimContrast) -> tuple[str, str, str, str]:
    opponents = list_names(contrast.opponents) if contrast.opponents else NONE
    targets, others = (list_names(each, len(AVERAGED_TARGETS)) for each in (contrast.targets, contrast.other_targets))
    return list_names(contrast.chains), opponents, targets, others


def describe_sources(results: Sequence[ClaimResult]) -> str:
    """Return the name and the source of each claim."""
    sources = ". ".join(f"{each.claim.name}: {each.claim.source}" for each in results)
    return f"Where the claims stand. {sources}."


def explain_claims(results: Sequence[ClaimResult]) -> tuple[str, ...]:
    """Return how to read the table of claims; nothing where no claim is tested."""
    tested = [each for each in results if each.verdict != "not tested"]
    if not tested:
        return (describe_sources(results),) if list_tables(results) else ()
    notes = [
        f"Claims: each is a difference at every seed, and its error that over seeds (Student's t), for these tasks, "
        f"targets and test items. p is Holm's over {pluralise(len(tested), 'claim')}; the intervals are not adjusted. "
        "The paper has one encoder and the best task for each target; here every task counts alike.",
        "A claim of no gain is never confirmed: the interval says which gain is excluded. The best single task is "
        "chosen on the other seeds; the error of that claim is widened, because these choices share seeds.",
    ]
    means = [each for each in tested if each.claim.target_groups == WHOLE_MEAN]
    if means and len(targets := means[0].contrast.targets) < len(AVERAGED_TARGETS):
        retrieval = len(set(targets).intersection(RETRIEVAL_TARGETS))
        names = list_names((each.claim.name for each in means), word="and")
        notes.append(
            f"The paper's mean is over nine targets, two of them retrieval. Here {names} are measured on "
            f"{len(targets)}, {retrieval} of them retrieval, which is another quantity."
        )
    if cells := {each.claim.name: each.contrast.same_data_cells for each in tested if each.contrast.same_data_cells}:
        counts = list_names(f"{name} ({count})" for name, count in cells.items())
        notes.append(f"Cells of claims left out, because the chain trains on the target's own rows: {counts}.")
    for each in tested:
        if each.contrast.left_out:
            notes.append(f"Not in the claim `{each.claim.name}`: {group_by_reason(each.contrast.left_out)}.")
    return (*notes, describe_sources(results))
