"""Columns of score rows. There is one row per stage, language, split and metric (and tenth, on dev).

Values are shares from 0 to 1; analyses print points from 0 to 100. A missing value is null, never 0.
"""

from dataclasses import dataclass
from typing import Literal

from spaces.activities import ABOUT, column_of

VERSION = 1  # raised when a column changes its meaning; readers still accept older versions
# Metrics in the dev rows of a mix: what it is judged by, the mean over its tasks; then, behind the name of a task, the
# task's score and that of the trivial answer.
MIX_SCORE, TASK_SCORE_SUFFIX, MAJORITY_SUFFIX = "mean_task_score", "_task_score", "_majority"

Status = Literal["finished", "stopped", "degenerate", "failed"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a Parquet file: its name, its Arrow type and what it holds."""

    name: str
    type: Literal["string", "int64", "double", "bool", "list<string>", "list<double>"]
    about: str


COLUMNS = (
    Column("version", "int64", "Version of this list of columns."),
    Column("stage", "string", "Key of the stage that wrote the row: rows that share it are the same experiment."),
    Column("parent", "string", "Key of the stage whose encoder it started from; null for a pretrained encoder."),
    Column("kind", "string", "Kind of stage: pretrain, intermediate, target or retrieval."),
    Column("benchmark", "string", "Benchmark, e.g. miniature or xtreme."),
    Column("model", "string", "Encoder at the start of the chain."),
    Column("intermediate", "string", "Intermediate task of the chain; `none` is the baseline without one."),
    Column("target", "string", "Target that is scored; null in rows of an intermediate stage."),
    Column("seed", "int64", "Seed of the whole chain: data order, heads, intermediate run, target run."),
    Column("learning_rate", "double", "Peak learning rate of this stage; null where nothing is trained."),
    Column("status", "string", "finished, stopped (censored by the scheduler), degenerate or failed."),
    Column("reason", "string", "Why a run is degenerate or failed, in a few words; else null."),
    Column("tenth", "int64", "Tenth of the stage's own schedule at which the scored weights were taken."),
    Column("language", "string", "Language of the scored examples."),
    Column("split", "string", "dev (selection sees English dev only) or test."),
    Column("metric", "string", "Name of the metric; `majority` is the floor: a trivial answer, e.g. one label."),
    Column("official", "bool", "True where the metric counts in the task score (the mean of the official ones)."),
    Column("value", "double", "Score as a share from 0 to 1; null where there is none."),
    Column("examples", "int64", "Number of scored examples."),
    Column("steps", "int64", "Training steps of the stage (0 where nothing is trained)."),
    Column("passes", "double", "Cost of the steps in plain ones: a method may pass over a batch several times."),
    Column("seconds", "double", "Seconds the stage cost: the sum of the next ones without probing and waiting."),
    *(Column(column_of(activity), "double", f"Seconds spent on {about}.") for activity, about in ABOUT.items()),
    Column("checkpoint_bytes", "int64", "Bytes written as checkpoints."),
    Column("device", "string", "What the stage ended on: CPU, or the name of the GPU with its share if below 1."),
    Column("limited", "bool", "True if training or test examples were cut: no score to publish."),
)

REQUIRED_COLUMNS = ("intermediate", "target", "seed", "language", "metric", "value")  # of any file that is ranked
