"""A document's chunks as an index takes them: none longer than its embedding model reads."""

from rag.documents import Chunk, Document
from rag.embedding import Embedder
from rag.index.base.types import Known
from rag.text.tokenizer import embeddable


def chunks_of(document: Document, model: Embedder | None) -> list[Chunk]:
    """A document's chunks, none longer than the model reads."""
    from rag.text.chunking import split

    if model is None:
        return split(document)
    count = model.count_tokens
    return split(document, count_tokens=lambda text: count(embeddable(text)), max_tokens=model.max_tokens)


def known_of(document: Document, fingerprint: str) -> Known:
    """What an index keeps of a document that it took."""
    return Known(
        fingerprint, "", document.content, document.notes, document.title, document.link or "", document.edited_at
    )


def refusal(chunk: Chunk, reason: str) -> str:
    """Why a document with a chunk that the embedding endpoint refused was left out, in words for the report."""
    path = chunk.heading_path
    return f'a passage was {reason}, under "{path[:60]}"; it is tried again with the next ingest'
