"""Small random encoders of many architectures, as folders: what users give with --model, a few kilobytes each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tokenizers as tk
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, BertTokenizerFast, PreTrainedTokenizerBase

from tests.encoder_folders import TEXTS, write_encoder, write_mdeberta
from tests.subwords import train_subwords
from trainables.miniature.tokens import SPECIAL_TOKENS, wrap_tokenizer

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
ROWS = 700  # word embeddings: more than any of these tokenizers has tokens
IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}


def build_subwords() -> PreTrainedTokenizerBase:
    """XLM-R's style."""
    return train_subwords(TEXTS, 80)


def build_word_pieces() -> PreTrainedTokenizerBase:
    """BERT's style, with token types."""
    tokenizer = tk.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=100, special_tokens=special))
    return BertTokenizerFast(vocab=tokenizer.get_vocab())


def build_bytes() -> PreTrainedTokenizerBase:
    """Style of RoBERTa and ModernBERT: bytes, and a blank that belongs to the word after it."""
    tokenizer = tk.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=[*SPECIAL_TOKENS], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return wrap_tokenizer(tokenizer, 512)


def build_gemma() -> PreTrainedTokenizerBase:
    """Style of Gemma and mmBERT: blanks become a sign, and the text is one piece."""
    tokenizer = tk.Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=120, special_tokens=[*SPECIAL_TOKENS]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    return wrap_tokenizer(tokenizer, 512)


def with_template(single: str, pair: str) -> Callable[[], PreTrainedTokenizerBase]:
    def build() -> PreTrainedTokenizerBase:
        tokenizer = build_subwords()
        template = processors.TemplateProcessing(single=single, pair=pair, special_tokens=[("<s>", 0), ("</s>", 2)])
        tokenizer.backend_tokenizer.post_processor = template
        return tokenizer

    return build


XLNET = with_template("$A </s> <s>:2", "$A </s> $B:1 </s>:1 <s>:2")
T5 = with_template("$A </s>", "$A </s> $B </s>")


def build_model(kind: str, **fields: Any) -> Any:
    """Return a random model of a kind, with its head for masked words where the library has one."""
    shape = {name: value for name, value in (SHAPE | IDS | {"vocab_size": ROWS} | fields).items() if value is not None}
    config = AutoConfig.for_model(kind, **shape)
    torch.manual_seed(0)
    try:
        model = AutoModelForMaskedLM.from_config(config)
    except ValueError:
        model = AutoModel.from_config(config)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.02 * torch.randn_like(value))
    return model


def writer(
    kind: str, build_tokenizer: Callable[[], PreTrainedTokenizerBase] = build_subwords, **fields: Any
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        tokenizer = build_tokenizer()
        fields_with_ids = {"pad_token_id": tokenizer.pad_token_id, **fields}
        return write_encoder(folder, build_model(kind, **fields_with_ids), tokenizer)

    return write


BIDIRECTIONAL: dict[str, Any] = {"use_bidirectional_attention": True}
NO_LAYERS: dict[str, Any] = {"num_hidden_layers": None}
FUNNEL = NO_LAYERS | {"d_model": 16, "block_sizes": [2, 2], "n_head": 2, "d_head": 8, "d_inner": 32}
FUNNEL |= {"hidden_size": None, "num_attention_heads": None, "intermediate_size": None}

ARCHITECTURES: dict[str, Callable[[Path], Path]] = {
    "ALBERT": writer("albert", embedding_size=8),
    "BART": writer("bart", build_bytes, d_model=16),
    "BERT": writer("bert", build_word_pieces),
    "BERT decoder": writer("bert", build_word_pieces, is_decoder=True),
    "BigBird": writer("big_bird"),
    "CamemBERT": writer("camembert", max_position_embeddings=514, type_vocab_size=1),
    "CANINE": writer("canine"),
    "ConvBERT": writer("convbert", build_word_pieces, head_ratio=1, conv_kernel_size=3),
    "Data2Vec text": writer("data2vec-text", build_bytes, max_position_embeddings=514, type_vocab_size=1),
    "DeBERTa": writer("deberta", build_bytes, relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0),
    "DistilBERT": writer("distilbert", build_word_pieces),
    "ELECTRA": writer("electra", build_word_pieces, embedding_size=8),
    "EmbeddingGemma": writer("gemma3_text", build_gemma, head_dim=8, num_key_value_heads=1, **BIDIRECTIONAL),
    "ERNIE": writer("ernie", build_word_pieces),
    "ESM": writer("esm", max_position_embeddings=514, token_dropout=False),
    "EuroBERT": writer("eurobert", build_bytes),
    "FlauBERT": writer("flaubert", emb_dim=16),
    "FNet": writer("fnet", build_word_pieces),
    "Funnel": writer("funnel", build_word_pieces, **FUNNEL),
    "Gemma 3": writer("gemma3_text", build_gemma, head_dim=8, num_key_value_heads=1),
    "GPT-2": writer("gpt2", build_bytes),
    "I-BERT": writer("ibert", max_position_embeddings=514, type_vocab_size=1),
    "Jina v3": writer("jina_embeddings_v3", type_vocab_size=1),
    "LayoutLM": writer("layoutlm", build_word_pieces),
    "Llama": writer("llama", build_bytes),
    "Longformer": writer("longformer", build_bytes, max_position_embeddings=514, attention_window=[8, 8]),
    "LUKE": writer("luke", build_bytes, max_position_embeddings=514, entity_vocab_size=10, entity_emb_size=8),
    "MarkupLM": writer("markuplm"),
    "mBART": writer("mbart", T5, d_model=16),
    "mDeBERTa-v3": write_mdeberta,
    "MegatronBERT": writer("megatron-bert", build_word_pieces),
    "mmBERT": writer("modernbert", build_gemma),
    "MobileBERT": writer(
        "mobilebert", build_word_pieces, embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16
    ),
    "ModernBERT": writer("modernbert", build_bytes),
    "ModernBERT decoder": writer("modernbert-decoder", build_bytes),
    "MPNet": writer("mpnet", max_position_embeddings=514),
    "Nomic BERT": writer("nomic_bert", build_word_pieces),
    "Nystromformer": writer("nystromformer"),
    "Perceiver": writer("perceiver", d_latents=16, d_model=16, num_latents=4),
    "RemBERT": writer("rembert", input_embedding_size=8, output_embedding_size=24),
    "RoBERTa": writer("roberta", build_bytes, max_position_embeddings=514, type_vocab_size=1),
    "RoFormer": writer("roformer", build_word_pieces, embedding_size=8),
    "Splinter": writer("splinter", build_word_pieces),
    "SqueezeBERT": writer("squeezebert", build_word_pieces, embedding_size=16),
    "T5": writer("t5", T5, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2),
    "TAPAS": writer("tapas", build_word_pieces),
    "umT5": writer("umt5", T5, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2),
    "X-MOD": writer(
        "xmod", max_position_embeddings=514, type_vocab_size=1, languages=["en_XX"], default_language="en_XX"
    ),
    "X-MOD without a language": writer("xmod", max_position_embeddings=514, type_vocab_size=1, languages=["en_XX"]),
    "XLM": writer("xlm", emb_dim=16),
    "XLM-R": writer("xlm-roberta", max_position_embeddings=514, type_vocab_size=1),
    "XLM-R XL": writer("xlm-roberta-xl", max_position_embeddings=514, type_vocab_size=1),
    "XLNet": writer("xlnet", XLNET, d_head=8),
}
