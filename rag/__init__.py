"""Retrieval-augmented answering: a question goes in, a stream of answer events comes out.

A library of its own: it knows no chat platform. What a user of it needs is offered here and loaded at its first use, so
that importing the package costs nothing; faiss, tantivy, langchain and the embedding runtime are imported only by the
one module that opens each of them. How to use it: docs/libraries.md.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.access_lists import AccessLists
    from rag.documents import Chunk, Document, Passage
    from rag.errors import RagError
    from rag.events import AnswerEvent, Delta, Exchange, Finished, NoEvidence, Question, Reasoning, Retrieved
    from rag.ingestion.pipeline import IngestReport, ingest
    from rag.knowledge_base import KnowledgeBase
    from rag.retrieval.retriever import SearchResult
    from rag.scope import EVERYTHING, Scope
    from rag.settings import (
        CollectionSettings,
        EmbeddingSettings,
        LlmSettings,
        MilvusSettings,
        RagSettings,
        RetrievalSettings,
    )

__all__ = [
    "EVERYTHING",
    "AccessLists",
    "AnswerEvent",
    "Chunk",
    "CollectionSettings",
    "Delta",
    "Document",
    "EmbeddingSettings",
    "Exchange",
    "Finished",
    "IngestReport",
    "KnowledgeBase",
    "LlmSettings",
    "MilvusSettings",
    "NoEvidence",
    "Passage",
    "Question",
    "RagError",
    "RagSettings",
    "Reasoning",
    "RetrievalSettings",
    "Retrieved",
    "Scope",
    "SearchResult",
    "ingest",
]

_HOMES = {
    "rag.access_lists": ("AccessLists",),
    "rag.documents": ("Chunk", "Document", "Passage"),
    "rag.errors": ("RagError",),
    "rag.events": ("AnswerEvent", "Delta", "Exchange", "Finished", "NoEvidence", "Question", "Reasoning", "Retrieved"),
    "rag.ingestion.pipeline": ("IngestReport", "ingest"),
    "rag.knowledge_base": ("KnowledgeBase",),
    "rag.retrieval.retriever": ("SearchResult",),
    "rag.scope": ("EVERYTHING", "Scope"),
    "rag.settings": (
        *("CollectionSettings", "EmbeddingSettings", "LlmSettings", "MilvusSettings"),
        *("RagSettings", "RetrievalSettings"),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOME_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
