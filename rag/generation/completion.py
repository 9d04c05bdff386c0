"""One JSON object of a model's answer, whichever server sent it, as text, reasoning, usage, and a reason to end.

Takes chunks of a stream and whole answers alike, content as a string or as parts, and errors in the shapes in which
servers put them where an answer should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.events import Usage
from rag.generation.finish_reasons import normal


class AnswerError(Exception):
    """An error object where an answer should be. `body` holds what the server says: never to be shown."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__("an error object in the answer")
        self.body = dict(body)


@dataclass(frozen=True, slots=True)
class Part:
    """What one object adds to an answer; any field may be empty."""

    text: str = ""
    reasoning: str = ""
    usage: Usage | None = None
    finish_reason: str = ""


def read_part(content: Mapping[str, Any], *, event: str = "", has_text: bool = False) -> Part:
    """The part that an object holds. Raises AnswerError for an error.

    `event` names the event that brought it. After text of a stream (`has_text`), a whole message is the same text once
    more, which some servers send at the end.
    """
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    is_suspect = not choice or content.get("error") or choice.get("error")
    if is_suspect and (error := _error(content, event) or _error(choice, event)):
        raise AnswerError(error)
    usage = _usage(content.get("usage")) or _usage(choice.get("usage"))
    reason = normal(choice.get("finish_reason")) or _filtered(choice)
    delta = choice.get("delta")
    if not isinstance(delta, dict) or not delta:
        message = choice.get("message")
        delta = message if isinstance(message, dict) and not has_text else {}
    text, thoughts = _texts(delta.get("content"))
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    if isinstance(delta.get("refusal"), str) and delta["refusal"]:
        reason = "refusal"
    return Part(text, (reasoning if isinstance(reasoning, str) else "") + thoughts, usage, reason)


def _texts(content: object) -> tuple[str, str]:
    """Text and thinking of a content, which may be a list of parts."""
    if isinstance(content, str):
        return content, ""
    text = thoughts = ""
    for part in content if isinstance(content, list) else []:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            if isinstance(part.get("thinking"), str | list):
                inner = part["thinking"]
                thoughts += inner if isinstance(inner, str) else "".join(_texts(inner))
            elif isinstance(part.get("text"), str):
                text += part["text"]
    return text, thoughts


def _filtered(choice: Mapping[str, Any]) -> str:
    """Azure's verdicts on a piece: one that holds it back is the reason to end."""
    verdicts = choice.get("content_filter_results")
    rows = verdicts.values() if isinstance(verdicts, dict) else ()
    return "content_filter" if any(isinstance(row, dict) and row.get("filtered") is True for row in rows) else ""


def _usage(counts: object) -> Usage | None:
    if not isinstance(counts, dict):
        return None
    prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if not isinstance(prompt, int) and not isinstance(completion, int):
        return None
    return Usage(prompt if isinstance(prompt, int) else 0, completion if isinstance(completion, int) else 0)


def _error(content: Mapping[str, Any], event: str) -> dict[str, Any]:
    """What an object without an answer says went wrong; {} for one that only has nothing to say (usage, a ping)."""
    error = content.get("error")
    if isinstance(error, dict) and error:
        return {str(key): value for key, value in error.items()}
    if error:
        return {"message": str(error)}
    result = content.get("base_resp")
    if isinstance(result, dict) and result.get("status_code"):
        return {"code": result["status_code"], "message": str(result.get("status_msg", ""))}
    if event == "error" or content.get("object") == "error" or content.get("success") is False:
        return dict(content) or {"message": event}
    said = {key: content[key] for key in ("message", "msg", "error_msg", "errmsg", "detail") if content.get(key)}
    if said and "choices" not in content and "usage" not in content:
        codes = {key: content[key] for key in ("code", "error_code", "type") if content.get(key)}
        return {**said, **codes}
    return {}
