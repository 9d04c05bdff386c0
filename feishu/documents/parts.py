"""What a document is made of before it is text: pieces that are text already, tables, and bytes still to be read.

Positions are kept with the pieces, so that a link can open at them: a heading's block, a sheet, a table, a record.
"""

from dataclasses import dataclass, field
from typing import Literal

AnchorKind = Literal["heading", "sheet", "table", "record"]
Home = Literal["media", "file", "export"]
"""Which API gives the bytes: a resource inside a document, a file of the drive, the result of an export."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A position that a link can open: `id` is a block, sheet or table id, of a record `table/record`; `link` is the
    position's own link, where the platform gives one."""

    kind: AnchorKind
    name: str
    id: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown; what follows is at `anchor`, if there is one."""

    text: str
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class SheetGrid:
    """The cells of a sheet as they are shown, row by row; merged cells fill their span."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a table whose columns have names: for each its anchor, and (name, value) where there is a value."""

    name: str
    rows: tuple[tuple[Anchor, tuple[tuple[str, str], ...]], ...]
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """Bytes to download and read by their kind. `sheets` are the ids of a spreadsheet's sheets by their names; `extra`
    is what a bitable with advanced permissions wants to be told; `title` stands above what is read of it."""

    kind: Literal["picture", "file"]
    token: str
    name: str
    home: Home
    extra: str = ""
    title: str = ""
    sheets: dict[str, str] = field(default_factory=dict)
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A sheet or a table of another file that stands in a document, still to be read; `anchor` is its block."""

    kind: Literal["sheet", "bitable"]
    token: str
    part: str
    anchor: Anchor | None = None


Part = Text | SheetGrid | Records | Attached | Embedded


@dataclass(frozen=True, slots=True)
class Pieces:
    """A whole document. `notes` say what of it could not be had, and why."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
