"""Text in any encoding that Chinese documents come in."""

from rag.errors import Unreadable

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ENCODINGS = ["gb18030", "big5", "big5hkscs", "utf_16_le", "utf_16_be", "shift_jis", "euc_kr", "cp1252"]


def decode(content: bytes, source: str) -> str:
    """Bytes to text with `\\n` line ends: by BOM, as UTF-8, or by detection. Raises Unreadable."""
    text = _decoded(content)
    if text is None:
        raise Unreadable(source, "has an unknown encoding; save it as UTF-8")
    if "\x00" in text:
        raise Unreadable(source, "is not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _strictly(content, encoding)
    return _strictly(content, "utf-8") or ("" if not content else _detected(content))


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _detected(content: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content, cp_isolation=_ENCODINGS).best()
    return None if best is None else str(best)
