"""The frames of a long connection: the protocol buffers message `pbbp2.Frame`, read and written by hand. Pure.

    message Header { required string key = 1; required string value = 2; }
    message Frame {
      required uint64 SeqID = 1;           required uint64 LogID = 2;
      required int32 service = 3;          required int32 method = 4;
      repeated Header headers = 5;         optional string payload_encoding = 6;
      optional string payload_type = 7;    optional bytes payload = 8;
      optional string LogIDNew = 9;
    }

Source: lark-oapi 1.7.5 `ws/pb/pbbp2_pb2.py`; the tests take it as an oracle. Nine fields are no reason for the protobuf
runtime, which a machine often has in another version already.
"""

from dataclasses import dataclass

CONTROL, DATA = 0, 1
MAX_HEADERS = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MASK64 = (1 << 64) - 1
_HEADERS, _PAYLOAD = 5, 8
_NUMBERS = {1: "seq_id", 2: "log_id", 3: "service", 4: "method"}
_TEXTS = {6: "payload_encoding", 7: "payload_type", 9: "log_id_new"}
_SIGNED = ("service", "method")


class BadFrame(ValueError):
    """These bytes are no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. None is a field that is not there, which is not the same as an empty one.

    `unknown` are the fields that this version of the protocol has no name for, as they came; they go back as they came.
    """

    service: int
    method: int
    headers: tuple[tuple[str, str], ...] = ()
    payload: bytes | None = None
    seq_id: int = 0
    log_id: int = 0
    payload_encoding: str | None = None
    payload_type: str | None = None
    log_id_new: str | None = None
    unknown: bytes = b""

    def header(self, key: str) -> str:
        """The first header of this name, "" when there is none."""
        return next((value for name, value in self.headers if name == key), "")


def encode(frame: Frame) -> bytes:
    """The frame's bytes, fields in the order of their numbers."""
    out = bytearray()
    for number, name in _NUMBERS.items():
        out.append(number << 3)
        _put_varint(out, getattr(frame, name))
    for key, value in frame.headers:
        entry = bytearray()
        _put_bytes(entry, 1, key.encode())
        _put_bytes(entry, 2, value.encode())
        _put_bytes(out, _HEADERS, entry)
    optional = (
        (6, _bytes_of(frame.payload_encoding)),
        (7, _bytes_of(frame.payload_type)),
        (_PAYLOAD, frame.payload),
        (9, _bytes_of(frame.log_id_new)),
    )
    for number, content in optional:
        if content is not None:
            _put_bytes(out, number, content)
    return bytes(out) + frame.unknown


def decode(raw: bytes) -> Frame:
    """Raises `BadFrame` for what no version of the protocol would send. Of a field that comes twice the last one
    counts; missing numbers are 0."""
    numbers = dict.fromkeys(_NUMBERS.values(), 0)
    texts: dict[str, str] = {}
    headers: list[tuple[str, str]] = []
    payload: bytes | None = None
    unknown = bytearray()
    at = 0
    while at < len(raw):
        began = at
        number, kind, value, at = _field(raw, at)
        if number in _NUMBERS and kind == _VARINT:
            numbers[_NUMBERS[number]] = _number(_NUMBERS[number], value)
        elif number == _HEADERS and isinstance(value, bytes):
            headers.append(_header(value))
        elif number in _TEXTS and isinstance(value, bytes):
            texts[_TEXTS[number]] = _text(value)
        elif number == _PAYLOAD and isinstance(value, bytes):
            payload = value
        else:
            unknown += raw[began:at]
    if len(headers) > MAX_HEADERS:
        raise BadFrame(f"more than {MAX_HEADERS} headers")
    return Frame(headers=tuple(headers), payload=payload, unknown=bytes(unknown), **numbers, **texts)  # type: ignore[arg-type]


def _field(raw: bytes, at: int) -> tuple[int, int, int | bytes, int]:
    """(number, wire type, value, where the next one begins)."""
    tag, at = _varint(raw, at)
    number, kind = tag >> 3, tag & 7
    if not 0 < number < 1 << 29:
        raise BadFrame("a field has no number")
    if kind == _VARINT:
        value, at = _varint(raw, at)
        return number, kind, value, at
    if kind == _BYTES:
        length, at = _varint(raw, at)
    elif kind in (_FIXED32, _FIXED64):
        length = 4 if kind == _FIXED32 else 8
    else:
        raise BadFrame(f"field {number} has the wire type {kind}")
    if length > len(raw) - at:
        raise BadFrame(f"field {number} is cut off")
    return number, kind, raw[at : at + length], at + length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(raw):
            raise BadFrame("a number is cut off")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK64, at
    raise BadFrame("a number has more than ten bytes")


def _header(raw: bytes) -> tuple[str, str]:
    found = {1: "", 2: ""}
    at = 0
    while at < len(raw):
        number, _, value, at = _field(raw, at)
        if number in found and isinstance(value, bytes):
            found[number] = _text(value)
    return found[1], found[2]


def _number(name: str, value: int | bytes) -> int:
    assert isinstance(value, int)  # noqa: S101 - told by the wire type
    if name not in _SIGNED:
        return value
    low = value & 0xFFFFFFFF  # an int32 takes the low 32 bits, whatever came above them
    return low - (1 << 32) if low >= 1 << 31 else low


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadFrame("text that is not UTF-8") from None


def _bytes_of(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _put_varint(out: bytearray, value: int) -> None:
    value &= _MASK64
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _put_bytes(out: bytearray, number: int, content: bytes | bytearray) -> None:
    out.append(number << 3 | _BYTES)
    _put_varint(out, len(content))
    out += content
