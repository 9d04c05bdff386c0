"""Whatever stands in a header, an address or a field, both doors answer with something else than a 500.

The public door gets correctly signed events with one wrong field each, and any headers; the web door gets each of its
addresses, also those that its schema does not show. `long` tries every field with every value, on both stores.
"""

import asyncio
import base64
import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.routing import Route

from bot.app import Bot
from bot.public_app import public_app
from bot.repositories.admin_sessions import AdminSessions
from bot.settings import BotSettings, Settings
from bot.web.admin.session import SESSION, Sessions
from bot.web_app import web_app
from feishu.clock import SystemClock
from feishu.events import crypto
from feishu.settings import FeishuSettings
from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings

KEY, TOKEN, APP, SECRET = "k", "vt", "cli_a", "s"
KEY_HASH = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"  # of "key"
WEB = "https://kb.example.com"
FEW = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), max_examples=60)


def nested(depth: int) -> Any:
    found: Any = "x"
    for _ in range(depth):
        found = [found]
    return found


NASTY_TEXTS = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "钥匙é",
    "\u202e=1",
    "x" * 5_000,
    "%00",
    "../..",
    "' OR 1=1 --",
    "🙂",
]
NASTY: list[Any] = [
    *NASTY_TEXTS, None, True, 0, -1, 2**63, 10**30, 1.5, [], {}, [None], {"a": "\0"}, {"\0": 1}, {"\ud800": "\ud800"},
    nested(30), nested(900), {"a": {"b": nested(60)}}, ["x" * 2_000] * 5,
]  # fmt: skip
NASTY_BYTES = [
    b"",
    b"\xff\xfe",
    "钥匙".encode(),
    b"a\0b",
    b"x" * 9_000,
    b"\x80",
    b"=",
    b"a, b, c",
    b"-1",
    b"1e9",
    b"\xb2",
]

SENDER = {"sender_id": {"open_id": "ou_a"}, "sender_type": "user"}
MENTION = {"key": "@_user_1", "id": {"open_id": "ou_b"}, "name": "乙", "mentioned_type": "user"}
CONTENT = json.dumps({"text": "@_user_1 报销几天到账？"})
MESSAGE = {"message_id": "om_1", "root_id": "om_0", "parent_id": "om_0", "thread_id": "omt_1", "chat_id": "oc_1",
           "chat_type": "p2p", "message_type": "text", "content": CONTENT, "mentions": [MENTION]}  # fmt: skip
VALUE = {"act": "up", "id": "a1"}
ACTION = {
    "value": VALUE,
    "tag": "button",
    "name": "n",
    "option": "o",
    "input_value": "i",
    "form_value": {"reason": "r"},
}
OPERATOR = {"open_id": "ou_a", "union_id": "on_a"}
BODIES: dict[str, dict[str, Any]] = {
    "im.message.receive_v1": {"sender": SENDER, "message": MESSAGE},
    "card.action.trigger": {"operator": OPERATOR, "token": "c-1", "action": ACTION, "host": "im_message",
                            "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"}},
    "im.message.reaction.created_v1": {"message_id": "om_1", "reaction_type": {"emoji_type": "THUMBSUP"},
                                       "operator_type": "user", "user_id": OPERATOR, "action_time": "1"},
    "im.message.recalled_v1": {"message_id": "om_1", "chat_id": "oc_1", "recall_time": "1"},
    "im.chat.member.bot.added_v1": {"chat_id": "oc_1", "operator_id": OPERATOR, "name": "群"},
    "im.chat.access_event.bot_p2p_chat_entered_v1": {"chat_id": "oc_1", "operator_id": OPERATOR},
    "application.bot.menu_v6": {"operator": {"operator_id": OPERATOR}, "event_key": "help", "timestamp": 1},
    "p2p_chat_create": {"chat_id": "oc_1", "user": OPERATOR, "operator": OPERATOR},
    "something.new_v1": {"a": "b"},
}  # fmt: skip


def envelope(kind: str) -> dict[str, Any]:
    """A whole event of this kind, as the platform sends it."""
    header = {"event_id": "e", "token": TOKEN, "create_time": str(int(time.time() * 1000)), "event_type": kind,
              "tenant_key": "t", "app_id": APP}  # fmt: skip
    return {"schema": "2.0", "header": header, "event": copy.deepcopy(BODIES[kind])}


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every field of a JSON value is, the inner ones too."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, value in inside:
        yield (*at, name)
        yield from places(value, (*at, name))


def changed(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    found = copy.deepcopy(tree)
    holder = found
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    return found


def signed(payload: Any) -> tuple[bytes, dict[str, str]]:
    plaintext = json.dumps(payload).encode()
    body = json.dumps({"encrypt": crypto.encrypt(KEY, plaintext)}).encode()
    stamp = str(int(time.time()))
    return body, {
        "X-Lark-Request-Timestamp": stamp,
        "X-Lark-Request-Nonce": "n",
        "X-Lark-Signature": crypto.sign(stamp, "n", KEY, body),
    }


@dataclass
class Doors:
    """A bot that does not work on what it accepts, and both of its doors, without a socket between."""

    bot: Bot
    run: Callable[..., Any]
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def __post_init__(self) -> None:
        self.public = self._client(public_app(self.bot))
        self.app = web_app(self.bot)
        self.web = self._client(self.app)

    def _client(self, app: FastAPI) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def event(self, payload: Any, path: str = "/feishu/webhook") -> None:
        """Takes anything but a failure of ours. Ids are new each time, where they are still ids."""
        for holder, name in ((payload.get("header"), "event_id"), (_message(payload), "message_id")):
            if isinstance(holder, dict) and holder.get(name) in ("e", "om_1"):
                holder[name] = f"{holder[name]}{next(self.numbers)}"
        body, headers = signed(payload)
        self.expect(self.public, "POST", path, content=body, headers=headers)

    def expect(self, client: httpx.AsyncClient, method: str, path: str, **how: Any) -> httpx.Response:
        answer: httpx.Response = self.run(client.request(method, path, **how))
        told = (method, path, how, answer.status_code, answer.text[:300])
        if answer.status_code == 503 and client is self.web:  # there is no model to generate with
            assert answer.json()["error"]["type"] == "ModelUnavailable", told
        else:
            assert answer.status_code < 500, told
        return answer


def _message(payload: dict[str, Any]) -> Any:
    body = payload.get("event")
    return body.get("message") if isinstance(body, dict) else None


def settings_of(folder: Path, store_url: str) -> Settings:
    nobody = "http://127.0.0.1:9"
    return Settings(
        feishu=FeishuSettings(
            app_id=APP,
            app_secret=SecretStr(SECRET),
            encrypt_key=SecretStr(KEY),
            verification_token=SecretStr(TOKEN),
            base_url=nobody,
            legacy_card_callback=True,
        ),
        rag=RagSettings(
            knowledge=[folder],
            index_dir=folder / "index",
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(provider="extractive"),
        ),
        bot=BotSettings(
            database_url=store_url,
            api_keys=[SecretStr(KEY_HASH)],
            web_url=WEB,
            admins=["ou_a"],
            admin_tenant="t",
            cors_origins=["https://wiki.example.com"],
            trusted_proxies=["127.0.0.0/8"],
        ),
    )


@pytest.fixture
def doors(tmp_path: Path, store_url: str) -> Iterator[Doors]:
    loop = asyncio.new_event_loop()
    chosen = settings_of(tmp_path, store_url)
    (tmp_path / "travel.md").write_text("# 差旅\n\n出差结束后 10 个工作日内提交报销单。\n", "utf-8")
    ingest(chosen.rag)
    opened = Bot.open(chosen)
    made = Doors(loop.run_until_complete(opened.__aenter__()), loop.run_until_complete)
    yield made
    loop.run_until_complete(opened.__aexit__(None, None, None))
    loop.close()


def choices() -> list[tuple[str, tuple[Any, ...]]]:
    """Every field of every kind of event."""
    return [(kind, place) for kind in BODIES for place in places(envelope(kind))]


def test_what_is_right_is_served(doors: Doors) -> None:
    """Otherwise the tests below would only show that everything is refused."""
    for number, kind in enumerate(BODIES):
        event = envelope(kind)
        event["header"]["event_id"] = f"e{number}"
        body, headers = signed(event)
        assert doors.expect(doors.public, "POST", "/feishu/webhook", content=body, headers=headers).status_code == 200
    assert doors.run(doors.bot.jobs.count_by_state())["queued"] >= 4
    cookie, csrf = session_cookie(doors)
    headers = {"cookie": cookie, "x-csrf-token": csrf}
    assert doors.expect(doors.web, "GET", "/admin/api/overview", headers=headers).status_code == 200
    asked = {"json": {"question": "出差多久内报销？"}, "headers": {"authorization": "Bearer key"}}
    assert doors.expect(doors.web, "POST", "/chat", **asked).json()["answer"]
    assert doors.expect(doors.web, "POST", "/admin/logout", headers=headers).status_code == 200


def every_field_takes_anything(doors: Doors, how_many: int) -> None:
    @settings(FEW, max_examples=how_many)
    @given(st.sampled_from(choices()), st.sampled_from(NASTY) | st.text(), st.booleans())
    @example(("im.message.receive_v1", ("event", "message", "message_id")), "om_\0", False)
    @example(("im.message.receive_v1", ("event", "message", "chat_id")), "x" * 5_000, False)
    @example(("im.message.receive_v1", ("event", "sender", "sender_id", "open_id")), "a\0", False)
    @example(("im.message.receive_v1", ("event", "message", "mentions", 0, "name")), "\ud800", False)
    @example(("card.action.trigger", ("event", "operator", "open_id")), "\0", True)
    @example(("im.message.recalled_v1", ("event", "message_id")), "\0", False)
    @example(("application.bot.menu_v6", ("event", "event_key")), "\0\ud800", False)
    def attempt(where: tuple[str, tuple[Any, ...]], value: Any, as_card: bool) -> None:
        kind, place = where
        doors.event(changed(envelope(kind), place, value), "/feishu/card_callback" if as_card else "/feishu/webhook")

    attempt()


def test_no_field_of_an_event_makes_the_public_door_fail(doors: Doors) -> None:
    every_field_takes_anything(doors, 60)


def test_no_contents_of_a_message_make_the_public_door_fail(doors: Doors) -> None:
    @settings(FEW, max_examples=40)
    @given(st.sampled_from(["text", "post", "image", "file", "interactive", "\0"]), st.sampled_from(NASTY))
    def attempt(kind: str, value: Any) -> None:
        for content in (value, json.dumps(value), json.dumps({"text": value}), json.dumps({"content": [[value]]})):
            event = envelope("im.message.receive_v1")
            event["event"]["message"] |= {"message_type": kind, "content": content}
            doors.event(event)

    attempt()


LARK = ["X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature"]
HEADERS = [
    "Authorization", "Cookie", "Host", "Origin", "Content-Type", "Content-Length", "X-CSRF-Token", "X-Forwarded-For",
    "Forwarded", "Accept", "Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since", "Sec-Fetch-Site",
    "Sec-Fetch-Mode", "Access-Control-Request-Method", "Access-Control-Request-Headers", "Upgrade", "Last-Event-ID",
    "Expect", "Transfer-Encoding",
]  # fmt: skip


def test_no_header_makes_the_public_door_fail(doors: Doors) -> None:
    @settings(FEW, max_examples=60)
    @given(
        st.sampled_from([*LARK, *HEADERS]), st.sampled_from(NASTY_BYTES), st.sampled_from(["webhook", "card_callback"])
    )
    def attempt(name: str, value: bytes, path: str) -> None:
        body, right = signed(envelope("im.message.receive_v1"))
        raw = [(key.encode(), each.encode()) for key, each in right.items() if key != name]
        for headers in ([*raw, (name.encode(), value)], [*raw, (name.encode(), value), (name.encode(), b"again")]):
            doors.expect(doors.public, "POST", f"/feishu/{path}", content=body, headers=headers)
            doors.expect(doors.public, "GET", "/health", headers=[(name.encode(), value)])

    attempt()


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Each address with each of its methods, also what the schema does not show. The metrics count the jobs, and
    readiness is 503 where there is no platform: no faults."""
    found: list[tuple[str, str]] = []
    for route in _all_routes(app.routes):
        if isinstance(route, Route | APIRoute) and route.path not in ("/ready",):
            found += [(method, route.path) for method in sorted(route.methods or ()) if method != "HEAD"]
    assert len(found) > 25, found
    return found


def _all_routes(holders: Any) -> Iterator[Any]:
    for route in holders:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None and not isinstance(route, Route | APIRoute):
            yield from _all_routes(inner.routes)
        yield route


BODY = {"question": "q", "questions": ["q"], "conversation_id": "c", "collections": ["default"], "vote": "down",
        "reason": "other", "comment": "c", "prompt": "p", "messages": [{"role": "user", "content": "q"}],
        "stream": False, "model": "feishu-rag", "concurrency": 1, "system": "s", "temperature": 0.1,
        "max_tokens": 5}  # fmt: skip


def fits(doors: Doors, path: str) -> dict[str, Any]:
    """Of `BODY` what the address takes."""
    schema = doors.app.openapi()
    named = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for operation in schema["paths"].get(path, {}).values()
        if "requestBody" in operation
    ]
    known = {name for each in named for name in schema["components"]["schemas"][each]["properties"]}
    return {name: value for name, value in BODY.items() if name in known}


def session_cookie(doors: Doors) -> tuple[str, str]:
    """A real session's cookie, and its CSRF token."""
    bot = doors.bot
    from starlette.responses import Response

    kept = AdminSessions(bot.database)
    sessions = Sessions(SECRET, kept, keys=bot.settings.bot.keys(), secure=True, clock=SystemClock())
    response = Response()
    doors.run(sessions.open(response, {"open_id": "ou_a", "name": "甲", "csrf": "csrf"}))
    return response.headers["set-cookie"].partition(";")[0], "csrf"


def ask(doors: Doors, route: tuple[str, str], value: Any, place: int, headers: list[tuple[bytes, bytes]]) -> None:
    """The address with a wrong part in it, a wrong query, and a body with one wrong field."""
    method, path = route
    text = value if isinstance(value, str) else json.dumps(value)
    part = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))[:3_000] or "x"
    address = path
    while "{" in address:
        address = address.partition("{")[0] + part + address.partition("}")[2]
    names = ("days", "question", "conversation_id", "outcome", "vote", "words", "state", "code")
    body = fits(doors, path)
    wrong = changed(body, sorted(places(body), key=str)[place % len(list(places(body)))], value) if body else value
    json_headers = [*headers, (b"content-type", b"application/json")]
    doors.expect(doors.web, method, f"{address}?{names[place % len(names)]}={part}", headers=headers)
    if method == "POST":
        for content in (json.dumps(wrong).encode(), json.dumps(value).encode(), text.encode("utf-8", "surrogatepass")):
            doors.expect(doors.web, method, address, content=content, headers=json_headers)


def test_no_part_of_a_request_makes_the_web_door_fail(doors: Doors) -> None:
    bearer = (b"authorization", b"Bearer key")
    cookie, csrf = session_cookie(doors)
    inside = [(b"cookie", cookie.encode()), (b"x-csrf-token", csrf.encode())]

    @settings(FEW, max_examples=60)
    @given(st.sampled_from(routes(doors.app)), st.sampled_from(NASTY), st.integers(0, 30))
    def attempt(route: tuple[str, str], value: Any, place: int) -> None:
        ask(doors, route, value, place, inside if route[1].startswith("/admin") else [bearer])

    attempt()


def test_no_header_makes_the_web_door_fail(doors: Doors) -> None:
    cookie, csrf = session_cookie(doors)
    forged = base64.urlsafe_b64encode(orjson.dumps({"until": 1e12})).decode()
    cookies = [f"{SESSION}={each}" for each in ("é.é", f"{forged}.x", "x" * 5_000, ".", '"', "a;b=c;\xff")]

    @settings(FEW, max_examples=80)
    @given(
        st.sampled_from(routes(doors.app)),
        st.sampled_from(HEADERS),
        st.sampled_from(
            NASTY_BYTES + [each.encode() for each in cookies] + [b"Bearer \xff", b"Bearer " + b"x" * 9_000]
        ),
        st.booleans(),
    )
    @example(("POST", "/admin/logout"), "X-CSRF-Token", "钥匙".encode(), True)
    @example(("POST", "/admin/api/gaps/{gap_id}/settle"), "X-CSRF-Token", b"\xff", True)
    @example(("GET", "/admin/api/me"), "Cookie", f"{SESSION}=é.é".encode(), False)
    @example(("GET", "/v1/models"), "Authorization", b"Bearer \xff", False)
    def attempt(route: tuple[str, str], name: str, value: bytes, has_session: bool) -> None:
        method, path = route
        given_headers = {b"host": b"127.0.0.1", b"x-forwarded-for": b"203.0.113.%d" % (next(doors.numbers) % 250)}
        if has_session:
            given_headers |= {b"cookie": cookie.encode(), b"x-csrf-token": csrf.encode()}
        headers = [*(given_headers | {name.lower().encode(): value}).items()]
        doors.expect(doors.web, method, path.replace("{", "").replace("}", ""), headers=headers)

    attempt()


@pytest.mark.long
def test_every_field_with_every_value(doors: Doors) -> None:
    for kind, place in choices():
        for value in NASTY:
            for path in ("/feishu/webhook", "/feishu/card_callback"):
                doors.event(changed(envelope(kind), place, value), path)
    every_field_takes_anything(doors, 5_000)


@pytest.mark.long
def test_every_address_with_every_value(doors: Doors) -> None:
    bearer = (b"authorization", b"Bearer key")
    cookie, csrf = session_cookie(doors)
    inside = [(b"cookie", cookie.encode()), (b"x-csrf-token", csrf.encode())]
    for route in routes(doors.app):
        for value in NASTY:
            for place in range(12):
                ask(doors, route, value, place, inside if route[1].startswith("/admin") else [bearer])
