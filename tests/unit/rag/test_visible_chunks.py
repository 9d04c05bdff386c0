"""What an audience may see of an index: chosen by numbers, kept within bounds, counted under each choice."""

import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.access_lists import UNCONTROLLED, AccessLists
from rag.documents import Chunk
from rag.index.base.types import Hits
from rag.index.base.visible import MOST_KEPT, DocumentTable, VisibleChunks, first_shown
from rag.index.local.bm25 import TantivyIndex, TantivyWriter
from rag.index.local.chunk_store import SqliteChunks, SqliteWriter
from rag.index.local.postings import Postings
from rag.index.rights import KEPT_AUDIENCES, VisibleDocuments
from rag.scope import EVERYTHING, Scope

HAS_MILVUS = importlib.util.find_spec("pymilvus") is not None
ANNA = frozenset({"user:anna", "tenant"})


def table(count: int) -> DocumentTable:
    """Of documents of one chunk each, whose ids are tens."""
    return DocumentTable.of((10 * number, "default", f"w/{number}") for number in reversed(range(count)))


def choice(of: DocumentTable, *ids: int) -> VisibleChunks:
    return VisibleChunks(of, of.marked(ids))


def test_chunks_are_found_by_their_ids_and_unknown_ones_are_nowhere() -> None:
    some = table(4)
    assert [some.keys[number] for number in some.owners.tolist()] == [("default", f"w/{at}") for at in range(4)]
    assert some.places([30, 0, 7, 99, -5]).tolist() == [3, 0, -1, -1, -1]
    assert some.marked([10, 7, 99]).tolist() == [False, True, False, False]
    nothing = table(0)
    assert (nothing.places([1]).tolist(), choice(nothing, 1).of([(1, 0.5)])) == ([-1], [])


def test_a_choice_keeps_what_is_made_of_it_within_bounds() -> None:
    seen = choice(table(5), 10, 30, 40)
    assert (seen.count, seen.ids.tolist(), list(seen.in_parts(2))) == (3, [10, 30, 40], [[10, 30], [40]])
    assert seen.of([(30, 2.0), (20, 1.5), (5, 1.2), (10, 1.0)]) == [(30, 2.0), (10, 1.0)]
    assert seen.among(seen.table.marked([30, 20])).ids.tolist() == [30]
    made = [seen.kept("one", lambda: object()) for _ in range(2)]
    assert made[0] is made[1]
    for number in range(MOST_KEPT):
        seen.kept(number, lambda: None)
    assert seen.kept("one", lambda: None) is None, "all of it is made anew when it is too much"


@pytest.mark.parametrize("seed", range(20))
def test_the_first_hits_that_may_be_seen_are_those_of_all_hits(seed: int) -> None:
    chance = random.Random(seed)
    of = table(chance.randint(1, 200))
    hits: Hits = [(each, 1.0 / (at + 1)) for at, each in enumerate(chance.sample(of.ids.tolist(), len(of.ids) // 2))]
    seen = choice(of, *chance.sample(of.ids.tolist(), chance.randint(0, len(of.ids))))
    limit, asked = chance.randint(1, 20), []

    def fetch(wanted: int) -> Hits:
        asked.append(wanted)
        return hits[:wanted]

    assert first_shown(fetch, limit, seen, 10**6) == seen.of(hits)[:limit]
    few = first_shown(fetch, limit, seen, max(asked, default=0) - 1)
    assert few is None if asked and seen.count else few == []


@pytest.mark.skipif(not HAS_MILVUS, reason="pymilvus is not installed (extra milvus)")
@pytest.mark.parametrize("seed", range(10))
def test_in_milvus_ids_are_named_in_parts_where_hits_are_too_few(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.index.milvus import reader

    chance = random.Random(seed)
    of = table(300)
    hits: Hits = [(each, chance.random()) for each in of.ids.tolist()]
    seen = choice(of, *chance.sample(of.ids.tolist(), chance.randint(0, 300)))
    named: list[int] = []

    def ask(most: int, ids: list[int] | None, names: frozenset[str] | None) -> Hits:
        named.append(0 if ids is None else len(ids))
        found = [hit for hit in hits if ids is None or hit[0] in ids]
        return sorted(found, key=lambda hit: -hit[1])[:most]

    best = sorted(seen.of(hits), key=lambda hit: -hit[1])[:7]
    assert reader._best(ask, 7, seen) == best
    monkeypatch.setattr(reader, "MOST_HITS", 0)
    monkeypatch.setattr(reader, "IDS_A_CALL", 40)
    named.clear()
    assert reader._best(ask, 7, seen) == best
    assert sum(named) == seen.count and max(named, default=0) <= 40


def test_terms_are_counted_under_each_choice_and_kept_within_a_bound() -> None:
    of = table(400)
    places = {"rare": [10, 3990], "common": of.ids.tolist()[::2], "none": []}
    asked: list[str] = []

    def ids_of(field: str, term: str) -> list[int]:
        asked.append(term)
        return places[term]

    seen = [choice(of, *of.ids.tolist()[start:end]) for start, end in ((0, 400), (0, 7), (390, 400), (3, 3))]
    for most_bytes, times in ((10**6, 1), (1, len(seen))):
        postings = Postings(ids_of, most_bytes=most_bytes)
        asked.clear()
        for each in seen:
            for term, ids in places.items():
                assert postings.count("terms", term, each) == len(set(ids) & set(each.ids.tolist()))
        assert asked.count("common") == times


def test_a_term_is_as_rare_as_it_is_among_the_chunks_that_are_seen(tmp_path: Path) -> None:
    rows = [(1, "年假 35 天"), (2, "病假"), (3, "林晓雯 35"), (4, "年假")]
    writer = TantivyWriter(tmp_path / "all")
    writer.add((number, "default", text) for number, text in rows)
    writer.close()
    alone = TantivyWriter(tmp_path / "alone")
    alone.add((number, "default", text) for number, text in rows[:2])
    alone.close()
    index, other = TantivyIndex(tmp_path / "all"), TantivyIndex(tmp_path / "alone")
    of = DocumentTable.of((number, "default", str(number)) for number, _ in rows)
    seen = choice(of, 1, 2)
    for term in ("晓雯", "无有", "年假", "35", "病假"):
        assert index.idf(term, seen) == other.idf(term)
    assert (index.visible(), index.visible(seen), other.visible()) == (4, 2, 2)
    assert index.visible(frozenset({"default"})) == 4 and index.visible(frozenset({"closed"})) == 0
    assert index.idf("晓雯", seen) == index.idf("无有", seen) and index.idf("晓雯") < index.idf("无有")
    assert index.character_idf("晓", seen) == other.character_idf("晓") == index.character_idf("无", seen)
    assert index.search("晓雯 35", 5, seen)[0][0] == 1
    assert index.search("年假", 5, choice(of)) == []


@pytest.fixture
def chunks(tmp_path: Path) -> Iterator[SqliteChunks]:
    writer = SqliteWriter(tmp_path / "chunks.sqlite")
    writer.put(
        Chunk(number, f"w/{number}" if number else "local.md", "t", (), "文", 0, 1, collection="ab"[number % 2])
        for number in range(4)
    )
    writer.close()
    opened = SqliteChunks(tmp_path / "chunks.sqlite")
    yield opened
    opened.close()


def test_without_rights_that_hide_anything_a_search_keeps_to_its_collections(chunks: SqliteChunks) -> None:
    lists = AccessLists({f"w/{number}": frozenset({"tenant"}) for number in range(1, 4)}, controlled="w/", version="1")
    names = frozenset({"a"})
    for rights, scope in (
        (VisibleDocuments(chunks, UNCONTROLLED), Scope(names, frozenset({ANNA}))),
        (VisibleDocuments(chunks, lists), Scope(names)),
        (VisibleDocuments(chunks, lists), Scope(names, frozenset({ANNA}))),
    ):
        assert rights.within(scope) is names
    assert VisibleDocuments(chunks, lists).within(EVERYTHING) is None


def test_both_collections_and_rights_hide(chunks: SqliteChunks) -> None:
    lists = AccessLists({"w/1": ANNA, "w/2": ANNA, "w/3": frozenset({"user:ben"})}, controlled="w/", version="1")
    rights = VisibleDocuments(chunks, lists)
    seen = {
        name: rights.within(Scope(names, frozenset({ANNA})))
        for name, names in (("all", None), ("a", frozenset("a")), ("none", frozenset[str]()))
    }
    assert {name: each.ids.tolist() for name, each in seen.items() if isinstance(each, VisibleChunks)} == {
        "all": [0, 1, 2],
        "a": [0, 2],
        "none": [],
    }
    assert isinstance(seen["all"], VisibleChunks)
    assert {each.source for each in chunks.all(seen["all"])} == {"local.md", "w/1", "w/2"}
    assert np.array_equal(chunks.table().ids, np.arange(4))


def test_of_a_few_audiences_it_is_kept_what_they_see(chunks: SqliteChunks) -> None:
    rights = VisibleDocuments(chunks, AccessLists({}, controlled="w/", version="1"))
    scopes = [Scope(None, frozenset({frozenset({f"user:{number}"})})) for number in range(KEPT_AUDIENCES + 1)]
    first = rights.within(scopes[0])
    assert rights.within(Scope(None, scopes[0].audience)) is first
    for scope in scopes[1:]:
        rights.within(scope)
    assert rights.within(scopes[-1]) is rights.within(scopes[-1])
    assert rights.within(scopes[0]) is not first
