"""Random organisations, documents and audiences: a search within what an audience may open is a search of an index that
holds nothing else, in both stores: the same passages, the same rarity of words, the same verdict."""

import contextlib
import dataclasses
import hashlib
import importlib.util
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.documents import Document
from rag.index.base.background import ANY, Background, Spread
from rag.index.base.manifest import EmbeddingFingerprint, Manifest
from rag.index.base.visible import VisibleChunks
from rag.index.index import Index, in_milvus
from rag.index.local.writer import LocalWriter
from rag.index.rights import VisibleDocuments
from rag.retrieval.retriever import Retriever, SearchResult
from rag.scope import Scope
from rag.settings import MilvusSettings, RetrievalSettings
from rag.text.tokenizer import terms
from tests.support.organisation import WORDS, Organisation, documents, mark, organisation, readers

HAS_MILVUS = all(importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite"))
needs_milvus = pytest.mark.skipif(not HAS_MILVUS, reason="pymilvus or milvus-lite is not installed (extra milvus)")
CASES = [*(("local", seed) for seed in range(6)), pytest.param(("milvus", 11), marks=needs_milvus)]
DIMENSION = 24
ALL = 400
BACKGROUND = {ANY: Background({ANY: Spread(0.2, 0.1)}, Spread(2.0, 1.0))}
Build = Callable[[Sequence[Document]], Index]


class Hashed:
    """Texts by the sum of their terms' directions."""

    dimension = DIMENSION
    max_tokens = 510

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_question(text) for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        total = np.full(DIMENSION, 1e-3)
        for term in terms(text):
            seed = int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest())
            total += np.random.default_rng(seed).normal(size=DIMENSION)
        return (total / np.linalg.norm(total)).astype(np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def unknown_share(self, text: str) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.fixture
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Build]:
    """Makes an index of documents in the store that the case names."""
    if request.param[0] == "local":
        yield lambda given: local(tmp_path / f"index{len(list(tmp_path.iterdir()))}", given)
        return
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)
    from milvus_lite.server_manager import server_manager_instance

    from rag.index.milvus.client import MilvusStore

    store = MilvusStore(MilvusSettings(uri=str(tmp_path / "milvus.db")))
    yield lambda given: milvus(store, given)
    store.close()
    with contextlib.suppress(Exception):
        server_manager_instance.release_server(str(tmp_path / "milvus.db"))


def local(folder: Path, given: Sequence[Document]) -> Index:
    folder.mkdir()
    writer = LocalWriter(folder, Hashed(), batch_size=16, before=None)
    for document in given:
        writer.put(document, document.source)
    return Index.of_folder(folder, marked(writer.close()))


def marked(manifest: Manifest) -> Manifest:
    mark = EmbeddingFingerprint("", "hashed", DIMENSION, "")
    return dataclasses.replace(manifest, embedding=mark, background=BACKGROUND)


def milvus(store: Any, given: Sequence[Document]) -> Index:
    from rag.index.milvus.writer import MilvusWriter

    name = store.create(DIMENSION)
    writer = MilvusWriter(store, name, Hashed(), batch_size=16)
    for document in given:
        writer.put(document, document.source)
    return in_milvus(store, name, marked(writer.close()))


@pytest.fixture
def reads_all(monkeypatch: pytest.MonkeyPatch) -> RetrievalSettings:
    """Every hit by words is read, and in the order of its match; the order of the store, which counts the length of all
    texts, then has no part in it."""
    monkeypatch.setattr("rag.retrieval.keyword_search.READ", ALL)
    return RetrievalSettings(candidates=ALL)


def told(found: SearchResult) -> tuple[list[Any], list[float]]:
    """All of a search, figures apart; but for the scores of the store, in which the average length of all its texts
    is."""
    signals = () if found.signals is None else dataclasses.astuple(found.signals)
    passages = [dataclasses.replace(each, lexical_score=None) for each in found.passages]
    floats = [each.score for each in passages] + [each.dense_score or 0.0 for each in passages]
    floats += [*signals, found.confidence, *(each.coverage for each in passages)]
    bare = [dataclasses.replace(each, score=0.0, dense_score=None, coverage=0.0) for each in passages]
    return [bare, found.evidence, found.level, found.row_documents], list(map(float, floats))


def questions(chance: random.Random, hidden: Sequence[Document]) -> Iterator[str]:
    """Of words that stand everywhere, alone and beside one that stands in a hidden document only."""
    yield " ".join(chance.choices(WORDS, k=2))
    yield chance.choice(WORDS)
    if hidden:
        yield f"{chance.choice(WORDS)} {mark(chance.choice(hidden).source)}"


@pytest.mark.parametrize("build", CASES, indirect=True, ids=str)
def test_a_search_is_one_of_an_index_that_holds_nothing_else(
    build: Build, request: pytest.FixtureRequest, reads_all: RetrievalSettings
) -> None:
    store, seed = request.node.callspec.params["build"]
    chance = random.Random(seed)
    company = organisation(chance)
    given = documents(chance, company)
    index = build(given)
    seen_something = hidden_something = 0
    for turn in range(8 if store == "local" else 4):
        if turn % 3 == 2:  # rights change while the index stays
            company.opened_to[chance.choice(list(company.opened_to))] = readers(chance, company)
        people = chance.sample(company.people, chance.randint(1, 6) if turn % 2 else 1)
        names = chance.choice([None, frozenset({"甲"}), frozenset({"甲", "b"})])
        scope = Scope(names, company.audience(people))
        rights = VisibleDocuments(index.chunks, company.lists())
        seen = [
            each
            for each in given
            if (names is None or each.collection in names)
            and all(company.may_read(person, each.source) for person in people)
        ]
        hidden = [each for each in given if each not in seen]
        alone = build(seen)
        asked = Retriever(reads_all, index, embedder=Hashed(), rights=lambda now=rights: now)
        other = Retriever(reads_all, dataclasses.replace(alone, manifest=index.manifest), embedder=Hashed())
        for question in questions(chance, hidden):
            found, wanted = asked.search_now(question, scope), other.search_now(question)
            (same, figures), (same_alone, figures_alone) = told(found), told(wanted)
            assert same == same_alone, (question, people)
            assert figures == pytest.approx(figures_alone, abs=1e-5)
            assert asked.coverage(question, scope).weight == pytest.approx(other.coverage(question).weight)
            assert not [each for each in hidden if mark(each.source) in repr(found)]
            seen_something += len(found.passages)
        hidden_something += len(hidden)
    assert seen_something and hidden_something


def people_and_index(seed: int, folder: Path, count: int) -> tuple[random.Random, Organisation, Index]:
    chance = random.Random(seed)
    company = organisation(chance)
    return chance, company, local(folder / "index", documents(chance, company, count))


@pytest.mark.parametrize("seed", range(3))
def test_however_a_search_is_kept_within_what_is_seen_it_finds_the_same(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By fetching more hits, by ids one by one, by ids as a set."""
    chance, company, index = people_and_index(seed, tmp_path, 80)
    ways = {"fetched": (10**9, 0), "one by one": (0, 10**9), "as a set": (0, 0)}
    for person in company.people:
        scope = Scope(None, company.audience([person]))
        question = " ".join(chance.choices(WORDS, k=3))
        found = {}
        for name, (for_an_id, few) in ways.items():
            monkeypatch.setattr("rag.index.local.bm25.HITS_FOR_AN_ID", for_an_id)
            monkeypatch.setattr("rag.index.local.bm25.FEW_IDS", few)
            visible = VisibleDocuments(index.chunks, company.lists()).within(scope)
            assert isinstance(visible, VisibleChunks)
            found[name] = [index.lexical.search(question, limit, visible) for limit in (1, 5, ALL)]
        for one, five, everything in found.values():
            assert [hit[0] for hit in one + five] == [hit[0] for hit in everything[:1] + everything[:5]]
        scores = [dict(hits[-1]) for hits in found.values()]
        assert scores[0] == pytest.approx(scores[1]) and scores[0] == pytest.approx(scores[2])
        assert set(scores[0]) <= set(visible.ids.tolist())


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_of_what_is_seen_are_those_of_a_comparison_with_each(seed: int, tmp_path: Path) -> None:
    chance, company, index = people_and_index(seed, tmp_path, 40)
    assert index.dense is not None
    for person in company.people:
        visible = VisibleDocuments(index.chunks, company.lists()).within(Scope(None, company.audience([person])))
        assert isinstance(visible, VisibleChunks)
        for language in (None, "zh"):
            within = index.chunks.ids_in(visible, language)
            ids = within.ids.tolist()
            asked = Hashed().embed_question(" ".join(chance.choices(WORDS, k=2)))
            cosines = np.asarray(index.dense.vectors(ids)) @ asked
            best = sorted(zip(ids, cosines.tolist(), strict=True), key=lambda hit: -hit[1])[:7]
            assert dict(index.dense.search(asked, 7, within)) == pytest.approx(dict(best), abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_of_chunks_is_the_rule_for_each_document(seed: int, tmp_path: Path) -> None:
    """What is reckoned with principals comes to `AccessLists.shows`, and that to a walk through the company."""
    chance, company, index = people_and_index(seed, tmp_path, 60)
    lists = company.lists()
    rights = VisibleDocuments(index.chunks, lists)
    chunks = list(index.chunks.all())
    for size in (1, 1, 2, 3, 6, len(company.people)):
        people = chance.sample(company.people, size)
        scope = Scope(chance.choice([None, frozenset({"b"})]), company.audience(people))
        visible = rights.within(scope)
        seen = set(visible.ids.tolist()) if isinstance(visible, VisibleChunks) else {each.id for each in chunks}
        for each in chunks:
            may = all(company.may_read(person, each.source) for person in people)
            assert lists.shows(scope.audience, each.source) is may
            assert (each.id in seen) is (may and scope.shows([each.collection]))
