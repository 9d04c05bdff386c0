"""The lexical leg: BM25 over our own terms, kept by tantivy. The only module that imports tantivy.

Text is cut into terms by `rag.text.tokenizer` before it gets here and queries are built from term objects, never
parsed, so that nothing a person types can be query syntax. The terms of figures have a field of their own and score by
their IDF alone: for BM25 a text is not longer because of them, and one that is full of figures is no worse a place for
each.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import tantivy

from rag.errors import IndexCorrupt, IngestError
from rag.index.base.protocols import Within
from rag.index.base.types import Hits
from rag.index.base.visible import VisibleChunks, first_shown
from rag.text.synonyms import WEIGHT as SYNONYM_WEIGHT
from rag.text.synonyms import Match, matches
from rag.text.tokenizer import FIGURE_WEIGHT, MAX_QUERY_TERMS, cut, lone_characters, question_terms

if TYPE_CHECKING:
    from rag.index.local.postings import Postings

_HEAP_BYTES = 64_000_000
_ANALYSER = "cut"
_FIGURES = "figures"
CACHED_FREQUENCIES = 20_000
HITS_FOR_AN_ID = 8
"""To fetch so many hits costs no more than to keep a search to one more id."""
FEW_IDS = 1_500
"""Up to so many ids are sought one by one, more of them as a set."""
_DIGIT = re.compile("[0-9]")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", stored=True, indexed=True, fast=True)
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name=_ANALYSER, index_option="freq")
    builder.add_text_field(_FIGURES, tokenizer_name=_ANALYSER, index_option="basic")
    builder.add_text_field("chars", tokenizer_name=_ANALYSER, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_ANALYSER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


class TantivyWriter:
    """Writes into an empty folder, or into a copy of an index. Blocking."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not (folder / "meta.json").exists()
        self._index = _register(
            tantivy.Index(_schema(), path=str(folder)) if is_new else tantivy.Index.open(str(folder))
        )
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def add(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Rows of (chunk id, collection, text)."""
        for chunk_id, collection, text in rows:
            found = cut(text)
            document = tantivy.Document()
            document.add_integer("id", chunk_id)
            document.add_text("collection", collection)
            document.add_text("terms", " ".join(found.words))
            document.add_text(_FIGURES, " ".join(sorted(set(found.figures))))
            document.add_text("chars", " ".join(sorted(found.characters)))
            self._writer.add_document(document)

    def remove(self, ids: Iterable[int]) -> None:
        """Take chunks out; what is added afterwards under the same id stays."""
        for chunk_id in ids:
            self._writer.delete_documents_by_term("id", chunk_id)

    def close(self) -> None:
        """Commit and wait until the files are at rest."""
        try:
            self._writer.commit()
            self._writer.wait_merging_threads()
        except (ValueError, OSError) as error:
            raise IngestError(f"The lexical index cannot be written ({error}); is the disk full?") from error


class TantivyIndex:
    """A finished lexical index, read only. Blocking; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        try:
            index = _register(tantivy.Index.open(str(folder)))
            index.reload()
            self._searcher = index.searcher()
            self._schema = index.schema
            self._has_figures = _has(index.schema, _FIGURES)
            self._counted = lru_cache(maxsize=CACHED_FREQUENCIES)(self._count_in)
        except (ValueError, OSError) as error:
            raise IndexCorrupt(
                f"The lexical index in {folder} cannot be opened; build it again: feishu-rag ingest"
            ) from error

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return int(self._searcher.num_docs)

    def search(self, text: str, limit: int, within: Within = None) -> Hits:
        """The best chunks as (id, BM25 score), best first. No terms, no hits."""
        clauses = self._clauses(text, within)
        if not clauses or limit < 1 or self.count == 0:
            return []
        query = _any_of(clauses)
        if isinstance(within, VisibleChunks):
            return self._shown(query, limit, within)
        return self._hits(query if within is None else self._within(query, within), limit)

    def _shown(self, query: tantivy.Query, limit: int, visible: VisibleChunks) -> Hits:
        """The best of these chunks: the first hits that are among them, as long as those come sooner than their ids
        could be looked up."""
        most = HITS_FOR_AN_ID * visible.count
        hits = first_shown(lambda wanted: self._hits(query, min(wanted, self.count)), limit, visible, most)
        if hits is not None:
            return hits
        allowed = visible.kept("words", lambda: self._of_ids(visible.ids.tolist()))
        return self._hits(_both(query, allowed), limit)

    def _hits(self, query: tantivy.Query, limit: int) -> Hits:
        hits = self._searcher.search(query, limit=limit, count=False).hits
        addresses = [address for _, address in hits]
        ids = self._searcher.fast_field_values("id", addresses)
        return [(int(chunk_id or 0), float(score)) for chunk_id, (score, _) in zip(ids, hits, strict=True)]

    def idf(self, term: str, within: Within = None) -> float:
        """Inverse document frequency of a term as BM25 has it, among these chunks (None: all); above 0, highest for an
        unknown term."""
        frequency = self._frequency("terms", term, within)
        if self._is_figure(term):
            frequency += self._frequency(_FIGURES, term, within)
        return self._idf(frequency, within)

    def character_idf(self, character: str, within: Within = None) -> float:
        """The same for one CJK character."""
        return self._idf(self._frequency("chars", character, within), within)

    def _frequency(self, field: str, term: str, within: Within) -> int:
        """In how many of these chunks a term is."""
        if isinstance(within, VisibleChunks):
            return within.kept((field, term), lambda: self._postings.count(field, term, within))
        return self._counted(field, term, within)

    def _count_in(self, field: str, term: str, collections: frozenset[str] | None) -> int:
        """Of some collections they have to be counted, which takes a search."""
        if collections is None:
            return int(self._searcher.doc_freq(field, term))
        return self._count(self._within(self._term(field, term), collections))

    @cached_property
    def _postings(self) -> "Postings":
        from rag.index.local.postings import Postings

        return Postings(self._ids_with)

    def _ids_with(self, field: str, term: str) -> Sequence[int]:
        """The ids of all chunks that have a term."""
        if not (frequency := int(self._searcher.doc_freq(field, term))):
            return ()
        query = tantivy.Query.const_score_query(self._term(field, term), 0.0)
        hits = self._searcher.search(query, limit=frequency, count=False).hits
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        return cast("list[int]", ids)  # its column holds nothing else

    def _count(self, query: tantivy.Query) -> int:
        found: Any = self._searcher.search(query, limit=1, count=True)  # its stub knows no count
        return int(found.count)

    def visible(self, within: Within = None) -> int:
        """How many of these chunks there are."""
        if within is None:
            return self.count
        if isinstance(within, VisibleChunks):
            return within.count
        return sum(self._counted("collection", name, None) for name in within)

    def _idf(self, frequency: int, within: Within) -> float:
        count = self.visible(within)
        frequency = min(frequency, count)  # it may still count what was removed
        return math.log1p((count - frequency + 0.5) / (frequency + 0.5))

    def _is_figure(self, term: str) -> bool:
        return self._has_figures and _DIGIT.search(term) is not None

    def _clauses(self, text: str, within: Within) -> list[tantivy.Query]:
        wanted = list(question_terms(text).items())[:MAX_QUERY_TERMS]
        clauses = [self._weighted("terms", term, weight, within) for term, weight in wanted]
        clauses += [self._figure(term, weight, within) for term, weight in wanted if self._is_figure(term)]
        clauses += [self._weighted("chars", term, 1.0, within) for term in lone_characters(dict(wanted))]
        return clauses + [self._synonyms(match, within) for match in matches(text)]

    def _weighted(self, field: str, term: str, weight: float, within: Within) -> tantivy.Query:
        """A term that scores by its rarity among the chunks searched, which is not that of the whole index."""
        if within is not None:
            rarity = self._idf(self._frequency(field, term, within), within)
            weight *= rarity / self._idf(self._frequency(field, term, None), None)
        query = self._term(field, term)
        return query if weight == 1.0 else tantivy.Query.boost_query(query, weight)

    def _figure(self, term: str, weight: float, within: Within) -> tantivy.Query:
        query = tantivy.Query.term_query(self._schema, _FIGURES, term, index_option="basic")
        return tantivy.Query.const_score_query(query, FIGURE_WEIGHT * weight * self.idf(term, within))

    def _synonyms(self, match: Match, within: Within) -> tantivy.Query:
        """Other words for a concept that the question names; the best of them counts, for less than its own."""
        forms = [
            tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, self._weighted("terms", term, 1.0, within)) for term in sorted(form)]
            )
            for form in match.others
        ]
        return tantivy.Query.boost_query(tantivy.Query.disjunction_max_query(forms), SYNONYM_WEIGHT)

    def _within(self, query: tantivy.Query, collections: frozenset[str]) -> tantivy.Query:
        names = [self._term("collection", name) for name in sorted(collections)]
        return _both(query, _any_of(names) if names else tantivy.Query.empty_query())

    def _of_ids(self, ids: list[int]) -> tantivy.Query:
        if len(ids) > FEW_IDS:
            return tantivy.Query.term_set_query(self._schema, "id", ids)
        return _any_of(tantivy.Query.term_query(self._schema, "id", chunk_id) for chunk_id in ids)

    def _term(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, index_option="freq")


def _both(query: tantivy.Query, allowed: tantivy.Query) -> tantivy.Query:
    """What is found by a query and allowed, by its score for the query."""
    scoreless = tantivy.Query.const_score_query(allowed, 0.0)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, scoreless)])


def _any_of(clauses: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, clause) for clause in clauses])


def _has(schema: tantivy.Schema, field: str) -> bool:
    """Whether an index has a field: one of an earlier version serves without it until the next ingest."""
    try:
        tantivy.Query.term_query(schema, field, "", index_option="basic")
    except ValueError:
        return False
    return True
