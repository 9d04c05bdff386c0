"""The body of a model's streaming answer as JSON objects, however a server puts them: events, or one whole object.

What is read: server-sent events with or without a space after `data:`, with any line ends, comments and blank lines
between them, one object over several lines, an object after another without a blank line; one JSON object instead of
events, whatever its content type; JSON objects line by line. Bytes in, objects out, nothing waited for.
"""

import json
from typing import Any, Literal

MAX_WHOLE_BYTES = 16 * 2**20
DONE: dict[str, Any] = {}
"""What `data: [DONE]` is given as."""
Shape = Literal["", "events", "whole"]


class NotAModelServer(Exception):
    """The body is nothing that a server of OpenAI's protocol sends: a page, a text, an object of something else."""


class BodyReader:
    """Fed with the bytes of one body, gives its objects. `event` is the name of the last event, if it had one.

    Raises NotAModelServer for a body that begins like a page, or that held no object by its end.
    """

    def __init__(self) -> None:
        self._line = b""
        self._shape: Shape = ""
        self._whole = bytearray()
        self._pending: list[bytes] = []
        self._found = False
        self.event = ""
        self.empty = True
        """Whether nothing at all has come, apart from blank lines and comments."""

    def feed(self, content: bytes) -> list[dict[str, Any]]:
        """The objects that are complete now."""
        if self.is_whole:
            self._grow(content)
            return []
        lines = (self._line + content).replace(b"\r\n", b"\n").split(b"\n")
        self._line = lines.pop()
        found: list[dict[str, Any]] = []
        for at, line in enumerate(lines):
            self._take(line, found)
            if self.is_whole:
                self._grow(b"\n".join([*lines[at + 1 :], self._line]))
                self._line = b""
                return found
        return found

    def finish(self) -> list[dict[str, Any]]:
        """What the end of the body completes."""
        found: list[dict[str, Any]] = []
        line, self._line = self._line, b""
        if self._shape != "whole":
            self._take(line, found)
        if self._shape == "whole":
            found += self._objects()
        self._found = self._found or bool(found)
        if not self._found and not self.empty:
            raise NotAModelServer("no object in the body")
        return found

    @property
    def is_whole(self) -> bool:
        """Whether the body is one JSON object instead of events."""
        return self._shape == "whole"

    def _take(self, line: bytes, found: list[dict[str, Any]]) -> None:
        line = line.rstrip(b"\r")
        if line.startswith(b"data:"):
            self._shape, self.empty = "events", False
            self._data(line[5:].strip(), found)
        elif not line.strip():
            self._pending.clear()
        elif line.startswith(b"event:"):
            self._shape, self.event, self.empty = "events", line[6:].strip().decode("utf-8", "replace").lower(), False
        elif self._shape == "events":
            if line.startswith(b"{") and (read := _object(line)) is not None:
                found.append(read)  # what a gateway writes into the stream when its own upstream fails
        elif not line.startswith((b":", b"id:", b"retry:")):
            self._begin(line)

    def _begin(self, line: bytes) -> None:
        """The first line that is no event's: an object, or something else."""
        self.empty = False
        beginning = line.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not beginning.startswith((b"{", b"[")):
            raise NotAModelServer("the body is a page or a text")
        self._shape = "whole"
        self._grow(beginning + b"\n")

    def _data(self, data: bytes, found: list[dict[str, Any]]) -> None:
        if data.startswith(b"[DONE]"):
            self._found = True
            found.append(DONE)
        elif data:
            self._pending.append(data)
            for content in (data, b"\n".join(self._pending)):
                if (read := _object(content)) is not None:
                    self._pending.clear()
                    self._found = True
                    found.append(read)
                    return

    def _grow(self, content: bytes) -> None:
        self._whole += content
        if len(self._whole) > MAX_WHOLE_BYTES:
            raise NotAModelServer("the body is too large for an answer")

    def _objects(self) -> list[dict[str, Any]]:
        """The whole body as one object, or as one on each line."""
        if (read := _object(bytes(self._whole))) is not None:
            return [read]
        rows = [_object(bytes(line)) for line in self._whole.split(b"\n") if line.strip()]
        return [row for row in rows if row is not None]


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content)
    except ValueError:
        return None
    if isinstance(read, list) and len(read) == 1:
        read = read[0]  # some gateways wrap an error in a list
    return read if isinstance(read, dict) else None
