"""Wiki pages, folders, documents, sheets, bitables and files to read, and what the app may do with them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from feishu.sandbox.sharing import PublicSetting, Sharing, Space

FIRST_EDIT = 1_700_000_000
_numbers = itertools.count(1)

Value = str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """A page of a wiki. A shortcut has the object token of what it points to and a node token of its own; its rights
    are those of the page that it points to."""

    space_id: str
    parent: str
    title: str
    obj_token: str
    obj_type: str = "docx"
    node_type: str = "origin"
    edited: int = FIRST_EDIT
    node_token: str = field(default_factory=lambda: f"wikcn{next(_numbers):08}")


@dataclass(slots=True)
class File:
    """An entry of a folder: a document, a folder, or a shortcut to one."""

    folder: str
    name: str
    kind: str
    token: str
    edited: int = FIRST_EDIT
    target: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a sheet, and how it is shown by its number format."""

    value: Value
    shown: str = ""
    format: str = "General"

    @property
    def text(self) -> str:
        """What a person sees."""
        return self.shown or ("" if self.value is None else str(self.value))


@dataclass(slots=True)
class Sheet:
    """A sheet of a spreadsheet. `merges` are first row, first column, last row, last column, from 0, last included."""

    sheet_id: str
    title: str
    rows: list[list[Cell | Value]]
    merges: tuple[tuple[int, int, int, int], ...] = ()
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()

    def cells(self) -> list[list[Cell]]:
        """The rows with plain values as cells."""
        return [[value if isinstance(value, Cell) else Cell(value) for value in row] for row in self.rows]


@dataclass(slots=True)
class Table:
    """A table of a bitable: fields as the platform lists them, and records as (id, fields)."""

    table_id: str
    name: str
    fields: list[dict[str, Any]]
    records: list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class Bitable:
    """A bitable."""

    tables: list[Table]
    is_advanced: bool = False
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Resource:
    """The bytes of a file of the drive, of something inside a document, or of an export."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


@dataclass(slots=True)
class Export:
    """An export under way; the first question finds it working."""

    token: str
    kind: str
    extension: str
    asked: int = 0
    done_at: float = 0.0


@dataclass(slots=True)
class DocumentStore:
    """What there is to read. `hidden` are tokens that the app may not see, `closed_exports` those that it may not
    export, `managed` those that it manages; `page_size` is what a listing gives at once.

    After a full page comes an empty one that says there is more, as the platform may do. `on_change` hears of each
    change of a document, by its token, its kind and what it was.

    `sharings` are the rights that were given, by the token of the document or folder; those of everything else are
    read by `sharing`. With `bot_reads` "all", apps are let into everything but `hidden`; with "shared", into what is
    shared with their bots, as on the platform.
    """

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    spreadsheets: dict[str, list[Sheet]] = field(default_factory=dict)
    bases: dict[str, Bitable] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Kind and title of each token."""
    edits: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    closed_exports: set[str] = field(default_factory=set)
    managed: set[str] = field(default_factory=set)
    subscribed: dict[str, set[str]] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    sharings: dict[str, Sharing] = field(default_factory=dict)
    spaces: dict[str, Space] = field(default_factory=dict)
    bot_reads: Literal["all", "shared"] = "all"
    page_size: int = 2
    on_change: Callable[[str, str, str], None] = lambda token, kind, change: None
    _nodes: dict[str, Node] = field(default_factory=dict)
    _children: dict[tuple[str, str], list[Node]] = field(default_factory=dict)
    _places: dict[str, list[Node | File]] = field(default_factory=dict)
    """Where each object stands, in wikis and folders."""

    def write(self, token: str, title: str, markdown: str) -> str:
        """Put a document there, or change it; gives its token."""
        self.documents[token] = (title, markdown)
        return self._put(token, "docx", title)

    def sheets(self, token: str, title: str, *sheets: Sheet) -> str:
        """Put a spreadsheet there, or change it; gives its token."""
        self.spreadsheets[token] = list(sheets)
        return self._put(token, "sheet", title)

    def base(self, token: str, title: str, *tables: Table, **more: Any) -> str:
        """Put a bitable there, or change it; gives its token."""
        self.bases[token] = Bitable(list(tables), **more)
        return self._put(token, "bitable", title)

    def upload(self, token: str, name: str, content: bytes, media_type: str = "application/octet-stream") -> str:
        """Put a file into the drive, or replace it; gives its token."""
        self.resources[token] = Resource(name, content, media_type)
        return self._put(token, "file", name)

    def attach(self, token: str, name: str, content: bytes, media_type: str = "image/png") -> str:
        """Put something that documents have inside; gives its token."""
        self.resources[token] = Resource(name, content, media_type)
        return token

    def other(self, token: str, kind: str, title: str) -> str:
        """Put something there that is of another kind: doc, mindnote, slides; gives its token."""
        return self._put(token, kind, title)

    def remove(self, token: str) -> None:
        """Delete a document for good."""
        kind, _title = self.titles.pop(token)
        for kept in (self.documents, self.spreadsheets, self.bases, self.resources, self.edits, self.sharings):
            kept.pop(token, None)
        gone = self._places.pop(token, [])
        self.deleted |= {token, *(place.node_token for place in gone if isinstance(place, Node))}
        self.nodes = [node for node in self.nodes if node.obj_token != token]
        for place in gone:
            if isinstance(place, Node):
                del self._nodes[place.node_token]
                self._children[place.space_id, place.parent].remove(place)
        self.files = [file for file in self.files if file.token != token]
        self.on_change(token, kind, "deleted")

    def node(self, space_id: str, title: str, markdown: str = "", *, parent: str = "", **more: Any) -> Node:
        """Put a page into a wiki; with `obj_token` it is another entry of that document (a shortcut)."""
        token = more.pop("obj_token", "") or self.write(f"doxcn{next(_numbers):08}", title, markdown)
        node = Node(space_id, parent, title, token, edited=self.edits.get(token, FIRST_EDIT), **more)
        self.nodes.append(node)
        self._nodes[node.node_token] = node
        self._children.setdefault((space_id, parent), []).append(node)
        self._places.setdefault(token, []).append(node)
        return node

    def file(self, folder: str, name: str, kind: str, token: str, **more: Any) -> File:
        """Put an entry into a folder."""
        file = File(folder, name, kind, token, edited=self.edits.get(token, FIRST_EDIT), **more)
        self.files.append(file)
        self._places.setdefault(token, []).append(file)
        return file

    def node_at(self, node_token: str) -> Node | None:
        """A wiki page by its own token."""
        return self._nodes.get(node_token)

    def children(self, space_id: str, node_token: str) -> list[Node]:
        """The pages below a page, or with "" those at the top of a wiki space."""
        return self._children.get((space_id, node_token), [])

    def origin(self, token: str) -> Node | None:
        """The wiki page that a document is, by either of its tokens or that of a shortcut; None outside of wikis."""
        node = self._nodes.get(token)
        places = self._places.get(node.obj_token if node else token, ())
        return next((each for each in places if isinstance(each, Node) and each.node_type == "origin"), None)

    def folders_of(self, token: str) -> list[str]:
        """The folders that a document or folder lies in; shortcuts to it do not count."""
        return [each.folder for each in self._places.get(token, ()) if isinstance(each, File) and each.target is None]

    def object_of(self, token: str) -> str | None:
        """What a token's rights belong to: a document or a folder. None for what is not there."""
        if node := self._nodes.get(token):
            return node.obj_token
        for place in self._places.get(token, ()):
            if isinstance(place, File) and place.target is not None:
                return place.target[1]
        is_folder = token in self._places or any(each.folder == token for each in self.files)
        return token if token in self.titles or token in self.sharings or is_folder else None

    def title_of(self, token: str) -> str:
        """The title of a document or the name of a folder; its token where it has none."""
        named = (each.name for each in self._places.get(token, ()) if isinstance(each, File))
        return self.titles[token][1] if token in self.titles else next(named, token)

    def space(self, space_id: str) -> Space:
        """A wiki space; one that nobody described is public."""
        return self.spaces.get(space_id) or Space(space_id, space_id)

    def sharing(self, token: str) -> Sharing:
        """The rights of a document or folder. Where none were given, a page has those of its wiki, what lies in a
        shared folder those of the folder, and all else is open to the tenant by its link."""
        found = self.sharings.get(token)
        if found is not None:
            return found
        is_inside = self.origin(token) is not None or any(self._is_shared(each) for each in self.folders_of(token))
        return Sharing(public=PublicSetting("closed" if is_inside else "tenant_readable"))

    def _is_shared(self, folder: str) -> bool:
        return folder in self.sharings or any(self._is_shared(each) for each in self.folders_of(folder))

    def _put(self, token: str, kind: str, title: str) -> str:
        is_new = token not in self.titles
        self.titles[token] = (kind, title)
        self.deleted.discard(token)
        self.edits[token] = FIRST_EDIT if is_new else self.edits[token] + 1
        for place in self._places.get(token, ()):
            place.edited = self.edits[token]
        if not is_new:
            self.on_change(token, kind, "edit")
        return token
