"""What every embedding provider is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_PROBE_COSINE = 0.97
"""Of two vectors of the probe text by one model: the same weights in int8 reach 0.99, another's are nowhere near."""
PROBE_TEXT = "员工手册：出差报销、年假与 VPN 的申请办法。An employee handbook."


class Embedder(Protocol):
    """A loaded model or endpoint. Blocking, safe to call from several threads; raises EmbeddingFailed.

    Models take texts as they are; `rag.embedding.instructions` puts before them what the model was trained with.
    """

    @property
    def dimension(self) -> int:
        """Length of its vectors."""

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text it reads, its own marks not counted."""

    def embed_passages(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (len(texts), dimension). Raises TextsRefused where some of the texts have none."""

    def embed_question(self, text: str) -> "NDArray[np.float32]":
        """The unit vector of a question; shape (dimension,)."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text without the model's own marks; an estimate where the model's tokenizer is not at hand."""

    def unknown_share(self, text: str) -> float:
        """The share, 0 to 1, of a text's tokens that the model's vocabulary lacks; 0 where that cannot be told."""

    def close(self) -> None:
        """Let go of connections and memory."""


class Reranker(Protocol):
    """A model that reads question and passage together. Blocking; raises EmbeddingFailed."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, higher is better, in the order of the texts."""

    def close(self) -> None:
        """Let go of connections and memory."""
