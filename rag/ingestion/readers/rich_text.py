"""RTF: the text that Word shows, in the code pages and escapes that old programs and Chinese ones write."""

import codecs
import re
from dataclasses import dataclass, replace

from rag.ingestion.readers.left_out import LeftOut, What
from rag.ingestion.readers.parsed import MOST_CHARS, CannotRead, Parsed, markdown_table, one_line

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([\r\n]+)|([^\\{}\r\n]+)"
)
MOST_NESTED = 500
_CHARSETS = {
    0: "cp1252", 2: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "big5",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip
_PAGES = {936: "gb18030", 950: "big5", 932: "cp932", 949: "cp949", 65001: "utf-8", 10000: "mac_roman"}
_SIGNS = {
    "tab": "\t", "line": "\n", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
    "endash": "–", "emdash": "—", "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n",
}  # fmt: skip
_BREAKS = frozenset({"par", "sect", "page", "column"})
_SKIPPED = frozenset(
    {
        "fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "rsidtbl", "generator", "themedata",
        "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "filetbl", "revtbl", "fldinst", "datafield",
        "private", "bkmkstart", "bkmkend", "xe", "tc", "template", "userprops", "docvar", "mmathPr", "nonshppict",
        "atnid", "atnauthor", "atndate", "atnref", "atrfstart", "atrfend", "atnparent", "ftnsep", "ftnsepc",
        "aftnsep", "aftnsepc", "panose", "falt", "objclass", "objdata", "objname", "picprop", "sn", "pgdsctbl",
        "wgrffmtfilter", "fchars", "lchars", "pntxta", "pntxtb", "do", "pgptbl", "hlinkbase",
    }
)  # fmt: skip
_COUNTED: dict[str, What] = {"annotation": "comments", "pict": "pictures", "object": "objects"}
_ASIDE = frozenset({"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "footnote"})


def read_rtf(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """The whole document. Raises CannotRead."""
    if not content.lstrip().startswith(b"{\\rtf"):
        raise CannotRead("is not an RTF file")
    reading = _Reading(include_hidden=include_hidden)
    reading.read(content)
    return reading.parsed()


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and gives back."""

    encoding: str = ""
    """Of the font that is in use; "" for the document's own."""
    skip: int = 1
    """Characters that stand for a Unicode one in older programs."""
    target: str = "text"
    is_hidden: bool = False
    is_deleted: bool = False
    is_optional: bool = False
    """Whether `\\*` came last: what follows is a destination that may be passed over."""


class _Reading:
    def __init__(self, *, include_hidden: bool) -> None:
        self._include_hidden = include_hidden
        self._left = LeftOut()
        self._state = _State()
        self._groups: list[_State] = []
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = self._first_font = 0
        self._bytes = bytearray()
        self._to_skip = 0
        self._surrogate = 0
        self._levels: list[int] = []
        self._line: list[str] = []
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._blocks: list[str] = []
        self._asides: list[list[str]] = []
        self._title: list[str] = []
        self._heading = 0
        self._in_table = False
        self._length = 0
        self._notes = 0
        self._notes_after: list[str] = []
        self._headers: dict[str, None] = {}

    def read(self, content: bytes) -> None:
        """All of it; binary data is passed over."""
        at, end = 0, len(content)
        while at < end:
            match = _TOKEN.match(content, at)
            if match is None:  # a backslash at the very end
                break
            at = match.end()
            word, number, byte, sign, brace, _, text = match.groups()
            if word is not None:
                if word == b"bin" and number:
                    at += max(int(number), 0)
                    continue
                self._word(word.decode("ascii"), int(number) if number else None)
            elif byte is not None:
                self._byte(int(byte, 16))
            elif sign is not None:
                self._sign(sign)
            elif brace is not None:
                self._brace(brace)
            elif text is not None:
                self._raw(text)
        self._flush()
        self._end_line()
        self._end_table()

    def parsed(self) -> Parsed:
        parts = [*(head for head in self._headers), *self._blocks]
        return Parsed("\n\n".join(filter(None, parts)), one_line("".join(self._title)), notes=self._left.notes())

    def _brace(self, brace: bytes) -> None:
        self._flush()
        if brace == b"{":
            if len(self._groups) > MOST_NESTED:
                raise CannotRead("is nested too deeply")
            self._groups.append(self._state)
            return
        if self._groups:
            ended, self._state = self._state, self._groups.pop()
            if ended.target != self._state.target:
                self._end_of(ended.target)

    def _end_of(self, target: str) -> None:
        if target not in _ASIDE or not self._asides:
            return
        text = one_line("".join(self._asides.pop()))
        if target == "footnote":
            self._notes += 1
            self._put(f"[^{self._notes}]")
            if text:
                self._notes_after.append(f"[^{self._notes}]: {text}")
        elif any(sign.isalpha() for sign in text):
            self._headers[text] = None

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._state = replace(self._state, is_optional=True)
        elif sign in b"\\{}":
            self._raw(sign)
        elif sign in (b"~", b"_"):
            self._flush()
            self._text(" " if sign == b"~" else "-")
        elif sign in (b"\n", b"\r"):
            self._word("par", None)

    def _word(self, word: str, number: int | None) -> None:
        if word == "u" and number is not None:
            self._unicode(number)
            return
        self._flush()
        is_optional = self._state.is_optional
        if is_optional:
            self._state = replace(self._state, is_optional=False)
        if word in _COUNTED:
            if self._state.target not in ("nothing",):
                self._left.add(_COUNTED[word])
            self._state = replace(self._state, target="nothing")
        elif word in _SKIPPED:
            self._state = replace(self._state, target="fonts" if word == "fonttbl" else "nothing")
        elif word in _ASIDE:
            self._state = replace(self._state, target=word)
            self._asides.append([])
        elif word == "title":
            self._state = replace(self._state, target="title")
        elif word == "info" or (is_optional and word not in ("shptxt", "shpinst", "listtext", "pntext", "ud", "upr")):
            self._state = replace(self._state, target="nothing")
        elif word == "shptxt" or word == "ud":
            self._state = replace(self._state, target="text" if word == "shptxt" else self._state.target)
        else:
            self._format(word, number)

    def _format(self, word: str, number: int | None) -> None:
        state = self._state
        if word in ("f", "deff", "fcharset", "cpg", "ansicpg", "ansi", "mac", "pc", "pca", "plain"):
            self._encode(word, number or 0)
        elif word == "uc":
            self._state = replace(state, skip=min(max(number or 0, 0), 10) if number is not None else 1)
        elif word in ("v", "deleted"):
            is_on = number != 0
            self._state = replace(state, is_hidden=is_on) if word == "v" else replace(state, is_deleted=is_on)
        elif word in _SIGNS:
            self._text(_SIGNS[word])
        elif state.target != "text":
            if word in _BREAKS:
                self._text(" ")
        elif word in _BREAKS:
            self._end_line()
        elif word in ("cell", "nestcell"):
            self._end_cell()
        elif word in ("row", "nestrow"):
            self._end_row()
        elif word == "pard":
            self._heading = 0
            self._in_table = False
        elif word == "intbl":
            self._in_table = True
        elif word == "outlinelevel" and number is not None and 0 <= number < 6:
            self._heading = number + 1

    def _encode(self, word: str, number: int) -> None:
        if word == "ansicpg":
            self._encoding = _codec(number) or self._encoding
        elif word in ("mac", "pc", "pca"):
            self._encoding = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif word == "fcharset" and self._state.target == "fonts":
            self._fonts[self._font] = _CHARSETS.get(number, "") if number > 1 else ""
        elif word == "cpg" and self._state.target == "fonts":
            self._fonts[self._font] = _codec(number)
        elif word == "deff":
            self._first_font = number
        elif word in ("f", "plain"):
            self._font = number if word == "f" else self._first_font
            if self._state.target != "fonts":
                self._state = replace(self._state, encoding=self._fonts.get(self._font, ""))

    def _unicode(self, number: int) -> None:
        self._flush()
        code = number + 65_536 if number < 0 else number
        self._to_skip = self._state.skip
        if 0xD800 <= code < 0xDC00:
            self._surrogate = code
        elif 0xDC00 <= code < 0xE000:
            if self._surrogate:
                self._text(chr(0x10000 + ((self._surrogate - 0xD800) << 10) + code - 0xDC00))
            self._surrogate = 0
        elif 0 < code < 0x110000:
            self._text(chr(code))

    def _byte(self, byte: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._bytes.append(byte)

    def _raw(self, text: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        self._bytes += text

    def _flush(self) -> None:
        """The bytes since the last word as text."""
        self._to_skip = 0
        if self._bytes:
            encoding = self._state.encoding or self._encoding
            text = bytes(self._bytes).decode(encoding, "replace")
            self._bytes.clear()
            self._text(text)

    def _text(self, text: str) -> None:
        state = self._state
        if state.target in ("nothing", "fonts"):
            return
        if state.is_deleted or (state.is_hidden and not self._include_hidden):
            if text.strip():
                self._left.add("deleted" if state.is_deleted else "hidden")
            return
        self._put(text)

    def _put(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_CHARS:
            raise CannotRead(f"holds more than {MOST_CHARS // 1_000_000} million characters")
        if self._state.target == "title":
            self._title.append(text)
        elif self._state.target in _ASIDE and self._asides:
            self._asides[-1].append(text)
        else:
            self._line.append(text)

    def _end_line(self) -> None:
        text = "".join(self._line).strip()
        self._line.clear()
        if self._in_table:
            if text:
                self._line.append(f"{text} ")
            return
        self._end_table()
        if text:
            self._blocks.append(f"{'#' * self._heading} {one_line(text)}" if self._heading else text)
        self._blocks += self._notes_after
        self._notes_after.clear()

    def _end_cell(self) -> None:
        self._cells.append(one_line("".join(self._line)))
        self._line.clear()

    def _end_row(self) -> None:
        if self._line:
            self._end_cell()
        if self._cells:
            self._rows.append(self._cells)
        self._cells = []

    def _end_table(self) -> None:
        if self._cells:
            self._end_row()
        if self._rows:
            self._blocks.append(markdown_table(self._rows))
        self._rows = []


def _codec(page: int) -> str:
    """The codec of a Windows code page; "" for one that is not known."""
    name = _PAGES.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""
