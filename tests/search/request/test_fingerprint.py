"""An encoder's fingerprint covers what its tokenizer does, in whichever file that stands, and nothing else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers as tk
from tokenizers import models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertModel, BertTokenizerFast, RobertaTokenizerFast, XLMRobertaTokenizer

from search.request.start_encoder import EncoderUse, inspect_model
from tests.encoder_folders import TEXTS, build_xlmr, change_fields, write_encoder
from tests.subwords import train_subwords

SETTINGS, RULES = "tokenizer_config.json", "tokenizer.json"
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def write_bert(folder: Path) -> Path:
    words = sorted({word for text in TEXTS for word in (*text.split(), *text.title().split())})
    vocab = {piece: i for i, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
    tokenizer = BertTokenizerFast(vocab=vocab, do_lower_case=False)
    return write_encoder(folder, BertModel(BertConfig(vocab_size=len(vocab) + 3, **SMALL)), tokenizer)


def write_xlmr(folder: Path) -> Path:
    backend = tk.Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    backend.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>")
    )
    vocab = [(piece, score) for piece, score in json.loads(backend.to_str())["model"]["vocab"]]
    tokenizer = XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)])
    return write_encoder(folder, build_xlmr(len(tokenizer) + 3), tokenizer)


def write_roberta(folder: Path) -> Path:
    backend = tk.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=290, special_tokens=special, initial_alphabet=alphabet)
    backend.train_from_iterator(TEXTS, trainer)
    model = json.loads(backend.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    tokenizer = RobertaTokenizerFast(vocab=model["vocab"], merges=merges)
    return write_encoder(folder, build_xlmr(len(tokenizer) + 3), tokenizer)


WRITERS: dict[str, Callable[[Path], Path]] = {
    "bert": write_bert,
    "xlm-r": write_xlmr,
    "roberta": write_roberta,
    "generic": lambda folder: write_encoder(folder, build_xlmr(64)),
}


@pytest.fixture(scope="module", params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[request.param](tmp_path_factory.mktemp("encoders") / request.param)


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / written.name)


def fingerprint(folder: Path) -> str:
    return inspect_model(str(folder), EncoderUse())[0]


def change_rules(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rules = json.loads((folder / RULES).read_text(encoding="utf-8"))
    change(rules)
    (folder / RULES).write_text(json.dumps(rules), encoding="utf-8")


def test_tokenizer_json_with_the_usual_names_adds_nothing_to_the_hash_of_files(folder: Path) -> None:
    head, *marks = fingerprint(folder).split("+")
    assert len(head) == 16 and marks == (["blanks"] if folder.name == "roberta" else [])


def test_what_changes_no_id_changes_no_key(folder: Path) -> None:
    before = fingerprint(folder)
    (folder / "README.md").write_text("# changed")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"\0")
    (folder / "special_tokens_map.json").write_text("{}")
    change_fields(folder / SETTINGS, clean_up_tokenization_spaces=True, model_max_length=128, name_or_path="elsewhere")
    assert fingerprint(folder) == before


def add_token(rules: dict[str, Any]) -> None:
    number = max(entry["id"] for entry in rules["added_tokens"] + [{"id": len(rules["model"]["vocab"]) - 1}]) + 1
    rules["added_tokens"].append({**rules["added_tokens"][0], "id": number, "content": "towns", "special": False})


def swap_merges(rules: dict[str, Any]) -> None:
    rules["model"]["merges"][:2] = rules["model"]["merges"][1::-1]


def swap_pieces(rules: dict[str, Any]) -> None:
    vocab = rules["model"]["vocab"]
    if isinstance(vocab, dict):
        one, other = list(vocab)[6:8]
        vocab[one], vocab[other] = vocab[other], vocab[one]
    else:
        vocab[6], vocab[7] = vocab[7], vocab[6]


def change_template(rules: dict[str, Any]) -> None:
    rules["post_processor"] = {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}


IN_RULES = {"an added token": add_token, "a vocabulary": swap_pieces, "merges": swap_merges}


@pytest.mark.parametrize("change", IN_RULES)
def test_rules_change_the_key(folder: Path, change: str) -> None:
    if change == "merges" and folder.name not in ("roberta", "generic"):
        pytest.skip("it has no merges")
    before = fingerprint(folder)
    change_rules(folder, IN_RULES[change])
    assert fingerprint(folder) != before


@pytest.mark.parametrize(
    "fields",
    [
        {"truncation_side": "left"},
        {"split_special_tokens": True},
        {"additional_special_tokens": ["old"]},
        {"extra_special_tokens": ["old"]},
        {"pad_token": "</s>"},
        {"mask_token": "old"},
        {"unk_token": "an"},
        {"add_eos_token": False, "add_bos_token": True},
        {"added_tokens_decoder": {"9": {"content": "old", "special": False, "lstrip": True}}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_settings_beside_the_rules_change_the_key_where_they_change_ids(folder: Path, fields: dict[str, Any]) -> None:
    from trainables.features.tokenizer_rules import hash_tokenizer
    from trainables.models.encoder import load_tokenizer

    def read() -> tuple[object, ...]:
        tokenizer = load_tokenizer(str(folder))
        return hash_tokenizer(tokenizer), tokenizer.special_tokens_map, sorted(tokenizer.all_special_ids)

    before, read_before = fingerprint(folder), read()
    change_fields(folder / SETTINGS, **fields)
    assert (fingerprint(folder) != before) == (read() != read_before)


def test_settings_of_a_class_that_makes_its_own_rules_change_the_key(tmp_path: Path) -> None:
    for write, fields in (
        (write_bert, {"do_lower_case": True}),
        (write_bert, {"strip_accents": True}),
        (write_bert, {"tokenize_chinese_chars": False}),
        (write_bert, {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids"]}),
        (write_roberta, {"add_prefix_space": True}),
        (write_xlmr, {"add_prefix_space": False}),
    ):
        folder = write(tmp_path / "encoder")
        before = fingerprint(folder)
        change_fields(folder / SETTINGS, **fields)
        assert fingerprint(folder) != before, fields
        shutil.rmtree(folder)


def test_token_types_that_no_model_reads_change_no_key(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")  # its template gives no second type
    before = fingerprint(folder)
    change_fields(folder / SETTINGS, model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    assert fingerprint(folder) == before


def test_a_normaliser_and_a_template_change_the_key(tmp_path: Path) -> None:
    prints = set()
    for normalizer in (normalizers.NFKC(), normalizers.Lowercase(), normalizers.NFC()):
        tokenizer = train_subwords(TEXTS, 60)
        tokenizer.backend_tokenizer.normalizer = normalizer
        prints.add(fingerprint(write_encoder(tmp_path / "encoder", tokenizer=tokenizer)))
    folder = write_encoder(tmp_path / "encoder")
    prints.add(fingerprint(folder))
    change_rules(folder, change_template)
    assert len(prints | {fingerprint(folder)}) == 5
