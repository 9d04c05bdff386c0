"""What the platform is answered, and what is done once it has been."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bot.texts import EN, ZH

ToastType = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to the platform: the response's JSON, and what to do once it has been sent."""

    body: dict[str, Any]
    afterwards: Callable[[], None] | None = None


def toast(key: str, kind: ToastType = "info") -> dict[str, Any]:
    """A callback response that shows a line in the clicker's own language; `key` names a field of `bot.texts.Texts`."""
    zh, en = getattr(ZH, key), getattr(EN, key)
    return {"toast": {"type": kind, "content": zh, "i18n": {"zh_cn": zh, "en_us": en}}}
