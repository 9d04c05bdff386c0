"""The order in which a person reads a page: lines, columns one after the other, what goes across them between."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from rag.ingestion.readers.pdf_characters import Box, Character

MOST_RUNS = 4000
"""A page of more pieces is read line by line."""
_WIDE_GAP = 0.75
_WORD_GAP = 0.17
_FOUND_GAP = 0.05
"""Of the same, where pdfium finds a space by the width of the font's own."""
_LEAST_COLUMN = 7.0
"""In letters' heights, as the gaps; labels and numbers are narrower than columns."""
_INNER_MARK = re.compile("[，。；、！？]")
_ITEM = re.compile(r"[(（]?\w{1,4}[.)）、．]|[•·●▪◆–—*-]")
_SENTENCE_END = "。！？；：.!?;:"
_DEEPEST = 6
_MOST_EDGES = 24


class Run(NamedTuple):
    """Letters that stand close together on one line; `written` onto the page by whoever filled it in; `spaced` where a
    space stands before them."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    written: bool = False
    spaced: bool = False

    @property
    def middle(self) -> float:
        """Of its height."""
        return (self.top + self.bottom) / 2


class Line(NamedTuple):
    """A line of text and where it stands; `apart` where it is no part of a sentence that runs on."""

    text: str
    top: float
    bottom: float
    apart: bool = False


Block = list[Line]


def blocks(runs: Sequence[Run]) -> list[Block]:
    """The lines of a page in reading order, those of one column or one stretch across the page together."""
    runs = [run for row in _rows(runs) for run in row]
    if not runs:
        return []
    return _blocks(runs, _DEEPEST) if len(runs) <= MOST_RUNS else [_lines(runs)]


def runs_of(characters: Iterable[Character]) -> list[Run]:
    """Characters as runs, in the order of the file."""
    found: list[Run] = []
    letters: list[Character] = []
    for each in characters:
        if letters and not _follows(letters[-1], each):
            found += _run(letters)
            letters = []
        letters.append(each)
    return found + _run(letters)


def text_in(characters: Sequence[Character], box: Box) -> str:
    """What stands in a box, its lines joined."""
    left, top, right, bottom = box
    inside = [
        each
        for each in characters
        if left <= (each.left + each.right) / 2 <= right and top <= (each.top + each.bottom) / 2 <= bottom
    ]
    text = ""
    for line in _lines(runs_of(inside)):
        text = joined(text, line.text) if text else line.text
    return text


def joined(before: str, after: str) -> str:
    """Two lines of one sentence as one: words keep their space, Chinese has none, a hyphen at the end goes."""
    if before[-1] == "\u00ad":
        return before[:-1] + after
    if before[-1] == "-":
        return before + after
    return before + (" " if _takes_space(before[-1], after[0]) else "") + after


def _takes_space(before: str, after: str) -> bool:
    return _is_word(before) and _is_word(after)


def _is_word(sign: str) -> bool:
    """Whether a sign belongs to a script that puts spaces between words."""
    return not sign.isspace() and (sign < "\u2e80" or "\uac00" <= sign <= "\ud7a3")


def _height(each: Character | Run) -> float:
    return max(each.bottom - each.top, 1.0)


def _follows(before: Character, each: Character) -> bool:
    """Whether a character goes on a run."""
    height = _height(each)
    is_level = abs((before.top + before.bottom) - (each.top + each.bottom)) / 2 < 0.45 * max(height, _height(before))
    return is_level and -0.5 * height < each.left - before.right < _WIDE_GAP * height


def _run(letters: list[Character]) -> list[Run]:
    while letters and letters[-1].text.isspace():
        letters = letters[:-1]
    while letters and letters[0].text.isspace():
        letters = letters[1:]
    if not letters:
        return []
    parts = [letters[0].text]
    for before, each in pairwise(letters):
        gap = each.left - before.right
        least = _FOUND_GAP if each.spaced else _WORD_GAP
        if gap > least * _height(each) and _takes_space(before.text[-1], each.text[0]):
            parts.append(" ")
        parts.append(each.text)
    text = re.sub(r"\s+", " ", "".join(parts))
    tops, bottoms = [each.top for each in letters], [each.bottom for each in letters]
    right, is_spaced = max(each.right for each in letters), letters[0].spaced
    return [Run(text, letters[0].left, min(tops), right, max(bottoms), spaced=is_spaced)]


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs by the line they stand on, from the top; pieces that touch each other are put together."""
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.middle):
        first = rows[-1][0] if rows else None
        if first is not None and run.middle - first.middle < 0.45 * min(_height(first), _height(run)):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [_put_together(sorted(row, key=lambda run: run.left)) for row in rows]


def _put_together(row: list[Run]) -> list[Run]:
    found = [row[0]]
    for run in row[1:]:
        last = found[-1]
        gap = run.left - last.right
        if gap < _WIDE_GAP * min(_height(last), _height(run)):
            least = _FOUND_GAP if run.spaced else _WORD_GAP
            is_apart = (gap > least * _height(run) or gap < -_height(run)) and _takes_space(last.text[-1], run.text[0])
            text = last.text + (" " if is_apart else "") + run.text
            box = (last.left, min(last.top, run.top), max(last.right, run.right), max(last.bottom, run.bottom))
            found[-1] = Run(text, *box, last.written or run.written, last.spaced)
        else:
            found.append(run)
    return found


def _lines(runs: Sequence[Run]) -> Block:
    return [_line(row) for row in _rows(runs)]


def _line(row: list[Run]) -> Line:
    is_item = len(row) == 2 and _ITEM.fullmatch(row[0].text) is not None
    is_apart = (len(row) > 1 and not is_item) or any(run.written for run in row)
    top, bottom = min(run.top for run in row), max(run.bottom for run in row)
    return Line(" ".join(run.text for run in row), top, bottom, is_apart)


def _blocks(runs: list[Run], depth: int) -> list[Block]:
    gutter = _gutter(runs) if depth and len(runs) >= 6 else None
    if gutter is None:
        return [_lines(runs)]
    found: list[Block] = []
    across: list[Run] = []
    for crossing, left, right in _bands(runs, gutter):
        if _are_columns(left, right):
            found += _blocks(across, depth - 1) if across else []
            across = []
            found += _blocks(left, depth - 1) + _blocks(right, depth - 1)
        else:
            across += [*left, *right]
        across += crossing
    return found + (_blocks(across, depth - 1) if across else [])


def _gutter(runs: list[Run]) -> float | None:
    """Where a column begins whose lines begin below each other, with another on its left; the best such place."""
    best, best_score = None, 0.0
    for edge in _edges(runs):
        score = 0.0
        for crossing, left, right in _bands(runs, edge):
            score += len(left) + len(right) if _are_columns(left, right) else 0
            score -= 0.5 * len(crossing)
        if score > best_score:
            best, best_score = edge, score
    return best


def _edges(runs: list[Run]) -> list[float]:
    """Where several lines begin below each other, the places of most lines first."""
    lefts = sorted(run.left for run in runs)
    counted: list[tuple[int, float]] = []
    start = 0
    for at in range(1, len(lefts) + 1):
        if at == len(lefts) or lefts[at] - lefts[start] > 3.0:
            if at - start >= 2 and lefts[start] - lefts[0] >= _LEAST_COLUMN * 4:
                counted.append((start - at, lefts[start]))
            start = at
    return [edge for _, edge in sorted(counted)[:_MOST_EDGES]]


def _bands(runs: list[Run], edge: float) -> list[tuple[list[Run], list[Run], list[Run]]]:
    """From the top: what stands left and right of a place, and then what goes across it, again and again."""
    crossing = sorted(
        (run for run in runs if run.left < edge - 1 and run.right > edge - min(0.4 * _height(run), 6.0)),
        key=lambda run: run.middle,
    )
    borders = [run.middle for run in crossing]
    bands: list[tuple[list[Run], list[Run], list[Run]]] = [([run], [], []) for run in crossing]
    bands.append(([], [], []))
    gone = set(map(id, crossing))
    for run in runs:
        if id(run) not in gone:
            band = bands[bisect_left(borders, run.middle)]
            band[1 if run.left < edge - 1 else 2].append(run)
    return bands


def _are_columns(left: list[Run], right: list[Run]) -> bool:
    """Whether two sides are read one after the other, and not line by line as labels and their values are."""
    if min(len(left), len(right)) < 2 or len(left) + len(right) < 6:
        return False
    size = median(_height(run) for run in (*left, *right)) * 0.85
    if min(_usual_width(left), _usual_width(right)) < _LEAST_COLUMN * size:
        return False
    if _is_prose(left) and _is_prose(right):
        return True
    return min(len(left), len(right)) >= 4 and _level_share(left, right, size) < 0.6


def _usual_width(runs: list[Run]) -> float:
    widths = sorted(run.right - run.left for run in runs)
    return widths[len(widths) * 3 // 4]


def _is_prose(runs: list[Run]) -> bool:
    """Whether these are lines of sentences that run on from one line to the next."""
    widest = max(run.right - run.left for run in runs)
    if sum(run.right - run.left >= 0.7 * widest for run in runs) < 0.5 * len(runs):
        return False
    marked = sum(bool(_INNER_MARK.search(run.text)) for run in runs)
    running = sum(run.text[-1] not in _SENTENCE_END for run in runs)
    small = sum(run.text[0].islower() for run in runs)
    return (marked >= 0.4 * len(runs) and running >= 1) or small >= 0.35 * len(runs)


def _level_share(left: list[Run], right: list[Run], size: float) -> float:
    """Of the shorter side's lines, how many have a line of the other side beside them."""
    shorter, longer = sorted((left, right), key=len)
    middles = sorted(run.middle for run in longer)
    level = 0
    for run in shorter:
        at = bisect_left(middles, run.middle)
        level += any(abs(middle - run.middle) < 0.25 * size for middle in middles[max(0, at - 1) : at + 1])
    return level / len(shorter)
