"""The parts of an Excel file that all its sheets share: names, strings, styles, and what belongs to which sheet.

Only what is needed to read is taken from the XML, so that a damaged style, filter or picture does not keep a sheet from
being read, and nothing is believed that the file says about sizes.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from rag.ingestion.readers.number_formats import NumberFormat, number_format
from rag.ingestion.readers.office_package import local, reference
from rag.ingestion.readers.parsed import CannotRead

NOT_EXCEL = "is not an Excel file that can be opened"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_YES = frozenset({"1", "true", "on"})
_DAY, _DAY_AND_TIME = 'yyyy"年"m"月"d"日"', "yyyy/m/d h:mm"
_BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    5: "¥#,##0;¥-#,##0",
    6: "¥#,##0;[Red]¥-#,##0",
    7: "¥#,##0.00;¥-#,##0.00",
    8: "¥#,##0.00;[Red]¥-#,##0.00",
    14: "yyyy/m/d",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: _DAY_AND_TIME,
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    37: "#,##0;-#,##0",
    38: "#,##0;[Red]-#,##0",
    39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;[Red]-#,##0.00",
    41: "#,##0;-#,##0;-;@",
    42: "¥#,##0;¥-#,##0;¥-;@",
    43: "#,##0.00;-#,##0.00;-;@",
    44: "¥#,##0.00;¥-#,##0.00;¥-;@",
    49: "@",
    **dict.fromkeys((27, 36, 50, 52, 57), 'yyyy"年"m"月"'),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"'),
    30: "m-d-yy",
    31: _DAY,
    32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"',
    **dict.fromkeys((34, 55), '上午/下午h"时"mm"分"'),
    **dict.fromkeys((35, 56), '上午/下午h"时"mm"分"ss"秒"'),
}
"""Formats that files name by number only; those that depend on the language are as in Chinese."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell looks, as far as it matters for its text."""

    format: NumberFormat
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One sheet of a workbook; without a grid it is a sheet of its own for a chart."""

    name: str
    path: str
    is_hidden: bool
    has_grid: bool


class Workbook:
    """Opens the file. Raises CannotRead."""

    def __init__(self, content: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise CannotRead(NOT_EXCEL) from error
        self._names = {_path(name): name for name in self._archive.namelist()}
        path = next((part for kind, part in self.related("").values() if kind == "officeDocument"), "xl/workbook.xml")
        if not self.has(path):
            raise CannotRead(NOT_EXCEL)
        parts = dict(self.related(path).values())
        self.sheets: list[SheetPart] = []
        self.is_1904 = self.recalculates = False
        self._read_workbook(path)
        self.strings = list(self._read_strings(parts.get("sharedStrings", "xl/sharedStrings.xml")))
        self.styles = self._read_styles(parts.get("styles", "xl/styles.xml"))

    def has(self, path: str) -> bool:
        """Whether there is such a part."""
        return _path(path) in self._names

    def elements(self, path: str, *tags: str) -> Iterator[Any]:
        """The elements of these names in a part, one after the other; each is forgotten after its turn.

        Raises CannotRead. Entities are not resolved and nothing is fetched.
        """
        from lxml import etree

        if not self.has(path):
            return
        try:
            with self._opened(path) as stream:
                found = etree.iterparse(
                    stream, tag=[f"{{*}}{tag}" for tag in tags], resolve_entities=False, no_network=True
                )
                for _, element in found:
                    yield element
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except (etree.XMLSyntaxError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
            raise CannotRead("is damaged: a part of it cannot be read") from error

    def related(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: id → kind and path."""
        folder, name = posixpath.split(path)
        found = {}
        for element in self.elements(f"{folder}/_rels/{name}.rels", "Relationship"):
            if element.get("TargetMode") != "External":
                kind, target = (element.get("Type") or "").rpartition("/")[2], element.get("Target") or ""
                found[element.get("Id") or ""] = (kind, target if target[:1] == "/" else f"{folder}/{target}")
        return found

    def _opened(self, path: str) -> IO[bytes]:
        return self._archive.open(self._names[_path(path)])

    def _read_workbook(self, path: str) -> None:
        targets = self.related(path)
        for element in self.elements(path, "sheet", "workbookPr", "calcPr"):
            tag = local(element)
            if tag == "workbookPr":
                self.is_1904 = is_true(element.get("date1904"))
            elif tag == "calcPr":
                self.recalculates = is_true(element.get("fullCalcOnLoad"))
            else:
                kind, part = targets.get(reference(element), ("", ""))
                is_hidden = (element.get("state") or "visible") != "visible"
                self.sheets.append(SheetPart(element.get("name") or "", part, is_hidden, kind == "worksheet"))

    def _read_strings(self, path: str) -> Iterator[str]:
        for element in self.elements(path, "si"):
            yield string_of(element)

    def _read_styles(self, path: str) -> list[Style]:
        codes = dict(_BUILT_IN)
        bold: list[bool] = []
        styles: list[Style] = []
        for element in self.elements(path, "numFmts", "fonts", "cellXfs"):
            tag = local(element)
            for child in element:
                if tag == "numFmts":
                    codes[_number(child.get("numFmtId"))] = child.get("formatCode") or "General"
                elif tag == "fonts":
                    marks = [mark for mark in child if local(mark) == "b"]
                    bold.append(any(mark.get("val") in (None, *_YES) for mark in marks))
                else:
                    font = _number(child.get("fontId"))
                    code = codes.get(_number(child.get("numFmtId")), "General")
                    styles.append(Style(number_format(code), 0 <= font < len(bold) and bold[font]))
        return styles or [Style(number_format("General"))]


def string_of(element: Any) -> str:
    """The text of a string, also of one in several fonts, without what says how it is pronounced."""
    texts = []
    for child in element:
        tag = local(child)
        if tag == "t":
            texts.append(child.text or "")
        elif tag == "r":
            texts += [part.text or "" for part in child if local(part) == "t"]
    return unescaped("".join(texts))


def unescaped(text: str) -> str:
    """`_x000D_` and the like as the signs they stand for; control characters as spaces."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(code) if (code := int(found[1], 16)) >= 32 else " ", text)


def is_true(value: str | None) -> bool:
    """A truth value as XML writes it."""
    return (value or "").lower() in _YES


def _path(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


def _number(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else 0
