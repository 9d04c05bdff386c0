"""Text to vectors. The runtimes are imported only by the module of the provider that is chosen, when it is opened."""

from rag.embedding.factory import Choice, choose
from rag.embedding.protocol import PROBE_TEXT, Embedder, Reranker

__all__ = ["PROBE_TEXT", "Choice", "Embedder", "Reranker", "choose"]
