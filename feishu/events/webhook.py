"""The webhook's whole duty: raw bytes in, a verified `Event` or `Challenge` out. Knows no web framework, does no I/O.

The order is security: size, signature over the raw bytes, decryption, Verification Token, parsing. Whatever lacks a
valid signature or the right token gets the same `Unverified`; why is a hint for the log, never part of the answer. Only
the holder of both secrets is told what is wrong.

Timestamp and nonce are signed run together, so their shapes are part of the proof: with exactly ten digits the boundary
between them cannot be moved. What is signed but old (`Stale`), by its timestamp or by the event's own time, is refused,
because the store remembers handled events for a limited time only (`bot.retention_h`).

The one request the platform does not sign is the check of a new URL (`url_verification`). It is answered only if it
decrypts under our Encrypt Key and holds our Verification Token. Rules: open.feishu.cn/document
event-subscription-guide, receive-and-handle-callbacks; the official SDKs.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feishu.clock import Clock, SystemClock
from feishu.errors import Malformed, TooLarge, Unverified
from feishu.events import crypto
from feishu.events.parsing import (
    MAX_EVENT_BYTES,
    check_age,
    json_object,
    own_event,
    parse_legacy_card_action,
    seconds,
    without_lone_surrogates,
)
from feishu.events.types import CardAction, Event, Unknown

MAX_BODY_BYTES = MAX_EVENT_BYTES
MAX_CHALLENGE_BYTES = 8_192
"""Larger unsigned bodies are not even decrypted; a real URL check is below 400 bytes."""
_TIMESTAMP = re.compile(r"[0-9]{10}")
"""Seconds since the epoch, as the platform writes them since 2001 and until 2286."""
_NONCE = re.compile(r"[!-~]{1,128}")
"""Printable ASCII without spaces. The platform's are up to some ten characters; its documents name no limit."""

HINTS = {
    "other_key": "the body does not decrypt under FEISHU__ENCRYPT_KEY: the console has another Encrypt Key (Events & "
    "Callbacks > Encryption Strategy), or somebody else sent it",
    "other_token": "it comes from who knows the Encrypt Key, but its Verification Token is not that of "
    "FEISHU__VERIFICATION_TOKEN: copy it again from the console (Events & Callbacks > Encryption Strategy)",
    "plaintext": "plaintext with our Verification Token: the console has no Encrypt Key yet; save the one of "
    "FEISHU__ENCRYPT_KEY there (Events & Callbacks > Encryption Strategy)",
    "changed": "the body decrypts under FEISHU__ENCRYPT_KEY and holds our token, but its signature does not fit: a "
    "proxy changed the body or a X-Lark-* header; let it pass both on unchanged",
    "no_signature": "the body decrypts under FEISHU__ENCRYPT_KEY and holds our token, but it has no signature: a proxy "
    "drops the X-Lark-* headers, or somebody replays a body without them",
    "foreign": "plaintext without our Verification Token: another app's, with no Encrypt Key in its console, or "
    "somebody else sent it",
    "too_large": "not signed with FEISHU__ENCRYPT_KEY, and too large for a URL check: not looked at",
    "no_json": "not JSON: nothing that the platform sends",
}
"""For the log and the doctor: what an unproven request looks like to somebody who knows both secrets. Anybody can send
what is `other_key`, `foreign`, `too_large` or `no_json`; the others prove that a secret is known."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The platform checks that this URL is ours; answer `{"challenge": challenge}` within a second."""

    challenge: str


class Webhook:
    """Verifies what arrives for one app. Raises nothing but `WebhookError`."""

    def __init__(
        self,
        *,
        encrypt_key: str,
        verification_token: str,
        app_id: str,
        legacy_card_callback: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Raises ValueError, with the fix, when a secret is missing: without it anybody could forge events."""
        if not encrypt_key:
            raise ValueError(
                "the Encrypt Key is empty: set one in the console (Events & Callbacks > Encryption Strategy) "
                "and give it as FEISHU__ENCRYPT_KEY"
            )
        if not verification_token:
            raise ValueError(
                "the Verification Token is empty: copy it from the console (Events & Callbacks > Encryption Strategy) "
                "and give it as FEISHU__VERIFICATION_TOKEN"
            )
        if not app_id:
            raise ValueError("the App ID is empty: copy it from the console (Credentials & Basic Info)")
        self._encrypt_key = encrypt_key
        self._token = verification_token
        self._app_id = app_id
        self._legacy = legacy_card_callback
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"Webhook(app_id={self._app_id!r}, legacy_card_callback={self._legacy})"

    def receive(self, headers: Mapping[str, str], body: bytes) -> Challenge | Event:
        """`POST /feishu/webhook`: events, and new card callbacks when the console sends both to one URL."""
        _check_size(body)
        proof = _Proof.read(headers)
        if not crypto.same(crypto.sign(proof.timestamp, proof.nonce, self._encrypt_key, body), proof.signature):
            return self._unsigned(proof, body)
        return self._signed(proof, body)

    def receive_card(self, headers: Mapping[str, str], body: bytes) -> Challenge | CardAction:
        """`POST /feishu/card_callback`: `card.action.trigger`, and if allowed its SHA-1 signed predecessor."""
        _check_size(body)
        proof = _Proof.read(headers)
        if crypto.same(crypto.sign(proof.timestamp, proof.nonce, self._encrypt_key, body), proof.signature):
            received = self._signed(proof, body)
            if isinstance(received, Challenge | CardAction):
                return received
            found = received.event_type if isinstance(received, Unknown) else "im.message.receive_v1"
            raise Malformed(f"not a card callback: {found[:80]}")
        if self._legacy:
            legacy_signature = crypto.sign_legacy_card(proof.timestamp, proof.nonce, self._token, body)
            if crypto.same(legacy_signature, proof.signature):
                return self._signed_legacy(proof, body)
        return self._unsigned(proof, body, plain=self._legacy)

    def _signed(self, proof: "_Proof", body: bytes) -> Challenge | Event:
        """A body whose sender knows the Encrypt Key: with the right token, too, errors say what is wrong."""
        now = self._check_age(proof)
        payload = self._open(json_object(body, "body"))
        if not self._is_ours(payload):
            raise _unverified("other_token")
        if payload.get("type") == "url_verification":
            return _challenge(payload)
        return own_event(payload, app_id=self._app_id, now=now)

    def _signed_legacy(self, proof: "_Proof", body: bytes) -> Challenge | CardAction:
        now = self._check_age(proof)
        payload = json_object(body, "body")
        if payload.get("type") == "url_verification":
            if not self._is_ours(payload):
                raise _unverified("other_token")
            return _challenge(payload)
        # The form has no event id. Its own token is new for every click, so the signed bytes name the event.
        digest = hashlib.sha256(proof.signature.encode() + body).hexdigest()
        created_at = seconds(proof.timestamp, now)
        return parse_legacy_card_action(
            payload, app_id=self._app_id, event_id=f"legacy_{digest[:32]}", created_at=created_at
        )

    def _unsigned(self, proof: "_Proof", body: bytes, *, plain: bool = False) -> Challenge:
        """A URL check that proves itself by decrypting (or, legacy only, plain) with our token; else `Unverified`."""
        if len(body) > MAX_CHALLENGE_BYTES:
            raise _unverified("too_large")
        try:
            payload = json_object(body, "body")
            if not (plain and "encrypt" not in payload):
                payload = self._open(payload)
            if payload.get("type") != "url_verification" or not self._is_ours(payload):
                raise Malformed("unsigned")
            return _challenge(payload)
        except Malformed:
            raise _unverified(self._reason(proof, body)) from None

    def _reason(self, proof: "_Proof", body: bytes) -> str:
        """The key in `HINTS` for what most likely keeps a body from being proven."""
        try:
            envelope = json_object(body, "body")
        except Malformed:
            return "no_json"
        if "encrypt" not in envelope:
            return "plaintext" if self._is_ours(envelope) else "foreign"
        try:
            payload = self._open(envelope)
        except Malformed:
            return "other_key"
        if not self._is_ours(payload):
            return "other_token"
        return "changed" if proof.signature else "no_signature"

    def _check_age(self, proof: "_Proof") -> float:
        """Now (epoch seconds). Raises `Unverified` for another shape of timestamp or nonce, `Stale` for an old one."""
        if not _TIMESTAMP.fullmatch(proof.timestamp) or not _NONCE.fullmatch(proof.nonce):
            raise Unverified("signed, but the timestamp is not ten digits, or the nonce not short printable ASCII")
        now = self._clock.time()
        check_age(float(proof.timestamp), now)
        return now

    def _is_ours(self, payload: dict[str, Any]) -> bool:
        """Whether the Verification Token in it is ours."""
        header = payload.get("header")
        token = header.get("token") if isinstance(header, dict) else payload.get("token")
        return isinstance(token, str) and crypto.same(token, self._token)

    def _open(self, envelope: dict[str, Any]) -> dict[str, Any]:
        encrypted = envelope.get("encrypt")
        if not isinstance(encrypted, str):
            raise Malformed("the body is not encrypted")
        try:
            plaintext = crypto.decrypt(self._encrypt_key, encrypted)
        except crypto.DecryptError:
            raise Malformed("the body does not decrypt under the encrypt key") from None
        return json_object(without_lone_surrogates(plaintext), "the decrypted body")


@dataclass(frozen=True, slots=True)
class _Proof:
    """The three signature headers; empty where the request has none, which no signature matches."""

    timestamp: str
    nonce: str
    signature: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> "_Proof":
        return cls(
            _header(headers, "X-Lark-Request-Timestamp"),
            _header(headers, "X-Lark-Request-Nonce"),
            _header(headers, "X-Lark-Signature"),
        )


def _unverified(reason: str) -> Unverified:
    return Unverified(HINTS[reason], why=reason)


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header whatever its case, also out of a mapping that does not fold case itself."""
    lower = name.lower()
    for key in (name, lower):
        if (value := headers.get(key)) is not None:
            return value
    return next((value for key, value in headers.items() if key.lower() == lower), "")


def _check_size(body: bytes) -> None:
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the body exceeds {MAX_BODY_BYTES} bytes")


def _challenge(payload: dict[str, Any]) -> Challenge:
    challenge = payload.get("challenge")
    if not isinstance(challenge, str):
        raise Malformed("url_verification without challenge")
    return Challenge(challenge)
