"""Text in any encoding that Chinese documents come in.

UTF-8 is certain where it fits. Other encodings fit each other's texts, short ones above all, so that what decides is
which of the readings consists of common characters, with a head start for those of the tenant's languages.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from rag.errors import Unreadable
from rag.ingestion.readers.character_ranks import HANGUL, SIMPLIFIED, TRADITIONAL

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NAMES = {
    "gb18030": "GB18030",
    "big5hkscs": "Big5",
    "cp932": "Shift_JIS",
    "cp949": "EUC-KR",
    "euc_jp": "EUC-JP",
    "cp1252": "Windows-1252",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
_HEAD_STARTS = {"gb18030": 0.0, "cp1252": -1.5, "big5hkscs": -2.0, "utf-16-le": -3.0, "utf-16-be": -5.0}
_OTHER_START = -5.0
_SAMPLE_BYTES = 16_384
_CERTAIN_MARGIN = 7.0
"""Between the logarithms of the best reading's likelihood and the next one's."""
_LEAST_AVERAGE = -10.0
"""A reading with less for each of its characters that are not ASCII is no text of a language known here."""
_MOST_BAD = 1 / 500
_ASCII, _RARE, _STRANGE = -3.0, -11.0, -13.0
_PUNCTUATION = dict.fromkeys("，。、：；！？（）《》“”‘’—…·「」『』【】％￥　", -5.0)
_WESTERN = {
    **dict.fromkeys("éèêëàâäùûüôöîïçßñáíóúìòåøæœ", -3.5),
    **dict.fromkeys("ÉÈÊËÀÂÄÙÛÜÔÖÎÏÇÑÁÍÓÚÌÒÅØÆŒ", -6.0),
    **dict.fromkeys("“”‘’–—…€«»°•©®™£§½²³±×\u00a0", -5.5),
}


def _ranks(characters: str, *, least: float = 0.0) -> dict[str, float]:
    return {each: -math.log(rank + 12) - 1.6 + least for rank, each in enumerate(characters)}


_SIMPLIFIED = {**_ranks(TRADITIONAL, least=-1.5), **_ranks(SIMPLIFIED), **_PUNCTUATION}
_TRADITIONAL = {**_ranks(TRADITIONAL), **_PUNCTUATION}
_KOREAN = {**_ranks(HANGUL, least=0.3), **_PUNCTUATION}
_JAPANESE = {
    **_ranks(TRADITIONAL, least=-1.5),
    **_ranks(SIMPLIFIED, least=-1.5),
    **_PUNCTUATION,
    **{chr(code): -4.0 for code in range(0x3041, 0x30FD)},
}
_ANY = {**_JAPANESE, **_KOREAN, **_TRADITIONAL, **_SIMPLIFIED}
_TABLES = {
    "gb18030": _SIMPLIFIED,
    "big5hkscs": _TRADITIONAL,
    "cp932": _JAPANESE,
    "euc_jp": _JAPANESE,
    "cp949": _KOREAN,
    "cp1252": _WESTERN,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text with `\\n` line ends, and what is to be said about its encoding."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    encoding: str
    score: float
    average: float


def decode(content: bytes, source: str) -> str:
    """Bytes to text with `\\n` line ends: by BOM, as UTF-8, or by what its characters tell. Raises Unreadable."""
    return decoded(content, source).text


def decoded(content: bytes, source: str, *, declared: str = "") -> Decoded:
    """Like `decode`, with notes where the encoding is not certain. `declared` is what the file says of itself.
    Raises Unreadable."""
    if content.startswith(tuple(mark for mark, _ in _BOMS)):
        found = _by_mark(content)
    else:
        found = _as_utf8(content) or _as_declared(content, declared) or _by_evidence(content)
    if found is None:
        raise Unreadable(source, "has an unknown encoding; save it as UTF-8")
    if "\x00" in found.text:
        wide = _as_utf16(content)
        if wide is None:
            raise Unreadable(source, "is not a text file")
        found = wide
    return Decoded(found.text.replace("\r\n", "\n").replace("\r", "\n"), found.notes)


def _by_mark(content: bytes) -> Decoded | None:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            text = _strictly(content, encoding)
            return _leniently(content, encoding) if text is None else Decoded(text)
    return None


def _as_utf8(content: bytes) -> Decoded | None:
    """UTF-8, unless it fits by chance: pairs of bytes of short Chinese texts may be Cyrillic or Arabic letters."""
    text = _strictly(content, "utf-8")
    if text is None:
        return None
    foreign = [each for each in text[:_SAMPLE_BYTES] if not each.isascii()]
    if foreign and all("\u0080" <= each <= "\u07ff" for each in foreign):
        odd = sum(each > "\u024f" or each < "\u00a0" for each in foreign)
        chinese = _reading(content, "gb18030") if odd * 2 > len(foreign) else None
        if chinese is not None and chinese.average > -9.0:
            return Decoded(content.decode("gb18030"), (_uncertain("gb18030"),))
    return Decoded(text)


def _as_declared(content: bytes, declared: str) -> Decoded | None:
    text = _strictly(content, declared) if declared else None
    return None if text is None else Decoded(text)


def _as_utf16(content: bytes) -> Decoded | None:
    """UTF-16 without its mark: what holds zeros is that, or no text."""
    readings = [_reading(content, encoding) for encoding in ("utf-16-le", "utf-16-be")] if len(content) % 2 == 0 else []
    best = max((each for each in readings if each is not None), key=lambda each: each.score, default=None)
    if best is None or best.average < -12.0:
        return None
    text = content.decode(best.encoding)
    return None if "\x00" in text else Decoded(text)


def _by_evidence(content: bytes) -> Decoded | None:
    names = [*_TABLES, *(("utf-16-le", "utf-16-be") if len(content) % 2 == 0 else ())]
    readings = [reading for name in names if (reading := _reading(content, name)) is not None]
    readings.sort(key=lambda each: each.score, reverse=True)
    if readings and readings[0].average >= _LEAST_AVERAGE:
        best = readings[0]
        is_certain = len(readings) == 1 or best.score - readings[1].score >= _CERTAIN_MARGIN
        return Decoded(content.decode(best.encoding), () if is_certain else (_uncertain(best.encoding),))
    for encoding in ("utf-8", "gb18030", "big5hkscs"):  # a few bytes were damaged, or its end was cut off
        found = _leniently(content, encoding)
        if found is not None:
            return found
    if readings and readings[0].encoding != "cp1252":
        return Decoded(content.decode(readings[0].encoding), (_uncertain(readings[0].encoding),))
    return _detected(content)


def _reading(content: bytes, encoding: str) -> _Reading | None:
    """How likely the bytes are as a text in that encoding; None where they are none."""
    if _strictly(content, encoding) is None:
        return None
    text = content[:_SAMPLE_BYTES].decode(encoding, "ignore")
    table = _TABLES.get(encoding, _ANY)
    scores = [_ASCII if each.isascii() else table.get(each) or _unlisted(each, encoding) for each in text]
    foreign = [score for each, score in zip(text, scores, strict=True) if not each.isascii()]
    joints = sum(
        (_joint(before, after, encoding) for before, after in pairwise(text)),
        start=_HEAD_STARTS.get(encoding, _OTHER_START),
    )
    odd = sum(-10.0 for each in text if each < " " and each not in "\t\r\n\f")
    average = sum(foreign) / len(foreign) if foreign else _ASCII
    return _Reading(encoding, sum(scores) + joints + odd, average)


def _unlisted(character: str, encoding: str) -> float:
    """A character that is not among the common ones: less likely outside of the encoding's own rows of common ones."""
    if encoding in ("gb18030", "big5hkscs") and "\u4e00" <= character <= "\u9fff":
        lead = character.encode(encoding)[0]
        trail = character.encode(encoding)[1]
        is_common = 0xB0 <= lead <= 0xD7 and trail >= 0xA1 if encoding == "gb18030" else 0xA4 <= lead <= 0xC6
        return -9.5 if is_common else _RARE if encoding == "gb18030" and trail >= 0xA1 else _STRANGE
    if "\uac00" <= character <= "\ud7a3" and encoding in ("cp949", "utf-16-le", "utf-16-be"):
        return -9.0
    if "\u4e00" <= character <= "\u9fff" and encoding != "cp1252":
        return _RARE if encoding != "cp949" else _STRANGE
    return -9.0 if encoding == "cp1252" else _STRANGE


def _joint(before: str, after: str, encoding: str) -> float:
    """Two neighbours: a Chinese sign seldom stands beside a Latin letter, a letter with an accent nearly always."""
    if encoding == "cp1252":
        return 0.0 if before.isascii() or after.isascii() else -5.0
    if before.isascii() == after.isascii():
        return 0.0
    return -1.0 if (before if before.isascii() else after).isalpha() else 0.0


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _leniently(content: bytes, encoding: str) -> Decoded | None:
    """The text without the few bytes that are none of it."""
    text = content.decode(encoding, "replace")
    bad = text.count("\ufffd")
    rest = [each for each in text if not each.isascii() and each != "\ufffd"]
    if bad > max(5, len(text) * _MOST_BAD) or len(rest) < 5 * bad:
        return None
    if encoding in ("gb18030", "big5hkscs"):
        table = _TABLES[encoding]
        if sum(each in table for each in rest) < len(rest) * 0.6:
            return None
    name = _NAMES.get(encoding, "UTF-8" if encoding.startswith("utf-8") else "UTF-16")
    return Decoded(text, (f"is damaged in {bad} places, whose bytes are no {name}",))


def _detected(content: bytes) -> Decoded | None:
    """Languages that are not weighed here, Cyrillic and Greek for example."""
    from charset_normalizer import from_bytes

    best = from_bytes(content).best()
    return None if best is None else Decoded(str(best), (_uncertain(best.encoding),))


def _uncertain(encoding: str) -> str:
    return f"has an encoding that is not certain: read as {_NAMES.get(encoding, encoding)}; save it as UTF-8 to be sure"
