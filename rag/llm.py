"""The model's server: a LangChain chain over the OpenAI protocol, and its failures in our own words.

Imports langchain and openai, which takes a second: import this module in a thread, when the first answer is near.
"""

import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableGenerator
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import SecretStr

from rag.events import Exchange, Prompt, Usage
from rag.prompts import prompt_text
from rag.settings import LlmSettings, PromptSettings
from rag.thinking import ThinkFilter

# An inherited variable must not export questions and passages to a tracing service.
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"

OPENAI_URL = "https://api.openai.com/v1"
POOL_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Piece:
    """A parsed bit of the model's stream; any field may be empty."""

    text: str = ""
    reasoning: str = ""
    usage: Usage | None = None
    finish_reason: str = ""


_opened: "ContextVar[list[AsyncGenerator[ChatGenerationChunk]]]" = ContextVar("opened")
"""The model's streams that the current call has begun."""


class ReasoningChat(ChatOpenAI):
    """ChatOpenAI that keeps a delta's `reasoning_content` (DeepSeek, Qwen, vLLM) or `reasoning` (Ollama).

    Its streams are noted in `_opened`: langchain leaves the generators within its own to the garbage collector, which
    comes when it likes, and until then a model that nobody listens to writes on.
    """

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[ChatGenerationChunk]:
        # Past ChatOpenAI's own, which only chooses between OpenAI's two protocols and is one more to be left open.
        chunks = cast("AsyncGenerator[ChatGenerationChunk]", BaseChatOpenAI._astream(self, *args, **kwargs))
        _opened.get().append(chunks)
        async for chunk in chunks:
            yield chunk

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        converted = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        choices = chunk.get("choices") or []
        if converted is not None and choices:
            delta = choices[0].get("delta") or {}
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(reasoning, str):
                converted.message.additional_kwargs["reasoning_content"] = reasoning
        return converted


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
        chat = _chat(settings, self._http, self._unused_http)
        answer = ChatPromptTemplate.from_messages(
            [
                ("system", prompt_text(prompts, "system")),
                MessagesPlaceholder("history"),
                ("human", prompt_text(prompts, "answer")),
            ]
        )
        self._chat = chat
        self._limit_name = limit_name(settings)
        self._chain: Runnable[dict[str, Any], Piece] = answer | chat | RunnableGenerator(_pieces)

    async def stream(self, question: str, passages: str, history: Sequence[Exchange]) -> AsyncGenerator[Piece]:
        """The model's pieces; closing the generator hangs up. Raises what openai, httpx and langchain raise."""
        values = {"question": question, "passages": passages, "history": _messages(history)}
        async with _closed_at_the_end(self._chain.astream(values)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """The pieces that the model alone gives to a prompt; otherwise like `stream`."""
        freedom = {"temperature": prompt.temperature, "top_p": prompt.top_p}
        chat = self._chat.bind(**freedom, extra_body={self._limit_name: prompt.max_tokens})
        chain: Runnable[list[BaseMessage], Piece] = chat | RunnableGenerator(_pieces)
        async with _closed_at_the_end(chain.astream([_asking(prompt)])) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        self._unused_http.close()


@contextlib.asynccontextmanager
async def _closed_at_the_end(pieces: AsyncIterator[Piece]) -> AsyncIterator[AsyncIterator[Piece]]:
    """Iterates over a chain; then all that it opened is closed, down to the model's connection."""
    opened: list[AsyncGenerator[ChatGenerationChunk]] = []
    _opened.set(opened)
    try:
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


def _chat(settings: LlmSettings, http: httpx.AsyncClient, unused_http: httpx.Client) -> ReasoningChat:
    return ReasoningChat(
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
    """A net below our own clock: first token, stall and total are watched in `rag.generation`."""
    limits = settings.timeouts
    return httpx.Timeout(limits.total_s + 5, connect=limits.connect_s)


def _asking(prompt: Prompt) -> HumanMessage:
    """The prompt as a message: plain text, or text and pictures as parts."""
    if not prompt.pictures:
        return HumanMessage(prompt.text)
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in prompt.pictures]
    return HumanMessage([{"type": "text", "text": prompt.text}, *pictures])


def _messages(history: Sequence[Exchange]) -> list[BaseMessage]:
    return [
        message for exchange in history for message in (HumanMessage(exchange.question), AIMessage(exchange.answer))
    ]


async def _pieces(chunks: AsyncIterator[BaseMessage]) -> AsyncIterator[Piece]:
    """The chain's parser: reasoning (own field or think tags) told from text, with usage and the reason to end."""
    thinking = ThinkFilter()
    async for chunk in chunks:
        if not isinstance(chunk, AIMessageChunk):
            continue
        if reasoning := chunk.additional_kwargs.get("reasoning_content"):
            yield Piece(reasoning=str(reasoning))
        for kind, text in thinking.feed(str(chunk.text)):
            yield Piece(text=text) if kind == "answer" else Piece(reasoning=text)
        if chunk.usage_metadata:
            usage = chunk.usage_metadata
            yield Piece(usage=Usage(usage["input_tokens"], usage["output_tokens"]))
        if reason := chunk.response_metadata.get("finish_reason"):
            yield Piece(finish_reason=str(reason))
    for kind, text in thinking.finish():
        yield Piece(text=text) if kind == "answer" else Piece(reasoning=text)
