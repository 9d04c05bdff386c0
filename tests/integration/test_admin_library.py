"""/admin on documents over HTTP: files come and go, an ingest runs as a job and survives, answers change, a search."""

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from feishu.sandbox.server.uploads import take_upload
from rag.index.base.manifest import writing
from tests.integration.conftest import ALICE, Stage
from tests.integration.test_people_conversation import private_chat
from tests.support.bot_process import BotProcess
from tests.support.caller import caller
from tests.support.feishu_content import SPACE

FERRY = "渡轮每天几点开？"
TIMETABLE = "# 渡轮\n\n渡轮每天早上八点十五分从西码头开。\n"


@dataclass
class Shelf:
    """A bot with folders of its own, and its admin."""

    stage: Stage
    handbook: Path
    closed: Path

    async def bot(self, **more: str) -> BotProcess:
        collections = {"hr": {"folders": [str(self.closed)]}, "default": {"public": True}}
        return await self.stage.bot(
            RAG__INDEX_DIR=str(self.stage.folder / "own-index"),
            RAG__KNOWLEDGE=json.dumps([str(self.handbook)]),
            RAG__COLLECTIONS=json.dumps(collections),
            **more,
        )


@pytest.fixture
def shelf(stage: Stage) -> Shelf:
    handbook, closed = stage.folder / "handbook", stage.folder / "closed"
    for folder in (handbook, closed):
        folder.mkdir()
    (handbook / "travel.md").write_text("# 差旅\n\n出差结束后十五天内报销。\n", "utf-8")
    (closed / "pay.md").write_text("# 薪酬\n\n年终奖三个月。\n", "utf-8")
    return Shelf(stage, handbook, closed)


@contextlib.asynccontextmanager
async def admin_of(bot: BotProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(bot.web) as http:
        yield http


async def put(http: httpx.AsyncClient, name: str, content: bytes, part: int = 7, **more: Any) -> httpx.Response:
    """Sends a file in parts of so many bytes, up to the first that is refused."""
    params = {"collection": "default", "name": name, "token": secrets.token_hex(16), "size": len(content), **more}
    for offset in range(0, max(1, len(content)), part):
        piece = content[offset : offset + part]
        reply = await http.post("/admin/api/library/upload", params={**params, "offset": offset}, content=piece)
        if reply.status_code != 200:
            break
    return reply


async def read(http: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    """Asks for an ingest and waits for its end."""
    reply = await http.post("/admin/api/library/ingest", json=wanted)
    assert reply.json() == {"accepted": True}, reply.text
    return await ended(http)


async def ended(http: httpx.AsyncClient) -> dict[str, Any]:
    """The newest ingest, once it has ended. The store tells nobody about an end, so it is asked again and again."""
    async with asyncio.timeout(60):
        while (run := (await runs(http))[0])["ended_at"] is None:
            await asyncio.sleep(0)
    return run


async def runs(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (await http.get("/admin/api/library/ingest")).raise_for_status().json()["runs"]
    return told


async def listed(http: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    reply = await http.get("/admin/api/library", params=params)
    return dict(reply.raise_for_status().json())


async def answer(http: httpx.AsyncClient, question: str) -> str:
    return str((await http.post("/chat", json={"question": question})).raise_for_status().json()["answer"])


async def test_a_file_that_is_put_read_and_removed_changes_the_answer(shelf: Shelf) -> None:
    bot = await shelf.bot()
    async with admin_of(bot) as http:
        told = await listed(http)
        assert {(row["source"], row["state"]) for row in told["documents"]} == {
            ("travel.md", "waiting"),
            ("pay.md", "waiting"),
        }
        assert "There is no index" in told["trouble"][0]
        first = await read(http)
        assert (first["state"], first["report"]["new"], first["started_by"]) == ("done", 2, "local")
        before = (await http.post("/admin/api/library/search", json={"question": FERRY})).json()
        assert before["evidence"] == "none" and "八点十五分" not in await answer(http, FERRY)

        assert (await put(http, "渡轮.md", TIMETABLE.encode())).json()["name"] == "渡轮.md"
        assert (shelf.handbook / "渡轮.md").read_text("utf-8") == TIMETABLE
        assert [each.name for each in shelf.handbook.iterdir() if each.name.startswith(".")] == []
        waiting = await listed(http, state="waiting")
        assert [row["source"] for row in waiting["documents"]] == ["渡轮.md"]
        second = await read(http)
        assert (second["report"]["new"], second["report"]["unchanged"]) == (1, 2)
        after = (await http.post("/admin/api/library/search", json={"question": FERRY})).json()
        [found, *_] = after["passages"]
        assert after["evidence"] != "none" and found["source"] == "渡轮.md" and found["lexical_rank"] == 1
        assert after["signals"]["match"] > after["signals"]["floors"]["match"] > before["signals"]["match"]
        assert "渡轮每天" in {found["text"][start:end] for start, end in found["spans"]}
        assert "八点十五分" in await answer(http, FERRY)
        [row] = (await listed(http, words="渡轮"))["documents"]
        assert (row["state"], row["passages"], row["answers"]) == ("read", 1, 1) and row["edited_at"] > 0
        shown = (await http.get("/admin/api/library/passages", params=row | {"page": 1})).json()
        assert shown["count"] == 1 and "八点十五分" in shown["passages"][0]["text"]

        gone = {"collection": "default", "source": "渡轮.md"}
        assert (await http.post("/admin/api/library/remove", json=gone)).status_code == 200
        assert not (shelf.handbook / "渡轮.md").exists()
        assert [row["source"] for row in (await listed(http, state="gone"))["documents"]] == ["渡轮.md"]
        assert (await read(http))["report"]["gone"] == 1
        assert "八点十五分" not in await answer(http, FERRY)
        logged = [line for line in bot.lines if line["event"] in ("document_uploaded", "document_removed")]
        assert [(line["admin"], line["file"]) for line in logged] == [("local", "渡轮.md"), ("local", "渡轮.md")]


async def test_what_may_not_be_put_or_removed_is_refused_with_a_sentence(shelf: Shelf) -> None:
    bot = await shelf.bot(RAG__READING__MAX_FILE_MB="1")
    outside = shelf.stage.folder / "outside.md"
    outside.write_text("secret", "utf-8")
    (shelf.handbook / "link.md").symlink_to(outside)
    async with admin_of(bot) as http:
        for name, status, kind in (
            ("../x.md", 422, "FileName"),
            ("a\\b.md", 422, "FileName"),
            (".x.md", 422, "FileName"),
            ("a\u202etxt.md", 422, "FileName"),
            ("setup.exe", 415, "FileKind"),
            ("link.md", 409, "FileExists"),
            ("travel.md", 409, "FileExists"),
        ):
            reply = await put(http, name, b"content")
            assert (reply.status_code, reply.json()["error"]["type"]) == (status, kind), reply.text
        assert (await put(http, "empty.md", b"")).status_code == 422
        assert (await put(http, "large.md", b"x" * 1_000_001, part=500_000)).status_code == 413
        assert (await put(http, "x.md", b"x", folder=7)).json()["error"]["type"] == "FileFolder"
        assert (await put(http, "x.md", b"x", collection="nobody's")).json()["error"]["type"] == "FileFolder"
        assert (await put(http, "link.md", b"x", replace=True)).json()["error"]["type"] == "FileElsewhere"
        assert (await put(http, "travel.md", b"# New", replace=True)).status_code == 200
        assert (shelf.handbook / "travel.md").read_bytes() == b"# New"
        for source in ("../outside.md", str(outside), "link.md", "none.md"):
            wanted = {"collection": "default", "source": source}
            assert (await http.post("/admin/api/library/remove", json=wanted)).status_code == 409, source
        assert outside.read_text("utf-8") == "secret"
        assert sorted(each.name for each in shelf.handbook.iterdir()) == ["link.md", "travel.md"]
        [left_out] = (await listed(http, state="left_out"))["documents"]
        assert left_out["source"] == "link.md" and "is a link" in left_out["reason"]


async def test_an_ingest_waits_for_another_process_and_survives_a_kill(shelf: Shelf) -> None:
    index = shelf.stage.folder / "own-index"
    index.mkdir()
    first = await shelf.bot()
    with writing(index):
        async with admin_of(first) as http:
            told = (await http.get("/admin/api/library/ingest")).json()
            assert (told["runs"], told["other_writer"]) == ([], True)
            started = await http.post("/admin/api/library/ingest", json={})
            assert started.json() == {"accepted": True}
            before = await staged(http, "other_writer")
            assert (before["state"], before["what"]) == ("running", "all")
        await first.kill()
        second = await shelf.bot()
        async with admin_of(second) as http:
            again = await staged(http, "other_writer")
            assert again["job_id"] == before["job_id"]
            await http.post("/admin/api/library/ingest", json={})
            assert [run["state"] for run in await runs(http)] == ["queued", "running"], "one at a time"
            asked = await http.post("/admin/api/library/ingest", json={})
            assert asked.json() == {"accepted": False}, "the one that waits will see the same"
            queued = (await runs(http))[0]["job_id"]
            assert (await http.post(f"/admin/api/library/ingest/{queued}/stop")).status_code == 200
            assert (await http.post(f"/admin/api/library/ingest/{queued}/stop")).status_code == 409
    async with admin_of(second) as http:
        done = await ended(http)
        assert (done["job_id"], done["state"], done["report"]["new"]) == (before["job_id"], "done", 2)
        assert (await listed(http))["states"]["read"] == 2


async def staged(http: httpx.AsyncClient, stage: str) -> dict[str, Any]:
    """The newest ingest, once it is in a stage."""
    async with asyncio.timeout(60):
        while (run := next(iter(await runs(http)), {"stage": ""}))["stage"] != stage:
            await asyncio.sleep(0)
    return run


async def test_an_ingest_is_stopped_and_one_that_cannot_run_says_why(shelf: Shelf) -> None:
    index = shelf.stage.folder / "own-index"
    index.mkdir()
    bot = await shelf.bot()
    async with admin_of(bot) as http:
        with writing(index):
            await http.post("/admin/api/library/ingest", json={"rebuild": True})
            waiting = await staged(http, "other_writer")
            assert (await http.post(f"/admin/api/library/ingest/{waiting['job_id']}/stop")).status_code == 200
            assert (await ended(http))["state"] == "stopped"
        shelf.handbook.rename(shelf.stage.folder / "moved")
        failed = await read(http)
        assert failed["state"] == "failed" and "does not exist" in failed["reason"]
        assert "does not exist" in " ".join((await listed(http))["trouble"])


async def test_a_document_is_read_again_although_it_did_not_change(shelf: Shelf) -> None:
    store = shelf.stage.sandbox.platform.documents
    page = store.node(SPACE, "露营须知", "帐篷押金为每顶 320 元。")
    store.node(SPACE, "班车", "班车七点发车。")
    bot = await shelf.bot(RAG__LINKS=SPACE)
    async with admin_of(bot) as http:
        first = await read(http)
        assert [(link["link"], link["pages"]) for link in first["report"]["links"]] == [(SPACE, 2)]
        calls = len(shelf.stage.sandbox.calls("docx.blocks"))
        on_feishu = {"collection": "default", "source": f"feishu:{page.obj_token}"}
        again = await read(http, again=[on_feishu, {"collection": "hr", "source": "pay.md"}])
        assert (again["report"]["changed"], again["report"]["gone"], again["what"]) == (2, 0, "again")
        assert len(shelf.stage.sandbox.calls("docx.blocks")) == calls + 1
        assert (await read(http))["report"]["changed"] == 0
        [row] = (await listed(http, words="露营"))["documents"]
        assert (row["kind"], row["state"], row["may_be_removed"]) == ("feishu", "read", False)
        refused = await http.post("/admin/api/library/remove", json=on_feishu)
        assert refused.status_code == 409 and "rag.links" in refused.json()["error"]["message"]


async def test_files_of_a_chat_are_in_no_list_and_closed_collections_are_searched_by_choice(shelf: Shelf) -> None:
    bot = await shelf.bot()
    stage = shelf.stage
    async with admin_of(bot) as http:
        await read(http)
        content = base64.b64encode(b"# Private\n\nMy diary.").decode()
        key = take_upload(stage.sandbox.world, ALICE, "diary.md", content, "text/markdown").key
        raw = json.dumps({"file_key": key, "file_name": "diary.md"})
        chat = private_chat(stage)
        await stage.sandbox.say(chat, ALICE, kind="file", content=raw)
        await bot.logged("job_ended", times=2)
        await stage.closed(await stage.ask("diary 里写了什么？", chat=chat, mention=False))
        told = await listed(http)
        assert {row["source"] for row in told["documents"]} == {"travel.md", "pay.md"}
        asked = {"question": "年终奖几个月？"}
        everything = (await http.post("/admin/api/library/search", json=asked)).json()["passages"]
        assert "pay.md" in {each["source"] for each in everything}
        narrow = (await http.post("/admin/api/library/search", json={**asked, "collections": ["default"]})).json()
        assert "pay.md" not in {each["source"] for each in narrow["passages"]}


async def test_documents_are_shown_to_and_changed_by_admins_alone(shelf: Shelf) -> None:
    keys = [
        {"hash": hashlib.sha256(name.encode()).hexdigest(), "name": name, "admin": name == "admin"}
        for name in ("admin", "reader")
    ]
    bot = await shelf.bot(BOT__API_KEYS=json.dumps(keys))
    document = {"collection": "default", "source": "travel.md"}
    writes = (("remove", document), ("ingest", {}), ("search", {"question": "x"}), ("ingest/1/stop", None))
    for key, status in (("", 401), ("reader", 403)):
        async with caller(bot.web, headers={"Authorization": f"Bearer {key}"} if key else {}) as http:
            for path in ("", "/collections", "/ingest", "/passages?collection=default&source=travel.md"):
                assert (await http.get(f"/admin/api/library{path}")).status_code == status, path
            for path, body in writes:
                assert (await http.post(f"/admin/api/library/{path}", json=body)).status_code == status, path
            assert (await put(http, "x.md", b"x")).status_code == status
    assert (shelf.handbook / "travel.md").exists() and not (shelf.handbook / "x.md").exists()
    async with caller(bot.web, headers={"Authorization": "Bearer admin"}) as http:
        assert (await put(http, "x.md", b"x")).status_code == 200
        assert (await read(http))["started_by"] == "admin"
