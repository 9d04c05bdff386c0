"""/admin on rights over HTTP: what was shown to whom, who may see a document and why, asking as somebody."""

from pathlib import Path

from bot.settings import BotSettings
from tests.support.caller import caller
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
        assert (await http.get("/admin/api/shown")).json() == {"count": 0, "shown": []}
