"""Who writes the answers: the configured model, or the extractive writer where there is none; and whether the model's
server has time for what nobody waits for (questions to ask next): answers always go first."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator

from rag.clock import Clock
from rag.embedding import Embedder
from rag.errors import ModelUnavailable, SettingsMismatch
from rag.events import AnswerEvent, Prompt
from rag.generation.answerer import Writer
from rag.generation.computed import ComputedWriter, UncountedWriter
from rag.generation.extractive import ExtractiveGenerator
from rag.generation.prompts import check_prompts
from rag.generation.sentence_similarity import SentenceNearness
from rag.health import Part
from rag.retrieval.retriever import Retriever, SearchResult
from rag.settings import LlmSettings, RagSettings
from rag.tables.answering import Computed
from rag.urls import check_address

NO_MODEL = "No language model is configured, answers are quotations; set RAG__LLM__BASE_URL, RAG__LLM__MODEL and a key."

COOL_OFF_S = 60.0
"""How long a server that refused, failed, or took too long is left alone."""


class Generators:
    """Gives each question its writer. Raises SettingsMismatch when made of settings that cannot work."""

    def __init__(self, settings: RagSettings, clock: Clock) -> None:
        check_prompts(settings.prompts)
        self._settings = settings.llm
        self._clock = clock
        self._generative = None
        self._nearness: SentenceNearness | None = None
        if uses_model(settings.llm):
            from rag.generation.llm_generator import LLMGenerator

            self._generative = LLMGenerator(settings.llm, settings.prompts, clock=clock)

    @property
    def has_model(self) -> bool:
        """Whether a model writes."""
        return self._generative is not None

    def for_question(self, retriever: Retriever) -> Callable[[SearchResult], Writer]:
        """Gives the writer of an answer, by what was found for its question."""
        if (generative := self._generative) is not None:
            return lambda _finding: generative
        nearness = self._nearness_by(retriever.embedder)

        def writer(finding: SearchResult) -> Writer:
            pause_s, verdict = self._settings.typing_pause_s, finding.tables
            if isinstance(verdict, Computed):
                return ComputedWriter(verdict, clock=self._clock, pause_s=pause_s)
            has_dense = finding.signals is not None and finding.signals.has_dense
            near = nearness if has_dense else None
            quoting_pause_s = pause_s if verdict is None else 0.0
            quoting = ExtractiveGenerator(finding, retriever.coverage, near, clock=self._clock, pause_s=quoting_pause_s)
            return quoting if verdict is None else UncountedWriter(verdict, quoting, clock=self._clock, pause_s=pause_s)

        return writer

    def _nearness_by(self, embedder: Embedder | None) -> SentenceNearness | None:
        """Kept as long as the model is the same one."""
        if embedder is None:
            self._nearness = None
        elif self._nearness is None or self._nearness.embedder is not embedder:
            self._nearness = SentenceNearness(embedder)
        return self._nearness

    def complete(self, prompt: Prompt) -> AsyncGenerator[AnswerEvent]:
        """The model alone. Raises ModelUnavailable where none is configured."""
        if self._generative is None:
            raise ModelUnavailable(NO_MODEL)
        return self._generative.complete(prompt)

    async def warm_up(self) -> None:
        """Import what the model's client needs, off the event loop."""
        if self._generative is not None:
            await self._generative.warm_up()

    def part(self) -> Part:
        """For the library's status."""
        return Part(True, "extractive", NO_MODEL) if self._generative is None else self._generative.part()

    async def aclose(self) -> None:
        """Close the model's connections."""
        if self._generative is not None:
            await self._generative.aclose()


class ServerLoad:
    """What one process knows of its model's server: how many answers it writes there, and when a call failed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers = 0
        self._left_alone_until = 0.0
        self._spare: set[asyncio.Timeout] = set()

    @property
    def is_high(self) -> bool:
        """Whether an answer is being written, or a call failed a short while ago."""
        return bool(self._answers) or self._clock.monotonic() < self._left_alone_until

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While an answer is sought and written. What is done beside answers ends now."""
        self._answers += 1
        for limit in self._spare:
            with contextlib.suppress(RuntimeError):  # it ends already
                limit.reschedule(asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self._answers -= 1

    def failed(self) -> None:
        """A call was refused, or the server gave no answer."""
        self._left_alone_until = self._clock.monotonic() + COOL_OFF_S

    @contextlib.asynccontextmanager
    async def spare_time(self, budget_s: float) -> AsyncGenerator[None]:
        """For a call that nobody waits for. Raises TimeoutError when an answer begins, and after `budget_s`: a server
        that needs longer has a queue, and is left alone, too."""
        try:
            async with asyncio.timeout(budget_s) as limit:
                self._spare.add(limit)
                try:
                    yield
                finally:
                    self._spare.discard(limit)
        except TimeoutError:
            if not self._answers:
                self.failed()
            raise


def uses_model(settings: LlmSettings) -> bool:
    """Whether the settings come to a language model. Raises SettingsMismatch when provider openai lacks its model."""
    check_address(settings.base_url, "RAG__LLM__BASE_URL")
    has_address = bool(settings.base_url or settings.api_key.get_secret_value())
    match settings.provider:
        case "extractive":
            return False
        case "auto":
            return bool(settings.model) and has_address
        case "openai":
            if not settings.model:
                raise SettingsMismatch("rag.llm.provider is openai: set RAG__LLM__MODEL to the model's name")
            if not has_address:
                raise SettingsMismatch(
                    "rag.llm.provider is openai: set RAG__LLM__BASE_URL, or RAG__LLM__API_KEY, or both"
                )
            return True
