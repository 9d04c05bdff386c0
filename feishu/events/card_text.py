"""The words of a card that somebody else sent, out of its JSON: schema 1.0 and 2.0, simplified or whole. Pure.

The platform gives the card itself as `{"user_dsl": "…"}`, `{"json_card": …}`, `{"user_card": …}` or without a wrapper
(im-v1/message/get with `card_msg_content_type`), the simplified form as `{"title", "elements": [[…]]}`. What stands on
a card is read by the names of its fields, so that a component nobody here knows gives its words, too; what it does
(values, addresses, styles) is left out. Depth, objects and characters are bounded.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from feishu.visible_text import visible_text

MAX_DEPTH = 16
MAX_NODES = 3_000
MAX_CHARS = 8_000
_WRAPPERS = ("user_dsl", "user_card", "json_card", "card", "data")
_LOCALES = ("zh_cn", "en_us", "ja_jp")
_WORDS = ("content", "text", "title", "subtitle", "name", "display_name", "alt", "placeholder")
_PARTS = ("text_tag_list", "fields", "body", "elements", "columns", "rows", "actions", "extra", "options", "label")
_INLINE = frozenset({"text", "a", "at", "plain_text", "lark_md", "md"})
_NO_WORDS = frozenset({"chart", "person", "person_list", "custom_icon", "standard_icon"})
_UPGRADE = re.compile(r"请升级至最新版本客户端|upgrade (?:to )?the (?:latest|newest) version", re.IGNORECASE)
_AT = re.compile(r"<at\b[^<>]*>([^<>]*)</at>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:at|font|text_tag|number_tag|link|person|local_datetime|raw|a)\b[^<>]*>|(?P<line></?(?:br|hr)\s*/?>)",
    re.IGNORECASE,
)


def card_text(raw: str) -> str:
    """The words on a card, a line each; "" where there are none, as of a template's or of one that the platform gives
    only as the advice to update the client."""
    reader = _Reader()
    lines = [line for line in reader.lines(_unwrapped(raw), 0) if not _UPGRADE.search(line)]
    return visible_text("\n".join(dict.fromkeys(lines)))[:MAX_CHARS].strip()


def _unwrapped(raw: object) -> Any:
    found: Any = raw
    for _ in range(len(_WRAPPERS) + 1):
        if isinstance(found, str):
            try:
                found = orjson.loads(found)
            except ValueError:
                return None
        if not isinstance(found, dict):
            return None
        inner = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), str | dict)), None)
        if inner is None or found.get("type") == "template":
            return found
        found = inner
    return None


class _Reader:
    """Walks over one card, within its bounds."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def lines(self, node: Any, depth: int) -> Iterator[str]:
        """What stands in a node, from top to bottom."""
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            return
        if isinstance(node, str):
            yield from filter(None, (line.strip() for line in _plain(node).split("\n")))
        elif isinstance(node, list):
            yield from self._of_list(node, depth)
        elif isinstance(node, dict) and node.get("tag") not in _NO_WORDS:
            yield from self._of_object(node, depth)

    def _of_list(self, nodes: list[Any], depth: int) -> Iterator[str]:
        if nodes and all(isinstance(node, dict) and node.get("tag") in _INLINE for node in nodes):
            yield " ".join(filter(None, (" ".join(self.lines(node, depth + 1)) for node in nodes)))
            return
        for node in nodes:
            yield from self.lines(node, depth + 1)

    def _of_object(self, node: dict[str, Any], depth: int) -> Iterator[str]:
        if node.get("tag") == "at":
            name = node.get("user_name")
            yield from [f"@{name}"] if isinstance(name, str) and name else []
            return
        yield from self.lines(node.get("header") or _localised(node, "i18n_header"), depth + 1)
        for key in _WORDS:
            if key in ("name", "display_name") and not (node.get("data_type") and key == "display_name"):
                continue  # names of form fields and columns are no words; only a column's heading is
            yield from self.lines(node.get(key) or _localised(node, f"i18n_{key}", "i18n"), depth + 1)
        if node.get("tag") == "table":
            yield from self._table(node, depth)
            return
        for key in _PARTS:
            yield from self.lines(node.get(key) or _localised(node, f"i18n_{key}"), depth + 1)

    def _table(self, table: dict[str, Any], depth: int) -> Iterator[str]:
        columns, rows = table.get("columns"), table.get("rows")
        named = [each for each in columns if isinstance(each, dict)] if isinstance(columns, list) else []
        yield " | ".join(" ".join(self.lines(each.get("display_name"), depth + 1)) for each in named)
        for row in rows if isinstance(rows, list) else []:
            cells = [row.get(each.get("name")) if isinstance(row, dict) else None for each in named]
            yield " | ".join(
                str(cell) if isinstance(cell, int | float) else " ".join(self.lines(cell, depth + 1)) for cell in cells
            )


def _localised(node: dict[str, Any], *keys: str) -> Any:
    """The first language of a field that is there in several."""
    for key in keys:
        several = node.get(key)
        if isinstance(several, dict):
            found = (several.get(locale) for locale in (*_LOCALES, *several))
            return next((each for each in found if each), None)
    return None


def _plain(text: str) -> str:
    """Without the tags of the platform's Markdown."""
    text = _AT.sub(lambda found: f"@{found[1]}" if found[1] else "", text)
    return _TAG.sub(lambda found: "\n" if found["line"] else "", text)
