"""The columns of kept predictions, in one place. One row per stage x target x language x split x example.

Target stages keep test and English dev, intermediate stages English dev, retrieval stages what they found. A mining
task (BUCC) predicts pairs: only queries for which a pair was mined have a row.
"""

from spaces.columns import Column

PREDICTIONS_FILE = "predictions.parquet"  # in the folder of a stage

PREDICTION_COLUMNS = (
    Column("stage", "string", "Key of the stage that predicted; its scores lie beside this file."),
    Column("target", "string", "Target that is predicted; in an intermediate stage the intermediate task."),
    Column("language", "string", "Language of the examples."),
    Column("split", "string", "test, or dev (English, of the tenth that counts)."),
    Column(
        "example",
        "int64",
        "Place of the example (retrieval: of the query) in its set as read, from 0. `Task.item` says whether this or "
        "the id tells which examples of a parallel target's languages translate each other.",
    ),
    Column(
        "id",
        "string",
        "Span: id of the question. Ranking: id of the query, where the data have one. Nearest neighbours: number of "
        "the query among the queries in sorted order, from 0, which is its line in XTREME's own files. Null elsewhere.",
    ),
    Column(
        "prediction",
        "list<string>",
        "Pair: the label's name. Choice: the option's number, from 0. Tagging: one tag per word. Span: the answer. "
        "Masked words: the ids of the guessed sub-tokens. "
        "Retrieval: the candidate's number as read, from 0.",
    ),
    Column("score", "double", "Retrieval: cosine, or ratio margin of a mined pair; null for other kinds."),
    Column(
        "numerator",
        "double",
        "What the row brings to the task score (from 0 to 1), which is the sum of `numerator` over the sum of "
        "`denominator` of a language's rows; 0 / 0 is 0. Accuracy: 1 if right. Span: mean of exact match and F1. "
        "Tagging by F1: twice the sentence's right chunks. Ranking: the query's average precision, in the row of its "
        "best candidate. Null where there is none: further candidates, and mined pairs, whose F1 is no sum over rows.",
    ),
    Column("denominator", "double", "1; tagging by F1: gold and predicted chunks; by accuracy: words. Null as above."),
)
