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
from rag.documents import Chunk, Place
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


async def test_sources_tell_their_place_and_a_link_that_opens_there(door: WebDoor) -> None:
    async with client(door, "reader") as http:
        first, second = (await asked(http))["sources"]
    assert first["place"] == {"kind": "page", "name": "3"} and second["place"] is None
    assert first["link_at_place"] == f"{first['link']}#page=3"
    assert second["link_at_place"] == second["link"] == "https://wiki.example.com/x"


def indexed(door: WebDoor, *parts: tuple[tuple[str, ...], str], reach_back: int = 0) -> None:
    """Puts a document of these parts into the index, under the name of the answer's first source."""
    chunks: list[Chunk] = []
    at = 0
    for number, (headings, text) in enumerate(parts, 100):
        goes_on = bool(chunks) and chunks[-1].headings == headings
        start = max(0, at - reach_back * goes_on)
        before = chunks[-1].text[len(chunks[-1].text) - (at - start) :] if chunks and at > start else ""
        chunks.append(Chunk(number, "finance/1.md", "差旅报销制度", headings, before + text, start, at + len(text)))
        at += len(text)
    library = door.turns.library
    assert isinstance(library, ScriptedLibrary)
    library.texts["default", "finance/1.md"] = tuple(chunks)


async def test_the_whole_text_is_given_with_the_passage_marked_in_it(door: WebDoor) -> None:
    path = ("差旅报销制度", "三、时限")
    half = LONG.index("出差结束后")
    indexed(
        door,
        (("差旅报销制度",), "总则在前。"),
        (path, LONG[:half]),
        (path, LONG[half:]),
        (("附则",), "食堂。"),
        reach_back=3,
    )
    async with client(door, "reader") as http, client(door, "other") as stranger:
        answer = await asked(http)
        address = f"/chat/{answer['answer_id']}/sources/1/text"
        told = (await http.get(address)).json()
        assert (await stranger.get(address)).status_code == 404
        assert (await http.get(address.replace("/1/", "/2/"))).status_code == 404
    assert [part["is_passage"] for part in told["parts"]] == [False, True, True, False]
    assert "".join(part["text"] for part in told["parts"]) == f"总则在前。{LONG}食堂。"
    assert told["parts"][1]["headings"] == list(path)
    assert (told["has_passage"], told["is_cut"], told["title"]) == (True, False, "差旅报销制度")


async def test_a_long_document_is_cut_around_the_passage_and_a_changed_one_says_so(door: WebDoor) -> None:
    path = ("差旅报销制度", "三、时限")
    filler = [(("别处", str(number)), "字" * 1_000) for number in range(500)]
    indexed(door, *filler, (path, LONG), *filler)
    async with client(door, "reader") as http:
        answer = await asked(http)
        address = f"/chat/{answer['answer_id']}/sources/1/text"
        told = (await http.get(address)).json()
        assert told["is_cut"] and told["has_passage"] and 190 < len(told["parts"]) < 210
        assert told["parts"][len(told["parts"]) // 2]["is_passage"]
        indexed(door, (path, "全改过了。"))
        changed = (await http.get(address)).json()
    assert not changed["has_passage"] and changed["parts"][0]["text"] == "全改过了。"


@pytest.mark.parametrize(
    ("name", "content", "kind", "disposition"),
    [
        ('制度 a;b".pdf', b"%PDF-1.7 x", "application/pdf", "inline"),
        ("a.pdf", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.docx", b"PK\x03\x04" + b"x" * 5_000, "application/octet-stream", "attachment"),
    ],
)
async def test_the_file_is_given_as_it_is_and_only_a_pdf_is_shown(
    tmp_path: Path, name: str, content: bytes, kind: str, disposition: str
) -> None:
    library = ScriptedLibrary()
    found = retrieved()
    [first, second] = found.passages
    renamed = replace(first, chunk=replace(first.chunk, source=f"../{name}"))
    library.on(QUESTION, telling(ANSWER, retrieved=replace(found, passages=(renamed, second)), citations=(1,)))
    library.files["default", f"../{name}"] = content
    async with web_door(library, tmp_path) as door, httpx.AsyncClient(base_url=door.url) as http:
        answer = await asked(http)
        source = (await http.get(f"/chat/{answer['answer_id']}/sources/1")).json()
        given = await http.get(source["original"])
        gone = await http.get(f"/chat/{answer['answer_id']}/sources/2/file")
    assert source["original"].endswith("/file#page=3") == name.endswith(".pdf")
    assert (given.status_code, given.content, given.headers["content-type"]) == (200, content, kind)
    assert given.headers["content-disposition"].startswith(f"{disposition}; filename*=UTF-8''")
    assert not set('"; /').intersection(given.headers["content-disposition"].partition("''")[2])
    assert given.headers["x-content-type-options"] == "nosniff" and "no-store" in given.headers["cache-control"]
    assert ("sandbox" in given.headers.get("content-security-policy", "")) == (disposition == "attachment")
    assert gone.status_code == 404 and "not there any more" in gone.text


async def test_a_file_is_for_the_keys_that_see_its_collection_and_only_where_that_is_set(
    door: WebDoor, tmp_path: Path
) -> None:
    library = door.turns.library
    assert isinstance(library, ScriptedLibrary)
    library.files["default", "finance/1.md"] = b"# all of it"
    async with client(door, "reader") as http, client(door, "other") as stranger:
        answer = await asked(http)
        address = f"/chat/{answer['answer_id']}/sources/1/file"
        assert (await http.get(address)).content == b"# all of it"
        assert (await stranger.get(address)).status_code == 404
        async with httpx.AsyncClient(base_url=door.url) as nobody:
            assert (await nobody.get(address)).status_code == 401
    for settings in (
        BotSettings(
            api_keys=[hashed("owner"), ApiKey(hash=hashed("reader"), name="reader", collections=["finance"])],
            web_host="0.0.0.0",
        ),
        BotSettings(
            api_keys=[hashed("owner"), ApiKey(hash=hashed("reader"), name="reader")],
            web_host="0.0.0.0",
            web_files=False,
        ),
    ):
        async with web_door(library, tmp_path, settings) as later, client(later, "reader") as http:
            assert (await http.get(address)).status_code == 403
            opened = await http.get(f"/chat/{answer['answer_id']}/sources/1")
            assert opened.status_code == 403 or opened.json()["original"] is None


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
