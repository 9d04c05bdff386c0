"""Hanging up reaches the model's server: the real library before a local model server that would write on."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.library import Library
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from tests.support.model_server import ModelServer, Reply, running
from tests.support.web_door import web_door

DEADLINE_S = 20.0
PROMISED_S = 1.0
QUESTION = "出差回来多久内要报销？"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat/stream", {"question": QUESTION}),
        ("/chat", {"question": QUESTION}),
        ("/chat/batch", {"questions": [QUESTION]}),
        ("/generate", {"prompt": "写诗"}),
        ("/generate/stream", {"prompt": "写诗"}),
        ("/v1/chat/completions", {"stream": True, "messages": [{"role": "user", "content": QUESTION}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}),
    ],
)
async def test_the_model_call_ends_within_a_second(
    path: str, body: dict[str, Any], handbook_index: Path, tmp_path: Path
) -> None:
    with running() as model:
        model.script(Reply("出差结束后" * 3, end="stall"))
        settings = RagSettings(
            index_dir=handbook_index,
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(base_url=model.base_url, model="m"),
        )
        library = await Library.open(settings)
        async with web_door(library, tmp_path) as door:
            asking = asyncio.create_task(ask(f"{door.url}{path}", body))
            await model_writes(model)
            left_at = time.monotonic()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert await asyncio.to_thread(model.chats()[0].hung_up.wait, DEADLINE_S)
            assert time.monotonic() - left_at <= PROMISED_S
        await library.aclose()


async def ask(url: str, body: dict[str, Any]) -> None:
    async with (
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as http,
        http.stream("POST", url, json=body) as told,
    ):
        async for _ in told.aiter_bytes():
            pass


async def model_writes(model: ModelServer) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not model.chats() or model.chats()[0].sent < 5:
            await asyncio.sleep(0)


async def test_the_model_alone_gets_the_parameters(handbook_index: Path, tmp_path: Path) -> None:
    with running() as model:
        model.script(Reply("你好", reasoning="想", usage=(7, 2)))
        settings = RagSettings(
            index_dir=handbook_index,
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(base_url=model.base_url, model="m"),
        )
        library = await Library.open(settings)
        async with web_door(library, tmp_path) as door, httpx.AsyncClient(base_url=door.url, trust_env=False) as http:
            asked = {"prompt": "你好", "max_tokens": 7, "temperature": 1.5, "top_p": 0.5}
            answer = await http.post("/generate", json=asked, timeout=DEADLINE_S)
        await library.aclose()
    assert answer.json()["text"] == "你好" and answer.json()["usage"] == {"prompt": 7, "completion": 2}
    sent = model.chats()[0].body
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"]) == (7, 1.5, 0.5)
    assert [message["content"] for message in sent["messages"]] == ["你好"]


async def test_without_a_model_generate_says_what_to_set(handbook_index: Path, tmp_path: Path) -> None:
    settings = RagSettings(index_dir=handbook_index, embedding=EmbeddingSettings(provider="none"))
    library = await Library.open(settings)
    async with web_door(library, tmp_path) as door, httpx.AsyncClient(base_url=door.url, trust_env=False) as http:
        answer = await http.post("/generate", json={"prompt": "你好"})
    await library.aclose()
    assert answer.status_code == 503
    assert "RAG__LLM__MODEL" in answer.json()["error"]["message"]
