"""/admin over HTTP: who may see it, login with the sandbox platform, figures, gaps, traces, exports."""

import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from bot.repositories.analytics import Analytics
from bot.repositories.erasure import erase
from bot.repositories.token_usage import TokenUsage
from bot.settings import ApiKey, BotSettings
from bot.storage.tables import turns
from bot.web.admin.routes import GROUNDS
from bot.web.failed_attempts import FREE
from feishu.clock import SystemClock
from feishu.sandbox import Sandbox, SandboxSettings, running
from rag.events import ModelCall, Usage
from tests.support.caller import caller
from tests.support.scripted_library import ScriptedLibrary, refusing, telling, turning_down
from tests.support.seeded_store import reply, seed
from tests.support.web_door import WebDoor, web_door

ALICE, BOB = "ou_linxiaoman", "ou_zhouming"
WEB = "https://kb.example.com"


def hashed(key: str) -> SecretStr:
    return SecretStr(hashlib.sha256(key.encode()).hexdigest())


ASKED_AS = {"person": BOB, "question": "出差回来多久内要报销？"}
KEYS = [hashed("owner"), ApiKey(hash=hashed("reader"), name="reader")]


@dataclass
class Locked:
    """A door with keys and login, and the platform that people log in with."""

    door: WebDoor
    platform: str

    def browser(self, key: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return caller(self.door.url, headers=headers)

    async def log_in(self, http: httpx.AsyncClient, person: str) -> httpx.Response:
        """As a browser would: to the platform, choose who one is, and back."""
        begun = await http.get("/admin/login")
        carry(http, begun)
        async with caller() as platform:
            back = await platform.get(f"{begun.headers['location']}&sandbox_person={person}")
        address = urlsplit(back.headers["location"])
        ended = await http.get(f"{address.path}?{address.query}")
        carry(http, ended)
        return ended


def carry(http: httpx.AsyncClient, answer: httpx.Response) -> None:
    """Cookies are Secure because the address is https; the test speaks http."""
    for line in answer.headers.get_list("set-cookie"):
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0].strip('"')
        if value:
            http.cookies.set(name, value)


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Locked]:
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        settings = BotSettings(
            api_keys=KEYS, web_url=WEB, admins=[ALICE], admin_tenant="sandbox_tenant", web_host="0.0.0.0"
        )
        async with web_door(
            ScriptedLibrary(),
            tmp_path,
            settings,
            feishu={"base_url": platform},
            before=lambda db: seed(db, time.time()),
        ) as door:
            yield Locked(door, platform)


async def test_a_key_opens_it_only_when_it_may(locked: Locked) -> None:
    async with locked.browser("owner") as http:
        assert (await http.get("/admin/api/overview")).status_code == 200
    async with locked.browser("reader") as http:
        assert (await http.get("/admin/api/overview")).status_code == 403
    async with locked.browser() as http:
        assert (await http.get("/admin")).status_code == 200
        paths = ["overview", "library", "turns", "turns/t1", "gaps", "gaps/x/draft.md", "export.csv", "export.json"]
        paths += ["shown", "shown.csv", "access", "access/verdict?person=ou_x&document=y"]
        for path in paths:
            assert (await http.get(f"/admin/api/{path}")).status_code == 401, path
        assert (await http.post("/admin/api/access/ask", json=ASKED_AS)).status_code == 401
        me = await http.get("/admin/api/me")
    assert (me.status_code, me.json()["login"]) == (401, True)


async def test_an_admin_logs_in_writes_with_the_token_and_logs_out(locked: Locked) -> None:
    async with locked.browser() as http:
        ended = await locked.log_in(http, ALICE)
        assert (ended.status_code, ended.headers["location"]) == (302, "/admin")
        cookie = next(line for line in ended.headers.get_list("set-cookie") if line.startswith("feishu_rag_admin="))
        assert {"httponly", "secure", "samesite=lax", "path=/admin"} <= set(cookie.lower().split("; "))
        me = (await http.get("/admin/api/me")).json()
        assert (me["name"], me["how"]) == ("林小满", "feishu")
        gap = (await http.get("/admin/api/gaps")).json()["gaps"][0]
        path = f"/admin/api/gaps/{gap['id']}/settle"
        assert (await http.post(path)).status_code == 403
        for wrong in (b"wrong", "错".encode(), b"\xff\xfe", b"x" * 9000):
            assert (await http.post(path, headers={b"X-CSRF-Token": wrong})).status_code == 403
        assert (await http.post(path, headers={"X-CSRF-Token": me["csrf"]})).status_code == 200
        assert gap["id"] not in [left["id"] for left in (await http.get("/admin/api/gaps")).json()["gaps"]]
        assert (await http.post("/admin/api/access/ask", json=ASKED_AS)).status_code == 403
        headers = {"X-CSRF-Token": me["csrf"]}
        assert (await http.post("/admin/api/access/ask", json=ASKED_AS, headers=headers)).status_code == 200
        [row] = (await http.get("/admin/api/shown", params={"person": BOB, "document": "finance/1"})).json()["shown"]
        assert (row["asker"], row["asked_as"]) == (ALICE, BOB), "also where rights are off"
        assert (await http.post("/admin/logout")).status_code == 403
        left = await http.post("/admin/logout", headers={"X-CSRF-Token": me["csrf"]})
        assert "Max-Age=0" in left.headers["set-cookie"]
        assert (await http.get("/chat/conversations/x")).status_code == 401  # a session opens /admin and nothing else


async def test_logging_out_ends_the_session_also_for_copies_of_its_cookie(locked: Locked) -> None:
    async with locked.browser() as http, locked.browser() as thief, locked.browser() as elsewhere:
        await locked.log_in(http, ALICE)
        await locked.log_in(elsewhere, ALICE)
        thief.cookies.update(http.cookies)
        assert (await thief.get("/admin/api/overview")).status_code == 200
        csrf = (await http.get("/admin/api/me")).json()["csrf"]
        assert (await http.post("/admin/logout", headers={"X-CSRF-Token": csrf})).status_code == 200
        assert (await thief.get("/admin/api/overview")).status_code == 401
        assert (await thief.post("/admin/logout", headers={"X-CSRF-Token": csrf})).status_code == 401
        assert (await elsewhere.get("/admin/api/overview")).status_code == 200, "another session of the same person"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"api_keys": KEYS[:1]}, 401),
        ({"api_keys": [*KEYS, ApiKey(hash=hashed("new"), name="new")]}, 401),
        ({"admins": [BOB]}, 401),
    ],
    ids=["nothing", "a key withdrawn", "a key added", "an admin withdrawn"],
)
async def test_sessions_outlive_a_restart_and_end_when_keys_change(
    tmp_path: Path, change: dict[str, Any], status: int
) -> None:
    settings = {"api_keys": KEYS, "web_url": WEB, "admins": [ALICE], "admin_tenant": "sandbox_tenant"}
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        how: dict[str, Any] = {"feishu": {"base_url": platform}}
        async with web_door(ScriptedLibrary(), tmp_path, BotSettings(**settings), **how) as door:
            locked = Locked(door, platform)
            async with locked.browser() as http:
                await locked.log_in(http, ALICE)
                cookies = http.cookies
                assert (await http.get("/admin/api/me")).status_code == 200
        changed = BotSettings(**(settings | change))
        async with web_door(ScriptedLibrary(), tmp_path, changed, **how) as door, caller(door.url) as http:
            http.cookies.update(cookies)
            assert (await http.get("/admin/api/me")).status_code == status


async def test_documents_are_changed_only_with_the_token_of_the_page(locked: Locked) -> None:
    part = {"collection": "default", "name": "x.md", "token": "0" * 32, "size": "1"}
    document = {"collection": "default", "source": "x.md"}
    async with locked.browser() as http:
        await locked.log_in(http, ALICE)
        assert (await http.get("/admin/api/library")).status_code == 200
        upload = await http.post("/admin/api/library/upload", params=part, content=b"x")
        assert upload.status_code == 403
        bodies: dict[str, Any] = {"remove": document, "ingest": {}, "ingest/1/stop": None, "search": {"question": "?"}}
        for path, body in bodies.items():
            assert (await http.post(f"/admin/api/library/{path}", json=body)).status_code == 403, path
        headers = {"X-CSRF-Token": (await http.get("/admin/api/me")).json()["csrf"]}
        started = await http.post("/admin/api/library/ingest", json={}, headers=headers)
        assert started.json() == {"accepted": True}
        [run] = (await http.get("/admin/api/library/ingest")).json()["runs"]
        assert (run["state"], run["started_by"]) == ("queued", ALICE)


async def test_failed_logins_are_slowed(locked: Locked) -> None:
    async with locked.browser() as http:
        answers = [await http.get("/admin/login/callback?code=x&state=forged") for _ in range(FREE + 2)]
        assert [answer.status_code for answer in answers] == [302] * (FREE + 1) + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1


async def test_strangers_and_forged_returns_are_refused(locked: Locked) -> None:
    async with locked.browser() as http:
        assert (await locked.log_in(http, BOB)).headers["location"] == "/admin?login=stranger"
        assert (await http.get("/admin/api/overview")).status_code == 401
        begun = await http.get("/admin/login")
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [f"{WEB}/admin/login/callback"]
        carry(http, begun)
        for query in (
            "code=x&state=forged",
            "code=x",
            "",
            f"state={asked['state'][0]}",
            f"code=x&state={asked['state'][0]}",
        ):
            back = await http.get(f"/admin/login/callback?{query}")
            assert back.headers["location"].startswith("/admin?login="), query
            assert "feishu_rag_admin=" not in back.headers.get("set-cookie", "")
    async with locked.browser() as other:  # a code and state of somebody else's browser
        back = await other.get(f"/admin/login/callback?code=x&state={asked['state'][0]}")
    assert back.headers["location"] == "/admin?login=state"


async def test_another_organisation_is_refused(tmp_path: Path) -> None:
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        settings = BotSettings(api_keys=KEYS, web_url=WEB, admins=[ALICE], admin_tenant="another")
        async with web_door(ScriptedLibrary(), tmp_path, settings, feishu={"base_url": platform}) as door:
            locked = Locked(door, platform)
            async with locked.browser() as http:
                assert (await locked.log_in(http, ALICE)).headers["location"] == "/admin?login=stranger"


@pytest.mark.parametrize("cookie", ["x", "x.y", "e30=.", ".", "é.é"])
async def test_a_forged_cookie_is_no_session(locked: Locked, cookie: str) -> None:
    async with locked.browser() as http:
        headers = {b"Cookie": f"feishu_rag_admin={cookie}".encode()}
        assert (await http.get("/admin/api/overview", headers=headers)).status_code == 401


async def test_figures_add_up(locked: Locked) -> None:
    async with locked.browser("owner") as http:
        told = (await http.get("/admin/api/overview?days=40")).json()
        assert told["asked"] == sum(told["outcomes"].values()) == 240
        assert told["outcomes"]["no_evidence"] == sum(row["no_evidence"] for row in told["by_day"])
        assert told["votes"]["down"] == sum(told["reasons"].values()) > 0
        assert told["documents"][0]["down"] >= told["documents"][-1]["down"]
        assert told["first_token_s"]["p50"] <= told["first_token_s"]["p95"]
        failed = (await http.get("/admin/api/turns?days=40&outcome=failed")).json()
        assert failed["count"] == told["outcomes"]["failed"]
        for wrong in ("days=0", "days=x", "days=999999"):
            assert (await http.get(f"/admin/api/overview?{wrong}")).status_code == 422


async def test_people_are_named_and_the_models_cost_stands_beside_its_budget(tmp_path: Path) -> None:
    async with running(Sandbox(SandboxSettings(app_secret="s"))) as platform:
        settings = BotSettings(
            api_keys=[ApiKey(hash=hashed("alice"), name="alice", person=ALICE), *KEYS], monthly_tokens=1_000
        )
        library = ScriptedLibrary()
        library.otherwise = refusing()
        async with web_door(library, tmp_path, settings, feishu={"base_url": platform}) as door:
            headers = {"Authorization": "Bearer alice"}
            async with caller(door.url, headers=headers) as http:
                answer = (await http.post("/chat", json={"question": "食堂几点开门？"})).json()
                await http.post(f"/chat/{answer['answer_id']}/feedback", json={"vote": "down"})
            usage = TokenUsage(door.database, clock=SystemClock())
            usage.note(ModelCall("answer", "qwen-plus", Usage(700, 50)))
            await usage.flush()
            [asked] = await Analytics(door.database, clock=SystemClock()).questions(1)
            await reply(door.database, asked.turn_id, asked.question, "九点。", BOB)
            async with caller(door.url, headers={"Authorization": "Bearer owner"}) as http:
                listed = (await http.get("/admin/api/turns")).json()
                [row] = listed["turns"]
                assert listed["names"] == {ALICE: "林小满"} and row["asker"] == ALICE
                turn = (await http.get(f"/admin/api/turns/{row['turn_id']}")).json()
                assert turn["names"] == {ALICE: "林小满"} and turn["answers"][0]["votes"][0]["voter"] == ALICE
                assert (await http.get("/admin/api/gaps")).json()["names"] == {BOB: "周明"}
                tokens = (await http.get("/admin/api/overview")).json()["tokens"]
        assert (tokens["spent"], tokens["budget"]) == (750, 1_000)
        [spent] = tokens["by_day"]
        assert (spent["model"], spent["purpose"]) == ("qwen-plus", "answer")
        assert (spent["prompt"], spent["completion"]) == (700, 50)


async def test_gaps_are_clustered_with_drafts(locked: Locked) -> None:
    async with locked.browser("owner") as http:
        gaps = (await http.get("/admin/api/gaps?days=40")).json()["gaps"]
        assert 3 <= len(gaps) <= 4 and gaps[0]["count"] > 1
        draft = await http.get(f"/admin/api/gaps/{gaps[0]['id']}/draft.md?days=40")
        assert draft.headers["content-type"].startswith("text/markdown") and gaps[0]["question"] in draft.text
        assert (await http.get("/admin/api/gaps/nothing/draft.md")).status_code == 404


async def test_what_owners_replied_stands_beside_the_gap_and_begins_its_draft(locked: Locked) -> None:
    async with locked.browser("owner") as http:
        before = (await http.get("/admin/api/gaps?days=40")).json()["gaps"]
        assert all(gap["replies"] == [] for gap in before)
        turn_id = before[0]["turns"][0]
        await reply(locked.door.database, f"{turn_id}.1", before[0]["question"], "周六开到两点。", BOB)
        [gap, *others] = (await http.get("/admin/api/gaps?days=40")).json()["gaps"]
        assert [(each["text"], each["by"]) for each in gap["replies"]] == [("周六开到两点。", BOB)]
        assert gap["replies"][0]["at"] > gap["last_at"]
        assert all(other["replies"] == [] for other in others)
        draft = (await http.get(f"/admin/api/gaps/{gap['id']}/draft.md?days=40")).text
        assert "\n周六开到两点。\n" in draft.partition("## 回答")[2]
        rows = (await http.get("/admin/api/export.json?days=40")).json()
        replied = [row for row in rows if row["replies"]]
        assert [(row["turn_id"], row["replies"][0]["text"]) for row in replied] == [(turn_id, "周六开到两点。")]
        assert f"周六开到两点。 ({BOB}, 20" in (await http.get("/admin/api/export.csv?days=40")).text


async def test_gaps_are_what_search_or_model_refuses_and_nothing_that_was_taken_back(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    library.on("食堂几点开门？", refusing())
    library.on("班车几点发车？", turning_down("抱歉，"))
    library.on("团建去哪里？", telling("大概去海边。", outcome="hedged"))
    library.on("宠物可以来吗？", refusing())
    async with web_door(library, tmp_path) as door, caller(door.url) as http:
        for question in list(library.scripts):
            assert (await http.post("/chat", json={"question": question})).status_code == 200
        taken_back = turns.c.question == "宠物可以来吗？"
        await door.database.write(lambda connection: erase(connection, taken_back))
        gaps = (await http.get("/admin/api/gaps")).json()["gaps"]
        assert {gap["question"] for gap in gaps} == {"食堂几点开门？", "班车几点发车？"}
        told = (await http.get("/admin/api/overview")).json()["outcomes"]
        assert (told["hedged"], told["no_evidence"]) == (1, 2)


async def test_outcome_level_and_ending_are_on_the_board_and_in_every_export(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    library.otherwise = telling("大概", outcome="hedged", ending="length", confidence=0.4, level="low")
    async with web_door(library, tmp_path) as door, caller(door.url) as http:
        answer = (await http.post("/chat", json={"question": "团建去哪里？"})).json()
        await http.post(f"/chat/{answer['answer_id']}/feedback", json={"vote": "up"})
        overview = (await http.get("/admin/api/overview")).json()
        assert overview["by_day"][-1]["hedged"] == overview["endings"]["length"] == 1
        [row] = (await http.get("/admin/api/turns?outcome=hedged")).json()["turns"]
        [exported] = (await http.get("/admin/api/export.json")).json()
        for told in (row, exported):
            assert [told[name] for name in GROUNDS] == ["hedged", 0.4, "low", "length"]
        head, line = (await http.get("/admin/api/export.csv")).text.lstrip("\ufeff").splitlines()[:2]
        cells = dict(zip(head.split(","), line.split(","), strict=True))
        assert [cells[f'"{name}"'] for name in GROUNDS] == ['"hedged"', '"0.4"', '"low"', '"length"']
        [version] = (await http.get(f"/admin/api/turns/{row['turn_id']}")).json()["answers"]
        assert [version[name] for name in GROUNDS] == ["hedged", 0.4, "low", "length"]
        assert (await http.get("/admin/api/turns?outcome=answered")).json()["count"] == 0
        [voted] = await door.feedback.export()
        assert [voted[name] for name in (*GROUNDS, "calibrated")] == ["hedged", 0.4, "low", "length", False]


async def test_a_turn_has_its_trace(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    library.otherwise = telling("好 [1]", citations=(1,), reasoning="想")
    async with web_door(library, tmp_path) as door, caller(door.url) as http:
        await http.post("/chat", json={"question": "=1+1 等于几"})
        await door.tracing.settle()
        [row] = (await http.get("/admin/api/turns")).json()["turns"]
        [version] = (await http.get(f"/admin/api/turns/{row['turn_id']}")).json()["answers"]
        kinds = [event["kind"] for event in version["trace"]["events"]]
        assert kinds[:3] == ["chain.start", "retriever.start", "retriever.end"] and kinds[-1] == "chain.end"
        assert {"model.start", "model.first_reasoning", "model.first_token", "model.end"} <= set(kinds)
        assert [message["role"] for message in version["trace"]["prompt"]] == ["system", "user"]
        assert "=1+1 等于几" in version["trace"]["prompt"][1]["content"]
        assert version["trace"]["passages"][0]["text"].startswith("出差结束后")
        assert '"\'=1+1 等于几"' in (await http.get("/admin/api/export.csv")).text
        assert (await http.get("/admin/api/export.json")).json()[0]["question"] == "=1+1 等于几"
        assert (await http.get("/admin/api/turns/nothing")).status_code == 404
