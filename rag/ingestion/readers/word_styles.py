"""Word's styles: what a paragraph or a run has from its style, and from the styles that this one is based on."""

import re
from typing import Any

from rag.ingestion.readers.office_package import attribute, child, children, is_on, value, whole

_HEADING = re.compile(r"^(?:heading|überschrift|titre|标题|標題|見出し)\s*([1-9])$", re.IGNORECASE)
_TITLE = frozenset({"title", "标题", "標題", "表題"})
_LIST = re.compile(r"list|列表|清單", re.IGNORECASE)
MOST_ANCESTORS = 30
"""Longer chains, and circles, end here."""


class Styles:
    """The styles of a document by id; without a styles part all is unstyled."""

    def __init__(self, root: Any) -> None:
        self._by_id: dict[str, Any] = {}
        self._default: dict[str, str] = {}
        self._chains: dict[str, tuple[Any, ...]] = {}
        for style in children(root, "style"):
            identity, kind = attribute(style, "styleId"), attribute(style, "type", "paragraph")
            self._by_id.setdefault(identity, style)
            if attribute(style, "default") not in ("", "0", "false"):
                self._default.setdefault(kind, identity)

    def chain(self, identity: str, kind: str = "paragraph") -> tuple[Any, ...]:
        """The style and those it is based on, nearest first; the default one where the id is not known."""
        if identity not in self._by_id:
            identity = self._default.get(kind, "")
        if identity not in self._chains:
            found: list[Any] = []
            at = self._by_id.get(identity)
            while at is not None and at not in found and len(found) < MOST_ANCESTORS:
                found.append(at)
                at = self._by_id.get(value(at, "basedOn"))
            self._chains[identity] = tuple(found)
        return self._chains[identity]

    def of(self, paragraph: Any) -> tuple[Any, ...]:
        """The styles of a paragraph, nearest first."""
        return self.chain(value(paragraph, "pPr", "pStyle"))

    def level(self, paragraph: Any) -> int:
        """The level of a heading, from its outline level or its style's name; 0 for body text."""
        chain = self.of(paragraph)
        for properties in (child(paragraph, "pPr"), *(child(style, "pPr") for style in chain)):
            outline = value(properties, "outlineLvl") if properties is not None else ""
            if outline:
                return whole(outline, 9) + 1 if 0 <= whole(outline, 9) < 9 else 0
        for style in chain:
            if match := _HEADING.match(value(style, "name")):
                return int(match.group(1))
        return 0

    def is_title(self, paragraph: Any) -> bool:
        """Whether a paragraph is the document's title."""
        return any(value(style, "name").strip().lower() in _TITLE for style in self.of(paragraph)[:1])

    def is_list(self, paragraph: Any) -> bool:
        """Whether a paragraph's style is one of lists by its name, other than `List Paragraph`."""
        name = value(self.of(paragraph)[0], "name") if self.of(paragraph) else ""
        return bool(_LIST.search(name)) and "paragraph" not in name.lower()

    def is_contents(self, paragraph: Any) -> bool:
        """Whether a paragraph's style is one of a table of contents."""
        return any(re.match(r"(?i)toc [1-9]$", value(style, "name")) for style in self.of(paragraph)[:1])

    def is_hidden(self, properties: Any, styles: tuple[Any, ...]) -> bool:
        """Whether a run, or a paragraph's mark, is hidden text; `properties` is its own `rPr`."""
        own = self.chain(value(properties, "rStyle"), "character") if value(properties, "rStyle") else ()
        for each in (properties, *(child(style, "rPr") for style in (*own, *styles))):
            vanish = child(each, "vanish")
            if vanish is not None:
                return is_on(attribute(vanish, "val", "1"))
        return False

    def numbering(self, paragraph: Any) -> tuple[str, int | None, tuple[Any, ...]]:
        """The id of a paragraph's numbering ("" for none), its level where one is said, and the styles that may be
        tied to a level: none where the paragraph itself says its level."""
        own = child(paragraph, "pPr", "numPr")
        chain = self.of(paragraph)
        number, level = value(own, "numId"), value(own, "ilvl")
        tied = () if level else chain
        for style in chain:
            if number and level:
                break
            found = child(style, "pPr", "numPr")
            number, level = number or value(found, "numId"), level or value(found, "ilvl")
        return ("" if number == "0" else number), (whole(level) if level else None), tied

    def numbering_style(self, identity: str) -> str:
        """The id of the numbering that a numbering style stands for; "" for none."""
        return next((found for style in self.chain(identity, "numbering") if (found := _number(style))), "")


def _number(style: Any) -> str:
    return value(style, "pPr", "numPr", "numId")
