"""The two doors over real HTTP: what strangers get, what the platform gets, what stays on this machine."""

import json
import time
from typing import Any

import httpx
import pytest

from feishu.events import crypto
from tests.integration.conftest import Stage
from tests.support.bot_process import SECRETS, BotProcess
from tests.support.caller import caller

KEY, TOKEN, APP = SECRETS["FEISHU__ENCRYPT_KEY"], SECRETS["FEISHU__VERIFICATION_TOKEN"], SECRETS["FEISHU__APP_ID"]


def signed(body: bytes, *, key: str = KEY, at: float | None = None) -> dict[str, str]:
    """The platform's three headers."""
    timestamp, nonce = str(int(time.time() if at is None else at)), "n0nce"
    return {
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": crypto.sign(timestamp, nonce, key, body),
    }


def encrypted(payload: Any, *, key: str = KEY) -> bytes:
    return json.dumps({"encrypt": crypto.encrypt(key, json.dumps(payload).encode())}).encode()


def message(number: int, *, token: str = TOKEN, app_id: str = APP) -> dict[str, Any]:
    """An `im.message.receive_v1` in a private chat."""
    return {
        "schema": "2.0",
        "header": {
            "event_id": f"ev_{number}",
            "event_type": "im.message.receive_v1",
            "create_time": str(int(time.time() * 1000)),
            "token": token,
            "app_id": app_id,
            "tenant_key": "t",
        },
        "event": {
            "sender": {"sender_id": {"open_id": "ou_x"}, "sender_type": "user"},
            "message": {
                "message_id": f"om_{number}",
                "chat_id": "oc_x",
                "chat_type": "p2p",
                "message_type": "text",
                "content": json.dumps({"text": "你好"}),
            },
        },
    }


CHALLENGE = {"type": "url_verification", "token": TOKEN, "challenge": "c"}
EVENT = encrypted(message(1))
FORGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "empty": (b"", {}),
    "not json": (b"\xff\xfe{", {}),
    "deep": (b"[" * 100_000, {}),
    "plain challenge": (json.dumps(CHALLENGE).encode(), {}),
    "challenge under another key": (encrypted(CHALLENGE, key="other"), {}),
    "challenge with another token": (encrypted({**CHALLENGE, "token": "other"}), {}),
    "plain event": (json.dumps(message(1)).encode(), {}),
    "event without signature": (EVENT, {}),
    "event signed with another key": (EVENT, signed(EVENT, key="other")),
    "event with another body's signature": (EVENT, signed(EVENT + b" ")),
    "event under another key": (encrypted(message(1), key="other"), signed(b"")),
    "event with another token": (body := encrypted(message(1, token="x")), signed(body)),
    "bad padding": (json.dumps({"encrypt": "A" * 64}).encode(), {}),
    "signature two days old": (EVENT, signed(EVENT, at=time.time() - 2 * 86400)),
}


async def post(bot: BotProcess, body: bytes, headers: dict[str, str]) -> httpx.Response:
    async with caller() as http:
        return await http.post(f"{bot.public}/feishu/webhook", content=body, headers=headers)


async def test_forged_bodies_all_get_the_same_401(stage: Stage) -> None:
    bot = await stage.bot()
    answers = {name: await post(bot, body, headers) for name, (body, headers) in FORGED.items()}
    seen = {name: (answer.status_code, answer.content, sorted(answer.headers)) for name, answer in answers.items()}
    assert set(map(str, seen.values())) == {str((401, answers["empty"].content, sorted(answers["empty"].headers)))}


async def test_signed_but_wrong_bodies_get_a_400_that_says_why(stage: Stage) -> None:
    bot = await stage.bot()
    for body in (
        b"{}",
        b'{"encrypt": 1}',
        encrypted([1]),
        encrypted(message(1, app_id="x")),
    ):
        answer = await post(bot, body, signed(body))
        assert answer.status_code == 400, body
        assert len(answer.json()["error"]) > 10


async def test_a_signature_seven_hours_old_is_accepted(stage: Stage) -> None:
    bot = await stage.bot()
    body = encrypted(message(2))
    answer = await post(bot, body, signed(body, at=time.time() - 7.5 * 3600))
    assert (answer.status_code, answer.json()) == (200, {})


async def test_url_verification_is_answered_unsigned(stage: Stage) -> None:
    bot = await stage.bot()
    app = next(iter(stage.sandbox.world.apps.values()))
    assert await stage.sandbox.push.verify_url(app, f"{bot.public}/feishu/webhook") is None
    assert await stage.sandbox.push.verify_url(app, f"{bot.public}/feishu/card_callback") is None


async def test_too_large_bodies_get_413_whatever_they_declare(stage: Stage) -> None:
    bot = await stage.bot()
    assert (await post(bot, b"x" * 1_100_000, {})).status_code == 413

    async def pieces() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    async with caller() as http:
        answer = await http.post(f"{bot.public}/feishu/webhook", content=pieces())
    assert answer.status_code == 413


async def test_the_public_door_has_nothing_else(stage: Stage) -> None:
    bot = await stage.bot()
    async with caller(bot.public) as http:
        for path in ("/", "/chat", "/metrics", "/docs", "/openapi.json", "/redoc", "/admin", "/static/app.js"):
            assert (await http.get(path)).status_code == 404, path
        assert (await http.get("/health")).json()["status"] == "ok"
        assert (await http.get("/feishu/webhook")).status_code == 405


async def test_ready_tells_strangers_whether_and_the_web_door_what_is_loaded(stage: Stage) -> None:
    bot = await stage.bot()
    await stage.closed(await stage.ask("出差回来多久内要报销？"))
    async with caller(bot.public) as http:
        public = {path: await http.get(path) for path in ("/ready", "/health")}
    assert {path: (answer.status_code, answer.json()) for path, answer in public.items()} == {
        "/ready": (200, {"status": "ok"}),
        "/health": (200, {"status": "ok"}),
    }
    async with caller(bot.web) as http:
        told = (await http.get("/ready")).json()
    assert told["embedding"]["name"] == "none"
    assert "search is by words" in told["embedding"]["detail"]
    assert told["clock"] == {"ok": True, "detail": "as the platform's"}


async def test_ready_is_false_without_an_index(stage: Stage) -> None:
    bot = await stage.bot(RAG__INDEX_DIR=str(stage.folder / "nothing"))
    async with caller(bot.public) as http:
        answer = await http.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
    async with caller(bot.web) as http:
        told = await http.get("/ready")
    assert told.status_code == 503
    assert "feishu-rag ingest" in told.json()["index"]["detail"]
    card = await stage.closed(await stage.ask("出差回来多久内要报销？"))
    assert "知识库还没有建好" in str(card["card"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_the_web_door_serves_only_this_machine_while_it_has_no_keys(
    stage: Stage, headers: dict[str, str]
) -> None:
    bot = await stage.bot()
    async with caller(bot.web) as http:
        assert (await http.get("/metrics")).status_code == 200
        refused = await http.get("/metrics", headers=headers)
    assert refused.status_code == 403
    assert refused.json()["error"]["message"]


async def test_chat_over_http_answers_and_streams(stage: Stage) -> None:
    bot = await stage.bot()
    question = {"question": "出差回来多久内要报销？"}
    async with caller(bot.web) as http:
        whole = (await http.post("/chat", json=question)).json()
        streamed = await http.post("/chat/stream", json=question)
        wrong = await http.post("/chat", json={"question": "", "colour": 1})
    assert "10 个工作日" in whole["answer"] and whole["sources"]
    assert whole["outcome"] == ("answered" if whole["answered"] else "hedged")
    events = [line.removeprefix("event: ") for line in streamed.text.splitlines() if line.startswith("event: ")]
    assert events[:2] == ["stage", "stage"] and events[-2:] == ["sources", "done"] and "token" in events
    assert wrong.status_code == 422
