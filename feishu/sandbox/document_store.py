"""Wiki pages, folders and documents that there are to read, and which of them the app may not see."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from feishu.sandbox.refusal import Refused

_numbers = itertools.count(1)


@dataclass(slots=True)
class Node:
    """A page of a wiki. A shortcut has the object token of what it points to and a node token of its own."""

    space_id: str
    parent: str
    title: str
    obj_token: str
    obj_type: str = "docx"
    node_type: str = "origin"
    edited: int = 1_700_000_000
    node_token: str = field(default_factory=lambda: f"wikcn{next(_numbers):08}")


@dataclass(slots=True)
class File:
    """An entry of a folder: a document, a folder, or a shortcut to one."""

    folder: str
    name: str
    kind: str
    token: str
    edited: int = 1_700_000_000
    target: tuple[str, str] | None = None


@dataclass(slots=True)
class DocumentStore:
    """What there is to read. `hidden` are tokens that the app may not see, `page_size` is what a listing gives at once.

    After a full page comes an empty one that says there is more, as the platform may do.
    """

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    page_size: int = 2

    def write(self, token: str, title: str, markdown: str) -> str:
        """Put a document there, or change it; gives its token."""
        self.documents[token] = (title, markdown)
        for node in self.nodes:
            node.edited += node.obj_token == token
        for file in self.files:
            file.edited += file.token == token
        return token

    def node(self, space_id: str, title: str, markdown: str = "", *, parent: str = "", **more: Any) -> Node:
        """Put a page into a wiki; with `obj_token` it is another entry of that document (a shortcut)."""
        token = more.pop("obj_token", "") or self.write(f"doxcn{next(_numbers):08}", title, markdown)
        node = Node(space_id, parent, title, token, **more)
        self.nodes.append(node)
        return node

    def file(self, folder: str, name: str, kind: str, token: str, **more: Any) -> File:
        """Put an entry into a folder."""
        file = File(folder, name, kind, token, **more)
        self.files.append(file)
        return file

    def require(self, token: str, code: int) -> None:
        """Refuse with the code when the app may not see this."""
        if token in self.hidden:
            raise Refused(code, "permission denied", None, 403)
