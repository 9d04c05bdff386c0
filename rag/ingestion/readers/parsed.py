"""What a reader makes of a file, and the small things all readers share."""

import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rag.documents import Place

MOST_CHARS = 20_000_000
_MOST_ADDRESS_CHARS = 2000
_NO_LABEL = re.compile(r"[\[\]\n]")
_NO_ADDRESS = re.compile(r"[\s()<>]")
_LINK = re.compile(r"\[([^\[\]]+)\]\(https?://[^\s()]+\)")


class CannotRead(Exception):
    """A reader's reason, to be put after the file's name."""


class TooLarge(CannotRead):
    """There is more of it than will be read."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Markdown, and where its pages, sheets or slides begin. `notes` say what was left out; where it `is_partial`,
    something of that may be had the next time."""

    text: str
    title: str = ""
    link: str = ""
    places: tuple[tuple[int, Place], ...] = ()
    notes: tuple[str, ...] = ()
    is_partial: bool = False


class Pages:
    """Puts the text of pages together and remembers where each begins."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._places: list[tuple[int, Place]] = []

    def add(self, text: str, place: Place) -> None:
        """The next page."""
        body = text.strip() + "\n\n"
        self._places.append((self._length, place))
        self._parts.append(body)
        self._length += len(body)
        if self._length > MOST_CHARS:
            raise CannotRead(f"holds more than {MOST_CHARS // 1_000_000} million characters")

    def parsed(self, title: str = "", notes: Iterable[str] = ()) -> Parsed:
        """All of it."""
        return Parsed("".join(self._parts), title, places=tuple(self._places), notes=tuple(notes))


def require(extra: str, *modules: str) -> None:
    """Raise CannotRead, naming the extra, when a library is not installed."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise CannotRead(f"needs the extra {extra}: pip install 'feishu-rag[{extra}]'")


@contextmanager
def limited_depth() -> Iterator[None]:
    """Raise CannotRead where what is read inside nests elements deeper than Python calls."""
    try:
        yield
    except RecursionError as error:
        raise CannotRead("is nested too deeply") from error


def one_line(value: object) -> str:
    """A value as text without line ends."""
    return " ".join(str(value).split()) if value is not None else ""


def linked(text: str, address: str) -> str:
    """A text as a Markdown link; as it is where the address is none of the web's, or says no more than the text."""
    label = text.strip()
    is_web = address[:8].lower().startswith(("http://", "https://")) and len(address) <= _MOST_ADDRESS_CHARS
    if not is_web or not label or _NO_LABEL.search(label) or label.rstrip("/") in address:
        return text
    before, _, after = text.partition(label)
    return f"{before}[{label}]({_NO_ADDRESS.sub(lambda sign: f'%{ord(sign[0]):02X}', address)}){after}"


def unlinked(text: str) -> str:
    """A text with the words of its links alone."""
    return _LINK.sub(r"\1", text)


def markdown_table(rows: Sequence[Sequence[object]]) -> str:
    """Rows as a Markdown table, the first as its header; nothing when there is nothing in it."""
    texts = [[one_line(cell).replace("|", "\\|") for cell in row] for row in rows]
    texts = [row for row in texts if any(row)]
    if not texts:
        return ""
    columns = max(map(len, texts))
    full = [row + [""] * (columns - len(row)) for row in texts]
    return "\n".join("| " + " | ".join(row) + " |" for row in (full[0], ["---"] * columns, *full[1:]))


def labelled(header: Sequence[str], cells: Sequence[str]) -> str:
    """One row as a sentence: every value after the name of its column."""
    is_ascii = "".join((*header, *cells)).isascii()
    colon, joint = (": ", "; ") if is_ascii else ("：", "；")
    names = [*header, *[""] * (len(cells) - len(header))]
    named = zip(names, cells, strict=False)
    return joint.join(colon.join(filter(None, (name.rstrip(":： "), cell))) for name, cell in named if cell)
