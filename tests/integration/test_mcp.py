"""An outside client judges `/mcp`: the official SDK's lists the tools, asks, searches, reads, and gets no more than its
key may see."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from bot.settings import ApiKey, BotSettings
from rag.errors import ModelTimeout
from rag.knowledge_base import KnowledgeBase
from rag.settings import RagSettings
from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_mirrored_rights import ABOUT_SECRET, SECRET, House
from tests.support.caller import caller
from tests.support.later import until
from tests.support.open_and_closed import open_and_closed
from tests.support.rights_house import CARLA, DAN
from tests.support.scripted_library import Gate, ScriptedLibrary, dying, telling
from tests.support.web_door import web_door

HR, OPEN = "雪豹计划的奖金是多少？", "食堂几点供应午餐？"
BONUS = "雪豹计划的奖金是 7731 元。"


def key(name: str, **rules: Any) -> ApiKey:
    return ApiKey(hash=SecretStr(hashlib.sha256(name.encode()).hexdigest()), name=name, **rules)


@contextlib.asynccontextmanager
async def client(url: str, name: str = "", mode: Literal["auto", "legacy"] = "auto") -> AsyncIterator[Client]:
    """The official client with an API key. `legacy` begins with the handshake of protocols before 2026."""
    headers = {"Authorization": f"Bearer {name}"} if name else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=DEADLINE_S, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as opened,
    ):
        yield opened


@pytest.fixture
def rag(tmp_path: Path) -> RagSettings:
    sections = "".join(f"## 第 {number} 节\n\n{'第几节的内容很长。' * 120}\n\n" for number in range(1, 31))
    files = {
        "open/canteen.md": "# 食堂指南\n\n## 供应时间\n\n食堂十一点半供应午餐。\n",
        "open/long.md": f"# 长文\n\n{sections}",
        "hr/pay.md": f"# 雪豹计划\n\n## 奖金\n\n{BONUS}\n",
    }
    return open_and_closed(tmp_path, files)


@pytest.fixture
async def library(rag: RagSettings) -> AsyncIterator[KnowledgeBase]:
    opened = await KnowledgeBase.open(rag)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_searches_reads_and_asks(
    library: KnowledgeBase, rag: RagSettings, tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    async with web_door(library, tmp_path, rag=rag) as door, client(door.url, mode=mode) as mcp:
        tools = (await mcp.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "ask", "read_source"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert "Collections: hr, open." in (tools[0].description or "")
        assert mcp.instructions and "foreign text" in mcp.instructions
        found = await mcp.call_tool("search", {"query": HR, "limit": 1})
        assert found.structured_content is not None and not found.is_error
        [passage] = found.structured_content["passages"]
        assert (passage["source"], passage["collection"]) == ("pay.md", "hr") and BONUS in passage["text"]
        assert BONUS in found.content[0].text  # type: ignore[union-attr]
        read = await mcp.call_tool("read_source", {"source": passage["source"], "collection": passage["collection"]})
        assert read.structured_content is not None and read.structured_content["next"] is None
        assert BONUS in read.content[0].text  # type: ignore[union-attr]
        told = await mcp.call_tool("ask", {"question": HR})
        answer = told.structured_content
        assert answer is not None and "7731" in answer["answer"] and answer["sources"][0]["title"] == "雪豹计划"
        async with caller(door.url) as http:
            stored = (await http.get(f"/chat/conversations/{answer['conversation_id']}")).json()
        assert [turn["question"] for turn in stored["turns"]] == [HR]
        leaning = await mcp.call_tool(
            "ask", {"question": "那食堂呢？几点供应午餐", "conversation_id": answer["conversation_id"]}
        )
        assert leaning.structured_content is not None and "十一点半" in leaning.structured_content["answer"]


async def test_a_long_document_is_read_page_by_page_without_a_gap(
    library: KnowledgeBase, rag: RagSettings, tmp_path: Path
) -> None:
    async with web_door(library, tmp_path, rag=rag) as door, client(door.url) as mcp:
        numbers, texts, start, pages = [], "", 1, 0
        while start:
            page = await mcp.call_tool("read_source", {"source": "long.md", "collection": "open", "start": start})
            data = page.structured_content
            assert data is not None
            numbers += [each["number"] for each in data["passages"]]
            texts += "".join(each["heading_path"] for each in data["passages"])
            start, pages = data["next"], pages + 1
        assert pages > 1 and numbers == list(range(1, data["passages_in_all"] + 1))
        assert "第 1 节" in texts and "第 30 节" in texts
        beyond = await mcp.call_tool("read_source", {"source": "long.md", "collection": "open", "start": 10_000})
        assert beyond.is_error and "passages" in beyond.content[0].text  # type: ignore[union-attr]


async def test_what_is_written_comes_as_progress_before_the_result(tmp_path: Path) -> None:
    answer = "出差结束后十五个自然日内提交报销单，逾期需要部门负责人说明原因，" * 4
    library, pieces = ScriptedLibrary(), []
    library.on(HR, telling(f"{answer}[1]", citations=(1,)))

    async def progress(_written: float, _total: float | None, message: str | None) -> None:
        pieces.append(message or "")

    async with web_door(library, tmp_path) as door, client(door.url) as mcp:
        told = await mcp.call_tool("ask", {"question": HR}, progress_callback=progress)
    assert told.structured_content is not None and told.structured_content["answer"] == f"{answer}[1]"
    assert len(pieces) > 1 and answer.startswith("".join(pieces)[:100])


async def test_what_cannot_be_done_is_said_with_what_to_do(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    library.on(HR, dying(ModelTimeout("The model did not answer within 30 s.")))
    async with web_door(library, tmp_path) as door, client(door.url) as mcp:

        async def error(tool: str, **arguments: Any) -> str:
            result = await mcp.call_tool(tool, arguments)
            assert result.is_error
            text: str = result.content[0].text  # type: ignore[union-attr]
            return text

        assert "query: Field required" in await error("search")
        assert "limit" in await error("search", query="年假", limit=99)
        assert "more than white space" in await error("ask", question="  ")
        assert "no such document" in await error("read_source", source="nowhere.md")
        assert "no such collection" in (await error("search", query="年假", collections=["nowhere"])).lower()
        assert "did not answer within 30 s" in await error("ask", question=HR)
        with pytest.raises(MCPError, match="no tool 'shell'"):
            await mcp.call_tool("shell", {})


async def test_a_key_gets_no_more_than_it_may_see(library: KnowledgeBase, rag: RagSettings, tmp_path: Path) -> None:
    keys = [key("plain"), key("hr", collections=["hr"]), key("slow", rate_per_min=1)]
    keys += [key("person", person="ou_pay"), key("other", person="ou_other")]
    settings = BotSettings.model_validate({"api_keys": keys, "access": {"people": {"ou_pay": ["hr", "open"]}}})
    sees = {"plain": False, "hr": True, "person": True, "other": False}
    async with web_door(library, tmp_path, settings, rag=rag) as door:
        for name, may in sees.items():
            async with client(door.url, name) as mcp:
                for tool, arguments in (
                    ("search", {"query": HR}),
                    ("ask", {"question": HR}),
                    ("read_source", {"source": "pay.md", "collection": "hr"}),
                    ("search", {"query": HR, "collections": ["hr"]}),
                ):
                    told = await mcp.call_tool(tool, arguments)
                    whole = told.model_dump_json()
                    assert ("7731" in whole) == may, (name, tool, whole)
                assert ("hr" in str((await mcp.list_tools()).tools[0].description)) == may
        async with client(door.url, "slow") as mcp:
            assert not (await mcp.call_tool("search", {"query": OPEN})).is_error
            refused = await mcp.call_tool("search", {"query": OPEN})
            assert refused.is_error and "1 questions a minute" in refused.content[0].text  # type: ignore[union-attr]
        async with caller(door.url) as http:
            for headers in ({}, {"Authorization": "Bearer unknown"}):
                assert (await http.post("/mcp", json={}, headers=headers)).status_code == 401
        async with caller(door.url, headers={"Authorization": "Bearer plain"}) as http:
            assert (await http.get("/mcp")).status_code == 405


async def test_who_hangs_up_stops_the_answer(tmp_path: Path) -> None:
    library, gate = ScriptedLibrary(), Gate(["第一句。", "第二句。"])
    library.on(HR, gate.script)
    async with web_door(library, tmp_path) as door:
        async with client(door.url) as mcp:
            asking = asyncio.create_task(mcp.call_tool("ask", {"question": HR}))
            for _ in range(2):
                gate.open()
            async with asyncio.timeout(DEADLINE_S):
                await until(lambda: library.asked)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(DEADLINE_S):
            await gate.closed.wait()
        await door.turns.settle()
        async with caller(door.url) as http:
            told = (await http.get("/admin/api/turns")).json()["turns"]
        assert [(each["outcome"], each["asker"]) for each in told] == [("stopped", "local")]


async def test_a_persons_key_opens_what_they_may_open_on_the_platform_and_the_record_names_them(stage: Stage) -> None:
    house = House(stage)
    keys = [
        {"hash": hashlib.sha256(name.encode()).hexdigest(), "name": name, "person": person}
        for name, person in (("carla", CARLA), ("dan", DAN))
    ]
    keys.append({"hash": hashlib.sha256(b"admin").hexdigest(), "name": "boss", "admin": True})
    bot = await house.bot(BOT__API_KEYS=json.dumps(keys))
    for name, may in (("carla", True), ("dan", False)):
        async with client(bot.web, name) as mcp:
            for tool, arguments in (("search", {"query": ABOUT_SECRET}), ("ask", {"question": ABOUT_SECRET})):
                told = await mcp.call_tool(tool, arguments)
                assert (SECRET in told.model_dump_json()) == may, (name, tool)
    async with caller(bot.web, headers={"Authorization": "Bearer admin"}) as http:
        shown = (await http.get("/admin/api/shown", params={"person": CARLA})).json()["shown"]
        assert house.secret.obj_token in {each["source"].removeprefix("feishu:") for each in shown}
        asked = (await http.get("/admin/api/turns")).json()["turns"]
        assert {each["asker"] for each in asked} == {CARLA, DAN}


async def test_without_the_sdk_the_address_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ImportError("mcp")

    monkeypatch.setattr("bot.web.mcp.endpoint._import_sdk", missing)
    async with web_door(ScriptedLibrary(), tmp_path) as door, caller(door.url) as http:
        told = await http.post("/mcp", json={})
    assert told.status_code == 501 and "feishu-rag[mcp]" in told.json()["error"]["what_to_do"]
