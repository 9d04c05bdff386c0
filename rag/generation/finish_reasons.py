"""How a model's text ended, by the reason that its server gives: one table for the spellings of many servers."""

import re

from rag.events import Ending

_WORD = re.compile(r"[^a-z]+")
_ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(
        (
            "length",
            "max_tokens",
            "max_output_tokens",
            "max_length",
            "token_limit",
            "model_length",
            "context_length",
            "context_length_exceeded",
            "model_context_window_exceeded",
        ),
        "length",
    ),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "content_filter_results",
            "content_policy_violation",
            "data_inspection_failed",
            "sensitive",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "refusal",
            "risk",
            "guardrail_intervened",
        ),
        "filtered",
    ),
    **dict.fromkeys(
        (
            "insufficient_system_resource",
            "insufficient_system_resources",
            "overloaded",
            "overloaded_error",
            "engine_overloaded",
            "engine_overloaded_error",
            "server_overloaded",
            "server_busy",
        ),
        "overloaded",
    ),
    **dict.fromkeys(
        (
            "error",
            "network_error",
            "server_error",
            "internal_error",
            "abort",
            "aborted",
            "cancelled",
            "canceled",
            "timeout",
            "interrupted",
            "malformed_response",
        ),
        "broken",
    ),
}
_NONE = frozenset({"", "null", "none", "unspecified", "finish_reason_unspecified"})


def normal(reason: object) -> str:
    """A reason in small letters with underscores; "" where a server only fills the field."""
    if not isinstance(reason, str):
        return ""
    word = _WORD.sub("_", reason.lower()).strip("_")
    return "" if word in _NONE else word


def ending_of(reason: str) -> Ending:
    """The ending that a reason means. No reason at all is a stream that broke off; one that nobody knows ("stop",
    "eos", "end_turn", "tool_calls", …) is the model's own end."""
    if not reason:
        return "broken"
    return _ENDINGS.get(reason, "")
