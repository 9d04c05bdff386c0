"""Verified answers over HTTP: what programs are told of them, who may change them on /admin, and what is refused."""

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cli.ask import run_ask
from bot.repositories.verified_answers import Approver, VerifiedDraft
from bot.web_app import web_app
from tests.integration.conftest import ALICE
from tests.support.caller import caller
from tests.support.serving import served
from tests.support.verified_house import BONUS, CANARY, LUNCH, House, open_house

KEYS = [
    {"name": "boss", "hash": hashlib.sha256(b"boss").hexdigest(), "admin": True},
    {"name": "guest", "hash": hashlib.sha256(b"guest").hexdigest(), "collections": ["open"]},
]
API = "/admin/api/verified"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, api_keys=KEYS) as house:
        yield house


@pytest.fixture
async def url(house: House) -> AsyncIterator[str]:
    async with served(web_app(house.bot)) as url:
        yield url


def by(url: str, key: str) -> httpx.AsyncClient:
    return caller(url, headers={"Authorization": f"Bearer {key}"})


async def test_programs_are_told_who_stands_for_an_answer(house: House, url: str) -> None:
    verifying, lin = house.bot.verifying, Approver(ALICE, "林小满")
    evidence = await verifying.passages.evidence((await verifying.passages.found_for(LUNCH))[:1])
    until = verifying.until(30)
    await verifying.make(VerifiedDraft(LUNCH, (), "11:30 开始 [1]。", "open", evidence, until), lin)
    await verifying.make(VerifiedDraft(BONUS, (), f"{CANARY} 元。", "hr"), lin)
    async with by(url, "guest") as http:
        told = (await http.post("/chat", json={"question": LUNCH})).json()
        assert told["verified"] == {"by": "林小满", "approved_at": told["verified"]["approved_at"], "until": until}
        assert (told["answer"], told["outcome"], told["confidence"], told["model"]) == (
            "11:30 开始 [1]。",
            "answered",
            1.0,
            None,
        )
        assert [each["metadata"]["cited"] for each in told["sources"]] == [True]
        again = (await http.post(f"/chat/{told['answer_id']}/regenerate")).json()
        assert again["verified"] is None and again["version"] == 2
        third = (await http.post(f"/chat/{again['answer_id']}/regenerate")).json()
        assert third["verified"] is None, "whoever pressed wants the documents"
        streamed = (await http.post("/chat/stream", json={"question": LUNCH})).text
        done = next(line for line in streamed.split("event: done")[1].splitlines() if line.startswith("data:"))
        assert json.loads(done.removeprefix("data:"))["verified"]["by"] == "林小满"
        asked = {"model": "feishu-rag", "messages": [{"role": "user", "content": LUNCH}]}
        completion = (await http.post("/v1/chat/completions", json=asked)).json()
        assert "✓ 由林小满核实 · 有效期至" in completion["choices"][0]["message"]["content"]
        assert completion["verified"]["until"] == until
        closed = (await http.post("/chat", json={"question": BONUS})).json()
        assert closed["verified"] is None and CANARY not in json.dumps(closed, ensure_ascii=False)
        stored = (await http.get(f"/chat/conversations/{told['conversation_id']}")).json()
        assert [each["verified"] is not None for each in stored["turns"][0]["answers"]] == [True, False, False]
    async with by(url, "boss") as http:
        rows = list(csv.DictReader(io.StringIO((await http.get("/admin/api/export.csv")).text.lstrip("\ufeff"))))
        assert {row["verified_by"] for row in rows} == {"林小满", ""} and any(row["verified_until"] for row in rows)
        answered_before = {
            each["turn_id"]
            for each in (await http.get("/admin/api/export.json")).json()
            if each["outcome"] == "answered"
        }
        assert CANARY in (await http.post("/chat", json={"question": BONUS})).json()["answer"]
        answered = (await http.get("/admin/api/overview")).json()["outcomes"]["answered"]
        assert answered == 1 + len(answered_before), "one without sources counts, too"


async def test_the_terminal_says_who_stands_for_an_answer(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    await house.bot.verifying.make(VerifiedDraft(LUNCH, (), "11:30 开始。", "open"), Approver(ALICE, "林小满"))
    assert await run_ask(house.bot.settings, LUNCH)
    assert "answered · ✓ 由林小满核实" in capsys.readouterr().out


def draft(**more: Any) -> dict[str, Any]:
    return {"wording": "餐卡押金多少钱？", "answer": "20 元 [1]。", "collection": "open", "sources": [], **more}


async def test_an_admin_makes_changes_keeps_and_withdraws_one(house: House, url: str) -> None:
    async with by(url, "boss") as http:
        new = (await http.get(f"{API}/draft")).json()
        assert new["collections"] == ["hr", "open"] and new["collection"] == ""
        passages = (await http.get(f"{API}/passages", params={"question": "餐卡押金多少钱？"})).json()["passages"]
        chosen = {name: passages[0][name] for name in ("number", "collection", "source", "key")}
        chosen["number"] = 4
        made = (await http.post(API, json=draft(sources=[chosen], answer="20 元 [4]，见 [9]。"))).json()
        assert (made["answer"], made["by"], made["documents"]) == ("20 元 [1]，见。", "boss", ["食堂指南"])
        found = (await http.get(API, params={"words": "食堂", "state": "active"})).json()
        assert [each["id"] for each in found["answers"]] == [made["id"]] and found["all"] == 1
        assert (await http.get(API, params={"words": "没有这个"})).json()["answers"] == []

        house.write("12:00")
        one = (await http.get(f"{API}/{made['id']}")).json()
        assert [each["gone"] for each in one["passages"] if each["chosen"]] == [False], "changed elsewhere"
        (house.folder / "open" / "canteen.md").write_text("# 食堂指南\n\n## 餐卡\n\n餐卡在前台充值，押金 30 元。\n")
        house.ingest()
        one = (await http.get(f"{API}/{made['id']}")).json()
        assert [each["gone"] for each in one["passages"] if each["chosen"]] == [True]
        refused = await http.post(API, json=draft(id=made["id"], sources=[chosen]))
        assert refused.status_code == 422 and "choose it anew" in refused.json()["error"]["message"]
        against = (await http.post(f"{API}/check", json=draft(id=made["id"], sources=[chosen]))).json()
        assert [(each["own"], each["theirs"]) for each in against["figures"]] == [("20元", "30元")]
        kept = (await http.post(f"{API}/{made['id']}/keep", json={"until": None})).json()
        assert kept["until"] is None and kept["version"] == 2
        one = (await http.get(f"{API}/{made['id']}")).json()
        assert [each["gone"] for each in one["passages"] if each["chosen"]] == [False], "by what stands there now"
        gone = (await http.post(f"{API}/{made['id']}/withdraw")).json()
        assert gone["state"] == "withdrawn"
        versions = (await http.get(f"{API}/{made['id']}")).json()["versions"]
        assert [each["what"] for each in versions] == ["withdrawn", "kept", "made"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"wording": "怎么？"}, "names nothing"),
    ({"answer": " "}, "a question and an answer"),
    ({"collection": "nowhere"}, "choose a collection"),
    ({"collection": "@files"}, "choose a collection"),
    ({"until": 1.0}, "later one"),
    ({"sources": [{"number": 1, "collection": "open", "source": "x.md", "key": "k"}]}, "source [1] is not in"),
    ({"sources": [{"number": 1, "collection": "@files", "source": "x.md", "key": "k"}]}, "source [1] is not in"),
    ({"unknown": 1}, "unknown"),
]


async def test_what_cannot_be_saved_says_what_to_change_and_stores_nothing(house: House, url: str) -> None:
    async with by(url, "boss") as http:
        for given, said in REFUSED:
            refused = await http.post(API, json=draft(**given))
            assert refused.status_code == 422 and said.lower() in refused.text.lower(), given
    assert await house.bot.verified.all() == []


async def test_nobody_but_an_admin_reads_or_changes_them(house: House, url: str) -> None:
    made = await house.bot.verifying.make(VerifiedDraft(BONUS, (), f"{CANARY} 元。", "hr"), Approver(ALICE, "林"))
    reads = ("", "/draft", "/passages?question=x", f"/{made.id}")
    writes = {"": draft(), "/check": draft(), f"/{made.id}/keep": {}, f"/{made.id}/withdraw": {}}
    for key, status in (("guest", 403), ("wrong", 401)):
        async with by(url, key) as http:
            answers = [await http.get(f"{API}{path}") for path in reads]
            answers += [await http.post(f"{API}{path}", json=body) for path, body in writes.items()]
            assert {each.status_code for each in answers} == {status}
            assert not [each for each in answers if CANARY in each.text]
    async with by(url, "boss") as http:
        assert (await http.get(f"{API}/v0")).status_code == 404
        assert (await http.post(f"{API}/v0/withdraw")).status_code == 404
        assert (await http.get(f"{API}/draft?turn=t0")).status_code == 404
        assert (await http.get(f"{API}/draft?gap=g0")).status_code == 404
