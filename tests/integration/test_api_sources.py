"""Opening a source: the whole passage with its place and what the answer leans on, for whoever may see the answer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from bot.settings import ApiKey, BotSettings
from bot.storage.tables import traces
from rag.documents import Place
from rag.events import Retrieved
from tests.integration.test_api_keys import client, hashed
from tests.support.scripted_library import ScriptedLibrary, passages, telling
from tests.support.web_door import WebDoor, web_door

QUESTION = "出差回来多久内要报销？"
ANSWER = "请在出差结束后 15 个自然日内提交报销单 [1]。发票抬头要与公司名称一致。[2]"
LONG = (
    "# 差旅报销制度\n\n本制度适用于全体员工，由财务部解释。" + "凡例行文，" * 40 + "\n\n"
    "出差结束后 15 个自然日内提交报销单，逾期需部门负责人说明原因。\n\n"
    "| 级别 | 标准 |\n|---|---|\n| 一线城市 | 600 元 |"
)


def retrieved() -> Retrieved:
    found = passages(
        ("差旅报销制度", ("差旅报销制度", "三、时限"), LONG),
        ("财务常见问题", (), "发票抬头必须与公司名称一致。食堂在二楼。"),
    )
    first, second = found.passages
    placed = replace(first.chunk, place=Place("page", "3"), collection="default")
    return replace(found, passages=(replace(first, chunk=placed), second))


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WebDoor]:
    library = ScriptedLibrary()
    library.on(QUESTION, telling(ANSWER, retrieved=retrieved(), citations=(1, 2)))
    keys = [
        hashed("owner"),
        ApiKey(hash=hashed("reader"), name="reader", collections=["default"]),
        ApiKey(hash=hashed("other"), name="other"),
    ]
    async with web_door(library, tmp_path, BotSettings(api_keys=keys, web_host="0.0.0.0")) as door:
        yield door


async def asked(http: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await http.post("/chat", json={"question": QUESTION})).raise_for_status().json())


async def test_a_source_opens_whole_with_its_place_and_what_the_answer_leans_on(door: WebDoor) -> None:
    async with client(door, "reader") as http:
        answer = await asked(http)
        assert len(answer["sources"][0]["text"]) == 200
        told = (await http.get(f"/chat/{answer['answer_id']}/sources/1")).json()
        other = (await http.get(f"/chat/{answer['answer_id']}/sources/2")).json()
    assert told["text"] == LONG and told["is_whole"] is True
    assert (told["title"], told["heading_path"]) == ("差旅报销制度", "三、时限")
    assert told["place"] == {"kind": "page", "name": "3"} and other["place"] is None
    assert told["highlights"] == ["出差结束后 15 个自然日内提交报销单，逾期需部门负责人说明原因。"]
    assert other["highlights"] == ["发票抬头必须与公司名称一致。"]
    assert (told["read"], told["left_out"]) == ("2 sheets", ["3 hidden rows were left out"])
    assert (other["read"], other["left_out"]) == ("1 sheet", [])
    assert (told["id"], told["number"], told["collection"]) == (f"{answer['answer_id']}.1", 1, "default")


async def test_what_is_not_there_or_not_yours_is_not_found(door: WebDoor) -> None:
    async with client(door, "reader") as http, client(door, "other") as stranger:
        answer = await asked(http)
        address = f"/chat/{answer['answer_id']}/sources/"
        assert [(await http.get(f"{address}{number}")).status_code for number in (3, 0, 1000, "x")] == [
            404,
            422,
            422,
            422,
        ]
        assert (await http.get("/chat/a0/sources/1")).status_code == 404
        assert (await stranger.get(f"{address}1")).status_code == 404


async def test_a_key_that_has_lost_the_collection_does_not_open_it(door: WebDoor, tmp_path: Path) -> None:
    async with client(door, "reader") as http:
        answer = await asked(http)
    narrowed = ApiKey(hash=hashed("reader"), name="reader", collections=["finance"])
    async with (
        web_door(
            ScriptedLibrary(), tmp_path, BotSettings(api_keys=[hashed("owner"), narrowed], web_host="0.0.0.0")
        ) as later,
        client(later, "reader") as http,
    ):
        refused = await http.get(f"/chat/{answer['answer_id']}/sources/1")
    assert refused.status_code == 403 and "出差" not in refused.text


async def test_once_the_trace_is_forgotten_the_beginning_is_left_and_said_to_be_one(door: WebDoor) -> None:
    async with client(door, "reader") as http:
        answer = await asked(http)
        await door.tracing.settle()
        await door.database.write(lambda connection: connection.execute(delete(traces)))
        told = (await http.get(f"/chat/{answer['answer_id']}/sources/1")).json()
    assert told["is_whole"] is False
    assert told["text"] == answer["sources"][0]["text"]
