"""Whatever arrives, the webhook raises nothing but `WebhookError`."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feishu.errors import Malformed, TooLarge, Unverified, WebhookError
from feishu.events import crypto
from feishu.events.text import text_of
from feishu.events.types import CardAction, MessageReceived, Unknown
from feishu.events.webhook import Challenge, Webhook

KEY, TOKEN, APP = "k", "vt", "cli_a"
HOOKS = [
    Webhook(encrypt_key=KEY, verification_token=TOKEN, app_id=APP, legacy_card_callback=legacy)
    for legacy in (False, True)
]
STAMP = "9999999999"  # so far away that no test ages

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([TOKEN, APP, "2.0", 10**400])
)
odd_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
KEYS = [
    "schema",
    "header",
    "event",
    "uuid",
    "ts",
    "type",
    "token",
    "challenge",
    "app_id",
    "event_id",
    "event_type",
    "create_time",
    "message",
    "sender",
    "sender_id",
    "open_id",
    "message_id",
    "chat_id",
    "content",
    "mentions",
    "key",
    "id",
    "name",
    "action",
    "value",
    "form_value",
    "operator",
    "context",
    "encrypt",
]
KINDS = ["im.message.receive_v1", "card.action.trigger", "url_verification"]
platform_json = st.recursive(
    scalars | st.sampled_from([*KINDS, "e1", "om_1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)


def near_event(header: Any, event: Any, kind: str) -> dict[str, Any]:
    head = {"token": TOKEN, "app_id": APP, "event_id": "e1", "event_type": kind}
    return {"schema": "2.0", "header": head | (header if isinstance(header, dict) else {}), "event": event}


near_events = st.builds(near_event, platform_json, platform_json, st.sampled_from(KINDS))
near_contents = st.builds(
    lambda kind, content, mentions: near_event(
        {},
        {
            "message": {
                "message_id": "m",
                "chat_id": "c",
                "message_type": kind,
                "content": content,
                "mentions": mentions,
            }
        },
        KINDS[0],
    ),
    st.sampled_from(["text", "post"]),
    platform_json.map(json.dumps) | st.text(),
    platform_json,
)


def receive(hook: Webhook, headers: dict[str, str], body: bytes) -> None:
    for method in (hook.receive, hook.receive_card):
        try:
            received = method(headers, body)
        except WebhookError as error:
            assert isinstance(error, Unverified | Malformed | TooLarge)
        else:
            assert isinstance(received, Challenge | MessageReceived | CardAction | Unknown)
            assert repr(received)
            if isinstance(received, MessageReceived):
                assert isinstance(text_of(received, bot_open_id="ou_bot"), str)


def signed(body: bytes) -> dict[str, str]:
    return {
        "X-Lark-Request-Timestamp": STAMP,
        "X-Lark-Request-Nonce": "n",
        "X-Lark-Signature": crypto.sign(STAMP, "n", KEY, body),
    }


@given(st.binary(max_size=400), st.dictionaries(st.text(), st.text(), max_size=4))
def test_arbitrary_requests(body: bytes, headers: dict[str, str]) -> None:
    for hook in HOOKS:
        receive(hook, headers, body)
        receive(hook, signed(body), body)


@given(st.one_of(odd_json, platform_json, near_events, near_contents), st.booleans())
def test_arbitrary_json_in_correctly_signed_envelopes(payload: Any, ascii_only: bool) -> None:
    plaintext = json.dumps(payload, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    body = json.dumps({"encrypt": crypto.encrypt(KEY, plaintext)}).encode()
    legacy = {**signed(plaintext), "X-Lark-Signature": crypto.sign_legacy_card(STAMP, "n", TOKEN, plaintext)}
    for hook in HOOKS:
        receive(hook, signed(body), body)
        receive(hook, {}, body)
        receive(hook, legacy, plaintext)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_in_correctly_signed_envelopes(plaintext: bytes) -> None:
    body = json.dumps({"encrypt": crypto.encrypt(KEY, plaintext)}).encode()
    receive(HOOKS[0], signed(body), body)


DEEP = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 900 + b"]" * 900,
    b'{"schema":"2.0","schema":"1"}',
    b'{"a":' + b"9" * 9000 + b"}",
]


@given(st.sampled_from(DEEP))
def test_deep_and_large_json(plaintext: bytes) -> None:
    body = json.dumps({"encrypt": crypto.encrypt(KEY, plaintext)}).encode()
    for hook in HOOKS:
        receive(hook, signed(body), body)
        receive(hook, signed(plaintext), plaintext)
        receive(hook, {}, plaintext)


VALID = json.dumps({"encrypt": crypto.encrypt(KEY, json.dumps(near_event({}, {}, "other")).encode())}).encode()


@given(st.integers(0, len(VALID) * 8 - 1))
def test_no_flipped_bit_gets_through(bit: int) -> None:
    flipped = bytearray(VALID)
    flipped[bit // 8] ^= 1 << bit % 8
    assert isinstance(HOOKS[0].receive(signed(VALID), VALID), Unknown)
    try:
        HOOKS[0].receive(signed(VALID), bytes(flipped))
    except Unverified:
        return
    raise AssertionError("a body with a flipped bit was taken for the platform's")


@given(st.text(min_size=1), st.binary(max_size=300))
def test_encryption_round_trip(key: str, plaintext: bytes) -> None:
    assert crypto.decrypt(key, crypto.encrypt(key, plaintext)) == plaintext


@given(st.text() | st.binary(min_size=32, max_size=96).map(lambda raw: __import__("base64").b64encode(raw).decode()))
def test_foreign_ciphertext_only_ever_fails_to_decrypt(encrypted: str) -> None:
    try:
        assert isinstance(crypto.decrypt(KEY, encrypted), bytes)
    except crypto.DecryptError as error:
        assert str(error) == "not decryptable under this encrypt key"
