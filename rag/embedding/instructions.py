"""A model with the texts that it wants before questions and passages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.embedding.families import Instructions
from rag.embedding.protocol import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Instructed:
    """An `Embedder` over another. Its window is smaller by the passage instruction."""

    def __init__(self, model: Embedder, instructions: Instructions) -> None:
        self._model = model
        self._instructions = instructions

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        """How many tokens of a passage it reads beside the instruction."""
        passage = self._instructions.passage
        return max(1, self._model.max_tokens - self._model.count_tokens(passage)) if passage else self._model.max_tokens

    def embed_passages(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (len(texts), dimension)."""
        return self._model.embed_passages([self._instructions.passage + text for text in texts])

    def embed_question(self, text: str) -> "NDArray[np.float32]":
        """The unit vector of a question."""
        return self._model.embed_question(self._instructions.query + text)

    def count_tokens(self, text: str) -> int:
        """Tokens of the text alone."""
        return self._model.count_tokens(text)

    def unknown_share(self, text: str) -> float:
        """Of the text alone."""
        return self._model.unknown_share(text)

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()


def instructed(model: Embedder, instructions: Instructions) -> Embedder:
    """The model with its instructions; itself when it has none."""
    return model if instructions == Instructions() else Instructed(model, instructions)
