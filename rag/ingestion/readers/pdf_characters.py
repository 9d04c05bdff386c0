"""A PDF page's characters with their places, upright: as the page is shown, from its top left corner, in points."""

import ctypes
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_LINE_END_HYPHENS = (0x02, 0xAD, 0xFFFE)
_BULLET = "•"
_INVISIBLE = 3
_RADICALS = range(0x2E80, 0x2FE0)
_LIGATURES = range(0xFB00, 0xFB07)


class Character(NamedTuple):
    """One character and its box; `turned` by how many quarters of a circle against the page's own text. It is `spaced`
    where a space stands before it that the file does not write: letters are set apart by less than usual."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    turned: int = 0
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a page lies: its box in the file's own coordinates, and by how many quarters it is turned when shown."""

    left: float
    bottom: float
    right: float
    top: float
    quarters: int = 0
    cut: tuple[float, float] = (0.0, 0.0)
    """What is cut off on the left and at the top of the page as it is shown."""

    @classmethod
    def of(cls, page: Any) -> "Sheet":
        """The sheet of a page: what is outside of its crop box is not shown."""
        quarters = page.get_rotation() // 90 % 4
        media_left, media_bottom, media_right, media_top = page.get_mediabox()
        whole = cls(media_left, media_bottom, media_right, media_top, quarters)
        crop = page.get_cropbox()
        left, bottom = max(crop[0], whole.left), max(crop[1], whole.bottom)
        right, top = min(crop[2], whole.right), min(crop[3], whole.top)
        if right <= left or top <= bottom:
            return whole
        shown = whole.shown(left, bottom, right, top)
        return cls(left, bottom, right, top, quarters, (shown[0], shown[1]))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as it is shown."""
        width, height = max(self.right - self.left, 1.0), max(self.top - self.bottom, 1.0)
        return (height, width) if self.quarters % 2 else (width, height)

    def shown(self, left: float, bottom: float, right: float, top: float) -> Box:
        """A box of the file as it is shown."""
        if self.quarters == 1:
            return bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
        if self.quarters == 2:
            return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        if self.quarters == 3:
            return self.top - top, self.right - right, self.top - bottom, self.right - left
        return left - self.left, self.top - top, right - self.left, self.top - bottom


@dataclass(slots=True)
class PageText:
    """What a page says, and how it can be seen."""

    characters: list[Character] = field(default_factory=list)
    area: float = 0.0
    """Of the page's, the share that visible characters cover."""
    hidden_area: float = 0.0
    """The same of invisible ones: scans with a text layer have those."""
    unreadable: float = 0.0
    """The share of the characters for which the file gives no letter."""


def page_text(page: Any, sheet: Sheet, *, look_for_hidden: bool) -> PageText:
    """The characters of a page in the order of the file; those outside of the page are left out."""
    text_page = page.get_textpage()
    try:
        found = PageText()
        places = list(_placed(text_page, look_for_hidden=look_for_hidden))
        width, height = sheet.size
        whole = width * height
        unreadable = 0
        for text, quarters, box, is_hidden, is_spaced in places:
            left, top, right, bottom = sheet.shown(*box)
            if right < 0 or bottom < 0 or left > width or top > height:
                continue
            area = (right - left) * (bottom - top) / whole if right > left and bottom > top else 0.0
            if is_hidden:
                found.hidden_area += area
            elif bottom - top >= 2:
                found.area += area
            unreadable += text in ("\ufffd", _BULLET)
            if text == "\ufffd":
                continue
            turned = (quarters - sheet.quarters) % 4
            found.characters.append(Character(text, left, top, right, bottom, turned, is_spaced))
        found.unreadable = unreadable / max(1, len(places))
        return found
    finally:
        text_page.close()


def _placed(text_page: Any, *, look_for_hidden: bool) -> Iterable[tuple[str, int, Box, bool, bool]]:
    """Each character with its quarters, its box in the file's coordinates, whether nobody sees it, and whether a space
    before it was found by the distance alone."""
    import pypdfium2.raw as raw

    rect = raw.FS_RECTF()
    is_spaced = False
    for index in range(text_page.count_chars()):
        code = raw.FPDFText_GetUnicode(text_page, index)
        if code in (0x0D, 0x0A) or (raw.FPDFText_IsGenerated(text_page, index) == 1 and code not in _LINE_END_HYPHENS):
            is_spaced = code == 0x20
            continue
        if not raw.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(rect)):
            continue
        angle = raw.FPDFText_GetCharAngle(text_page, index)
        quarters = -round(angle / (math.pi / 2)) % 4 if angle > 0 else 0  # pdfium counts the other way round
        is_hidden = False
        if look_for_hidden:
            text_object = raw.FPDFText_GetTextObject(text_page, index)
            is_hidden = bool(text_object) and raw.FPDFTextObj_GetTextRenderMode(text_object) == _INVISIBLE
        yield _letter(code), quarters, (rect.left, rect.bottom, rect.right, rect.top), is_hidden, is_spaced
        is_spaced = False


def _letter(code: int) -> str:
    """A character as it is typed: radicals and ligatures that stand for letters become these."""
    if code in _LINE_END_HYPHENS:
        return "\u00ad"
    if 0xF000 <= code <= 0xF0FF:  # of a font of symbols
        return _BULLET
    if code < 0x20 or 0xD800 <= code <= 0xDFFF or 0xE000 <= code <= 0xF8FF or code > 0x10FFFF:
        return "\ufffd"
    if code in _RADICALS or code in _LIGATURES:
        import unicodedata

        return unicodedata.normalize("NFKC", chr(code))
    return chr(code)


def upright(characters: list[Character], sheet: Sheet) -> tuple[list[Character], list[Character], int]:
    """The characters that most of the page's text goes along with, turned upright; the others, each upright in its own
    way; and the quarters that the first were turned by."""
    counted = Counter(each.turned for each in characters if not each.text.isspace())
    most = counted.most_common(1)[0][0] if counted else 0
    main = [_turned(each, most, sheet) for each in characters if each.turned == most]
    others = [_turned(each, each.turned, sheet) for each in characters if each.turned != most]
    return main, others, most


def _turned(each: Character, quarters: int, sheet: Sheet) -> Character:
    width, height = sheet.size
    if quarters == 0:
        return each
    if quarters == 1:
        box = (height - each.bottom, each.left, height - each.top, each.right)
    elif quarters == 2:
        box = (width - each.right, height - each.bottom, width - each.left, height - each.top)
    else:
        box = (each.top, width - each.right, each.bottom, width - each.left)
    return Character(each.text, *box, spaced=each.spaced)
