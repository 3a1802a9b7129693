"""Each kind of task from text to features and back to answers."""

import pytest
import torch

from spaces.encoders import EncoderProfile
from tests.trainables.kinds.kind_inputs import CPU, MINIATURE, PRETRAINED, TOKENIZER, WORDS, recipe, task
from trainables.features.examples import (
    ChoiceExample,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from trainables.features.features import IGNORED, collate
from trainables.kinds import KINDS, choice, pair, text
from trainables.kinds.pooling import count_segments, pool_states
from trainables.models.encoder import Encoder


def test_pairs_keep_their_order_and_segments() -> None:
    examples = [PairExample(WORDS[0], WORDS[1], 0), PairExample(" ".join(WORDS[:5]), WORDS[2], 1)]
    features = pair.encode(TOKENIZER, examples, recipe(), MINIATURE)
    assert features[0].marks is not None
    assert features[0].marks[0].tolist() == [-1, 0, -1, -1, 1, -1]
    assert pair.merge(task("pair"), features[::-1], [7, 8], examples) == [8, 7]


def test_a_long_text_is_cut_at_its_end() -> None:
    examples = [TextExample(WORDS[0], 1), TextExample(" ".join(WORDS[:9]), 0)]
    short, long = text.encode(TOKENIZER, examples, recipe(6), MINIATURE)
    assert short.marks is not None and short.marks[0].tolist() == [-1, 0, -1] and short.target == 1
    ids = TOKENIZER.convert_tokens_to_ids(WORDS[:4])
    assert long.rows[0].tolist() == [TOKENIZER.bos_token_id, *ids, TOKENIZER.eos_token_id] and long.target == 0
    assert text.encode(TOKENIZER, examples, recipe(6), PRETRAINED)[0].marks is None


@pytest.mark.parametrize(("profile", "pooled"), [(MINIATURE, [4.0, 6.0]), (PRETRAINED, [9.0, 9.0])])
def test_a_head_on_texts_reads_the_mean_of_their_tokens_or_the_first(
    profile: EncoderProfile, pooled: list[float]
) -> None:
    hidden = torch.tensor([[[9.0, 9.0], [1.0, 3.0], [7.0, 9.0], [5.0, 5.0], [8.0, 8.0]]])
    batch = {"marks": torch.tensor([[-1, 0, 0, -1, -1]])}  # the last position is padding
    assert pool_states(hidden, batch, segments=count_segments("text", profile)).tolist() == [pooled]


def test_texts_are_scored_by_accuracy_and_by_the_mean_f1_of_labels() -> None:
    examples = [TextExample("", label) for label in (0, 0, 0, 1)]
    row, guesses = task("text", ("a", "b")), [0, 0, 1, 1]
    assert text.score(row, examples, guesses, "en") == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx((4 / 5 + 2 / 3) / 2),
    }
    hits, counts = text.compute_parts(row, examples, guesses, "en")
    assert sum(hits) / sum(counts) == 0.75  # type: ignore[arg-type]


def test_choices_have_one_row_per_option() -> None:
    examples = [ChoiceExample("", "q", tuple(WORDS[:3]), 1), ChoiceExample(WORDS[3], "", tuple(WORDS[:3]), 0)]
    features = choice.encode(TOKENIZER, examples, recipe(), MINIATURE)
    assert [len(feature.rows) for feature in features] == [3, 3]


@pytest.mark.parametrize("profile", [MINIATURE, PRETRAINED], ids=lambda profile: profile.name)
def test_choices_may_differ_in_their_number_of_options(profile: EncoderProfile, encoder: Encoder) -> None:
    torch.manual_seed(0)
    head = choice.build_head(encoder, task("choice"), profile).eval()
    encoder.model.eval()
    examples = [ChoiceExample("", "q", tuple(WORDS[:3]), 1), ChoiceExample(WORDS[3], "", tuple(WORDS[4:6]), 0)]

    def logits(examples_of_batch: list[ChoiceExample]) -> torch.Tensor:
        features = choice.encode(TOKENIZER, examples_of_batch, recipe(), profile)
        batch = collate(features, encoder.pad_id, per_position=False, device=encoder.device)
        with torch.inference_mode():
            result: torch.Tensor = encoder.compute_logits(head, batch)
        return result

    together = logits(examples)
    assert together[1, 2] == -torch.inf  # there is no third option
    torch.testing.assert_close(together[0], logits(examples[:1])[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together[1, :2], logits(examples[1:])[0], rtol=1e-4, atol=1e-5)
    loss = KINDS["choice"].compute_loss(together, {"target": torch.tensor([1, 0])})
    assert torch.isfinite(loss)


@pytest.mark.parametrize("profile", [MINIATURE, PRETRAINED], ids=lambda profile: profile.name)
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_answer(kind: str, profile: EncoderProfile, encoder: Encoder) -> None:
    # The same example alone and in a batch with longer ones gets the same logits.
    makers = {
        "pair": lambda n: PairExample(" ".join(WORDS[:n]), WORDS[1], 0),
        "text": lambda n: TextExample(" ".join(WORDS[:n]), 0),
        "choice": lambda n: ChoiceExample(" ".join(WORDS[:n]), "", tuple(WORDS[:3]), 0),
        "tagging": lambda n: TaggingExample(tuple(WORDS[:n]), (0,) * n),
        "span": lambda n: SpanExample("i", WORDS[0], " ".join(WORDS[:n]), (), ()),
        "mlm": lambda n: PassageExample(" ".join(WORDS[:n])),
    }
    row, ops = task(kind, ("a", "b")), KINDS[kind]
    examples = [makers[kind](2), makers[kind](9)]
    features = ops.encode(TOKENIZER, examples, recipe(), profile)
    torch.manual_seed(0)
    head = ops.build_head(encoder, row, profile).eval()
    encoder.model.eval()

    def logits(chosen: list[int]) -> torch.Tensor:
        batch = collate([features[i] for i in chosen], encoder.pad_id, per_position=ops.per_position, device=CPU)
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        result: torch.Tensor = head(encoder.model(**inputs).last_hidden_state, batch)
        return result

    alone, together = logits([0])[0], logits([0, 1])[0]
    together = together[: len(alone)]
    if kind == "tagging":  # what special tokens say is never read
        labelled = torch.from_numpy(features[0].target) != IGNORED
        alone, together = alone[labelled], together[labelled]
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)
