"""Columns of kept predictions. There is one row per stage, target, language, split and example.

Target stages keep predictions on test and English dev, intermediate stages on English dev, retrieval stages the
candidates that they retrieved. A mining task (BUCC) predicts pairs: only queries with a mined pair have a row.
"""

from spaces.columns import Column

PREDICTIONS_FILE = "predictions.parquet"  # in the folder of a stage

PREDICTION_COLUMNS = (
    Column("stage", "string", "Key of the stage that predicted; its scores are in the same folder."),
    Column("target", "string", "Target that is predicted; in an intermediate stage the intermediate task."),
    Column("language", "string", "Language of the examples."),
    Column("split", "string", "test, or dev (English, of the tenth that counts)."),
    Column(
        "example",
        "int64",
        "Index of the example (retrieval: of the query) in its set as read, from 0. `Task.item_column` says whether "
        "this or the id is the same for translations of an item, where the target is parallel.",
    ),
    Column(
        "id",
        "string",
        "Span: id of the question. Ranking: id of the query, where the data have one. Nearest neighbours: index of the "
        "query among the sorted queries, from 0, which is its line in XTREME's own files. Null elsewhere.",
    ),
    Column(
        "cluster",
        "int64",
        "Index of the first example of its set with which the example shares a text (`Task.cluster_text`), directly or "
        "through others; its own index where it shares none. Null where no text counts.",
    ),
    Column(
        "prediction",
        "list<string>",
        "Pair: the label's name. Choice: the option's index, from 0. Tagging: one tag per word. Span: the answer. "
        "Masked words: the ids of the predicted sub-tokens. Retrieval: the candidate's index as read, from 0.",
    ),
    Column("score", "double", "Retrieval: cosine, or ratio margin of a mined pair; null for other kinds."),
    Column(
        "numerator",
        "double",
        "The row's part in the task score (from 0 to 1), which is the sum of `numerator` over the sum of `denominator` "
        "of a language's rows; 0 / 0 is 0. Accuracy: 1 if correct. Span: mean of exact match and F1. Tagging by F1: "
        "twice the sentence's correct chunks. Ranking: the query's average precision, in the row of its best "
        "candidate. Null for further candidates, and for mined pairs, whose F1 is not a sum over rows.",
    ),
    Column("denominator", "double", "1; tagging by F1: gold and predicted chunks; by accuracy: words. Null as above."),
)
