"""The reranker of a running library: opened once, left out for a while when it fails."""

import logging
import threading
from collections.abc import Callable, Sequence

from rag.clock import Clock
from rag.embedding import Reranker
from rag.embedding.model_files import local_folder
from rag.errors import EmbeddingFailed, SettingsMismatch
from rag.health import Part
from rag.settings import RetrievalSettings
from rag.urls import check_address

REST_S = 30.0
logger = logging.getLogger(__name__)


class RerankerHandle:
    """Raises SettingsMismatch when made of settings that cannot work."""

    def __init__(self, settings: RetrievalSettings, clock: Clock) -> None:
        check_rerank(settings)
        self._settings = settings
        self._clock = clock
        self._opening = threading.Lock()
        self._reranker: _Watched | None = None
        self._rests_until = 0.0
        self._failure: str | None = None

    def reranker(self) -> Reranker | None:
        """The reranker, opened by whoever comes first; None when there is none, or it failed a moment ago. Blocking."""
        if self._settings.rerank == "none" or self._clock.monotonic() < self._rests_until:
            return None
        with self._opening:
            if self._reranker is None:
                try:
                    self._reranker = _Watched(_open(self._settings), self._failed, self._worked)
                except EmbeddingFailed as error:
                    self._failed(error)
            return self._reranker

    def part(self) -> Part | None:
        """For the library's status; None when no reranker is wanted."""
        if self._settings.rerank == "none":
            return None
        if self._failure is not None:
            return Part(False, self._settings.rerank, f"Passages keep the order of the search: {self._failure}.")
        return Part(True, self._settings.rerank, f"{self._settings.rerank_model or self._settings.rerank} reranks.")

    def close(self) -> None:
        """Let go of it."""
        if self._reranker is not None:
            self._reranker.close()
            self._reranker = None

    def _failed(self, error: EmbeddingFailed) -> None:
        logger.warning("Passages keep the order of the search: %s", error)
        self._failure = str(error)
        self._rests_until = self._clock.monotonic() + REST_S

    def _worked(self) -> None:
        self._failure = None


class _Watched:
    """A reranker whose failures are told, and that it works again."""

    def __init__(
        self, reranker: Reranker, failed: Callable[[EmbeddingFailed], None], worked: Callable[[], None]
    ) -> None:
        self._reranker = reranker
        self._failed = failed
        self._worked = worked

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        try:
            scores = self._reranker.scores(question, texts)
        except EmbeddingFailed as error:
            self._failed(error)
            raise
        self._worked()
        return scores

    def close(self) -> None:
        self._reranker.close()


def check_rerank(settings: RetrievalSettings) -> None:
    """Raise SettingsMismatch for a reranker that cannot work."""
    if settings.rerank == "endpoint":
        if not settings.rerank_base_url:
            raise SettingsMismatch("rag.retrieval.rerank is endpoint: set RAG__RETRIEVAL__RERANK_BASE_URL")
        check_address(settings.rerank_base_url, "RAG__RETRIEVAL__RERANK_BASE_URL")
    if settings.rerank == "cross-encoder" and local_folder(settings.rerank_model) is None:
        raise SettingsMismatch(
            "rag.retrieval.rerank is cross-encoder: set RAG__RETRIEVAL__RERANK_MODEL to a folder with its weights"
        )


def _open(settings: RetrievalSettings) -> Reranker:
    if settings.rerank == "endpoint":
        from rag.reranking.endpoint import EndpointReranker

        return EndpointReranker(settings)
    from rag.reranking.cross_encoder import CrossReranker

    folder = local_folder(settings.rerank_model)
    if folder is None:
        raise EmbeddingFailed(f"The reranker {settings.rerank_model} is not there any more")
    try:
        return CrossReranker(folder, settings.rerank_model)
    except ImportError as error:
        raise EmbeddingFailed("The cross-encoder needs pip install 'feishu-rag[bge]'") from error
