"""Families of probes, and the columns of their measurements. There is one row per measured value or vector.

A probe measures an encoder: it trains nothing that is kept, and no score and no selection ever sees it. Target and
intermediate stages keep measurements. Retrieval stages do not: their encoder is that of their parent, which keeps them.

A preview (`search/run.py --preview`) measures the phases on the targets, before any target is trained.
"""

from dataclasses import dataclass

from spaces.columns import Column
from spaces.table import Table

PROBES_FILE = "probes.parquet"  # in the folder of a stage
GENERATED, SIB200 = "probe", "sib200"  # sentences that probes read and no target is tested on


@dataclass(frozen=True, slots=True)
class ProbeFamily:
    """Probes for one question, which `--probes` names together."""

    name: str
    about: str


PROBE_FAMILIES = Table(
    "family of probes",
    (
        ProbeFamily("alignment", "similarity of an encoder's states of translated sentences, layer by layer"),
        ProbeFamily(
            "similarity", "similarity of tasks, by their texts, by what they train, by how an encoder fits them"
        ),
    ),
)

PROBE_COLUMNS = (
    Column("stage", "string", "Key of the stage that was probed; its scores are in the same folder."),
    Column("kind", "string", "Kind of stage: intermediate or target."),
    Column("intermediate", "string", "Intermediate task of the chain; `none` is the baseline without one."),
    Column("training", "string", "Training set of a target stage; null in an intermediate stage."),
    Column("seed", "int64", "Seed of the whole chain."),
    Column("family", "string", "Family of probes, as `--probes` names it."),
    Column("probe", "string", "Name of the measurement, as its family documents it."),
    Column(
        "when",
        "string",
        "before: the encoder that the stage started from. after: the one with its best English dev score.",
    ),
    Column(
        "target",
        "string",
        "Target, or data set that no target is tested on, whose rows were read, for probes that may read those of "
        "several; else null.",
    ),
    Column("layer", "int64", "Layer of the encoder, 0 for the output of the embeddings; null for probes without one."),
    Column("language", "string", "Language that was measured, alone or against English; null for probes without one."),
    Column("value", "double", "Measured value; null where it is undefined, and for vectors."),
    Column("vector", "list<double>", "Measured vector, for probes that are compared with each other; else null."),
)

PREVIEW_FILE = "preview.parquet"  # in the folder of a phase
MIN_PREVIEW_TASKS = 2  # that an order takes
PREVIEW_PROBES = ("logme", "knn", "speed", "taskemb")  # trainables/preview.py says what they measure

PREVIEW_COLUMNS = (
    Column("stage", "string", "Key of the phase's stage."),
    Column("intermediate", "string", "Phase that was measured."),
    Column("seed", "int64", "Seed of the phase, and of the samples of the targets' rows."),
    Column("tenth", "int64", "Tenths of the phase's training that its encoder had by then; 10: the best tenth's."),
    Column("training", "string", "Training set of the targets whose rows were read."),
    Column("probe", "string", "Name of the measurement; a greater value predicts more gain."),
    Column("value", "double", "Measured value; null where it is undefined."),
)
