"""The dense leg: an OpenAI-compatible endpoint, and sentence-transformers on a BERT made on the spot."""

import asyncio
import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embedding import choose
from rag.embedding.families import BGE_ZH
from rag.embedding.instructions import instructed
from rag.errors import EmbeddingFailed, IndexMismatch
from rag.events import Finished, Question, Retrieved
from rag.index.base.manifest import current_name
from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.model_server import DIMENSION, ModelServer, running
from tests.support.tiny_bert import make_tiny_bert

QUESTION = "出差回来多久内要报销？"
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("sentence_transformers") is None,
    reason="torch and sentence-transformers are not installed (extra bge)",
)
needs_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "onnx", "torch")),
    reason="onnxruntime, onnx or torch is not installed (extras onnx, bge)",
)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


@pytest.fixture
def endpoint(server: ModelServer, tmp_path: Path) -> RagSettings:
    server.embedding_status = 200
    server.requests.clear()
    write_knowledge(tmp_path / "knowledge")
    embedding = EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test", batch_size=2)
    return rag_settings(tmp_path, embedding=embedding)


async def passages_of(library: KnowledgeBase, text: str = QUESTION) -> Retrieved:
    async with contextlib.aclosing(library.answer(Question(text, EVERYTHING))) as events:
        seen = [event async for event in events]
    assert isinstance(seen[0], Retrieved) and isinstance(seen[-1], Finished)
    return seen[0]


async def test_an_endpoints_vectors_are_searched_and_fused(server: ModelServer, endpoint: RagSettings) -> None:
    report = await asyncio.to_thread(ingest, endpoint)
    assert all(len(request.body["input"]) <= 2 for request in server.requests)
    index = Index.open(endpoint.index_dir)
    assert index.dense is not None
    assert (index.dense.count, index.dense.dimension) == (report.chunks, DIMENSION)
    library = await KnowledgeBase.open(endpoint)
    await library.warm_up()
    assert library.status().embedding.ok
    passages = (await passages_of(library)).passages
    both = [passage for passage in passages if passage.dense_rank and passage.lexical_rank]
    assert both and passages[0] == both[0]
    k = endpoint.retrieval.rrf_k
    weights = set()
    for passage in both:
        assert passage.dense_rank and passage.lexical_rank
        weights.add(round((passage.score - 1 / (k + passage.dense_rank)) * (k + passage.lexical_rank), 6))
    assert len(weights) == 1 and 0 < weights.pop() <= 1, "words weigh what they cover, each rank alike"
    assert any(request.body["input"][0].startswith(f"{BGE_ZH}{QUESTION[:4]}") for request in server.requests)
    await library.aclose()


async def test_an_endpoint_that_fails_leaves_words_only_and_is_tried_again(
    server: ModelServer, endpoint: RagSettings
) -> None:
    await asyncio.to_thread(ingest, endpoint)
    clock = HandClock()
    library = await KnowledgeBase.open(endpoint, clock=clock)
    server.embedding_status = 400
    assert (await passages_of(library)).passages[0].dense_rank is None
    part = library.status().embedding
    assert not part.ok and "words only" in part.detail and "HTTP 400" in part.detail
    server.embedding_status = 200
    assert (await passages_of(library)).passages[0].dense_rank is None
    await clock.advance(31)
    assert (await passages_of(library)).passages[0].dense_rank is not None
    assert library.status().embedding.ok
    await library.aclose()


@pytest.mark.parametrize(("status", "words"), [(401, "RAG__EMBEDDING__API_KEY"), (404, "RAG__EMBEDDING__MODEL")])
async def test_an_ingest_that_cannot_embed_leaves_the_old_index(
    server: ModelServer, endpoint: RagSettings, status: int, words: str
) -> None:
    before = (await asyncio.to_thread(ingest, endpoint)).index
    server.embedding_status = status
    with pytest.raises(EmbeddingFailed, match=words):
        await asyncio.to_thread(ingest, endpoint)
    assert current_name(endpoint.index_dir) == before


async def test_an_index_of_another_model_is_refused_with_the_fix(endpoint: RagSettings) -> None:
    await asyncio.to_thread(ingest, endpoint)
    changed = endpoint.embedding.model_copy(update={"model": "bge-other"})
    library = await KnowledgeBase.open(endpoint.model_copy(update={"embedding": changed}))
    assert not library.status().index.ok
    with pytest.raises(IndexMismatch, match="feishu-rag ingest"):
        await passages_of(library)
    await library.aclose()


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bert(tmp_path_factory.mktemp("models") / "tiny-bge")


@needs_torch
async def test_bge_runs_with_its_instruction_and_both_legs_are_fused(tmp_path: Path, tiny_bert: Path) -> None:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path, embedding=EmbeddingSettings(model=str(tiny_bert)))
    report = await asyncio.to_thread(ingest, settings)
    assert "sentence-transformers" in report.embedding
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    status = library.status()
    assert status.embedding.ok and "sentence-transformers" in status.embedding.detail
    passages = (await passages_of(library)).passages
    assert any(passage.dense_rank and passage.lexical_rank for passage in passages)
    await library.aclose()


@needs_torch
def test_questions_carry_the_instruction_and_passages_do_not(tiny_bert: Path) -> None:
    choice = choose(EmbeddingSettings(model=str(tiny_bert)))
    assert choice.open is not None
    embedder = instructed(choice.open(), choice.instructions)
    question, same = embedder.embed_question("年假"), embedder.embed_passages([BGE_ZH + "年假", "年假"])
    assert np.allclose(question, same[0], atol=1e-5)
    assert not np.allclose(question, same[1], atol=1e-2)
    assert np.allclose(np.linalg.norm(same, axis=1), 1.0)
    assert embedder.count_tokens("年假 oa") == 4
    assert (embedder.dimension, embedder.max_tokens) == (same.shape[1], 510)


@needs_torch
def test_a_model_in_a_folder_is_loaded_without_a_hub(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[Any] = []

    def nowhere(*address: Any, **_how: Any) -> Any:
        looked_up.append(address)
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    choice = choose(EmbeddingSettings(model=str(tiny_bert)))
    assert choice.open is not None
    assert choice.open().embed_question("年假").shape and looked_up == []


@needs_torch
async def test_swapped_weights_under_the_same_name_are_refused(tmp_path: Path, tiny_bert: Path) -> None:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path, embedding=EmbeddingSettings(model=str(tiny_bert)))
    await asyncio.to_thread(ingest, settings)
    swapped = make_tiny_bert(tmp_path / "swapped" / "tiny-bge", seed=7)
    library = await KnowledgeBase.open(settings.model_copy(update={"embedding": EmbeddingSettings(model=str(swapped))}))
    with pytest.raises(IndexMismatch, match="other weights"):
        await passages_of(library)
    await library.aclose()


@needs_torch
def test_a_damaged_model_is_one_sentence(tmp_path: Path, tiny_bert: Path) -> None:
    from rag.embedding.sentence_transformers import SentenceEmbedder

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EmbeddingFailed, match="could not be loaded"):
        SentenceEmbedder(tmp_path, EmbeddingSettings(model=str(tmp_path)))


def export_onnx(source: Path, folder: Path) -> Path:
    """The tiny BERT as the onnx provider wants it: model.onnx and tokenizer.json."""
    import torch
    from transformers import AutoModel

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = AutoModel.from_pretrained(source, attn_implementation="eager").eval()

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    folder.mkdir(parents=True)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    ones = torch.ones((2, 8), dtype=torch.long)
    torch.onnx.export(
        Plain(),
        (ones, ones, torch.zeros_like(ones)),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in [*names, "last_hidden_state"]},
        dynamo=False,
    )
    (folder / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    return folder


@needs_torch
@needs_onnx
@pytest.mark.filterwarnings("ignore")
def test_onnx_gives_the_vectors_of_sentence_transformers(tmp_path: Path, tiny_bert: Path) -> None:
    from rag.embedding.onnx import OnnxEmbedder
    from rag.embedding.sentence_transformers import SentenceEmbedder

    folder = export_onnx(tiny_bert, tmp_path / "onnx-bge")
    settings = EmbeddingSettings(model=str(folder), batch_size=2)
    onnx, torch_model = OnnxEmbedder(folder, settings), SentenceEmbedder(tiny_bert, settings)
    texts = ["出差报销", "年假。", "食堂午餐，标准与流程" * 80]
    assert np.allclose(onnx.embed_passages(texts), torch_model.embed_passages(texts), atol=1e-4)
    assert np.allclose(onnx.embed_question("年假"), torch_model.embed_question("年假"), atol=1e-4)
    assert onnx.count_tokens("年假 oa") == torch_model.count_tokens("年假 oa")
    assert onnx.dimension == torch_model.dimension
