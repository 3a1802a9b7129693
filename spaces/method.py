"""Methods: alternatives to plain fine-tuning for the loss of a step, with their cost and the tasks they apply to.

A method replaces one forward and one backward pass; the recipe, the order of the data and the optimizer stay the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spaces.table import Table
from spaces.task import TaskKind

# Shares of a plain step: a forward pass, and a backward pass, which makes the gradients of all activations and of all
# weights, each at about the cost of a forward pass.
FORWARD_COST = ACTIVATION_GRADIENT_COST = 1 / 3
# Probabilities of 250,000 words at three of ten positions: 0.08 of a step of XLM-R Large, 0.2 of one of XLM-R Base.
_PROPOSAL_COST = 0.1
_MOVE_COST = FORWARD_COST + ACTIVATION_GRADIENT_COST  # a pass that only moves a perturbation


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A row of the table of methods."""

    name: str
    about: str
    source: str  # paper, and origin of the settings
    settings: Mapping[str, float | str] = field(default_factory=dict)  # part of the key of a stage
    passes: float  # cost of a step in plain steps, of which each is a forward and a backward pass
    unsuited_kinds: Mapping[TaskKind, str] = field(default_factory=dict)  # kind that it cannot train -> reason
    freezes_encoder: bool = False  # the encoder's own weights stay as they are
    rate_factor: float = 1.0  # on a sweep's learning rates, which are those of plain training
    package: str | None = None  # that it needs beside those of every sweep; installed with the extra of its own name


LORA, AVERAGE = "lora", "average"

_OTHER_TAGS = "tags are of the words themselves, and a synonym may be another part of speech or take other complements"
_OTHER_LABELS = "the words are the labels: what is drawn in their place would be guessed"

# Published radii are absolute: 1.0 is common for FGM, and Zhu et al. use 0.2 for MNLI, with moves of 0.1 from a start
# of 0.2. Here they are multiples of the mean norm of a row's words (for smart and r3f of the mean size of a component,
# which is sqrt(width) times smaller), so that they mean the same for every encoder. They are smaller than published:
# on the miniature, FGM at 1.0 lowers mnli's dev score from 84 to 42, and FGM and PGD at 0.1 leave hellaswag at chance
# (one seed each). The published noise of SMART and R3F is 1e-5. The penalty is of the size of its square, which is
# negligible where both passes drop the same units, as they do here.
METHODS = Table(
    "method",
    (
        Method(
            name="fgm",
            about="Fast gradient method: one step along the gradient of the word embeddings, beside the clean one.",
            source="Miyato, Dai and Goodfellow 2017",
            settings={"radius": 0.05},
            passes=2.0,
        ),
        Method(
            name="pgd",
            about="Projected gradient descent: trains on the last of several steps within a ball.",
            source="Madry et al. 2018; moves in the proportions of Zhu et al. 2020",
            settings={"radius": 0.05, "rate": 0.025, "start": 0.05, "steps": 2},
            passes=_MOVE_COST + 1,
        ),
        Method(
            name="freelb",
            about="FreeLB: like pgd, but the gradients of all steps add up to one update.",
            source="Zhu et al. 2020; moves in the proportions of theirs for MNLI",
            settings={"radius": 0.1, "rate": 0.05, "start": 0.1, "steps": 2},
            passes=2.0,
        ),
        Method(
            name="smart",
            about="SMART: the answer may not change under the worst small perturbation.",
            source="Jiang et al. 2020, without the proximal term",
            settings={"noise": 0.01, "rate": 0.1, "radius": 0.1, "weight": 1.0, "steps": 1},
            passes=_MOVE_COST + 2,
        ),
        Method(
            name="r3f",
            about="R3F: the answer may not change under random noise.",
            source="Aghajanyan et al. 2021",
            settings={"noise": 0.1, "weight": 1.0},
            passes=2.0,
        ),
        Method(
            name="synonyms",
            about="Randomized smoothing: every word is drawn from itself and its synonyms.",
            source="Huang et al. 2021",
            passes=1.0,
            unsuited_kinds={"tagging": _OTHER_TAGS, "mlm": _OTHER_LABELS},
        ),
        Method(
            name="layers",
            about="Feature aggregation: the head reads an attention over the lower layers beside the last one.",
            source="Chen et al. 2022 (2205.08497), its form as we understand the abstract",
            passes=1.0,
        ),
        Method(
            name="salt",
            about="Self-augmentation: words replaced by what the encoder's own masked-word head proposes.",
            source="Wang et al. 2023 (2309.10891), its form as we understand the abstract",
            settings={"share": 0.3, "beta": 1.0, "words": 8},
            passes=2 + FORWARD_COST + _PROPOSAL_COST,
            unsuited_kinds={"mlm": _OTHER_LABELS},
        ),
        Method(
            name=LORA,
            about="LoRA: trains heads and low-rank adapters, then adds these to the encoder's frozen weights.",
            source="Hu et al. 2021, rank and alpha as for RoBERTa Large; places and dropout as Dettmers et al. 2023",
            settings={"rank": 8, "alpha": 16, "dropout": 0.1, "places": "all-linear"},
            passes=FORWARD_COST + ACTIVATION_GRADIENT_COST,
            freezes_encoder=True,
            rate_factor=10.0,
            package="peft",
        ),
        Method(
            name=AVERAGE,
            about="Weight averaging: the mean of the weights after the last tenths, instead of the best ones on dev.",
            source="Izmailov et al. 2018, Kaddour 2022; the number of tenths is ours",
            settings={"tenths": 3},
            passes=1.0,
        ),
    ),
)
