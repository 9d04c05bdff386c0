"""What is printed and where: any encoding of a terminal, and plain lines where the output is not one."""

import codecs
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType
    from rich.table import Table

_PLAIN = {
    "\N{VARIATION SELECTOR-16}": "",
    "…": "...",
    "–": "-",
    "—": "-",
    "→": "->",
    "↳": "->",
    "•": "*",
    "·": "-",
    "█": "#",
    "⚠": "!",
    "✓": "+",
    "✔": "+",
    "✗": "x",
    "✘": "x",
    "🔍": "",
    "👍": "(up)",
    "👎": "(down)",
}
FALLBACK = "feishu_rag_plain"


def prepare_streams() -> None:
    """Lets standard output and error write any text. A terminal in GBK or ASCII has no `⚠️`: such a character becomes a
    plain one or `?`, instead of an exception in the middle of an answer."""
    codecs.register_error(FALLBACK, _replaced)
    for stream in (sys.stdout, sys.stderr):
        _never_fails(stream)


def _never_fails(stream: TextIO | None) -> None:
    """A stream may be None (a process without one) or of a kind that cannot be changed (a test's)."""
    if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        stream.reconfigure(errors=FALLBACK)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def open_console(*, to_stderr: bool = False) -> "Console":
    """For tables and coloured lines. Where the output is not a terminal (a pipe, a file), lines are not folded."""
    from rich.console import Console

    made = Console(stderr=to_stderr)
    made.soft_wrap = not made.is_terminal
    return made


def show(table: "Table", out: "Console") -> None:
    """A table of plain cells: drawn in a terminal, a line of tab-separated cells a row elsewhere. Nothing where it has
    no rows."""
    if not table.row_count:
        return
    if out.is_terminal:
        out.print(table)
        return
    lines = [_line(row) for row in zip(*(column.cells for column in table.columns), strict=True)]
    if table.show_header:
        lines.insert(0, _line(column.header for column in table.columns))
    if table.title:
        lines.insert(0, str(table.title))
    for line in lines:
        out.file.write(line + "\n")  # rich would turn tabs into spaces


def _line(cells: "Iterable[RenderableType]") -> str:
    return "\t".join(" ".join(str(cell).split()) for cell in cells)
