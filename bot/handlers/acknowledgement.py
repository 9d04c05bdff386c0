"""What the platform is answered, and what is done once it has been."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to the platform: the response's JSON, and what to do once it has been sent."""

    body: dict[str, Any]
    afterwards: Callable[[], None] | None = None
