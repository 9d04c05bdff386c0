"""Who is served at the webhook, and what everybody else is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from feishu.errors import Malformed, Stale, TooLarge, Unverified, WebhookError
from feishu.events import crypto
from feishu.events.parsing import seconds
from feishu.events.types import CardAction, MessageReceived, Unknown
from feishu.events.webhook import MAX_BODY_BYTES, Challenge, Webhook
from tests.support.clock import HandClock

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/feishu.json").read_text())
KEY, TOKEN, APP = "key-密钥", "vt_0123456789abcdef", "cli_test0001"
NOW = 1_700_000_100.0

MESSAGE: dict[str, Any] = {
    "schema": "2.0",
    "header": {
        "event_id": "e1",
        "event_type": "im.message.receive_v1",
        "create_time": "1700000000000",
        "token": TOKEN,
        "app_id": APP,
        "tenant_key": "tk",
    },
    "event": {
        "sender": {"sender_id": {"open_id": "ou_alice"}, "sender_type": "user"},
        "message": {
            "message_id": "om_1",
            "chat_id": "oc_1",
            "chat_type": "p2p",
            "message_type": "text",
            "content": "{}",
        },
    },
}
CHALLENGE = {"challenge": "c-1", "token": TOKEN, "type": "url_verification"}
LEGACY = json.loads(VECTORS["legacy_card"]["body"])


def webhook(key: str = KEY, *, legacy: bool = False, now: float = NOW) -> Webhook:
    return Webhook(
        encrypt_key=key, verification_token=TOKEN, app_id=APP, legacy_card_callback=legacy, clock=HandClock(now)
    )


def envelope(payload: object, key: str = KEY) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return json.dumps({"encrypt": crypto.encrypt(key, raw)}).encode()


def signed(body: bytes, key: str = KEY, *, timestamp: str = "1700000000") -> dict[str, str]:
    return headers(crypto.sign(timestamp, "nonce", key, body), timestamp)


def headers(signature: str, timestamp: str = "1700000000", nonce: str = "nonce") -> dict[str, str]:
    return {
        "x-lark-request-timestamp": timestamp,
        "x-lark-request-nonce": nonce,
        "x-lark-signature": signature,
    }


@pytest.mark.parametrize("vector", VECTORS["events"], ids=["challenge", "message", "card action"])
def test_vectors_of_the_official_sdk_are_read(vector: dict[str, str]) -> None:
    body = vector["body"].encode()
    plaintext = json.loads(vector["plaintext"])
    happened = seconds(plaintext.get("header", {}).get("create_time"), NOW)  # years before its signature
    received = webhook(vector["encrypt_key"], now=min(happened, NOW)).receive(
        headers(vector["signature"], vector["timestamp"], vector["nonce"]), body
    )
    if plaintext.get("type") == "url_verification":
        assert received == Challenge(plaintext["challenge"])
        assert webhook(vector["encrypt_key"]).receive({}, body) == received, "the platform does not sign it"
    else:
        assert isinstance(received, MessageReceived | CardAction)
        assert received.event_id == plaintext["header"]["event_id"]
    assert crypto.aes_key(vector["encrypt_key"]).hex() == vector["aes_key_hex"]
    plain = vector["plaintext"].encode()
    assert crypto.encrypt(vector["encrypt_key"], plain, bytes.fromhex(vector["iv_hex"])) == vector["encrypt"]


def test_the_documented_vector_decrypts() -> None:
    known = VECTORS["known"]
    assert crypto.decrypt(known["encrypt_key"], known["encrypt"]).decode() == known["plaintext"]


@pytest.mark.parametrize("missing", ["encrypt_key", "verification_token", "app_id"])
def test_a_webhook_without_its_secrets_is_refused_with_the_fix(missing: str) -> None:
    secrets = {"encrypt_key": KEY, "verification_token": TOKEN, "app_id": APP} | {missing: ""}
    with pytest.raises(ValueError, match=r"console"):
        Webhook(**secrets)  # type: ignore[arg-type]


def test_headers_are_found_whatever_their_case() -> None:
    body = envelope(MESSAGE)
    for spell in (str.lower, str.upper, str.title):
        received = webhook().receive({spell(name): value for name, value in signed(body).items()}, body)
        assert isinstance(received, MessageReceived)


def _bit_flipped(body: bytes) -> bytes:
    return body[:20] + bytes([body[20] ^ 1]) + body[21:]


UNSIGNED = {
    "not JSON": b"{",
    "empty": b"",
    "not an object": b"[1]",
    "not decryptable": b'{"encrypt":"AAAA"}',
    "other key": envelope(CHALLENGE, "other key"),
    "challenge with another token": envelope(CHALLENGE | {"token": "vt_other"}),
    "challenge without token": envelope({"challenge": "c", "type": "url_verification"}),
    "challenge that is no text": envelope(CHALLENGE | {"challenge": 7}),
    "plaintext challenge": json.dumps(CHALLENGE).encode(),
    "an event that nobody signed": envelope(MESSAGE),
    "a plaintext event": json.dumps(MESSAGE).encode(),
    "deeply nested": b"[" * 5000,
    "a challenge too large to be one": envelope(CHALLENGE | {"padding": "x" * 9000}),
    "damaged": _bit_flipped(envelope(CHALLENGE)),
}


@pytest.mark.parametrize("body", UNSIGNED.values(), ids=UNSIGNED.keys())
@pytest.mark.parametrize("given", [{}, headers("00" * 32), headers(""), headers("\ud800", "\ud800", "\ud800")])
@pytest.mark.parametrize("legacy", [False, True])
def test_unsigned_bodies_all_get_the_same_answer(body: bytes, given: dict[str, str], legacy: bool) -> None:
    with pytest.raises(WebhookError) as caught:
        webhook(legacy=legacy).receive(given, body)
    assert type(caught.value) is Unverified
    assert (str(caught.value), caught.value.status) == ("unverified", 401)
    assert caught.value.__cause__ is None


SIGNED_BUT_WRONG = {
    "not JSON": (b"{", "not JSON"),
    "not an object": (b"[]", "not a JSON object"),
    "not encrypted": (json.dumps(MESSAGE).encode(), "not encrypted"),
    "encrypt is no text": (b'{"encrypt": 7}', "not encrypted"),
    "not decryptable": (b'{"encrypt":"AAAA"}', "does not decrypt"),
    "plaintext is not JSON": (envelope(b"hello"), "decrypted body is not JSON"),
    "another app": (envelope(MESSAGE | {"header": MESSAGE["header"] | {"app_id": "cli_other"}}), "cli_other"),
    "no envelope": (envelope({"token": TOKEN}), "neither"),
    "no event id": (envelope(MESSAGE | {"header": MESSAGE["header"] | {"event_id": ""}}), "event_id"),
    "no message": (envelope(MESSAGE | {"event": {}}), "message_id"),
}


@pytest.mark.parametrize(("body", "reason"), SIGNED_BUT_WRONG.values(), ids=SIGNED_BUT_WRONG.keys())
def test_signed_bodies_that_are_wrong_are_told_why(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        webhook().receive(signed(body), body)
    assert caught.value.status == 400


OTHER_TOKEN = MESSAGE | {"header": MESSAGE["header"] | {"token": "vt_other"}}


@pytest.mark.parametrize("payload", [OTHER_TOKEN, {"schema": "2.0", "header": {}}, CHALLENGE | {"token": "vt_other"}])
def test_a_signed_body_with_another_token_gets_the_same_answer_as_an_unsigned_one(payload: dict[str, Any]) -> None:
    body = envelope(payload)
    with pytest.raises(Unverified) as caught:
        webhook().receive(signed(body), body)
    assert (str(caught.value), caught.value.status) == ("unverified", 401)
    assert "FEISHU__VERIFICATION_TOKEN" in caught.value.hint


HINTS: dict[str, tuple[bytes, dict[str, str], str]] = {
    "another key": (envelope(MESSAGE, "other key"), headers("00" * 32), "the console has another Encrypt Key"),
    "a challenge under another key": (envelope(CHALLENGE, "other key"), {}, "the console has another Encrypt Key"),
    "another token": (envelope(CHALLENGE | {"token": "vt_other"}), {}, "its Verification Token is not that"),
    "a changed body": (envelope(MESSAGE), headers("00" * 32), "a proxy changed the body"),
    "no headers": (envelope(MESSAGE), {}, "it has no signature"),
    "no key yet": (json.dumps(MESSAGE).encode(), {}, "the console has no Encrypt Key yet"),
    "no key yet, at the URL check": (json.dumps(CHALLENGE).encode(), {}, "the console has no Encrypt Key yet"),
    "a stranger": (json.dumps(OTHER_TOKEN).encode(), {}, "plaintext without our Verification Token"),
    "noise": (b"{", {}, "not JSON"),
    "large": (envelope(MESSAGE | {"padding": "x" * 9000}), headers("00" * 32), "not looked at"),
}


@pytest.mark.parametrize(("body", "given", "words"), HINTS.values(), ids=HINTS.keys())
def test_the_log_is_told_what_keeps_a_request_from_being_proven(body: bytes, given: dict[str, str], words: str) -> None:
    for receive in (webhook().receive, webhook().receive_card):
        with pytest.raises(Unverified) as caught:
            receive(given, body)
        assert words in caught.value.hint
        assert TOKEN not in caught.value.hint and KEY not in caught.value.hint


@pytest.mark.parametrize("method", ["receive", "receive_card"])
def test_a_body_above_the_limit_is_refused_before_anything_else(method: str) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    with pytest.raises(TooLarge):
        getattr(webhook(), method)(signed(body), body)


HOUR_S = 3600
OLD, YOUNG, FUTURE = f"{NOW - 25 * HOUR_S:.0f}", f"{NOW - 23 * HOUR_S:.0f}", f"{NOW + HOUR_S:.0f}"


def received_by_both(given: dict[str, str], body: bytes) -> list[type]:
    """What an event's and a card callback's door make of it: the value's type, or the error's."""
    kinds: list[type] = []
    for method in (webhook().receive, webhook().receive_card):
        try:
            kinds.append(type(method(given, body)))
        except WebhookError as error:
            kinds.append(type(error))
    return kinds


@pytest.mark.parametrize("timestamp", [f"{NOW - 8 * HOUR_S:.0f}", YOUNG, FUTURE])
def test_a_signature_of_the_last_day_is_served(timestamp: str) -> None:
    body = envelope(MESSAGE)
    assert isinstance(webhook().receive(signed(body, timestamp=timestamp), body), MessageReceived)


def test_an_old_signature_is_stale_and_looks_like_no_signature() -> None:
    body = envelope(MESSAGE)
    with pytest.raises(Stale) as caught:
        webhook().receive(signed(body, timestamp=OLD), body)
    assert (str(caught.value), caught.value.status) == ("unverified", 401)
    assert caught.value.age_s == pytest.approx(25 * HOUR_S, abs=1)


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", "nan", "inf", "170000000", "17000000000", "1700000000.0", " 1700000000", "-170000000", "+170000000",
     "1_70000000", "１７００００００００", "1e9", f"{NOW * 1e3:.0f}", "2023-11-14 22:13:20 +0800 CST m=+12.34"],
)  # fmt: skip
def test_a_timestamp_that_is_not_ten_digits_is_refused_though_signed(timestamp: str) -> None:
    body = envelope(MESSAGE)
    assert received_by_both(signed(body, timestamp=timestamp), body) == [Unverified, Unverified]


@pytest.mark.parametrize("nonce", ["", "a b", "n\n", "é", "随机", "\x00", "n" * 129])
def test_a_nonce_of_another_shape_is_refused_though_signed(nonce: str) -> None:
    body = envelope(MESSAGE)
    given = headers(crypto.sign("1700000000", nonce, KEY, body), nonce=nonce)
    assert received_by_both(given, body) == [Unverified, Unverified]


@pytest.mark.parametrize("moved", range(11))
def test_digits_moved_between_timestamp_and_nonce_do_not_make_an_old_signature_young(moved: int) -> None:
    body, nonce = envelope(MESSAGE), "0123456789abc"
    signature = crypto.sign(OLD, nonce, KEY, body)
    run_together = OLD + nonce
    assert received_by_both(headers(signature, run_together[:moved], run_together[moved:]), body) in (
        [Unverified, Unverified],
        [Stale, Stale],
    )
    longer = len(OLD) + moved
    assert received_by_both(headers(signature, run_together[:longer], run_together[longer:]), body) in (
        [Unverified, Unverified],
        [Stale, Stale],
    )


def of_age(age_s: float, payload: dict[str, Any] = MESSAGE, unit: float = 1e3) -> bytes:
    return envelope(payload | {"header": payload["header"] | {"create_time": f"{(NOW - age_s) * unit:.0f}"}})


CLICK = MESSAGE | {"header": MESSAGE["header"] | {"event_type": "card.action.trigger"}, "event": {}}


def test_the_events_own_time_counts_too() -> None:
    for redelivered_after_s in (0, 15, 7.2 * HOUR_S, 23 * HOUR_S):
        body = of_age(redelivered_after_s)
        assert isinstance(webhook().receive(signed(body), body), MessageReceived), "the platform may stamp anew"
        click = of_age(redelivered_after_s, CLICK, 1e6)
        assert isinstance(webhook().receive_card(signed(click), click), CardAction)
    old, old_click = of_age(25 * HOUR_S), of_age(25 * HOUR_S, CLICK, 1e6)
    assert received_by_both(signed(old), old) == [Stale, Stale]
    assert received_by_both(signed(old_click), old_click) == [Stale, Stale]
    first_form = {"ts": f"{NOW - 25 * HOUR_S:.2f}", "uuid": "u1", "token": TOKEN, "type": "event_callback"}
    body = envelope(first_form | {"event": {"type": "p"}})
    assert received_by_both(signed(body), body) == [Stale, Stale]


def test_a_legacy_callback_ages_by_its_signature() -> None:
    body = VECTORS["legacy_card"]["body"].encode()
    for timestamp, nonce, expected in ((OLD, "n", Stale), ("", f"{OLD}n", Unverified), ("soon", "n", Unverified)):
        given = headers(crypto.sign_legacy_card(timestamp, nonce, TOKEN, body), timestamp, nonce)
        with pytest.raises(Unverified) as caught:
            webhook(legacy=True).receive_card(given, body)
        assert type(caught.value) is expected


def test_a_card_callback_takes_card_actions_and_nothing_else() -> None:
    vector = VECTORS["events"][2]
    given = headers(vector["signature"], vector["timestamp"], vector["nonce"])
    action = webhook(vector["encrypt_key"]).receive_card(given, vector["body"].encode())
    assert isinstance(action, CardAction)
    assert (action.value, action.message_id, action.chat_id) == ({"act": "up", "id": "ans_42"}, "om_0002", "oc_0001")
    assert webhook().receive_card({}, envelope(CHALLENGE)) == Challenge("c-1")
    body = envelope(MESSAGE)
    with pytest.raises(Malformed, match="not a card callback"):
        webhook().receive_card(signed(body), body)


def legacy_headers() -> dict[str, str]:
    vector = VECTORS["legacy_card"]
    return headers(vector["signature_sha1"], vector["timestamp"], vector["nonce"])


def test_legacy_callbacks_are_read_when_allowed() -> None:
    body = VECTORS["legacy_card"]["body"].encode()
    action = webhook(legacy=True).receive_card(legacy_headers(), body)
    assert isinstance(action, CardAction)
    assert action.legacy
    assert (action.operator_open_id, action.value, action.app_id) == ("ou_alice", {"act": "赞"}, APP)
    assert action == webhook(legacy=True).receive_card(legacy_headers(), body), "the same click has the same event id"
    assert webhook(legacy=True).receive_card({}, json.dumps(CHALLENGE).encode()) == Challenge("c-1")


def test_legacy_callbacks_are_refused_otherwise() -> None:
    body = VECTORS["legacy_card"]["body"].encode()
    refused = [
        (webhook(), legacy_headers(), body),
        (webhook(legacy=True), legacy_headers(), body + b" "),
        (webhook(legacy=True), legacy_headers() | {"x-lark-request-nonce": "other"}, body),
        (webhook(), {}, json.dumps(CHALLENGE).encode()),
        (webhook(legacy=True), {}, json.dumps(CHALLENGE | {"token": "vt_other"}).encode()),
    ]
    for hook, given, raw in refused:
        with pytest.raises(Unverified):
            hook.receive_card(given, raw)
    with pytest.raises(Unverified):
        webhook(legacy=True).receive(legacy_headers(), body)


def test_events_of_other_types_are_unknown_not_wrong() -> None:
    header = MESSAGE["header"] | {"event_type": "im.message.message_read_v1"}
    body = envelope(MESSAGE | {"header": header, "event": {"message_id": "om_1"}})
    assert webhook().receive(signed(body), body) == Unknown(
        APP, "tk", "e1", "im.message.message_read_v1", 1_700_000_000.0
    )


def test_version_one_envelopes_are_read() -> None:
    body = envelope(
        {"ts": "1700000000.71", "uuid": "u1", "token": TOKEN, "type": "event_callback", "event": {"type": "p"}}
    )
    assert webhook().receive(signed(body), body) == Unknown("", "", "u1", "p", 1_700_000_000.71)


def test_secrets_are_in_no_repr() -> None:
    assert KEY not in repr(webhook())
    assert TOKEN not in repr(webhook())
