"""The preview of a sweep: measurements of each phase's encoder on the targets, before any target is trained.

A preview trains the first tenths of the phases (`search/run.py --preview`), and the sweep continues from them. No score
and no selection ever sees a measurement.
"""

from spaces.columns import Column

PREVIEW_FILE = "preview.parquet"  # in the folder of a phase
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
