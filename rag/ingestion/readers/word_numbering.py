"""The numbers that Word puts in front of paragraphs, which stand nowhere in the text: 第三条, 2.1, (a), 一、."""

import re
from dataclasses import dataclass
from typing import Any

from rag.ingestion.readers.numbering_formats import formatted, padded
from rag.ingestion.readers.office_package import attribute, child, children, is_on, value, whole
from rag.ingestion.readers.word_styles import Styles

MOST_LEVELS = 9
MOST_LINKS = 20
"""Numberings that lead to styles that lead to numberings; a circle ends here."""
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before a paragraph: the text with the space after it, or a bullet."""

    text: str = ""
    is_bullet: bool = False


class _Level:
    """How one level of a numbering is written."""

    def __init__(self, element: Any) -> None:
        self.start = whole(value(element, "start"), 1) if value(element, "start") else 0
        kind = child(element, "numFmt")
        if kind is None:
            kind = next((each for each in element.iter("{*}numFmt")), None)
        self.kind = attribute(kind, "val", "decimal") if kind is not None else "decimal"
        self.sample = attribute(kind, "format") if kind is not None else ""
        self.text = value(element, "lvlText")
        self.style = value(element, "pStyle")
        restart = value(element, "lvlRestart")
        self.restart = whole(restart) if restart else None
        legal, vanish = child(element, "isLgl"), child(element, "rPr", "vanish")
        self.is_legal = legal is not None and is_on(attribute(legal, "val", "1"))
        self.is_hidden = vanish is not None and is_on(attribute(vanish, "val", "1"))
        self.gap = "" if value(element, "suff") == "nothing" else " "

    def written(self, number: int, *, is_legal: bool = False) -> str:
        if self.kind == "custom":
            return padded(number, self.sample)
        if is_legal:
            return str(number)
        return "" if self.kind == "bullet" else formatted(number, self.kind)


class Numbering:
    """Counts through a document: ask it for each paragraph that is shown, once and in order."""

    def __init__(self, root: Any, styles: Styles) -> None:
        self._styles = styles
        self._nums = {attribute(each, "numId"): each for each in children(root, "num")}
        self._abstract = {attribute(each, "abstractNumId"): each for each in children(root, "abstractNum")}
        self._levels: dict[str, tuple[str, dict[int, _Level]]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._restarted: set[tuple[str, int]] = set()

    def mark(self, paragraph: Any) -> Mark:
        """What Word writes before the paragraph; it counts."""
        number, said, styles = self._styles.numbering(paragraph)
        if not number or number not in self._nums:
            return Mark()
        abstract, levels = self._definition(number)
        at = self._level(levels, said, styles)
        if at not in levels:
            return Mark()
        counts = self._counted(number, abstract, levels, at)
        level = levels[at]
        if level.is_hidden:
            return Mark()
        if level.kind == "bullet":
            return Mark(is_bullet=True)
        text = _PLACE.sub(lambda match: self._place(int(match.group(1)) - 1, at, levels, counts), level.text).strip()
        return Mark(f"{text}{level.gap}" if text else "")

    @staticmethod
    def _place(place: int, at: int, levels: dict[int, _Level], counts: dict[int, int]) -> str:
        if place > at or place not in levels:
            return ""
        return levels[place].written(counts.get(place, levels[place].start), is_legal=levels[at].is_legal)

    @staticmethod
    def _level(levels: dict[int, _Level], said: int | None, styles: tuple[Any, ...]) -> int:
        for style in styles:
            identity = attribute(style, "styleId")
            for at, level in levels.items():
                if level.style == identity:
                    return at
        return said or 0

    def _counted(self, number: str, abstract: str, levels: dict[int, _Level], at: int) -> dict[int, int]:
        """The counts of all levels, after one more at this level."""
        counts = self._counts.setdefault(abstract, {})
        if at in self._overrides(number) and (number, at) not in self._restarted:
            self._restarted.add((number, at))
            counts.pop(at, None)
        for place in range(at):
            if place in levels:
                counts.setdefault(place, levels[place].start)  # a level that is passed over counts as begun
        counts[at] = counts[at] + 1 if at in counts else levels[at].start
        for place in range(at + 1, MOST_LEVELS):
            restart = levels[place].restart if place in levels else None
            if restart is None or at < restart:
                counts.pop(place, None)
        return counts

    def _overrides(self, number: str) -> dict[int, int]:
        found = {}
        for each in children(self._nums[number], "lvlOverride"):
            if child(each, "startOverride") is not None:
                found[whole(attribute(each, "ilvl"))] = whole(value(each, "startOverride"))
        return found

    def _definition(self, number: str) -> tuple[str, dict[int, _Level]]:
        """Which numbering it counts in, and its levels."""
        if number not in self._levels:
            abstract = self._resolved(number)
            levels = self._read(self._abstract.get(abstract))
            for each in children(self._nums[number], "lvlOverride"):
                levels |= self._read(each)
            for place, start in self._overrides(number).items():
                if place in levels:
                    levels[place].start = start
            self._levels[number] = abstract, levels
        return self._levels[number]

    def _resolved(self, number: str) -> str:
        """The id of the abstract numbering, through those that only name a style."""
        abstract = ""
        for _ in range(MOST_LINKS):
            abstract = value(self._nums.get(number), "abstractNumId")
            link = value(self._abstract.get(abstract), "numStyleLink")
            following = self._styles.numbering_style(link) if link else ""
            if not following or following == number:
                break
            number = following
        return abstract

    @staticmethod
    def _read(element: Any) -> dict[int, _Level]:
        return {whole(attribute(each, "ilvl")): _Level(each) for each in children(element, "lvl")}
