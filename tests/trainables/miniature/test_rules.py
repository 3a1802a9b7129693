"""Labels and answers by hand: small items, and the output of the generators for them."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spaces.miniature import INTERMEDIATES, TARGETS, partners_of
from spaces.miniature_languages import INTENT_LABELS, POS_TAGS, SUPERTAGS, TOPIC_LABELS
from trainables.features.examples import ChoiceExample, SpanExample
from trainables.miniature.choices import draw_category_question, draw_next_event, draw_surrounding_event
from trainables.miniature.grammar import Clause, join_words, render, render_english
from trainables.miniature.lexicon import AMBIGUOUS, PLACES
from trainables.miniature.meaning import CATEGORY_OF, GROUP_OF, OPPOSITES_OF, SYNONYM_OF
from trainables.miniature.pairs import (
    CONTRADICTION,
    DIFFERENT,
    ENTAILMENT,
    NEUTRAL,
    NLI_LEVEL,
    PARAPHRASE,
    draw_inference,
    draw_paraphrase,
    draw_question_pair,
)
from trainables.miniature.spans import SpanItem, render_example
from trainables.miniature.tags import tag_entities, tag_parts_of_speech, tag_supertags
from trainables.miniature.texts import label_intent, label_topic
from trainables.miniature.world import build_world, generate_examples

rows_of: Callable[..., list[Any]] = generate_examples  # untyped: each kind of example has its own fields
SALE = {"agent": ("Anna", "Jordan"), "verb": "sells", "patient": ("dogs",), "adjective": "big", "number": "3"}
EVENT = Clause(**SALE, place="Jordan", organisation="Acme", never=True)


def meaning(clause: Clause) -> tuple[object, ...]:
    """A clause with its words replaced by their synonym class."""
    word = {w: min(w, synonym) for w, synonym in SYNONYM_OF.items()}
    adjective = clause.adjective and word[clause.adjective]
    return clause.agent, word[clause.verb], clause.patient, adjective, clause.never


def test_each_language_says_it_its_own_way() -> None:
    words = build_world(0).lexicon.words
    assert render_english(EVENT) == "Anna Jordan never sells 3 big dogs in Jordan for Acme ."

    def concepts(language: str) -> str:
        return " ".join(piece.concept for piece in render(EVENT, language, words[language]))

    assert concepts("qnb") == concepts("en")
    assert concepts("qma") == "Anna Jordan never sells 3 dogs big in Jordan for Acme ."
    assert concepts("qfa") == "Anna Jordan 3 big dogs Jordan in Acme for never sells ."
    assert f"{words['qma']['sells']}-v" in join_words(render(EVENT, "qma", words["qma"])).split()
    assert f"{words['qfa']['dogs']}-o" in join_words(render(EVENT, "qfa", words["qfa"])).split()


def test_a_question_opens_with_its_word_and_leaves_the_asked_part_out() -> None:
    assert render_english(replace(EVENT, asked="place")) == "where Anna Jordan never sells 3 big dogs for Acme ?"
    assert render_english(replace(EVENT, asked="agent")) == "who never sells 3 big dogs in Jordan for Acme ?"


def test_relations_between_words() -> None:
    assert SYNONYM_OF["sells"] == "vends" and SYNONYM_OF["vends"] == "sells"
    assert set(OPPOSITES_OF["large"]) == {"small", "little"}
    assert CATEGORY_OF["figs"] == "fruits"
    assert GROUP_OF["buys"] == GROUP_OF["vends"] != GROUP_OF["likes"]


def test_inference_follows_its_rules() -> None:
    rng = random.Random(0)
    items = [draw_inference(rng, NLI_LEVEL) for _ in range(300)]
    assert {item.label for item in items} == {ENTAILMENT, NEUTRAL, CONTRADICTION}
    for item in items:
        first, second = item.first, item.second
        entailed = replace(first, adjective=first.adjective if second.adjective else None)
        adds_place = first.place is None and second.place is not None
        if item.label == ENTAILMENT:
            assert meaning(entailed) == meaning(second) and not adds_place
        elif item.label == NEUTRAL:
            assert adds_place != (first.patient != second.patient)
            assert (first.agent, first.never) == (second.agent, second.never)
        else:
            is_swapped = (first.agent, first.patient) == (second.patient, second.agent)
            assert not adds_place and (is_swapped or first.patient == second.patient)
            assert meaning(entailed) != meaning(second)


def test_questions_and_paraphrases_follow_their_rules() -> None:
    rng = random.Random(0)
    for draw in (draw_question_pair, draw_paraphrase):
        items = [draw(rng) for _ in range(300)]
        assert {item.label for item in items} == {DIFFERENT, PARAPHRASE}
        for item in items:
            same = meaning(item.first) == meaning(item.second) and item.first.place == item.second.place
            assert same == (item.label == PARAPHRASE)
            assert render_english(item.first) != render_english(item.second) or item.label == PARAPHRASE


def test_tags_by_hand() -> None:
    lexicon = replace(build_world(0).lexicon, classes={"dogs": 1, "sells": 0}, products=frozenset({"Acme"}))
    pieces = render(EVENT, "en", lexicon.words["en"])
    assert tag_parts_of_speech(pieces, lexicon) == (
        ["PROPN", "PROPN", "ADV", "VERB1", "NUM", "ADJ", "NOUN2", "ADP", "PROPN", "ADP", "PROPN", "PUNCT"]
    )
    tags = "B-PER I-PER O O O O O O B-LOC O B-PROD O".split()
    assert tag_entities(pieces, lexicon) == tags
    tags = tag_supertags(pieces, lexicon)
    assert tags[:2] == ["NP/NP", "NP"] and tags[3] == "(S\\NP)/NP1" and tags[6] == "N2" and tags[10] == "NP-product"


def test_the_place_is_the_topic_and_a_denial_another_intent() -> None:
    lexicon = replace(build_world(0).lexicon, topics={"Jordan": 2})  # also the last name of EVENT's agent
    assert label_topic(EVENT, lexicon) == 2 and INTENT_LABELS[label_intent(EVENT, lexicon)] == "deny-topic3"
    assert INTENT_LABELS[label_intent(replace(EVENT, never=False), lexicon)] == "assert-topic3"


def test_topics_are_drawn_by_lot_and_all_of_them_occur() -> None:
    world = build_world(0)
    topics = world.lexicon.topics
    assert {*topics} == {*PLACES, *AMBIGUOUS} and sorted(topics.values()) == [0] * 6 + [1] * 5 + [2] * 5
    assert topics != build_world(1).lexicon.topics
    assert {topics[name] for name in AMBIGUOUS} == {0, 1, 2}, "no topic is told by a sort of names"
    for task, labels in ((INTERMEDIATES["massive"], INTENT_LABELS), (TARGETS["sib200"], TOPIC_LABELS)):
        assert {row.label for row in rows_of(world, task, "test", "qfa")} == {*range(len(labels))}


def test_all_tags_have_a_label() -> None:
    """The tags in the test rows are exactly the labels."""
    world = build_world(0)
    for task, labels in ((INTERMEDIATES["ccg"], SUPERTAGS), (TARGETS["udpos"], POS_TAGS)):
        rows = rows_of(world, task, "test", "qfa")
        assert {tag for row in rows for tag in row.tags} == set(range(len(labels)))


@pytest.mark.parametrize("name", ["squad", "squad2", "xquad", "mlqa", "tydiqa"])
@pytest.mark.parametrize("language", ["en", "qma", "qfa"])
def test_answers_stand_where_they_start(name: str, language: str) -> None:
    task = INTERMEDIATES[name] if name in INTERMEDIATES else TARGETS[name]
    rows = rows_of(build_world(0), task, "test", language)
    for row in rows:
        assert isinstance(row, SpanExample)
        for answer, start in zip(row.answers, row.starts, strict=True):
            assert row.context[start : start + len(answer)] == answer
    unanswerable = sum(not row.answers for row in rows) / len(rows)
    assert 0.2 < unanswerable < 0.45 if task.has_unanswerable else unanswerable == 0


def test_an_answer_by_hand() -> None:
    lexicon = build_world(0).lexicon
    other = Clause(agent=("Ben",), verb="likes", patient=("figs",))
    item = SpanItem((other, EVENT), replace(EVENT, asked="patient", adjective=None, number=None), 1, "patient")
    span = render_example(item, "en", lexicon, "x")
    assert span.question == "what Anna Jordan never sells in Jordan for Acme ?"
    assert span.answers == ("3 big dogs",)
    assert span.context == "Ben likes figs . Anna Jordan never sells 3 big dogs in Jordan for Acme ."
    foreign = render_example(item, "qfa", lexicon, "x")
    assert foreign.answers[0] == foreign.answers[1] + "-o"


def test_choices_follow_their_rules() -> None:
    rng = random.Random(0)
    follows = (2, 0, 3, 4, 1)  # the cycle 0 2 3 4 1
    for _ in range(200):
        item = draw_next_event(rng, follows)
        groups = [GROUP_OF[option.verb] for option in item.options if isinstance(option, Clause)]
        assert groups[item.label] == follows[GROUP_OF[item.context[0].verb]] and len(set(groups)) == 3
        item = draw_surrounding_event(rng, follows)
        groups = [GROUP_OF[option.verb] for option in item.options if isinstance(option, Clause)]
        first, second = (GROUP_OF[event.verb] for event in item.context)
        assert follows[first] == second and len(set(groups)) == 3
        if item.question == "after":
            assert follows[second] == groups[item.label]
        else:
            assert follows[groups[item.label]] == first
        item = draw_category_question(rng)
        assert item.options[item.label] == CATEGORY_OF[item.context[0].patient[0]] and len(set(item.options)) == 3


def test_a_rendered_choice() -> None:
    row = rows_of(build_world(0), INTERMEDIATES["cosmosqa"], "dev", "en")[0]
    assert isinstance(row, ChoiceExample)
    assert row.question in ("what before ?", "what after ?") and row.context.count(".") == 2


def test_the_control_has_labels_that_nothing_explains() -> None:
    """Labels of the control agree with the rule of inference at chance level."""
    rows = rows_of(build_world(0), INTERMEDIATES["random"], "train", "en")
    entailed = [row.label for row in rows if row.first == row.second]
    assert len(entailed) > 50
    assert all(0.2 < entailed.count(label) / len(entailed) < 0.47 for label in range(3))


def test_partners_share_a_planted_skill() -> None:
    assert partners_of("xnli") == ("anli", "mnli", "qqp")
    assert partners_of("udpos") == partners_of("panx") == ("ccg",)
    assert partners_of("sib200") == ("massive",)
    assert partners_of("xquad") == partners_of("tydiqa") == ("squad2", "squad")
    assert partners_of("tatoeba") == partners_of("bucc") == ("anli", "mnli", "qqp", "csqa")
    assert partners_of("xnli", null=True) == partners_of("bucc", null=True) == ()
