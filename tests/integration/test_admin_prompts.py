"""Prompts changed in the browser: tried first, in force at once, in another process soon, named, and put back."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from bot.live_prompts import LivePrompts
from bot.repositories.prompt_versions import PromptVersions
from bot.storage.database import Database
from rag.errors import SettingsMismatch
from rag.settings import PromptSettings
from tests.integration.conftest import Stage
from tests.integration.test_bad_luck import using
from tests.support.caller import caller
from tests.support.clock import HandClock
from tests.support.model_server import ModelServer, Reply, running
from tests.support.web_door import HoldsPrompts

QUESTION = "出差回来多久内要报销？"
MARK = "像对新同事那样回答。"
OURS = f"You answer colleagues. {MARK}"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with running() as server:
        server.script(Reply("返回后 10 个工作日内 [1]。"))
        yield server


@pytest.fixture
async def http(stage: Stage, model: ModelServer) -> AsyncIterator[httpx.AsyncClient]:
    bot = await stage.bot(**using(model))
    async with caller(bot.web) as http:
        yield http


async def asked(http: httpx.AsyncClient, model: ModelServer) -> str:
    """The system text that the model got with a question."""
    model.requests.clear()
    assert (await http.post("/chat", json={"question": QUESTION})).status_code == 200
    return str(model.chats()[0].body["messages"][0]["content"])


async def listed(http: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await http.get("/admin/api/prompts")).json())


async def test_a_prompt_is_tried_changed_named_and_put_back(http: httpx.AsyncClient, model: ModelServer) -> None:
    before = await asked(http, model)
    model.requests.clear()
    tried = await http.post("/admin/api/prompts/system/try", json={"text": OURS, "question": QUESTION})
    assert [tried.json()[when]["outcome"] for when in ("before", "after")] == ["answered", "answered"]
    assert tried.json()["after"]["cites"] == [1] and tried.json()["after"]["tokens"] == 120
    systems = [str(chat.body["messages"][0]["content"]) for chat in model.chats()]
    assert [MARK in system for system in systems] == [False, True] and "[[NO_ANSWER]]" in systems[1]
    assert await asked(http, model) == before, "a trial changes nothing"
    assert (await http.get("/admin/api/turns")).json()["count"] == 2, "and counts as no question"

    saved = await http.post("/admin/api/prompts/system", json={"text": OURS, "note": "更亲切"})
    assert saved.status_code == 200 and MARK in await asked(http, model)
    told = await listed(http)
    assert [(each["note"], each["saved_by"]) for each in told["versions"]] == [("更亲切", "local")]
    assert told["prompts"][0]["in_use"] == OURS and told["prompts"][0]["configured"] in before

    assert (await http.post("/admin/api/prompts/system/back/0")).status_code == 200
    assert await asked(http, model) == before
    first = told["versions"][0]["id"]
    assert (await http.post(f"/admin/api/prompts/system/back/{first}")).status_code == 200
    assert MARK in await asked(http, model)
    assert [each["text"] for each in (await listed(http))["versions"]] == [OURS, "", OURS]


async def test_what_cannot_work_is_refused_and_changes_nothing(http: httpx.AsyncClient, model: ModelServer) -> None:
    for name, body, status, said in (
        ("answer", {"text": "Answer {question}", "note": "x"}, 422, "{passages}"),
        ("system", {"text": "A {variable} too many", "note": "x"}, 422, "{variable}"),
        ("system", {"text": OURS, "note": ""}, 422, "note"),
        ("nothing", {"text": OURS, "note": "x"}, 422, "no prompt nothing"),
    ):
        refused = await http.post(f"/admin/api/prompts/{name}", json=body)
        assert refused.status_code == status and said in refused.text, refused.text
    assert (await http.post("/admin/api/prompts/system/back/99")).status_code == 404
    untried = await http.post(
        "/admin/api/prompts/suggest/try", json={"text": "{question} {passages}", "question": QUESTION}
    )
    assert untried.status_code == 409
    assert (await listed(http))["versions"] == []


async def test_settings_are_shown_with_their_origin_and_without_secrets(
    http: httpx.AsyncClient, model: ModelServer
) -> None:
    text = (await http.get("/admin/api/settings")).text
    told = {each["key"]: each for each in (await http.get("/admin/api/settings")).json()["settings"]}
    assert told["rag.llm.base_url"]["origin"] == "environment variable RAG__LLM__BASE_URL"
    assert told["feishu.app_secret"]["value"] == "•••" and "secret_of_the_sandbox" not in text


async def test_another_process_takes_up_a_change_and_leaves_what_it_cannot_use(store_url: str) -> None:
    database, clock = Database(store_url), HandClock()
    database.migrate()
    try:
        versions = PromptVersions(database, clock=clock)
        configured = PromptSettings(condense="{question} after {history}")
        here, there = HoldsPrompts(configured), HoldsPrompts(configured)
        mine = LivePrompts(here, configured, versions, clock=clock)
        other = LivePrompts(there, configured, versions, clock=clock)
        await versions.save("system", OURS, by="boss", note="ours")
        await versions.save("condense", "of a newer version {tone}", by="boss", note="newer")
        await versions.save("gone", "of an older version", by="boss", note="older")
        for each in (mine, other):
            await each.take_up()
        assert here.prompts == there.prompts == configured.model_copy(update={"system": OURS})
        with pytest.raises(SettingsMismatch, match="history"):
            mine.changed("condense", "{tone}")
        await versions.save("system", "", by="boss", note="back")
        await other.take_up()
        assert there.prompts == configured
    finally:
        database.close()
