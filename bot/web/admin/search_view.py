"""What retrieval finds for a question and why: the verdict with its signals, and each passage with its scores."""

from typing import Any

from bot.web.admin.library_view import passage_body
from rag.documents import Passage
from rag.retrieval.confidence import floors
from rag.retrieval.matched_text import matched_spans
from rag.retrieval.retriever import SearchResult
from rag.settings import RetrievalSettings

SIGNALS = ("coverage", "first_coverage", "key_coverage", "match", "match_margin", "standing", "standing_margin")
SCORES = ("score", "lexical_rank", "lexical_score", "dense_rank", "dense_score", "rerank_score", "coverage")


def search_body(question: str, found: SearchResult, settings: RetrievalSettings) -> dict[str, Any]:
    """For the page. Spans of what matches are in characters of the text; each is (start, end)."""
    return {
        "question": question,
        "evidence": found.evidence,
        "confidence": found.confidence,
        "level": found.level,
        "is_calibrated": found.is_calibrated,
        "signals": _signals(found, settings),
        "passages": [_passage(question, each) for each in found.passages],
    }


def _signals(found: SearchResult, settings: RetrievalSettings) -> dict[str, Any] | None:
    """Values, and the floors that refuse: one of the confidence where that was calibrated, else of match and
    standing."""
    read = found.signals
    if read is None:
        return None
    match, standing = (None, None) if found.is_calibrated else floors(read, settings)
    values = {name: getattr(read, name) for name in SIGNALS}
    bounds = {"match": match, "standing": standing, "confidence": found.floor}
    return {**values, "has_dense": read.has_dense, "chance": read.chance, "floors": bounds}


def _passage(question: str, passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    return {
        "id": str(chunk.id),  # larger than what JavaScript counts exactly
        "collection": chunk.collection,
        "source": chunk.source,
        "title": chunk.title,
        **passage_body(chunk),
        "spans": matched_spans(question, chunk.text),
        **{name: getattr(passage, name) for name in SCORES},
        "joined": len(passage.joined),
        "duplicates": list(dict.fromkeys(passage.duplicates)),
    }
