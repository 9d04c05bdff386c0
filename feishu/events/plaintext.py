"""An event in the clear, as a webhook's body holds it once decrypted, and as a long connection brings it."""

import json
from typing import Any

import orjson

from feishu.errors import Malformed, Stale
from feishu.events.parsing import Event, parse_event

MAX_EVENT_BYTES = 1_048_576
MAX_AGE_S = 24 * 3600
"""Redelivery goes on for 7 h 6 min and may keep its first timestamp, so age alone refuses nothing younger than this.
Less than the shortest `bot.retention_h` (48 h): what is still accepted is still known as handled."""


def own_event(payload: dict[str, Any], *, app_id: str, now: float) -> Event:
    """The event of an envelope that is from the platform for sure, if it is young and ours. `now`: epoch seconds.

    Raises `Malformed`, also for another app's event, and `Stale`.
    """
    event = parse_event(payload, received_at=now)
    check_age(event.created_at, now)
    if event.app_id != app_id and (event.app_id or "schema" in payload):
        raise Malformed(f"the event is for another app: {event.app_id[:80]}")
    return event


def check_age(created_at: float, now: float) -> None:
    """Raises `Stale` for what is so old that it may have been handled and forgotten."""
    if now - created_at > MAX_AGE_S:
        raise Stale(now - created_at)


def json_object(raw: bytes, what: str) -> dict[str, Any]:
    """Raises `Malformed`, which names `what`."""
    try:
        found = orjson.loads(raw)
    except ValueError:
        raise Malformed(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"{what} is not a JSON object")
    return found


def without_lone_surrogates(plaintext: bytes) -> bytes:
    """Half of an emoji, which clients do send (a name cut in two), is replaced: the rest of the event is fine."""
    if b"\\ud" not in plaintext.lower():
        return plaintext
    try:
        return json.dumps(json.loads(plaintext), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return plaintext
