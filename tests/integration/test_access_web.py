"""The secret of one collection, asked for in every way the web door has, by keys with different collections."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.settings import ApiKey, BotSettings
from rag.knowledge_base import KnowledgeBase
from rag.settings import RagSettings
from tests.support.caller import caller
from tests.support.open_and_closed import open_and_closed
from tests.support.web_door import WebDoor, web_door

CANARY, SECRET = "金丝雀7731", "雪豹计划的奖金是多少？"
Way = Callable[[httpx.AsyncClient], Awaitable[str]]


def key(name: str, collections: list[str] | None, *, admin: bool = False) -> ApiKey:
    return ApiKey(
        hash=SecretStr(hashlib.sha256(name.encode()).hexdigest()), name=name, collections=collections, admin=admin
    )


KEYS = [key("plain", None), key("hr", ["hr", "open"]), key("none", []), key("owner", None, admin=True)]
SEES = {"plain": False, "hr": True, "none": False, "owner": True}


@pytest.fixture
def rag(tmp_path: Path) -> RagSettings:
    files = {
        "open/canteen.md": "# 食堂指南\n\n## 供应时间\n\n食堂十一点半供应午餐。\n",
        "hr/pay.md": f"# 雪豹计划{CANARY}\n\n## {CANARY}奖金\n\n雪豹计划的奖金是 {CANARY} 元。\n",
    }
    return open_and_closed(tmp_path, files)


@pytest.fixture
async def library(rag: RagSettings) -> AsyncIterator[KnowledgeBase]:
    opened = await KnowledgeBase.open(rag)
    yield opened
    await opened.aclose()


def client(door: WebDoor, name: str) -> httpx.AsyncClient:
    return caller(door.url, headers={"Authorization": f"Bearer {name}"})


async def asked(http: httpx.AsyncClient) -> str:
    return (await http.post("/chat", json={"question": SECRET})).text


async def streamed(http: httpx.AsyncClient) -> str:
    return (await http.post("/chat/stream", json={"question": SECRET})).text


async def for_event_source(http: httpx.AsyncClient) -> str:
    return (await http.get("/chat/stream", params={"question": SECRET})).text


async def in_a_batch(http: httpx.AsyncClient) -> str:
    return (await http.post("/chat/batch", json={"questions": [SECRET, "雪豹"]})).text


async def completed(http: httpx.AsyncClient) -> str:
    messages = [{"role": "user", "content": SECRET}]
    return (await http.post("/v1/chat/completions", json={"messages": messages})).text


async def completed_in_a_stream(http: httpx.AsyncClient) -> str:
    messages = [{"role": "user", "content": "雪豹计划"}, {"role": "assistant", "content": "…"}]
    messages.append({"role": "user", "content": SECRET})
    return (await http.post("/v1/chat/completions", json={"messages": messages, "stream": True})).text


async def regenerated(http: httpx.AsyncClient) -> str:
    first = (await http.post("/chat", json={"question": SECRET})).json()
    return (await http.post(f"/chat/{first['answer_id']}/regenerate")).text


async def read_again(http: httpx.AsyncClient) -> str:
    await http.post("/chat", json={"question": SECRET, "conversation_id": "c"})
    return (await http.get("/chat/conversations/c")).text


async def opened(http: httpx.AsyncClient) -> str:
    first = (await http.post("/chat", json={"question": SECRET})).json()
    return (await http.get(f"/chat/{first['answer_id']}/sources/1")).text


async def greeted(http: httpx.AsyncClient) -> str:
    return (await http.post("/chat", json={"question": "你好"})).text


WAYS = (
    asked,
    greeted,
    opened,
    streamed,
    for_event_source,
    in_a_batch,
    completed,
    completed_in_a_stream,
    regenerated,
    read_again,
)


@pytest.mark.parametrize("name", SEES)
async def test_a_key_gets_what_its_collections_hold_on_every_way(
    library: KnowledgeBase, rag: RagSettings, tmp_path: Path, name: str
) -> None:
    settings = BotSettings(api_keys=KEYS)
    async with web_door(library, tmp_path, settings, rag=rag) as door, client(door, name) as http:
        for way in WAYS:
            told = await way(http)
            assert (CANARY in told) == SEES[name], (way.__name__, told)
        for wanted in (
            {"question": SECRET, "collections": ["hr"]},
            {"question": SECRET, "collections": ["hr", "open"]},
        ):
            reply = await http.post("/chat", json=wanted)
            assert (reply.status_code, CANARY in reply.text) == ((200, True) if SEES[name] else (403, False))
        chosen = {"model": "feishu-rag:hr", "messages": [{"role": "user", "content": SECRET}]}
        reply = await http.post("/v1/chat/completions", json=chosen)
        assert (reply.status_code, CANARY in reply.text) == ((200, True) if SEES[name] else (403, False))
        models = (await http.get("/v1/models")).text
        assert ("feishu-rag:hr" in models) == SEES[name]
        admin = [(await http.get(path)).status_code for path in ("/admin/api/export.json", "/admin/api/turns")]
        assert admin == ([200, 200] if name == "owner" else [403, 403])


async def test_a_key_that_lost_a_collection_lost_what_was_answered_from_it(
    library: KnowledgeBase, rag: RagSettings, tmp_path: Path
) -> None:
    def settings(collections: list[str]) -> BotSettings:
        return BotSettings(api_keys=[key("wiki", collections)])

    question: dict[str, Any] = {"question": SECRET, "conversation_id": "c"}
    async with web_door(library, tmp_path, settings(["hr", "open"]), rag=rag) as door, client(door, "wiki") as http:
        first = (await http.post("/chat", json=question)).json()
        assert CANARY in first["answer"]
        follow_up = {"question": "那食堂几点供应午餐？", "conversation_id": "c"}
        second = (await http.post("/chat", json=follow_up)).json()
        assert second["sources"][0]["title"] == "食堂指南"
        greeting = (await http.post("/chat", json={"question": "你好", "conversation_id": "greeted"})).json()
        assert CANARY in greeting["answer"]
    async with web_door(library, tmp_path, settings(["open"]), rag=rag) as door, client(door, "wiki") as http:
        assert CANARY not in (await http.get("/chat/conversations/greeted")).text
        stored = (await http.get("/chat/conversations/c")).json()
        assert CANARY not in json.dumps(stored, ensure_ascii=False)
        withheld = [turn["answers"][0] for turn in stored["turns"]]
        assert [each["sources"] for each in withheld] == [[], []], "the second one leaned on the first"
        assert all("🔒" in each["notice"] for each in withheld)
        for answer_id in (first["answer_id"], second["answer_id"]):
            assert (await http.get(f"/chat/{answer_id}/sources/1")).status_code == 403
            again = await http.post(f"/chat/{answer_id}/regenerate")
            assert again.status_code == 200 and CANARY not in json.dumps(again.json(), ensure_ascii=False)
        leaning = await http.post("/chat", json={"question": "它具体是多少？", "conversation_id": "c"})
        assert CANARY not in json.dumps(leaning.json(), ensure_ascii=False)
