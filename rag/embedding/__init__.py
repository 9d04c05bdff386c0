"""Text to vectors. The runtimes are imported only by the module of the provider that is chosen, when it is opened."""

from rag.embedding.base import PROBE_TEXT, Embedder, Reranker
from rag.embedding.factory import Choice, choose

__all__ = ["PROBE_TEXT", "Choice", "Embedder", "Reranker", "choose"]
