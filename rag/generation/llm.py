"""The model's server: LangChain's client of the OpenAI protocol, and a reader that takes what servers really send.

Imports langchain and openai, which takes a second: import this module in a thread, when the first answer is near.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import Runnable, RunnableGenerator
from langchain_openai import ChatOpenAI
from langsmith import tracing_context
from pydantic import SecretStr

from rag.documents import Passage
from rag.events import Prompt, Question, Usage
from rag.generation.completion import AnswerError, Part, read_part
from rag.generation.finish_reasons import ending_of
from rag.generation.prompts import messages
from rag.generation.reasoning import Part as ThinkingPart
from rag.generation.reasoning import ThinkFilter
from rag.generation.sse import DONE, BodyReader, NotAModelServer
from rag.settings import LlmSettings, PromptSettings

OPENAI_URL = "https://api.openai.com/v1"
POOL_CONNECTIONS = 32
LAST_BYTES_S = 0.1
"""How long a body may take to end after `[DONE]`, so that its connection can be used again."""
_WINDOW_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
_THINKS_UNOPENED = re.compile(r"(?:^|[-_/:.])(?:r1|qwq|thinking|thinker|reasoner)(?:$|[-_/:.\d])", re.IGNORECASE)
"""Names of models whose chat templates open the thinking themselves, so that only its closing tag comes back."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A parsed bit of the model's stream; any field may be empty. `unsaid` is text that was given before and turned
    out to be thinking, all of it until now. A stream that gives no `finish_reason` at all broke off."""

    text: str = ""
    reasoning: str = ""
    usage: Usage | None = None
    finish_reason: str = ""
    unsaid: str = ""


_opened: "ContextVar[list[AsyncGenerator[ChatGenerationChunk]]]" = ContextVar("opened")
"""The model's streams that the current call has begun."""


class TolerantChat(ChatOpenAI):
    """ChatOpenAI that reads the answer's bytes itself: langchain's reader drops the reasoning fields, takes a cut
    stream for a whole one, and knows neither whole answers nor errors in most of the shapes that servers give them.

    Its streams are noted in `_opened`: langchain leaves the generators within its own to the garbage collector, which
    comes when it likes, and until then a model that nobody listens to writes on.
    """

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncGenerator[ChatGenerationChunk]:
        if self.stream_usage:
            kwargs["stream_options"] = {"include_usage": True}
        chunks = self._read(self._get_request_payload(messages, stop=stop, **kwargs, stream=True))
        _opened.get().append(chunks)
        async for chunk in chunks:
            yield chunk

    async def _read(self, payload: Mapping[str, Any]) -> AsyncGenerator[ChatGenerationChunk]:
        async with self.async_client.with_streaming_response.create(**payload) as response:
            try:
                async for part in _parts(response.iter_bytes()):
                    yield ChatGenerationChunk(message=_message(part))
            except AnswerError as error:
                message = str(error.body.get("message") or error.body.get("msg") or "")
                raise openai.APIError(message, response.http_request, body=error.body) from error


async def _parts(body: AsyncIterator[bytes]) -> AsyncGenerator[Part]:
    """The parts of an answer, the last with the reason to end; without one the body broke off. A connection that
    breaks after the reason came is of no concern. Raises AnswerError, NotAModelServer, and what httpx raises."""
    reader = BodyReader()
    has_text, is_done, reason = False, False, ""
    try:
        async for content in body:
            for read in reader.feed(content):
                if read is DONE:
                    is_done = True
                    break
                part = read_part(read, event=reader.event, has_text=has_text)
                has_text, reason = has_text or bool(part.text), part.finish_reason or reason
                yield part
            if is_done:
                break
    except httpx.TransportError:
        if not reason:
            raise
        return
    if is_done:
        await _drained(body)
    for read in () if is_done else reader.finish():
        if read is not DONE:
            part = read_part(read, event=reader.event, has_text=has_text)
            has_text, reason = has_text or bool(part.text), part.finish_reason or reason
            yield part
        is_done = is_done or read is DONE
    if reader.is_whole and not (has_text or reason):
        raise NotAModelServer("an object without an answer")
    if not reason and (is_done or reader.is_whole):
        yield Part(finish_reason="stop")
    elif reader.empty:
        raise httpx.RemoteProtocolError("the body is empty")


async def _drained(body: AsyncIterator[bytes]) -> None:
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(LAST_BYTES_S):
            async for _ in body:
                pass


def _message(part: Part) -> AIMessageChunk:
    message = AIMessageChunk(content=part.text)
    if part.reasoning:
        message.additional_kwargs["reasoning_content"] = part.reasoning
    if part.finish_reason:
        message.response_metadata["finish_reason"] = part.finish_reason
    if part.usage:
        prompt, completion = part.usage.prompt_tokens, part.usage.completion_tokens
        message.usage_metadata = {
            "input_tokens": prompt,
            "output_tokens": completion,
            "total_tokens": prompt + completion,
        }
    return message


class Model:
    """One configured model with its own connections. For one event loop; close it with `aclose`."""

    def __init__(self, settings: LlmSettings, prompts: PromptSettings) -> None:
        self._http = httpx.AsyncClient(
            timeout=_timeout(settings),
            trust_env=settings.trust_env,
            limits=httpx.Limits(max_connections=POOL_CONNECTIONS),
        )
        # The SDK makes a client for sync calls whether or not there are any; ours stays unused and unconfigured.
        self._unused_http = httpx.Client(trust_env=False)
        self._chat = _chat(settings, self._http, self._unused_http)
        self._prompts = prompts
        self._limit_name = limit_name(settings)
        self._thinks_unopened = bool(_THINKS_UNOPENED.search(settings.model))

    def stream(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[Piece]:
        """The model's pieces; closing the generator hangs up. Raises what openai, httpx and langchain raise."""
        return self._asked(self._chat, messages(question.prompts or self._prompts, question, passages))

    def complete(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """The pieces that the model alone gives to a prompt; otherwise like `stream`."""
        freedom = {"temperature": prompt.temperature, "top_p": prompt.top_p}
        chat = self._chat.bind(**freedom, extra_body={self._limit_name: prompt.max_tokens})
        return self._asked(chat, [_asking(prompt)])

    async def _asked(self, chat: "Runnable[Any, Any]", asked: Sequence[Any]) -> AsyncGenerator[Piece]:
        chain: Runnable[Any, Piece] = chat | RunnableGenerator(self._pieces)
        async with _closed_at_the_end(chain.astream(asked)) as pieces:
            async for piece in pieces:
                yield piece

    async def _pieces(self, chunks: AsyncIterator[BaseMessage]) -> AsyncIterator[Piece]:
        """The chain's parser: reasoning (own field or think tags) told from text, with usage and the reason to end."""
        thinking, finish_reason = ThinkFilter(presumed=self._thinks_unopened), ""
        try:
            async for chunk in chunks:
                for piece in _read_chunk(chunk, thinking):
                    finish_reason = piece.finish_reason or finish_reason
                    yield piece
        except Exception:
            for part in thinking.finish(is_whole=False):
                yield _piece(part)
            raise
        for part in thinking.finish(is_whole=not ending_of(finish_reason)):
            yield _piece(part)
        if thinking.lone_close is not None:
            self._thinks_unopened = thinking.lone_close

    async def window(self) -> int | None:
        """The context window, tokens, by the server's list of models; None where that does not tell it. The field's
        name is everybody's own: vLLM and SGLang, OpenRouter and Together, Groq, Mistral and LM Studio."""
        try:
            async for known in self._chat.root_async_client.models.list():
                if known.id == self._chat.model_name:
                    told = (known.model_extra or {}).get
                    found = [told(name) for name in _WINDOW_FIELDS]
                    return next((int(size) for size in found if isinstance(size, int | float) and size > 0), None)
        except (openai.OpenAIError, httpx.HTTPError, ValueError, TypeError, AttributeError):
            return None  # many servers have no such list, or one of another shape
        return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        self._unused_http.close()


@contextlib.asynccontextmanager
async def _closed_at_the_end(pieces: AsyncIterator[Piece]) -> AsyncIterator[AsyncIterator[Piece]]:
    """Iterates over a chain; then all that it opened is closed, down to the model's connection. No question and no
    passage is exported to LangSmith, whatever the environment says."""
    opened: list[AsyncGenerator[ChatGenerationChunk]] = []
    _opened.set(opened)
    try:
        with tracing_context(enabled=False):
            async with contextlib.aclosing(pieces):  # type: ignore[type-var]
                yield pieces
    finally:
        for chunks in opened:
            await chunks.aclose()


def base_url(settings: LlmSettings) -> str:
    """The endpoint; OpenAI's own when only a key is set."""
    return settings.base_url.rstrip("/") or OPENAI_URL


def limit_name(settings: LlmSettings) -> str:
    """OpenAI's newer models refuse max_tokens, everybody else's servers know only that."""
    is_openai = urlsplit(base_url(settings)).hostname == urlsplit(OPENAI_URL).hostname
    return "max_completion_tokens" if is_openai else "max_tokens"


def _chat(settings: LlmSettings, http: httpx.AsyncClient, unused_http: httpx.Client) -> TolerantChat:
    return TolerantChat(
        model=settings.model,
        base_url=base_url(settings),
        api_key=SecretStr(settings.api_key.get_secret_value() or "none"),
        temperature=settings.temperature,
        extra_body={limit_name(settings): settings.max_tokens},
        stream_usage=settings.stream_usage,
        max_retries=0,
        stream_chunk_timeout=None,
        openai_proxy="",
        http_async_client=http,
        http_client=unused_http,
    )


def _timeout(settings: LlmSettings) -> httpx.Timeout:
    """A net below our own clock: first token, stall and total are watched in `rag.generation.llm_generator`."""
    limits = settings.timeouts
    return httpx.Timeout(limits.total_s + 5, connect=limits.connect_s)


def _asking(prompt: Prompt) -> HumanMessage:
    """The prompt as a message: plain text, or text and pictures as parts."""
    if not prompt.pictures:
        return HumanMessage(prompt.text)
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in prompt.pictures]
    return HumanMessage([{"type": "text", "text": prompt.text}, *pictures])


def _read_chunk(chunk: BaseMessage, thinking: ThinkFilter) -> Iterator[Piece]:
    if not isinstance(chunk, AIMessageChunk):
        return
    if reasoning := chunk.additional_kwargs.get("reasoning_content"):
        thinking.thinks_elsewhere()
        yield Piece(reasoning=str(reasoning))
    if text := chunk.text:
        for part in thinking.feed(text):
            yield _piece(part)
    if usage := chunk.usage_metadata:
        yield Piece(usage=Usage(usage["input_tokens"], usage["output_tokens"]))
    if reason := chunk.response_metadata.get("finish_reason"):
        yield Piece(finish_reason=str(reason))


def _piece(part: ThinkingPart) -> Piece:
    kind, text = part
    return Piece(text=text) if kind == "answer" else Piece(reasoning=text) if kind == "thinking" else Piece(unsaid=text)
