"""Claims of Phang et al. 2020 (X-STILTs) that a sweep can test: what is compared, on which targets, which direction.

Sources. The claims are from the second version of the paper, most from its abstract; "the rows" are those of
`published.py`. The paper's tables by task and target are not among the sources, so no claim rests on them. The rows
have the best task for each target; a claim is tested with every task alike, because noise inflates a best one.
"""

from dataclasses import dataclass
from typing import Literal

from spaces.published import AVERAGED_TARGETS, RETRIEVAL_TARGETS
from spaces.table import Table
from spaces.task import ANSWERING, CLASSIFICATION, GROUP_OF_KIND, STRUCTURED
from spaces.xtreme import TARGETS

ClaimDirection = Literal["above", "not above", "not below"]  # of the difference from 0
ClaimChains = Literal[
    "single tasks", "sentence-pair tasks", "best tasks", "mixes", "tasks with masked words", "translated tasks"
]
ClaimOpponent = Literal["none", "the other single tasks", "the best single task", "the same without"]

BEST_TASKS = ("mnli", "squad2", "squad", "hellaswag")  # "SQuAD" of the abstract is either version
TRAINED_TARGETS = tuple(target for target in AVERAGED_TARGETS if target not in RETRIEVAL_TARGETS)
WHOLE_MEAN = (TRAINED_TARGETS, RETRIEVAL_TARGETS)  # the mean of XTREME: a sweep needs targets of both


def _list_targets(*groups: str) -> tuple[str, ...]:
    return tuple(target for target in AVERAGED_TARGETS if GROUP_OF_KIND[TARGETS[target].kind] in groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedClaim:
    """A claim about a difference in points: `chains` less `opponent` on the targets, less the same on `other_targets`.

    A sweep can test it if it has at least one target of each of `target_groups`, and one of `other_targets` where the
    claim has these. The difference is over those targets that the sweep has.
    """

    name: str
    sentence: str
    source: str
    direction: ClaimDirection = "above"
    chains: ClaimChains = "single tasks"
    opponent: ClaimOpponent = "none"
    target_groups: tuple[tuple[str, ...], ...] = WHOLE_MEAN
    other_targets: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of all groups."""
        return tuple(target for group in self.target_groups for target in group)


CLAIMS = Table(
    "published claim",
    (
        PublishedClaim(
            name="average",
            sentence="Intermediate training helps on average",
            source="+5.4 over nine targets with the best task for each; on dev +8.2 after SQuAD, +7.5 after MNLI",
        ),
        PublishedClaim(
            name="retrieval",
            sentence="Retrieval gains",
            source="the rows: +14.8 on the mean of bucc and tatoeba",
            target_groups=(RETRIEVAL_TARGETS,),
        ),
        PublishedClaim(
            name="retrieval most",
            sentence="Retrieval gains more than trained targets",
            source="the rows: +14.8 against +2.5, 63% of the whole gain",
            target_groups=(RETRIEVAL_TARGETS,),
            other_targets=TRAINED_TARGETS,
        ),
        PublishedClaim(
            name="sentence pairs",
            sentence="Sentence-pair tasks help retrieval",
            source="Ruder et al. 2021 (XTREME-R): training on sentence-level tasks mends the retrieval of encoders of "
            "masked words",
            chains="sentence-pair tasks",
            target_groups=(RETRIEVAL_TARGETS,),
        ),
        PublishedClaim(
            name="xnli",
            sentence="XNLI does not benefit",
            source="the paper; the rows have +0.8",
            direction="not above",
            target_groups=(("xnli",),),
        ),
        PublishedClaim(
            name="tydiqa",
            sentence="TyDiQA gains after many tasks",
            source="the paper; the rows have +12.7",
            target_groups=(("tydiqa",),),
        ),
        PublishedClaim(
            name="answering",
            sentence="Answering gains more than classification, tagging",
            source="printed means of groups: +4.9 against +1.1 and +0.4",
            target_groups=(_list_targets(ANSWERING),),
            other_targets=_list_targets(CLASSIFICATION, STRUCTURED),
        ),
        PublishedClaim(
            name="best tasks",
            sentence="MNLI, SQuAD and HellaSwag are the best tasks",
            source="the abstract: these three are best overall",
            chains="best tasks",
            opponent="the other single tasks",
        ),
        PublishedClaim(
            name="mix",
            sentence="A mix of all tasks is no worse than the best",
            source="the abstract: slightly better (dev: +8.7 against +8.2); first version: no significant help",
            direction="not below",
            chains="mixes",
            opponent="the best single task",
        ),
        PublishedClaim(
            name="masked words",
            sentence="Masked words beside a task: no consistent gain",
            source="the abstract",
            direction="not above",
            chains="tasks with masked words",
            opponent="the same without",
            target_groups=(AVERAGED_TARGETS,),
        ),
        PublishedClaim(
            name="translations",
            sentence="Translated tasks: no consistent gain",
            source="the abstract",
            direction="not above",
            chains="translated tasks",
            opponent="the same without",
            target_groups=(AVERAGED_TARGETS,),
        ),
    ),
)
