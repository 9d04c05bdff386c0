"""Reranking by a cross-encoder of sentence-transformers: a second of CPU for each passage, so use a GPU."""

import threading
from collections.abc import Sequence
from pathlib import Path

from rag.errors import EmbeddingFailed

MAX_LENGTH = 512


class CrossReranker:
    """A model in a local folder; its library may be missing (ImportError). One text at a time through it: it is the
    slowest thing there is."""

    def __init__(self, folder: Path, name: str) -> None:
        from sentence_transformers import CrossEncoder

        try:
            self._model = CrossEncoder(str(folder), max_length=MAX_LENGTH, local_files_only=True)
        except Exception as error:  # torch, safetensors, tokenizers and json each have their own way to fail
            raise EmbeddingFailed(
                f"The reranker {name} could not be loaded ({type(error).__name__}); check the folder {folder}"
            ) from error
        self._name = name
        self._scoring = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """From 0 to 1, in the order of the texts."""
        try:
            with self._scoring:
                values = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise EmbeddingFailed(f"The reranker {self._name} failed ({type(error).__name__})") from error
        return [float(value) for value in values]

    def close(self) -> None:
        """Let go of the weights."""
        del self._model
