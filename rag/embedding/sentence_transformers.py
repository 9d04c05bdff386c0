"""Embeddings by sentence-transformers: bge and its kin. The only module that imports torch."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rag.embedding.vectors import unit
from rag.errors import EmbeddingFailed
from rag.settings import EmbeddingSettings

_NO_PROMPTS = {"query": "", "document": ""}


class SentenceEmbedder:
    """A model in a local folder; loading it never reaches for a hub. Its own prompts are not used:
    `rag.embedding.instructions` puts them before texts."""

    def __init__(self, folder: Path, settings: EmbeddingSettings) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = SentenceTransformer(str(folder), prompts=_NO_PROMPTS, local_files_only=True)
        except Exception as error:  # torch, safetensors, tokenizers and json each have their own way to fail
            raise EmbeddingFailed(
                f"{settings.model} could not be loaded ({type(error).__name__}); check the folder {folder}"
            ) from error
        self._name = settings.model
        self._batch_size = settings.batch_size
        self._tokenizing = threading.Lock()
        self._serves = False

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        """The model's window without its own two marks."""
        return int(self._model.get_max_seq_length() or 512) - 2

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""
        return self._encoded(list(texts))

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a question. From the first on torch keeps to one thread: questions are parallel."""
        if not self._serves:
            self._serves = True
            torch.set_num_threads(1)
        vector: NDArray[np.float32] = self._encoded([text])[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer."""
        with self._tokenizing:
            return len(self._model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def unknown_share(self, text: str) -> float:
        """By the model's own tokenizer; one without a mark for the unknown knows everything."""
        unknown = self._model.tokenizer.unk_token_id
        if unknown is None:
            return 0.0
        with self._tokenizing:
            ids = self._model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return ids.count(unknown) / len(ids) if ids else 0.0

    def close(self) -> None:
        """Let go of the weights."""
        del self._model

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        try:
            vectors = self._model.encode(
                texts,
                prompt_name="document",
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise EmbeddingFailed(f"{self._name} failed on a text ({type(error).__name__})") from error
        return unit(vectors)
