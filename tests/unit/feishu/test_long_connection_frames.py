"""The frames of the long connection, beside what the official SDK sends and the sandbox's codec."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.long_connection.frames import CONTROL, DATA, MAX_HEADERS, BadFrame, Frame, decode, encode
from feishu.sandbox.wire import WireFrame
from tests.support.long_connection_frames import FRAMES, HEADERS, UINT64

PING = "0800100018f681801020002a0c0a0474797065120470696e67"


def test_a_ping_is_what_the_official_sdk_sends() -> None:
    ping = Frame(33554678, CONTROL, (("type", "ping"),))
    assert encode(ping).hex() == PING
    assert decode(bytes.fromhex(PING)) == ping


@given(FRAMES)
def test_what_is_written_is_read_again(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(HEADERS.map(dict), st.binary(max_size=200), UINT64, st.integers(0, (1 << 31) - 1))
def test_the_sandbox_and_the_client_understand_each_other(
    headers: dict[str, str], payload: bytes, seq_id: int, service: int
) -> None:
    sent = WireFrame(DATA, service, headers, payload, seq_id=seq_id, log_id=7, log_id_new="x")
    read = decode(sent.dump())
    assert (dict(read.headers), read.payload or b"", read.seq_id, read.service) == (headers, payload, seq_id, service)
    assert WireFrame.load(encode(read)) == sent


@given(st.binary(max_size=120))
def test_any_bytes_are_a_frame_or_named_as_none(raw: bytes) -> None:
    try:
        frame = decode(raw)
    except BadFrame:
        return
    assert decode(encode(frame)) == frame


@given(FRAMES, st.data())
def test_a_frame_that_is_cut_off_or_changed_never_breaks_the_reader(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    for damaged in (bytes(raw), bytes(raw[:at])):
        try:
            decode(damaged)
        except BadFrame as error:
            assert str(error)


def test_fields_that_nobody_knows_yet_go_back_as_they_came() -> None:
    unknown = bytes([10 << 3 | 2, 3]) + b"new" + bytes([11 << 3 | 0, 5])
    frame = decode(bytes.fromhex(PING) + unknown)
    assert frame.unknown == unknown
    assert encode(frame) == bytes.fromhex(PING) + unknown


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("08", "cut off"),
        ("08ffffffffffffffffffffff01", "ten bytes"),
        ("42ff01", "cut off"),
        ("4b", "wire type"),
        ("0000", "no number"),
        ("3202ff00", "UTF-8"),
    ],
)
def test_what_is_no_frame_is_named(raw: str, why: str) -> None:
    with pytest.raises(BadFrame, match=why):
        decode(bytes.fromhex(raw))


def test_a_frame_of_a_thousand_headers_is_refused() -> None:
    with pytest.raises(BadFrame, match="headers"):
        decode(encode(Frame(1, DATA, (("a", "b"),) * (MAX_HEADERS + 1))))
