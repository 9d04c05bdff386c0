"""Front matter: the lines of YAML between `---` at the top of a Markdown file, as far as anybody needs it.

Only texts and flat lists of texts are known. YAML's events are read as they come, so that nothing is ever built out of
aliases, merge keys, tags or nesting, and no text becomes a date or a number; what is more than that has no value here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

MOST_CHARS = 16_384
MOST_NESTED = 200
"""Brackets and braces; nesting makes YAML's scanner slow."""
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})

Value = str | list[str] | None


@dataclass(frozen=True, slots=True)
class Matter:
    """`fields` by name, None for a value that is neither a text nor a flat list; the `body` after them; and `notes`."""

    fields: dict[str, Value]
    body: str
    notes: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A field as one line; "" where there is none or it is a list."""
        value = self.fields.get(name)
        return " ".join(value.split()) if isinstance(value, str) else ""


def split_front_matter(text: str) -> Matter:
    """Fields and what follows them; what is no mapping, or is too long, stays text."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return Matter({}, text)
    if len(match.group(1)) > MOST_CHARS:
        return Matter({}, text, (f"its front matter is longer than {MOST_CHARS} characters and was read as text",))
    if sum(match.group(1).count(bracket) for bracket in "[{") > MOST_NESTED:
        return Matter({}, text[match.end() :], ("its front matter has too many brackets and was left out",))
    fields = _fields(match.group(1))
    return Matter({}, text) if fields is None else Matter(fields, text[match.end() :])


def _fields(text: str) -> dict[str, Value] | None:
    """The outermost mapping; None where the text is none, or no YAML."""
    import yaml

    try:
        events = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        if not isinstance(next(islice(events, 2, None), None), yaml.MappingStartEvent):
            return None
        fields: dict[str, Value] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, value = _value(event, events), _value(next(events), events)
            if isinstance(key, str):
                fields[key] = value
        return fields
    except (yaml.YAMLError, StopIteration, ValueError):  # ValueError: an escape that is no character
        return None


def _value(first: Any, events: Iterator[Any]) -> Value:
    """The value that begins with an event; what belongs to it is taken from `events`."""
    import yaml

    if not isinstance(first, yaml.CollectionStartEvent):
        return _scalar(first)
    is_flat = isinstance(first, yaml.SequenceStartEvent) and _is_plain(first)
    items: list[str] = []
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        item = _scalar(event)
        if item is not None:
            items.append(item)
        elif depth:
            is_flat = False
    return items if is_flat else None


def _scalar(event: Any) -> str | None:
    import yaml

    if not isinstance(event, yaml.ScalarEvent) or not _is_plain(event):
        return None
    return "" if event.implicit[0] and event.value in _NOTHING else str(event.value)


def _is_plain(event: Any) -> bool:
    """Whether there is neither a tag on it nor an anchor."""
    return event.anchor is None and event.tag is None
