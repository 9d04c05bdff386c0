"""Hanging up reaches the model's server: the real library before a local model server that would write on."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.knowledge_base import KnowledgeBase
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from tests.support.model_server import ModelServer, Reply, running
from tests.support.web_door import web_door

DEADLINE_S = 60.0
QUESTION = "出差回来多久内要报销？"
MESSAGES = [{"role": "user", "content": QUESTION}]
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "stream": ("/chat/stream", {"question": QUESTION}),
    "chat": ("/chat", {"question": QUESTION}),
    "batch": ("/chat/batch", {"questions": [QUESTION]}),
    "generate": ("/generate", {"prompt": "写诗"}),
    "generate-stream": ("/generate/stream", {"prompt": "写诗"}),
    "completions": ("/v1/chat/completions", {"messages": MESSAGES}),
    "completions-stream": ("/v1/chat/completions", {"messages": MESSAGES, "stream": True}),
}
TURNS = (0, 2, 5, 10, 20, 50, 100, 200, 400, 800)
"""Turns of the loop between the model's words and the leaving: from amid the reading to where all is still."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What only garbage collection would close stays open."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("way", ASKED)
async def test_the_model_call_ends_at_whatever_moment_the_reader_leaves(
    way: str, handbook_index: Path, tmp_path: Path, uncollected: None
) -> None:
    path, body = ASKED[way]
    with running() as model:
        model.script(Reply("出差结束后" * 3, end="stall"))
        settings = RagSettings(
            index_dir=handbook_index,
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(base_url=model.base_url, model="m"),
        )
        library = await KnowledgeBase.open(settings)
        async with web_door(library, tmp_path) as door:
            for at, turns in enumerate(TURNS):
                asking = asyncio.create_task(ask(f"{door.url}{path}", body))
                await model_writes(model, at)
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                left = model.chats()[at].hung_up
                assert await asyncio.to_thread(left.wait, DEADLINE_S), f"left after {turns} turns of the loop"
        await library.aclose()


async def ask(url: str, body: dict[str, Any]) -> None:
    async with (
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as http,
        http.stream("POST", url, json=body) as told,
    ):
        async for _ in told.aiter_bytes():
            pass


async def model_writes(model: ModelServer, at: int) -> None:
    """Waits until most of the reply of the call number `at` is sent."""
    async with asyncio.timeout(DEADLINE_S):
        while len(model.chats()) <= at or model.chats()[at].sent < 5:
            await asyncio.sleep(0)


async def test_the_model_alone_gets_the_parameters(handbook_index: Path, tmp_path: Path) -> None:
    with running() as model:
        model.script(Reply("你好", reasoning="想", usage=(7, 2)))
        settings = RagSettings(
            index_dir=handbook_index,
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(base_url=model.base_url, model="m"),
        )
        library = await KnowledgeBase.open(settings)
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
    library = await KnowledgeBase.open(settings)
    async with web_door(library, tmp_path) as door, httpx.AsyncClient(base_url=door.url, trust_env=False) as http:
        answer = await http.post("/generate", json={"prompt": "你好"})
    await library.aclose()
    assert answer.status_code == 503
    assert "RAG__LLM__MODEL" in answer.json()["error"]["message"]
