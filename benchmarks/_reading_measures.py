"""What of a document's words arrives: found, in order, in the row where they belong; and what is hidden and leaks."""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~&$])")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_MARKS = re.compile(r"[\s*_`]+")
_WORD = re.compile(r"[^\W_\u2e80-\u9fff]+|[\u2e80-\u9fff]")


@dataclass(frozen=True)
class Expected:
    """What a person sees in a file, in the order of reading; what is hidden from them; which words share a row.

    `anywhere` is seen, too, and has no one place among the rest: names of columns, which may stand in each row, and
    headers of pages.
    """

    visible: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    anywhere: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Counts of one file, or of several added up."""

    visible: int = 0
    found: int = 0
    ordered: int = 0
    in_order: int = 0
    rows: int = 0
    rows_whole: int = 0
    hidden: int = 0
    leaked: int = 0

    def __add__(self, other: "Found") -> "Found":
        names = self.__dataclass_fields__
        return Found(**{name: getattr(self, name) + getattr(other, name) for name in names})


def plain(text: str) -> str:
    """A text without white space, the signs of Markdown and the differences of width."""
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    return _MARKS.sub("", unicodedata.normalize("NFKC", _ESCAPED.sub(r"\1", text)))


def judged(expected: Expected, text: str) -> Found:
    """How much of a file arrived in a parser's text."""
    whole = plain(text)
    places = [whole.find(plain(words)) for words in expected.visible]
    there = [place for place in places if place >= 0]
    others = sum(plain(words) in whole for words in expected.anywhere)
    lines = [plain(line) for line in text.split("\n")]
    rows = [[plain(words) for words in row] for row in expected.rows]
    return Found(
        len(places) + len(expected.anywhere),
        len(there) + others,
        len(places),
        _longest_rising(there),
        len(rows),
        sum(any(all(words in line for words in row) for line in lines) for row in rows),
        len(expected.hidden),
        sum(plain(words) in whole for words in expected.hidden),
    )


def missing(expected: Expected, text: str) -> tuple[list[str], list[str]]:
    """The words that did not arrive, and the hidden ones that did."""
    whole = plain(text)
    lost = [words for words in (*expected.visible, *expected.anywhere) if plain(words) not in whole]
    return lost, [words for words in expected.hidden if plain(words) in whole]


def _longest_rising(places: Sequence[int]) -> int:
    """The length of the longest increasing subsequence."""
    ends: list[int] = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)


def words_of(text: str) -> frozenset[str]:
    """The words of a text, Chinese by the character, folded."""
    return frozenset(_WORD.findall(unicodedata.normalize("NFKC", _ESCAPED.sub(r"\1", text)).lower()))


def agreed(texts: Mapping[str, frozenset[str]], name: str) -> frozenset[str]:
    """The words that at least two other parsers found in a file."""
    counts = Counter(word for other, words in texts.items() if other != name for word in words)
    return frozenset(word for word, count in counts.items() if count > 1)
