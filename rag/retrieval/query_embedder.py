"""The embedding model of a running library: loaded once, held against each index, left out when it fails."""

import logging
import threading

from rag.clock import Clock
from rag.embedding import PROBE_TEXT, Embedder, choose
from rag.embedding.families import Instructions
from rag.embedding.instructions import instructed
from rag.errors import EmbeddingFailed, IndexMismatch
from rag.health import Part
from rag.index.compatibility import check_probe, dense_problem, instructions_of, outdated
from rag.index.index import Index
from rag.settings import EmbeddingSettings

RETRY_S = 30.0
logger = logging.getLogger(__name__)


class QueryEmbedder:
    """Loads on first need, in the caller's thread. A failed model is tried again after 30 s.

    Raises SettingsMismatch when made of settings that cannot work.
    """

    def __init__(self, settings: EmbeddingSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._choice = choose(settings)
        self._loading = threading.Lock()
        self._embedder: Embedder | None = None
        self._instructed: dict[Instructions, Embedder] = {}
        self._probe: list[float] = []
        self._failure: str | None = None
        self._failed_at = 0.0
        if self._choice.open is None:
            logger.log(logging.WARNING if settings.provider == "auto" else logging.INFO, "%s", self._choice.detail)

    def check(self, index: Index) -> None:
        """Raise IndexMismatch when this index was built for other settings, or with other weights."""
        mark = index.manifest.embedding
        if (
            dense_problem(mark, self._choice, self._settings) is None
            and mark is not None
            and self._embedder is not None
        ):
            check_probe(mark, self._probe, self._choice.model)

    def embedder_for(self, index: Index) -> Embedder | None:
        """The loaded model, with the instructions of this index, the same object each time; None when search is by
        words only. Raises IndexMismatch.

        Whoever comes first loads it, blocking; questions that come meanwhile do not wait and are searched by words.
        """
        mark = index.manifest.embedding
        if mark is None or dense_problem(mark, self._choice, self._settings) is not None:
            return None
        if self._embedder is None and not self._is_resting() and self._loading.acquire(blocking=False):
            try:
                self._load()
            finally:
                self._loading.release()
        if self._embedder is None:
            return None
        check_probe(mark, self._probe, self._choice.model)
        instructions = instructions_of(mark)
        return self._instructed.setdefault(instructions, instructed(self._embedder, instructions))

    def failed(self, error: EmbeddingFailed) -> None:
        """Remember that the model refused a question, for the status."""
        self._failure, self._failed_at = str(error), self._clock.monotonic()

    def part(self, index: Index | None) -> Part:
        """For the library's status."""
        name = self._choice.model or "none"
        if self._choice.open is None:
            return Part(True, "none", self._choice.detail)
        try:
            problem = None if index is None else dense_problem(index.manifest.embedding, self._choice, self._settings)
            if index is not None:
                self.check(index)
        except IndexMismatch as error:
            return Part(False, name, f"{error}.")
        if problem is not None:
            return Part(True, name, problem)
        if self._failure is not None:
            return Part(False, name, f"Search is by words only: {self._failure}.")
        if self._embedder is None:
            return Part(False, name, f"{self._choice.model} is not loaded yet; search is by words only until it is.")
        note = outdated(None if index is None else index.manifest.embedding, self._choice)
        return Part(True, name, f"{self._choice.detail} {note}".rstrip())

    def close(self) -> None:
        """Let go of the model."""
        if self._embedder is not None:
            self._embedder.close()
            self._embedder = None
            self._instructed.clear()

    def _is_resting(self) -> bool:
        return self._failure is not None and self._clock.monotonic() - self._failed_at < RETRY_S

    def _load(self) -> None:
        if self._choice.open is None:
            return
        try:
            embedder = self._choice.open()
            self._probe = [float(value) for value in embedder.embed_passages([PROBE_TEXT])[0]]
        except EmbeddingFailed as error:
            logger.warning("Searching by words only, the embedding model did not load: %s", error)
            self.failed(error)
            return
        self._embedder, self._failure = embedder, None
