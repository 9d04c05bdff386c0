"""A question read against a table: every stretch of it is a value, a column, an operation, or unknown. Pure.

Nothing is guessed: the longest thing that a stretch may be is taken, and what is nothing known stays `unknown`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from rag.tables.table import Column, Table
from rag.tables.vocabulary import PATTERNS, STOP_PHRASES, STOP_WORDS

MOST_VALUES = 20_000
"""Different values of a column that are looked for in a question."""
_CJK = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-z0-9][a-z0-9'’./#+-]*")
_ENDS = ("有限公司", "公司", "市", "省", "区", "部门", "部", "类", "级", "组", "国")
_DOING = frozenset(("采购", "销售", "生产", "运营", "管理", "服务", "培训", "维修", "采购管理", "运输", "审计", "设计"))
"""Departments that are called after what is done: 采购 alone is not 采购部."""
_STOPS = STOP_PHRASES
_LONGEST_STOP = max(map(len, STOP_PHRASES))
_LEAST_TITLE_CHARS = 4
_RANK = ("value", "column", "pattern", "part", "context", "stop")


@dataclass(frozen=True, slots=True)
class TableMention:
    """A stretch of the question. `columns` are those that it may name, `values` the (column, value) that it may be."""

    kind: str
    text: str
    columns: tuple[int, ...] = ()
    values: tuple[tuple[int, str], ...] = ()
    groups: dict[str, str] = field(default_factory=dict)


class Lexicon:
    """What may be said of a table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.context = table.context
        self._values = _values(table.columns)
        self._longest = max(map(len, self._values), default=0)

    @cached_property
    def _titles(self) -> tuple[str, ...]:
        return tuple(part for part in self.context.split() if _CJK.match(part))

    @cached_property
    def _context_words(self) -> frozenset[str]:
        return frozenset(_stem(word) for word in _WORD.findall(self.context))

    def read(self, question: str) -> list[TableMention]:
        """The mentions of a folded question, without what says nothing."""
        found: list[TableMention] = []
        at = 0
        while at < len(question):
            mention, length = self._longest_at(question, at)
            if mention is not None and mention.kind != "stop":
                found.append(mention)
            at += length
        return found

    def _longest_at(self, question: str, at: int) -> tuple[TableMention | None, int]:
        candidates = [*self._value_at(question, at), *self._column_at(question, at)]
        candidates += [*_pattern_at(question, at), *self._context_at(question, at), *_stop_at(question, at)]
        if any(rank in ("value", "column", "part") for _, rank, _ in candidates):  # a title may hold them all
            if title := self._title_at(question, at):
                return TableMention("context", title), len(title)
            candidates = [each for each in candidates if each[1] != "context"]
        if candidates:
            length, _, mention = max(candidates, key=lambda each: (each[0], -_RANK.index(each[1])))
            return mention, length
        if _CJK.match(question[at]):
            return TableMention("unknown", question[at]), 1
        word = _WORD.match(question, at)
        if word:
            return TableMention("unknown", word.group()), len(word.group())
        return None, 1

    def _value_at(self, question: str, at: int) -> Iterator["_Candidate"]:
        if not _starts(question, at):
            return
        for length in range(min(self._longest, len(question) - at), 0, -1):
            text = question[at : at + length]
            if text not in self._values or (end := _end(question, at + length)) is None:
                continue
            if not _is_stop(text) or self._is_beside_its_column(question, at, end, text):
                yield end - at, "value", TableMention("value", text, values=self._values[text])
                return

    def _is_beside_its_column(self, question: str, start: int, end: int, text: str) -> bool:
        """Whether a value that is a stop word, too, is meant: the A of A级 and of grade A."""
        if any(_CJK.match(character) for character in question[max(0, start - 1) : start] + question[end : end + 1]):
            return True
        before, after = question[:start].rstrip(), question[end:].lstrip()
        names = {self.table.columns[column].bare for column, _ in self._values[text]}
        return any(before.endswith(name) or after.startswith(name) for name in names if name)

    def _column_at(self, question: str, at: int) -> Iterator["_Candidate"]:
        """A column's name, or a part of it: two characters, or a word."""
        if not _starts(question, at):
            return
        for length in range(min(40, len(question) - at), 0, -1):
            text = question[at : at + length]
            if not text.strip() or text != text.strip() or (end := _end(question, at + length)) is None:
                continue
            whole = tuple(column.index for column in self.table.columns if column.bare and _same(text, column.bare))
            if whole:
                yield end - at, "column", TableMention("column", text, whole)
                return
            part = tuple(column.index for column in self.table.columns if _is_part(text, column.bare))
            if part and (length > 1 or len(part) == 1):
                yield end - at, "part", TableMention("column", text, part)
                return

    def _title_at(self, question: str, at: int) -> str:
        """How a title begins or ends, where that says more than the table's words in it: 设备借用 of 设备借用登记,
        beside a column 设备 and one 借用人. "" where a value stands in it, or nothing but names of columns."""
        rest = question[at:]
        edges = (
            edge for title in self._titles for cut in range(len(title)) for edge in (title[: cut + 1], title[cut:])
        )
        text = max((edge for edge in edges if rest.startswith(edge) and _CJK.match(edge[-1])), key=len, default="")
        if len(text) < _LEAST_TITLE_CHARS:
            return ""
        names = {column.bare for column in self.table.columns if column.bare}
        is_names = text in names or any(text[:cut] in names and text[cut:] in names for cut in range(1, len(text)))
        stretches = combinations(range(len(text) + 1), 2)
        holds_value = any(end - start > 1 and text[start:end] in self._values for start, end in stretches)
        return "" if is_names or holds_value else text

    def _context_at(self, question: str, at: int) -> Iterator["_Candidate"]:
        word = _WORD.match(question, at)
        if word and _starts(question, at):
            if _stem(word.group()) in self._context_words and word.group() not in STOP_WORDS:
                yield len(word.group()), "context", TableMention("context", word.group())
            return
        for length in range(min(20, len(question) - at), 1, -1):
            text = question[at : at + length]
            if text in self.context and _CJK.match(text[0]) and _CJK.match(text[-1]):
                yield length, "context", TableMention("context", text)
                return


_Candidate = tuple[int, str, TableMention]


def plain_reading(question: str) -> list[TableMention]:
    """The mentions of a folded question that no table is known for."""
    found: list[TableMention] = []
    at = 0
    while at < len(question):
        candidates = [*_pattern_at(question, at), *_stop_at(question, at)]
        word = _WORD.match(question, at)
        if candidates:
            length, _, mention = max(candidates, key=lambda each: (each[0], -_RANK.index(each[1])))
            found += [mention] if mention.kind != "stop" else []
        else:
            length = len(word.group()) if word and _starts(question, at) else 1
            found.append(TableMention("unknown", question[at : at + length]))
        at += length
    return found


def _pattern_at(question: str, at: int) -> Iterator[_Candidate]:
    for kind, pattern in PATTERNS:
        match = pattern.match(question, at)
        if match and match.end() > at and _is_whole(question, at, match.end()):
            groups = {name: value for name, value in match.groupdict().items() if value}
            yield match.end() - at, "pattern", TableMention(kind, match.group(), groups=groups)


def _stop_at(question: str, at: int) -> Iterator[_Candidate]:
    word = _WORD.match(question, at)
    if word and word.group().rstrip("'./-") in STOP_WORDS and not _is_lone_letter(question, at, word.end()):
        yield len(word.group()), "stop", TableMention("stop", word.group())
        return
    for length in range(min(_LONGEST_STOP, len(question) - at), 0, -1):
        if question[at : at + length] in _STOPS:
            yield length, "stop", TableMention("stop", question[at : at + length])
            return


def _is_lone_letter(question: str, start: int, end: int) -> bool:
    """Whether it is one letter beside a Chinese character, such as the A of A级: that is no article."""
    beside = question[max(0, start - 1) : start] + question[end : end + 1]
    return end - start == 1 and any(_CJK.match(character) for character in beside)


def _values(columns: Sequence[Column]) -> dict[str, tuple[tuple[int, str], ...]]:
    """Texts by which values are called: as they are, and without what they end in (深圳市, 研发部)."""
    found: dict[str, set[tuple[int, str]]] = {}
    names = {column.bare for column in columns}
    for column in columns:
        if column.kind != "text":
            continue
        different = set(column.values) - {""}
        if len(different) > MOST_VALUES:
            continue
        for value in different:
            if value not in names and (len(value) > 1 or not value.isdigit()):
                found.setdefault(value, set()).add((column.index, value))
        for value in different:
            for short in _short(value):
                if short not in different and sum(_short_of(short, other) for other in different) == 1:
                    found.setdefault(short, set()).add((column.index, value))
    return {text: tuple(sorted(values)) for text, values in found.items() if _may_be_said(text)}


def _short(value: str) -> Iterator[str]:
    for end in _ENDS:
        if value.endswith(end) and len(value) - len(end) >= 2 and value[: -len(end)] not in _DOING:
            yield value[: -len(end)]


def _short_of(short: str, value: str) -> bool:
    return value.startswith(short)


def _may_be_said(text: str) -> bool:
    """Not a Chinese stop word: these stand for themselves."""
    return text not in _STOPS


def _is_stop(text: str) -> bool:
    return text in STOP_WORDS


def _starts(question: str, at: int) -> bool:
    """Whether a word may begin here: not within a Latin one."""
    return not (
        at
        and question[at].isascii()
        and question[at].isalnum()
        and question[at - 1].isascii()
        and question[at - 1].isalnum()
    )


def _is_whole(question: str, start: int, end: int) -> bool:
    first, last = question[start], question[end - 1]
    if (
        first.isascii()
        and first.isalpha()
        and start
        and question[start - 1].isascii()
        and question[start - 1].isalnum()
    ):
        return False
    return not (last.isascii() and last.isalpha() and end < len(question) and _is_letter(question[end]))


def _is_letter(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "'’")


def _end(question: str, end: int) -> int | None:
    """Where a word ends that may have an s for the plural; None within a word."""
    last = question[end - 1]
    if not (last.isascii() and last.isalnum()) or end == len(question) or not _is_letter(question[end]):
        return end
    for plural in ("es", "s", "'s", "’s"):
        after = end + len(plural)
        if (
            question.startswith(plural, end)
            and last.isalpha()
            and (after == len(question) or not _is_letter(question[after]))
        ):
            return after
    return None


def _same(text: str, name: str) -> bool:
    return text == name or _stem(text) == _stem(name)


def _is_part(text: str, name: str) -> bool:
    """Whether a text is a part of a column's name that may stand for it."""
    if not _CJK.search(text):
        return _stem(text) in {_stem(word) for word in _WORD.findall(name)} and text not in STOP_WORDS
    return text in name and (len(text) > 1 or text not in _STOPS)


def _stem(word: str) -> str:
    word = word.removesuffix("'s").removesuffix("’s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
