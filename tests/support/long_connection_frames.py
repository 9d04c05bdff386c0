"""Frames of the long connection, with any content that the wire can hold."""

from hypothesis import strategies as st

from feishu.long_connection.frames import Frame

WORD = st.text(max_size=40)
HEADERS = st.lists(st.tuples(WORD, WORD), max_size=8).map(tuple)
UINT64 = st.integers(0, (1 << 64) - 1)
INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
FRAMES = st.builds(
    Frame,
    service=INT32,
    method=INT32,
    headers=HEADERS,
    payload=st.none() | st.binary(max_size=200),
    seq_id=UINT64,
    log_id=UINT64,
    payload_encoding=st.none() | WORD,
    payload_type=st.none() | WORD,
    log_id_new=st.none() | WORD,
)
