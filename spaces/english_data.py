"""English datasets that encoders are trained on: for intermediate tasks, and training sets of targets.

Training sets in other languages are in `foreign_data.py`.

Row numbers are the published ones: a folder with fewer rows is reported as cut. Labels are mapped by name, since their
order differs between repositories.
"""

from spaces.dataset import DatasetSpec
from spaces.table import Table

QA_COLUMNS = {"id": "id", "question": "question", "context": "context", "answers": "answers"}
COPA_WORDING = {"cause": "What was the cause?", "effect": "What was the effect?"}  # the wording of XTREME-R
NLI_COLUMNS = {"first": "premise", "second": "hypothesis", "label": "label"}

MASSIVE_INTENTS = tuple(
    """
alarm_query alarm_remove alarm_set audio_volume_down audio_volume_mute audio_volume_other audio_volume_up
calendar_query calendar_remove calendar_set cooking_query cooking_recipe datetime_convert datetime_query
email_addcontact email_query email_querycontact email_sendemail general_greet general_joke general_quirky iot_cleaning
iot_coffee iot_hue_lightchange iot_hue_lightdim iot_hue_lightoff iot_hue_lighton iot_hue_lightup iot_wemo_off
iot_wemo_on lists_createoradd lists_query lists_remove music_dislikeness music_likeness music_query music_settings
news_query play_audiobook play_game play_music play_podcasts play_radio qa_currency qa_definition qa_factoid qa_maths
qa_stock recommendation_events recommendation_locations recommendation_movies social_post social_query takeaway_order
takeaway_query transport_query transport_taxi transport_ticket transport_traffic weather_query
""".split()
)

ENGLISH_DATASETS = Table(
    "dataset",
    (
        DatasetSpec(
            name="mnli",
            repo_id="nyu-mll/glue",
            configs=("mnli",),
            may_be_tokenised=True,
            columns=NLI_COLUMNS,
            label_format="names",
            label_aliases={"contradictory": "contradiction"},
            published_rows={"train": 392_702, "validation_matched": 9_815},
            licence="MultiNLI: mixed open sources, most under the OANC licence",
        ),
        DatasetSpec(
            name="anli",
            repo_id="facebook/anli",
            configs=("plain_text",),
            columns=NLI_COLUMNS,
            label_format="names",
            published_rows={
                **{"train_r1": 16_946, "train_r2": 45_460, "train_r3": 100_459},
                **{"dev_r1": 1_000, "dev_r2": 1_000, "dev_r3": 1_200},
            },
            licence="CC BY-NC 4.0",
        ),
        DatasetSpec(
            name="snli",
            repo_id="stanfordnlp/snli",
            configs=("plain_text",),
            columns=NLI_COLUMNS,
            label_format="names",
            published_rows={"train": 550_152, "validation": 10_000},  # some hundred of them have no label
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="qqp",
            repo_id="nyu-mll/glue",
            configs=("qqp",),
            columns={"first": "question1", "second": "question2", "label": "label"},
            label_format="names",
            published_rows={"train": 363_846, "validation": 40_430},
            licence="Quora terms of service, non-commercial",
        ),
        DatasetSpec(
            name="squad",
            repo_id="rajpurkar/squad",
            # Preferred: a config of a local copy without the paragraphs that XQuAD translates.
            configs=("local_no_xquad", "plain_text"),
            columns=QA_COLUMNS,
            published_rows={"train": 87_599, "validation": 10_570},
            licence="CC BY-SA 4.0",
            note="SQuAD 1.1: its validation split, which selection sees, contains the English side of XQuAD.",
        ),
        DatasetSpec(
            name="squad2",
            repo_id="rajpurkar/squad_v2",
            configs=("local_no_xquad", "squad_v2"),
            columns=QA_COLUMNS,
            contains=("squad",),  # all questions of SQuAD 1.1, and as many that have no answer
            published_rows={"train": 130_319, "validation": 11_873},
            licence="CC BY-SA 4.0",
            note="SQuAD 2.0: its validation split, which selection sees, contains the English side of XQuAD.",
        ),
        DatasetSpec(
            name="hellaswag",
            repo_id="Rowan/hellaswag",
            columns={"context": "ctx", "options": "endings", "label": "label"},
            label_format="places",
            published_rows={"train": 39_905, "validation": 10_042},
            licence="MIT",
        ),
        DatasetSpec(
            name="hellaswag_in_parts",  # the context's whole sentences apart from the begun one, as jiant reads them
            repo_id="Rowan/hellaswag",
            columns={"context": "ctx_a", "question": "ctx_b", "options": "endings", "label": "label"},
            label_format="places",
            published_rows={"train": 39_905, "validation": 10_042},
            licence="MIT",
        ),
        DatasetSpec(
            name="ccg",
            repo_id="local/ccg",
            columns={"words": "tokens", "tags": "tags"},
            label_format="own names",
            published_rows={"train": 38_015, "validation": 5_484},
            licence="CCGbank, LDC2005T13: for licensees of the LDC",
            how_to_obtain=(
                "CCGbank (LDC2005T13) is licensed and in no public repository; convert your copy to Parquet with one "
                "sentence per row: `tokens` (list of words) and `tags` (list of supertags such as S[dcl]\\NP, as text)"
            ),
        ),
        DatasetSpec(
            name="cosmosqa",
            repo_id="allenai/cosmos_qa",
            columns={
                "context": "context",
                "question": "question",
                "options": "answer0 answer1 answer2 answer3",
                "label": "label",
            },
            label_format="places",
            published_rows={"train": 25_262, "validation": 2_985},
            licence="CC BY 4.0",
        ),
        DatasetSpec(
            name="csqa",
            repo_id="tau/commonsense_qa",
            columns={"question": "question", "options": "choices", "label": "answerKey"},
            label_format="letters",
            published_rows={"train": 9_741, "validation": 1_221},
            licence="MIT",
        ),
        DatasetSpec(
            name="massive",
            repo_id="AmazonScience/massive",  # its main branch holds a loading script
            configs=("en-US",),
            columns={"text": "utt", "label": "intent"},
            label_format="names",
            published_rows={"train": 11_514, "validation": 2_033},
            licence="CC BY 4.0",
            note="MASSIVE: its files and columns are read as its publisher describes them; this was never verified.",
        ),
        DatasetSpec(
            name="siqa",
            repo_id="allenai/social_i_qa",  # its main branch holds a loading script
            fallbacks=("lighteval/siqa",),
            columns={
                "context": "context",
                "question": "question",
                "options": "answerA answerB answerC",
                "label": "label",
            },
            label_format="places",
            first_option=1,
            published_rows={"train": 33_410, "validation": 1_954},
            licence="CC BY 4.0",
        ),
        DatasetSpec(
            name="copa",
            repo_id="aps/super_glue",
            configs=("copa",),
            columns={"context": "premise", "question": "question", "options": "choice1 choice2", "label": "label"},
            label_format="places",
            question_wording=COPA_WORDING,
            published_rows={"train": 400, "validation": 100},
            licence="BSD-2-Clause",
        ),
    ),
)
