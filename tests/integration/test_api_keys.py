"""Who may use the web door: keys, their rates and collections, and the sites whose pages may call it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from bot.settings import ApiKey, BotSettings
from bot.web.failed_attempts import FREE
from rag.scope import Scope
from tests.support.caller import caller
from tests.support.scripted_library import ScriptedLibrary
from tests.support.web_door import WebDoor, web_door

SITE = "https://wiki.example.com"


def hashed(key: str) -> SecretStr:
    return SecretStr(hashlib.sha256(key.encode()).hexdigest())


KEYS = [
    hashed("owner"),
    ApiKey(hash=hashed("slow"), name="slow", rate_per_min=2),
    ApiKey(hash=hashed("finance"), name="finance", collections=["finance"]),
]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WebDoor]:
    settings = BotSettings(api_keys=KEYS, cors_origins=[SITE], web_host="0.0.0.0")
    async with web_door(ScriptedLibrary(), tmp_path, settings) as opened:
        yield opened


def client(door: WebDoor, key: str = "") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return caller(door.url, headers=headers)


async def test_pages_are_open_and_data_is_not(door: WebDoor) -> None:
    async with client(door) as http:
        for page in ("/", "/docs", "/redoc", "/openapi.json", "/static/js/main.js"):
            assert (await http.get(page)).status_code == 200, page
        for path in ("/chat/conversations/x", "/metrics", "/v1/models", "/health"):
            refused = await http.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer"), path
        assert (await http.post("/chat", json={"question": "x"})).json()["error"]["type"] == "Unauthorized"


@pytest.mark.parametrize("key", ["wrong", "OWNER", "owner x", "钥匙"])
async def test_a_wrong_key_is_no_key(door: WebDoor, key: str) -> None:
    async with caller(door.url) as http:
        headers = {b"Authorization": f"Bearer {key}".encode()}
        assert (await http.get("/v1/models", headers=headers)).status_code == 401
        assert (await http.get("/v1/models", headers={"Authorization": "Basic owner"})).status_code == 401


async def guess(http: httpx.AsyncClient, times: int, **headers: str) -> list[httpx.Response]:
    """Wrong keys, each a new one, as if from one address."""
    tries = ({"Authorization": f"Bearer wrong-{number}", **headers} for number in range(times))
    return [await http.get("/v1/models", headers=each) for each in tries]


async def test_guessing_is_slowed_and_the_owner_of_a_key_is_not(door: WebDoor) -> None:
    async with client(door, "owner") as owner, client(door) as guesser:
        assert (await owner.get("/v1/models")).status_code == 200
        answers = await guess(guesser, FREE + 2)
        assert [answer.status_code for answer in answers] == [401] * (FREE + 1) + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1 and answers[-1].json()["error"]["what_to_do"]
        for evasion in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
            assert (await guess(guesser, FREE + 20, **evasion))[-1].status_code == 429
        right = {"Authorization": "Bearer finance"}
        assert (await guesser.get("/v1/models", headers=right)).status_code == 429, "not even looked at"
        assert (await guesser.get("/admin/api/me", headers=right)).status_code == 429
        assert (await guesser.get("/")).status_code == 200
        assert (await owner.get("/v1/models")).status_code == 200


async def test_behind_a_trusted_proxy_each_client_counts_for_itself(tmp_path: Path) -> None:
    settings = BotSettings(api_keys=KEYS, trusted_proxies=["127.0.0.0/8"])
    async with web_door(ScriptedLibrary(), tmp_path, settings) as door, client(door) as http:
        forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert (await guess(http, FREE + 2, **forwarded))[-1].status_code == 429
        right = {"Authorization": "Bearer owner"}
        for address, status in {"203.0.113.9": 429, "203.0.113.10": 200}.items():
            answer = await http.get("/v1/models", headers={"X-Forwarded-For": f"9.9.9.9, {address}", **right})
            assert answer.status_code == status, address


async def test_a_key_opens_the_door_also_behind_a_proxy(door: WebDoor) -> None:
    async with client(door, "owner") as http:
        answer = await http.post(
            "/chat", json={"question": "x"}, headers={"X-Forwarded-For": "10.0.0.1", "Host": "kb.example.com"}
        )
    assert answer.status_code == 200


async def test_a_key_has_its_own_rate(door: WebDoor) -> None:
    async with client(door, "slow") as http:
        assert (await http.post("/chat", json={"question": "x"})).status_code == 200
        assert (await http.post("/chat/batch", json={"questions": ["x", "y"]})).status_code == 429
        assert (await http.post("/chat", json={"question": "x"})).status_code == 200
        refused = await http.post("/chat", json={"question": "x"})
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 60
    async with client(door, "owner") as http:
        assert (await http.post("/chat", json={"question": "x"})).status_code == 200


async def test_a_key_sees_its_collections_only(door: WebDoor) -> None:
    library = door.turns.library
    assert isinstance(library, ScriptedLibrary)
    async with client(door, "finance") as http:
        assert (await http.post("/chat", json={"question": "x"})).status_code == 200
        assert library.questions[-1].scope == Scope.of(["finance"])
        refused = await http.post("/chat", json={"question": "x", "collections": ["default"]})
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "Forbidden")
        names = [model["id"] for model in (await http.get("/v1/models")).json()["data"]]
    assert names == ["feishu-rag", "feishu-rag:finance"]


async def test_callers_do_not_see_each_other(door: WebDoor) -> None:
    async with client(door, "owner") as http:
        answer = (await http.post("/chat", json={"question": "x", "conversation_id": "c"})).json()
    async with client(door, "finance") as http:
        assert (await http.get("/chat/conversations/c")).json()["turns"] == []
        path = f"/chat/{answer['answer_id']}"
        assert (await http.post(f"{path}/feedback", json={"vote": "up"})).status_code == 404
        assert (await http.post(f"{path}/regenerate")).status_code == 404


async def test_listed_sites_may_call_from_a_browser_and_others_not(door: WebDoor) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with client(door) as http:
        good = await http.options("/chat/stream", headers={"Origin": SITE, **asks})
        bad = await http.options("/chat/stream", headers={"Origin": "https://evil.example", **asks})
        refused = await http.post("/chat", json={"question": "x"}, headers={"Origin": SITE})
    assert good.status_code == 200 and good.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-origin" not in bad.headers
    assert refused.headers["access-control-allow-origin"] == SITE  # so that the page can read why


async def test_without_keys_only_this_machines_own_pages_may_call(tmp_path: Path) -> None:
    async with web_door(ScriptedLibrary(), tmp_path, BotSettings(cors_origins=[SITE])) as door, client(door) as http:
        ask = {"url": "/chat", "json": {"question": "x"}}
        assert (await http.post(**ask)).status_code == 200
        assert (await http.post(**ask, headers={"Origin": SITE})).status_code == 200
        assert (await http.post(**ask, headers={"Origin": door.url})).status_code == 200
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"X-Forwarded-For": "1.2.3.4"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
        ):
            assert (await http.post(**ask, headers=headers)).status_code == 403, headers
        opened = await http.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
        assert opened.status_code == 200


async def test_a_listed_site_may_ask_and_reads_nothing_of_the_admins(tmp_path: Path) -> None:
    async with web_door(ScriptedLibrary(), tmp_path, BotSettings(cors_origins=[SITE])) as door, client(door) as http:
        for path in ("me", "overview", "turns", "turns/t1", "gaps", "gaps/x/draft.md", "export.csv", "export.json"):
            refused = await http.get(f"/admin/api/{path}", headers={"Origin": SITE})
            assert refused.status_code in (401, 403), path
            own = await http.get(f"/admin/api/{path}", headers={"Origin": door.url})
            assert own.status_code in (200, 404), path
        settled = await http.post("/admin/api/gaps/x/settle", headers={"Origin": SITE})
        assert settled.status_code == 403
        assert (await http.post("/chat", json={"question": "x"}, headers={"Origin": SITE})).status_code == 200


def test_keys_without_hash_twins_and_wild_origins_are_refused() -> None:
    for wrong in (
        {"api_keys": ["plain"]},
        {"api_keys": [{"hash": "plain", "name": "x"}]},
        {"api_keys": [{"hash": "a" * 64, "name": "x"}, {"hash": "b" * 64, "name": "x"}]},
        {"cors_origins": ["*"]},
        {"cors_origins": ["https://wiki.example.com/path"]},
        {"trusted_proxies": ["proxy.example.com"]},
    ):
        with pytest.raises(ValidationError):
            BotSettings.model_validate(wrong)
