"""/admin on rights over HTTP: what was shown to whom, who may see a document and why, asking as somebody."""

from pathlib import Path
from typing import Any

import pytest

from bot.settings import BotSettings
from feishu.sandbox.sharing import Member
from tests.integration.conftest import ALICE, BOB, Stage
from tests.integration.test_mirrored_rights import ABOUT_SECRET, SECRET_TITLE, House, tells
from tests.support.caller import caller
from tests.support.rights_house import CARLA, DAN, EVE, HR, LEADERS
from tests.support.scripted_library import ScriptedLibrary, passages, telling
from tests.support.web_door import web_door

MIRRORED = BotSettings.model_validate({"access": {"rights": "mirror"}})


async def test_what_the_web_showed_is_recorded_and_exported_without_formulas(tmp_path: Path) -> None:
    library = ScriptedLibrary()
    found = passages(("=HYPERLINK(1)", (), "年终奖三个月。"), ("班车", (), "七点发车。"))
    library.otherwise = telling("三个月 [1]", retrieved=found, citations=(1,))
    async with web_door(library, tmp_path, MIRRORED) as door, caller(door.url) as http:
        assert (await http.post("/chat", json={"question": "年终奖？"})).status_code == 200
        told = (await http.get("/admin/api/shown")).json()
        assert told["count"] == 2, "the page lists every passage, cited or not"
        assert {(row["title"], row["cited"]) for row in told["shown"]} == {("=HYPERLINK(1)", True), ("班车", False)}
        assert {(row["chat_type"], row["asked_as"]) for row in told["shown"]} == {("web", "")}
        [only] = (await http.get("/admin/api/shown", params={"document": "班车"})).json()["shown"]
        assert only["source"] == "finance/2.md"
        assert (await http.get("/admin/api/shown", params={"person": "ou_nobody"})).json()["count"] == 0
        exported = await http.get("/admin/api/shown.csv", params={"document": "HYPERLINK"})
    assert exported.headers["content-type"].startswith("text/csv")
    head, row = exported.text.lstrip("\ufeff").splitlines()
    assert head.startswith('"at","title"') and '"\'=HYPERLINK(1)"' in row


async def test_nothing_is_recorded_where_rights_are_off(tmp_path: Path) -> None:
    async with web_door(ScriptedLibrary(), tmp_path) as door, caller(door.url) as http:
        assert (await http.post("/chat", json={"question": "年终奖？"})).status_code == 200
        assert (await http.get("/admin/api/shown")).json() == {"count": 0, "shown": [], "names": {}}


@pytest.fixture
def house(stage: Stage) -> House:
    return House(stage)


async def test_an_admin_sees_who_may_read_a_document_and_why(house: House) -> None:
    house.sandbox.rights.grant(house.secret.node_token, Member("group", LEADERS))
    house.sandbox.rights.grant(house.secret.node_token, Member("user", BOB))
    bot = await house.bot()
    async with caller(bot.web) as http:
        told = (await http.get("/admin/api/access")).json()
        assert (told["mirrored"], told["count"], told["closed"], told["old"]) == (True, 2, 0, 0)
        assert told["newest_at"] >= told["oldest_at"] > 0
        [secret] = (await http.get("/admin/api/access", params={"words": SECRET_TITLE})).json()["documents"]
        readers = {(each["principal"], each["rule"], each["name"], each["where"]) for each in secret["readers"]}
        assert (f"department:{HR}", "space_member", "人事部", "人事") in readers
        assert (f"group:{LEADERS}", "member", "组长", SECRET_TITLE) in readers
        assert (f"user:{BOB}", "member", "周明", SECRET_TITLE) in readers

        async def verdict(person: str, document: str) -> dict[str, Any]:
            reply = await http.get("/admin/api/access/verdict", params={"person": person, "document": document})
            return dict(reply.raise_for_status().json())

        carla = await verdict(CARLA, house.secret.obj_token)
        assert carla["allowed"] and [each["rule"] for each in carla["grants"]] == ["space_member"]
        assert carla["collections"] == [{"name": "default", "rule": "everything"}]
        bob = await verdict(BOB, secret["link"])
        assert [each["rule"] for each in bob["grants"]] == ["member"]
        eve = await verdict(EVE, secret["source"])
        assert (eve["allowed"], eve["grants"]) == (False, []) and "41050" in eve["unknown"]
        overview = (await http.get("/admin/api/access")).json()
        assert [(each["what"], "41050" in each["why"]) for each in overview["unresolved"]] == [(f"user:{EVE}", True)]
        for params in ({"person": "Carla", "document": "x"}, {"person": CARLA, "document": ""}):
            assert (await http.get("/admin/api/access/verdict", params=params)).status_code == 422
        unknown = await http.get("/admin/api/access/verdict", params={"person": CARLA, "document": "feishu:none"})
        assert unknown.status_code == 409 and "no such document" in unknown.json()["error"]["message"]


async def test_an_admin_asks_as_somebody_and_that_is_recorded(house: House) -> None:
    bot = await house.bot()
    async with caller(bot.web) as http:

        async def asked(person: str) -> str:
            reply = await http.post("/admin/api/access/ask", json={"person": person, "question": ABOUT_SECRET})
            return reply.raise_for_status().text

        assert tells(await asked(CARLA)) and not tells(await asked(DAN))
        told = (await http.get("/admin/api/shown", params={"person": CARLA})).json()["shown"]
        assert {(row["title"], row["chat_type"], row["asked_as"]) for row in told} >= {(SECRET_TITLE, "admin", CARLA)}
        assert {row["asker"] for row in told} == {"local"}
        assert (await http.get("/admin/api/shown", params={"person": DAN})).json()["count"] > 0
        assert (await http.get("/admin/api/overview")).json()["asked"] == 0, "it is no question of theirs"
        tells_private = await house.private(CARLA, ABOUT_SECRET)
        assert tells(tells_private)
        rows = (await http.get("/admin/api/shown", params={"person": CARLA, "document": SECRET_TITLE})).json()["shown"]
        assert {(row["chat_type"], row["asker"]) for row in rows} == {("p2p", CARLA), ("admin", "local")}
        house.sandbox.faults.plan("user.get", code=1, status=500, times=None)
        refused = await http.post("/admin/api/access/ask", json={"person": ALICE, "question": ABOUT_SECRET})
        assert refused.status_code == 409 and not tells(refused.text)
        for wrong in ({"person": "x", "question": "y"}, {"person": CARLA, "question": " "}, {"person": CARLA}):
            assert (await http.post("/admin/api/access/ask", json=wrong)).status_code == 422


async def test_closed_documents_come_first_with_their_reason(house: House) -> None:
    house.sandbox.rights.set_public(house.open.obj_token, manage_collaborator_entity="collaborator_full_access")
    bot = await house.bot()
    async with caller(bot.web) as http:
        told = (await http.get("/admin/api/access")).json()
    assert told["closed"] == 1
    assert [(each["title"], each["closed"]) for each in told["documents"]] == [
        ("班车", "members_hidden"),
        (SECRET_TITLE, ""),
    ]
