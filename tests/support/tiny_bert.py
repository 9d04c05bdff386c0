"""A BERT of the bge kind made on the spot, of random weights: what it finds means nothing, the path does."""

from pathlib import Path
from typing import Any

VOCABULARY_TEXT = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "出差回来多久内报销单结束员工作日提交请假年休病流程发票公司住宿标准城市北京上海元审批财务安全密码客户端错误证书过期联系服务台入职食堂午餐"
)
DIMENSION = 32


def make_tiny_bert(folder: Path, *, seed: int = 0) -> Path:
    """Write a loadable sentence-transformers model into `folder` and return it. Needs torch and sentence-transformers.

    Weights depend on `seed` alone, so that another seed is another model of the same name and shape. All texts come out
    nearly alike (cosines within 0.001): its order is chance, and never evidence.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertModel

    raw = folder.parent / f".{folder.name}-raw"
    config, tokenizer = _config_and_tokenizer(raw)
    torch.manual_seed(seed)
    BertModel(config).save_pretrained(raw)
    tokenizer.save_pretrained(raw)
    transformer = Transformer(str(raw))
    pooling = Pooling(DIMENSION, pooling_mode="cls")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder))
    return folder


def make_tiny_cross_encoder(folder: Path, *, seed: int = 0) -> Path:
    """Write a loadable cross-encoder of one score into `folder` and return it. Needs torch and transformers."""
    import torch
    from transformers import BertForSequenceClassification

    config, tokenizer = _config_and_tokenizer(folder, num_labels=1)
    torch.manual_seed(seed)
    model = BertForSequenceClassification(config)
    torch.nn.init.normal_(model.classifier.weight, std=2.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _config_and_tokenizer(folder: Path, **more: int) -> tuple[Any, Any]:
    from transformers import BertConfig, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(_vocabulary()) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(vocabulary), vocab_file=str(vocabulary), do_lower_case=True)
    config = BertConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        initializer_range=0.1,
        **more,
    )
    return config, tokenizer


def _vocabulary() -> list[str]:
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    ascii_marks = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    continued = [f"##{character}" for character in "abcdefghijklmnopqrstuvwxyz0123456789"]
    return [*marks, *ascii_marks, *continued, *dict.fromkeys(VOCABULARY_TEXT), "。", "，", "？", "：", "；"]
