"""What is probed, and the columns of what probes found, in one place. One row per value or vector that was measured.

A probe measures an encoder: it trains nothing that is kept, and no score and no selection ever sees it. Target and
intermediate stages keep what they found; retrieval stages have the encoder of their parent, which measured it.
"""

from dataclasses import dataclass

from spaces.columns import Column
from spaces.table import Table

PROBES_FILE = "probes.parquet"  # in the folder of a stage


@dataclass(frozen=True, slots=True)
class ProbeFamily:
    """Probes that answer one question and are asked for together."""

    name: str
    about: str


PROBE_FAMILIES = Table(
    "family of probes",
    (
        ProbeFamily("alignment", "how alike an encoder treats sentences that translate each other, layer by layer"),
        ProbeFamily(
            "similarity", "how close tasks are, by their texts, by what they train, by how an encoder fits them"
        ),
    ),
)

PROBE_COLUMNS = (
    Column("stage", "string", "Key of the stage that was probed; its scores lie beside this file."),
    Column("kind", "string", "Kind of stage: intermediate or target."),
    Column("intermediate", "string", "Intermediate task of the chain; `none` is the baseline without one."),
    Column("training", "string", "Training set of a target stage; null in an intermediate stage."),
    Column("seed", "int64", "Seed of the whole chain."),
    Column("family", "string", "Family of probes, as `--probes` names it."),
    Column("probe", "string", "What was measured, as the family documents it."),
    Column(
        "when",
        "string",
        "before: on the encoder that the stage started from. after: on the one with its best English dev score.",
    ),
    Column("target", "string", "Target whose data were read, where a probe reads those of several; else null."),
    Column("layer", "int64", "Layer of the encoder, 0 for the output of the embeddings; null where there is none."),
    Column("language", "string", "Language that was measured, beside or against English; null where there is none."),
    Column("value", "double", "What was found; null where it is undefined, and for vectors."),
    Column("vector", "list<double>", "A vector, for probes that are compared with one another; else null."),
)
