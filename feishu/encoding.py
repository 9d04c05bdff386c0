"""JSON as it goes to the platform: compact UTF-8 that is always valid. Pure."""

import json
from typing import Any

import orjson


def to_bytes(value: Any) -> bytes:
    """`value` as JSON. Lone surrogates (a model or a document may hold some) become `?` instead of failing the call."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def to_text(value: Any) -> str:
    """`value` as JSON text, for the fields the platform wants as a JSON *string*."""
    return to_bytes(value).decode()
