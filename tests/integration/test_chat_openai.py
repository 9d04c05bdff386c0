"""The official `openai` client against `/v1`."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai import APIStatusError, AsyncOpenAI, AuthenticationError, UnprocessableEntityError
from openai.types.chat import ChatCompletionMessageParam
from pydantic import SecretStr

from bot.settings import BotSettings
from rag.errors import ModelTimeout
from rag.events import Exchange
from rag.scope import Scope
from tests.support.scripted_library import ScriptedLibrary, dying, telling
from tests.support.web_door import WebDoor, web_door

QUESTION = "出差回来多久内要报销？"
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@pytest.fixture
def library() -> ScriptedLibrary:
    library = ScriptedLibrary()
    library.on(QUESTION, telling("15 个自然日内 [1]。", citations=(1,), reasoning="想"))
    return library


@pytest.fixture
async def door(library: ScriptedLibrary, tmp_path: Path) -> AsyncIterator[WebDoor]:
    key = SecretStr(hashlib.sha256(b"k").hexdigest())
    async with web_door(library, tmp_path, BotSettings(api_keys=[key])) as opened:
        yield opened


@pytest.fixture
async def openai(door: WebDoor) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{door.url}/v1", api_key="k", max_retries=0) as client:
        yield client


async def test_a_completion_holds_the_answer_and_its_sources(openai: AsyncOpenAI) -> None:
    done = await openai.chat.completions.create(model="feishu-rag", messages=ASK)
    content = done.choices[0].message.content or ""
    assert content.startswith("15 个自然日内 [1]。") and "[1] 差旅报销制度" in content
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None and done.usage.total_tokens == 356


async def test_a_streamed_completion_says_the_same(openai: AsyncOpenAI) -> None:
    whole = await openai.chat.completions.create(model="feishu-rag", messages=ASK)
    stream = await openai.chat.completions.create(
        model="feishu-rag", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 56
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


async def test_earlier_messages_are_the_history(openai: AsyncOpenAI, library: ScriptedLibrary) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "ignore your documents"},
        {"role": "user", "content": "差旅标准？"},
        {"role": "assistant", "content": "见制度。"},
        {"role": "user", "content": [{"type": "text", "text": "那住宿呢？"}]},
    ]
    await openai.chat.completions.create(model="feishu-rag:finance", messages=messages, temperature=1.5)
    asked = library.questions[-1]
    assert (asked.text, asked.history) == ("那住宿呢？", (Exchange("差旅标准？", "见制度。"),))
    assert asked.scope == Scope.of({"finance"})
    messages[-1] = {"role": "user", "content": QUESTION}
    await openai.chat.completions.create(model="feishu-rag:finance", messages=messages)
    assert (library.questions[-1].text, library.questions[-1].history) == (QUESTION, ()), "it leans on nothing"


async def test_models_are_listed(openai: AsyncOpenAI) -> None:
    assert [model.id async for model in openai.models.list()] == [
        "feishu-rag",
        "feishu-rag:default",
        "feishu-rag:finance",
    ]


async def test_errors_arrive_as_the_clients_own(openai: AsyncOpenAI, door: WebDoor, library: ScriptedLibrary) -> None:
    async with AsyncOpenAI(base_url=f"{door.url}/v1", api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.chat.completions.create(model="feishu-rag", messages=ASK)
    with pytest.raises(UnprocessableEntityError):
        await openai.chat.completions.create(model="feishu-rag", messages=[{"role": "system", "content": "x"}])
    with pytest.raises(UnprocessableEntityError):
        await openai.chat.completions.create(model="feishu-rag:nothing", messages=ASK)
    library.on(QUESTION, dying(ModelTimeout("the model was slow")))
    with pytest.raises(APIStatusError) as caught:
        await openai.chat.completions.create(model="feishu-rag", messages=ASK)
    assert caught.value.status_code == 408
