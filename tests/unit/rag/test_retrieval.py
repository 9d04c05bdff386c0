"""Fusion of the two legs and the judgement of evidence, with a dense leg whose cosines the test sets."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.errors import EmbeddingFailed
from rag.index.base.background import ANY, Background, Spread
from rag.index.base.manifest import EmbeddingFingerprint
from rag.index.index import Index
from rag.index.local.faiss import FaissIndex
from rag.ingestion.pipeline import ingest
from rag.retrieval.retriever import Retriever
from rag.scope import Scope
from rag.settings import RetrievalSettings
from tests.support.embedders import QuestionsOnly
from tests.support.library_parts import rag_settings, write_knowledge


class SetEmbedder(QuestionsOnly):
    """Every question is the first axis."""

    dimension = 2

    def __init__(self, failure: EmbeddingFailed | None = None) -> None:
        self._failure = failure

    def embed_question(self, text: str) -> NDArray[np.float32]:
        if self._failure is not None:
            raise self._failure
        return np.array([1.0, 0.0], dtype=np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("corpus")
    write_knowledge(folder / "knowledge")
    settings = rag_settings(folder)
    ingest(settings)
    return Index.open(settings.index_dir)


def ids_by_heading(corpus: Index) -> dict[str, int]:
    found = corpus.chunks.ids_in(frozenset({"default"}))
    return {chunk.heading_path: chunk.id for chunk in corpus.chunks.get(found).values()}


def with_cosines(corpus: Index, cosines: dict[str, float], rest: float = 0.0) -> Index:
    dense = FaissIndex.empty(2)
    ids = ids_by_heading(corpus)
    values = [cosines.get(heading, rest) for heading in ids]
    dense.add(list(ids.values()), np.array([[value, (1 - value**2) ** 0.5] for value in values], dtype=np.float32))
    return dataclasses.replace(corpus, dense=dense)


def retriever(corpus: Index, embedder: SetEmbedder | None = None) -> Retriever:
    return Retriever(RetrievalSettings(), corpus, embedder=embedder)


async def test_a_passage_of_both_legs_comes_first_and_says_why(corpus: Index) -> None:
    fused = with_cosines(corpus, {"休假制度 > 病假": 0.9, "VPN": 0.5})
    passages = await retriever(fused, SetEmbedder()).retrieve("病假")
    first = passages[0]
    assert (first.chunk.heading_path, first.lexical_rank, first.dense_rank) == ("休假制度 > 病假", 1, 1)
    assert first.dense_score == pytest.approx(0.9, abs=1e-5)
    assert first.coverage == 1.0
    assert any(passage.lexical_rank is None and passage.dense_rank == 2 for passage in passages)


async def test_a_dense_leg_that_finds_all_alike_does_not_blur_the_lexical_one(corpus: Index) -> None:
    alike = with_cosines(corpus, {"VPN": 0.951}, rest=0.95)
    lexical = await retriever(corpus).retrieve("病假证明")
    fused = await retriever(alike, SetEmbedder()).retrieve("病假证明")
    assert [passage.chunk.id for passage in fused] == [passage.chunk.id for passage in lexical]
    assert all(passage.dense_rank for passage in fused)


def known_to(corpus: Index) -> Index:
    """With a background of cosines about 0.3, and of best ones about 0.5."""
    background = {ANY: Background({ANY: Spread(0.3, 0.1)}, Spread(2.0, 1.0))}
    return dataclasses.replace(corpus, manifest=dataclasses.replace(corpus.manifest, background=background))


@pytest.mark.parametrize(
    ("question", "cosine", "is_evidence"),
    [
        ("比特币", 0.9, True),  # no word in common, but far above chance
        ("比特币", 0.5, False),  # nearest as any question is
        ("病假证明比特币", 0.5, True),  # as near as any, but with words
        ("差旅比特币何时", 0.66, True),  # a word in common, and above chance
    ],
)
async def test_it_is_refused_only_where_both_signals_are_low(
    corpus: Index, question: str, cosine: float, is_evidence: bool
) -> None:
    fused = known_to(with_cosines(corpus, {"报销制度 > 差旅报销": cosine}, 0.3))
    finding = await retriever(fused, SetEmbedder()).search(question)
    assert finding.signals is not None and finding.signals.has_dense
    assert finding.signals.standing == pytest.approx((cosine - 0.3) / 0.1 - 2.0, abs=1e-3)
    assert finding.is_evidence is is_evidence


async def test_words_weigh_beside_vectors_as_much_as_they_cover(corpus: Index) -> None:
    fused = known_to(with_cosines(corpus, {"VPN": 0.9}, 0.3))
    first = (await retriever(fused, SetEmbedder()).retrieve("病假证明比特币行情走势预测"))[0]
    assert first.chunk.heading_path == "VPN"
    first = (await retriever(fused, SetEmbedder()).retrieve("病假须在当天上午告知直属上级"))[0]
    assert first.chunk.heading_path == "休假制度 > 病假"


async def test_vectors_of_an_index_without_a_background_order_but_do_not_judge(corpus: Index) -> None:
    finding = await retriever(with_cosines(corpus, {"VPN": 0.9}, 0.3), SetEmbedder()).search("病假")
    assert finding.signals is not None and not finding.signals.has_dense
    assert any(passage.dense_rank == 1 for passage in finding.passages)


@pytest.mark.parametrize(("reads", "unknown"), [({"zh": 0.08, "en": 0.92}, 0.0), ({"zh": 0.9}, 0.6)])
async def test_a_dense_leg_that_cannot_read_the_question_has_no_voice(
    corpus: Index, monkeypatch: pytest.MonkeyPatch, reads: dict[str, float], unknown: float
) -> None:
    mark = EmbeddingFingerprint("", "english-only", 2, "", reads=reads)
    sure = with_cosines(corpus, {"VPN": 0.95, "报销制度 > 报销流程": 0.9})
    deaf = dataclasses.replace(sure, manifest=dataclasses.replace(corpus.manifest, embedding=mark))
    monkeypatch.setattr(SetEmbedder, "unknown_share", lambda self, text: unknown)
    lexical = await retriever(corpus).retrieve("病假证明")
    assert [p.chunk.id for p in await retriever(deaf, SetEmbedder()).retrieve("病假证明")] == [
        p.chunk.id for p in lexical
    ]
    monkeypatch.setattr(SetEmbedder, "unknown_share", lambda self, text: 0.0)
    heard = dataclasses.replace(deaf, manifest=dataclasses.replace(corpus.manifest, embedding=None))
    assert len(await retriever(heard, SetEmbedder()).retrieve("病假证明")) > len(lexical)


async def test_words_alone_are_evidence_above_their_floor(corpus: Index) -> None:
    assert (await retriever(corpus).search("病假")).is_evidence
    assert not (await retriever(corpus).search("比特币")).is_evidence


async def test_a_failing_embedding_is_reported_and_words_serve(corpus: Index) -> None:
    seen: list[EmbeddingFailed] = []
    failure = EmbeddingFailed("refused")
    search = Retriever(
        RetrievalSettings(),
        with_cosines(corpus, {}),
        embedder=SetEmbedder(failure),
        on_embedding_failure=seen.append,
    )
    assert (await search.retrieve("病假"))[0].chunk.heading_path == "休假制度 > 病假"
    assert seen == [failure]


async def test_collections_limit_both_legs(corpus: Index) -> None:
    search = retriever(with_cosines(corpus, {"VPN": 0.9}), SetEmbedder())
    assert await search.retrieve("病假", Scope.of({"secret"})) == ()
    assert await search.retrieve("病假", Scope.of(())) == ()
    assert await search.retrieve("病假", Scope.of({"default", "secret"})) != ()
