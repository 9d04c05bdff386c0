"""The embedding model of one ingest: opened when it is needed, with patience, its vectors kept as they come."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rag.embedding import PROBE_TEXT, Choice, Embedder
from rag.embedding.backoff import Patience
from rag.embedding.instructions import instructed
from rag.embedding.language_check import reading
from rag.embedding.model_files import weights_mark
from rag.errors import IndexMismatch
from rag.index.base.manifest import EmbeddingFingerprint
from rag.index.compatibility import check_probe, instructions_of
from rag.settings import RagSettings

if TYPE_CHECKING:
    from rag.embedding.vector_cache import Remembering, VectorCache


class EmbeddingRun:
    """Blocking. `tell(done_s, total_s)` hears of waits; what it raises ends them. Close it at the end."""

    def __init__(
        self,
        settings: RagSettings,
        choice: Choice,
        *,
        tell: Callable[[int, int], None] = lambda done, total: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = settings.index_dir
        self._model = settings.embedding.model
        self._choice = choice
        self._patience = Patience(settings.embedding.patience_s, tell=tell, sleep=sleep)
        self._plain: Embedder | None = None
        self._remembering: Remembering | None = None
        self._cache: VectorCache | None = None
        self._probe: tuple[float, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the model is loaded."""
        return self._plain is not None

    @property
    def reused(self) -> int:
        """How many vectors were not asked for, since they were kept."""
        return 0 if self._remembering is None else self._remembering.reused

    def opened(self) -> Embedder | None:
        """The model with its instructions, loaded if it was not; None when there is none. Raises EmbeddingFailed."""
        if self._remembering is None and self._choice.open is not None:
            from rag.embedding.vector_cache import Remembering, VectorCache

            self._plain = self._choice.open(self._patience)
            self._probe = tuple(float(value) for value in self._plain.embed_passages([PROBE_TEXT])[0])
            names = (*self._names(), self._choice.instructions.passage)
            self._cache = VectorCache(self._folder, names, self._probe)
            self._remembering = Remembering(instructed(self._plain, self._choice.instructions), self._cache)
        return self._remembering

    def goes_on_with(self, mark: EmbeddingFingerprint | None) -> bool:
        """Whether vectors of this mark, or an index without any, may be kept as they are."""
        if mark is None or self._choice.open is None:
            return mark is None and self._choice.open is None
        names = (mark.provider, mark.model, mark.weights)
        if names != self._names() or mark.passage_instruction != self._choice.instructions.passage:
            return False
        return self._choice.provider != "openai" or self.is_same_model(mark)

    def is_outdated(self, mark: EmbeddingFingerprint | None) -> bool:
        """Whether the vectors stay, but questions get another instruction from now on."""
        return mark is not None and self._choice.open is not None and instructions_of(mark) != self._choice.instructions

    def is_same_model(self, mark: EmbeddingFingerprint) -> bool:
        """Whether the model gives the vector that the mark has. Loads it."""
        if self.opened() is None:
            return False
        try:
            check_probe(mark, list(self._probe), self._choice.model)
        except IndexMismatch:
            return False
        return True

    def draft_mark(self) -> EmbeddingFingerprint | None:
        """The model's mark as far as it is known without loading it."""
        if self._choice.open is None:
            return None
        provider, model, weights = self._names()
        rule = self._choice.instructions
        return EmbeddingFingerprint(provider, model, 0, rule.query, weights=weights, passage_instruction=rule.passage)

    def mark(self) -> EmbeddingFingerprint | None:
        """The whole mark. Loads the model and tries what it reads."""
        if self._plain is None:
            return None
        provider, model, weights = self._names()
        rule = self._choice.instructions
        probe = tuple(round(value, 5) for value in self._probe)
        reads = reading(instructed(self._plain, rule))
        return EmbeddingFingerprint(provider, model, len(probe), rule.query, probe, reads, weights, rule.passage)

    def forget_unused(self, chunks: int, texts: Callable[[], Iterable[str]]) -> None:
        """Drop vectors of other texts than the index has now, once they are more than a twentieth of its chunks.

        That reads every chunk: ten seconds of CPU for a hundred thousand.
        """
        if self._cache is not None and self._cache.count() > chunks + chunks // 20:
            self._cache.keep_only(texts())

    def close(self) -> None:
        """Let go of model and file."""
        if self._remembering is not None:
            self._remembering.close()

    def _names(self) -> tuple[str, str, str]:
        weights = "" if self._choice.provider == "openai" else weights_mark(self._model)
        return self._choice.provider, self._choice.model, weights
