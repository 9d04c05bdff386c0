"""Just enough of PromQL to know what an expression asks for."""

import re
from dataclasses import dataclass

_SELECTOR = re.compile(r"\b([a-z_]+(?:_total|_bucket|_info|_seconds|_bytes|_jobs|_open|_up))\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Selector:
    """A series that an expression asks for: its name, and its labels with how and what they are compared to."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> list[Selector]:
    """All series of an expression."""
    return [Selector(name, tuple(_MATCHER.findall(matchers))) for name, matchers in _SELECTOR.findall(expression)]


def groupings(expression: str) -> set[str]:
    """The labels that an expression groups by."""
    return {label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",") if label.strip()}
