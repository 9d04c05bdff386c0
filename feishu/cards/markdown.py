"""Foreign text in a card: what a model, a document or a person wrote may be markdown, but nothing more than that. Pure.

`safe_markdown` knows the blocks (fences, tables), `feishu.cards.markdown_inline` what happens inside a line. With
`streaming` the output of a longer text starts with the output of the shorter one, because the client types on only
then; what the next characters could still change is held back. Dialect: open.feishu.cn/document feishu-cards rich text
component.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from feishu.cards.foreign_text import decided_length, without_mentions
from feishu.cards.markdown_inline import ENTITY, NO_IMAGES, Citations, safe_line, safe_line_start, without_breaks
from feishu.visible_text import visible_text

_LEAD = r"(?P<lead>[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)"
_FENCE = re.compile(_LEAD + r"(?P<mark>`{3,}(?=[^`]*\Z)|~{3,})(?P<info>.*)", re.DOTALL)
_MAYBE_LEAD_OR_FENCE = re.compile(
    r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)]?)[ \t]*)?(?:`{0,2}|~{0,2}|`{3,}[^`]*|~{3,}.*)", re.DOTALL
)
_DELIMITER = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?\s*")
_MAYBE_DELIMITER = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)]?)[ \t]*)?[|:\- \t]*")
_INFO = re.compile(r"[A-Za-z0-9_+#.\-]{1,30}")
_TITLE_SPECIALS = re.compile(ENTITY.pattern.replace("&", "&(?=", 1) + r")|[<>*_~`\[\]()#!\\:]|\A[+\-]")
_TABLE_FENCE = "```"
_IN_A_ROW = " / "


def safe_markdown(
    text: str,
    *,
    streaming: bool = False,
    max_tables: int = 3,
    images: frozenset[str] = NO_IMAGES,
    citations: Mapping[int, str] | None = None,
) -> str:
    """Markdown that mentions nobody, embeds no image but the uploaded `images`, links only to http(s) and says where
    to, hides no character (`feishu.visible_text`), and whose only tag is `<br>`. Bold beside Chinese signs gets the
    space outside that a strict reader wants.

    Code spans and fenced code stay as they are, mentions apart; tables beyond `max_tables` become fenced code (cards
    are refused for too many). An unclosed fence is closed, except while `streaming`. `citations` are addresses, safe
    ones (`web_url`), that `[n]` leads to where it is no code. Raises nothing.
    """
    lines = _clean(text, more=streaming).split("\n")
    blocks = _Blocks(max_tables, images, tuple(sorted((citations or {}).items())))
    for line in lines[:-1]:
        blocks.line(line)
    if streaming:
        blocks.line_start(lines[-1])
    else:
        blocks.line(lines[-1], last=True)
        blocks.end()
    return "".join(blocks.out)


def broken_text(text: str) -> str:
    """Markdown as plain text shows it best: each `<br>` outside of code is a line end; in a table's row, which is one
    line, a slash."""
    lines: list[str] = []
    fence: _Fence | None = None
    for line in text.split("\n"):
        if fence is not None:
            fence = None if fence.closes(line) else fence
            lines.append(line)
        elif found := _FENCE.fullmatch(line):
            fence = _Fence(found["mark"], 0, found["lead"].count(">"))
            lines.append(line)
        else:
            lines.append(without_breaks(line, _IN_A_ROW if line.lstrip(" \t>").startswith("|") else "\n"))
    return "\n".join(lines)


def escape_text(text: str) -> str:
    """A title, a name or a question as one line of plain words, for use inside markdown."""
    line = " ".join(_clean(text).split())
    return _TITLE_SPECIALS.sub(lambda match: "&sim;" if match.group() == "~" else f"&#{ord(match.group())};", line)


@dataclass(slots=True)
class _Fence:
    """A fence that is open: `mark` as we wrote it, what stood before it in the text."""

    mark: str
    indent: int
    quotes: int

    @property
    def quoted(self) -> bool:
        return self.quotes > 0

    def closes(self, line: str) -> bool:
        """Wider than CommonMark (any indentation), so that none of our content lines can close it for the platform."""
        bare = line.strip(" \t>") if self.quoted else line.strip()
        return len(bare) >= len(self.mark) and set(bare) == {self.mark[0]}

    def may_close(self, line: str) -> bool:
        return not line.strip(" \t>").strip(self.mark[0]) or not line.strip().strip(self.mark[0])

    def content(self, line: str) -> str:
        """The code line without the quote sign and the indentation its fence had."""
        if self.quoted:
            line = re.sub(rf"\A(?:[ \t]*>){{1,{self.quotes}}}[ \t]?", "", line)
        spaces = len(line) - len(line.lstrip(" \t"))
        return line[min(spaces, self.indent) :]


class _Blocks:
    """Takes lines, gives safe ones. The state between two lines is all there is."""

    def __init__(self, max_tables: int, images: frozenset[str], citations: Citations) -> None:
        self._images = images
        self._citations = citations
        self.out: list[str] = []
        self._fence: _Fence | None = None
        self._in_table_code = False
        self._tables_left = max_tables
        self._header: str | None = None  # may be the head of a table that has to become code
        self._before = ""

    def line(self, line: str, *, last: bool = False) -> None:
        """One whole line."""
        end = "" if last else "\n"
        if self._fence is not None:
            self._fenced(self._fence, line, end)
        elif self._in_table_code and _is_row(line):
            self.out.append(without_mentions(without_breaks(line, _IN_A_ROW)) + end)
        else:
            self._leave_table_code()
            self._open_line(line, end)
            self._before = line if self._fence is None else ""

    def line_start(self, line: str) -> None:
        """The last line of a text that may go on: as much of it as is decided."""
        if self._fence is not None:
            quote_decided = not self._fence.quoted or line.lstrip(" \t").startswith(">")
            if quote_decided and not self._fence.may_close(line):
                content = self._fence.content(line)
                self.out.append(without_mentions(content[: decided_length(content)]))
        elif not (self._in_table_code or _MAYBE_LEAD_OR_FENCE.fullmatch(line) or self._may_be_table(line)):
            self._release_header()
            self.out.append(safe_line_start(line, self._images))

    def end(self) -> None:
        """The text is over: close what is open."""
        self._release_header()
        if self._fence is not None or self._in_table_code:
            mark = self._fence.mark if self._fence is not None else _TABLE_FENCE
            written = next((piece for piece in reversed(self.out) if piece), "\n")
            self.out.append(("" if written.endswith("\n") else "\n") + mark)

    def _open_line(self, line: str, end: str) -> None:
        """A line outside of all code."""
        if fence := _FENCE.fullmatch(line):
            self._release_header()
            self._open_fence(fence, end)
        elif self._is_delimiter(line):
            self._table(line, end)
        else:
            self._release_header()
            if not self._tables_left and line.lstrip(" \t>").startswith("|"):
                self._header = line + end
            else:
                self.out.append(safe_line(line, self._images, self._citations) + end)

    def _is_delimiter(self, line: str) -> bool:
        return "|" in line and "-" in line and bool(self._before.strip()) and _DELIMITER.fullmatch(line) is not None

    def _may_be_table(self, line: str) -> bool:
        """Whether the line may become part of a table that has to become code."""
        if self._tables_left:
            return False
        return line.lstrip(" \t>").startswith("|") or _MAYBE_DELIMITER.fullmatch(line) is not None

    def _table(self, line: str, end: str) -> None:
        if self._tables_left:
            self._tables_left -= 1
            self.out.append(safe_line(line, self._images, self._citations) + end)
            return
        self._in_table_code = True
        header = without_mentions(without_breaks(self._header or "", _IN_A_ROW))
        self.out.append(f"{_TABLE_FENCE}\n{header}{line}{end}")
        self._header = None

    def _leave_table_code(self) -> None:
        if self._in_table_code:
            self._in_table_code = False
            self.out.append(f"{_TABLE_FENCE}\n")

    def _release_header(self) -> None:
        if self._header is not None:
            end = "\n" if self._header.endswith("\n") else ""
            self.out.append(safe_line(self._header.rstrip("\n"), self._images, self._citations) + end)
            self._header = None

    def _open_fence(self, match: re.Match[str], end: str) -> None:
        """Written at the margin, where every reader sees a fence, whatever list or quote it stood in."""
        lead, mark = match["lead"], match["mark"]
        words = match["info"].split()
        info = words[0] if words and _INFO.fullmatch(words[0]) else ""
        if lead.strip(" \t>"):  # "- ```": the item stays, its code follows
            self.out.append(lead.rstrip() + "\n")
        self._fence = _Fence(mark, len(re.sub(r"\A(?:\s*>)+[ \t]?", "", lead)), lead.count(">"))
        self.out.append(mark + info + end)

    def _fenced(self, fence: _Fence, line: str, end: str) -> None:
        if fence.closes(line):
            self.out.append(fence.mark + end)
            self._fence = None
        elif fence.quoted and not line.lstrip(" \t").startswith(">"):
            self.out.append(fence.mark + "\n")
            self._fence = None
            self.line(line, last=not end)
        else:
            self.out.append(without_mentions(fence.content(line)) + end)


def _is_row(line: str) -> bool:
    return "|" in line and not _FENCE.fullmatch(line)


def _clean(text: str, *, more: bool = False) -> str:
    """One kind of line end, no NUL, no lone surrogate, nothing that nobody sees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    text = text.encode("utf-8", "replace").decode() if not text.isascii() else text
    return visible_text(text, more=more)
