"""Frames of the long connection as the platform writes and reads them (`pbbp2.Frame` of lark-oapi's `ws/pb`).

Written from the schema alone, and not shared with the client in `feishu.long_connection`, so that a misreading of one
is found by the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

CONTROL, DATA = 0, 1


@dataclass(slots=True)
class WireFrame:
    """One frame. Numbers that are not there are 0, texts and bytes empty."""

    method: int
    service: int
    headers: dict[str, str] = field(default_factory=dict)
    payload: bytes = b""
    seq_id: int = 0
    log_id: int = 0
    log_id_new: str = ""

    def dump(self) -> bytes:
        """As bytes."""
        parts = [_number(1, self.seq_id), _number(2, self.log_id), _number(3, self.service), _number(4, self.method)]
        for key, value in self.headers.items():
            parts.append(_blob(5, _blob(1, key.encode()) + _blob(2, value.encode())))
        if self.payload:
            parts.append(_blob(8, self.payload))
        if self.log_id_new:
            parts.append(_blob(9, self.log_id_new.encode()))
        return b"".join(parts)

    @classmethod
    def load(cls, raw: bytes) -> "WireFrame":
        """Raises ValueError. What must be there has to be there: a client that leaves it out is found here."""
        found: dict[int, int | bytes] = {}
        headers: dict[str, str] = {}
        for number, value in _fields(raw):
            if number == 5 and isinstance(value, bytes):
                pair = dict(_fields(value))
                headers[_text(pair.get(1))] = _text(pair.get(2))
            else:
                found[number] = value
        required = [found.get(number) for number in (1, 2, 3, 4)]
        if not all(isinstance(value, int) for value in required):
            raise ValueError("SeqID, LogID, service and method are required")
        seq_id, log_id, service, method = (int(value) for value in required if isinstance(value, int))
        payload = found.get(8, b"")
        if not isinstance(payload, bytes):
            raise ValueError("payload is no bytes")
        return cls(method, service, headers, payload, seq_id, log_id, _text(found.get(9, b"")))


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    rest = memoryview(raw)
    while rest:
        tag, rest = _take(rest)
        if tag & 7 == 0:
            value, rest = _take(rest)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, rest = _take(rest)
            if length > len(rest):
                raise ValueError("cut off")
            yield tag >> 3, bytes(rest[:length])
            rest = rest[length:]
        else:
            raise ValueError(f"wire type {tag & 7}")


def _take(rest: memoryview) -> tuple[int, memoryview]:
    value = 0
    for place, byte in enumerate(rest):
        value += (byte & 127) << (7 * place)
        if byte < 128:
            return value, rest[place + 1 :]
    raise ValueError("cut off")


def _text(value: int | bytes | None) -> str:
    if not isinstance(value, bytes):
        raise ValueError("a text is missing")
    return value.decode()


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3]) + _varint(value)


def _blob(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = divmod(value, 128)
        groups.append(low | (128 if value else 0))
        if not value:
            return bytes(groups)
