"""The rows of a table as readers write them: `- column：value；column：value`, or between bars. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.markdown import plain

MOST_NAME_CHARS = 60
Cells = tuple[str, ...]
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|(?:\s*:?-{2,}:?\s*\|)+")
_NO_NAME = re.compile(r"[。！？!?；;，]")


@dataclass(frozen=True, slots=True)
class Rows:
    """Names of columns, and rows of as many cells; "" where a row says nothing. `places` are where the rows begin."""

    names: Cells
    cells: tuple[Cells, ...]
    places: tuple[int, ...]


Line = tuple[int, str]
"""Where a line begins, and what it says."""
_Named = list[tuple[str, str]]


def is_row(line: str) -> bool:
    """Whether a line is a list's or a table's."""
    return line.startswith("- ") or is_bar_row(line)


def is_bar_row(line: str) -> bool:
    """Whether it is a row between bars."""
    return line.startswith("|") and line.endswith("|") and len(line) > 1


def rows_of(lines: Sequence[Line]) -> list[Rows]:
    """The tables of neighbouring rows of one form; nothing for lists and forms."""
    if not lines:
        return []
    if is_bar_row(lines[0][1]):
        table = _between_bars(lines)
        return [table] if table is not None else []
    named = [(at, _parts(line[2:])) for at, line in lines]
    tables = [_listed(part) for part in _apart(named)]
    return [table for table in tables if table is not None]


def row_text(names: Sequence[str], cells: Sequence[str]) -> str:
    """A row after the names of its columns, on one line."""
    is_ascii = "".join((*names, *cells)).isascii()
    colon, joint = (": ", "; ") if is_ascii else ("：", "；")
    return joint.join(colon.join(filter(None, pair)) for pair in zip(names, cells, strict=True) if pair[1])


def header_text(names: Sequence[str]) -> str:
    """The header of a table between bars, with the line under it."""
    cells = (name.replace("|", "\\|") for name in names)
    return f"| {' | '.join(cells)} |\n|{' --- |' * len(names)}"


def cells_of(line: str) -> list[str]:
    """The cells of a row between bars, without marks."""
    return [plain(cell.replace("\\|", "|")) for cell in _BAR.split(line.strip())[1:-1]]


def is_rule(line: str) -> bool:
    """Whether it is the line under a header: `| --- | --- |`."""
    return bool(_RULE.fullmatch(line.strip()))


def _between_bars(lines: Sequence[Line]) -> Rows | None:
    if len(lines) < 3 or not is_rule(lines[1][1]):
        return None
    names = _unlike(cells_of(lines[0][1]))
    rows = [(at, cells_of(line)) for at, line in lines[2:] if not is_rule(line)]
    width = len(names)
    filled = [(at, tuple((cells + [""] * width)[:width])) for at, cells in rows if any(cells)]
    if not any(names) or not filled:
        return None
    return Rows(tuple(names), tuple(cells for _, cells in filled), tuple(at for at, _ in filled))


def _unlike(names: Sequence[str]) -> list[str]:
    """Names of which none is twice: the second 数量 becomes 数量 (2)."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return told


def _parts(line: str) -> _Named:
    """A row's parts as (name, value); without a name where there is no colon."""
    colon, joint = (": ", "; ") if line.isascii() else ("：", "；")
    found: _Named = []
    for part in line.split(joint):
        name, mark, value = part.partition(colon)
        has_name = bool(mark) and 0 < len(name) <= MOST_NAME_CHARS and not _NO_NAME.search(name)
        found.append((name.strip(), value.strip()) if has_name else ("", part.strip()))
    return found


def _apart(named: Sequence[tuple[int, _Named]]) -> list[list[tuple[int, _Named]]]:
    """Rows of different tables that follow each other: where less than half of the names were there before."""
    found: list[list[tuple[int, _Named]]] = []
    seen: set[str] = set()
    for at, parts in named:
        names = {name for name, _ in parts if name}
        if not found or not names or not names <= seen:
            if not found or not names or 2 * len(names & seen) < len(names):
                found.append([])
                seen = set()
            seen |= names
        found[-1].append((at, parts))
    return found


def _listed(rows: Sequence[tuple[int, _Named]]) -> Rows | None:
    counts = Counter(name for _, parts in rows for name in {name for name, _ in parts if name})
    names = _known(counts, len(rows))
    if len(rows) < 2 or (len(names) < 2 and len(rows) < 3):
        return None
    joined = [(at, _joined(parts, names)) for at, parts in rows]
    order = _in_order([[name for name, _ in parts] for _, parts in joined])
    if not order:
        return None
    cells = []
    for _, parts in joined:
        given = dict(parts)
        cells.append(tuple(given.get(name, "") for name in order))
    return Rows(tuple(order), tuple(cells), tuple(at for at, _ in joined))


def _known(counts: Counter[str], rows: int) -> set[str]:
    """Names of columns: what stands before a colon in several rows, or is short; else it was a part of a value."""
    return {name for name, count in counts.items() if count > 1 or rows < 4 or len(name) <= 12}


def _joined(parts: _Named, names: set[str]) -> _Named:
    """Parts with what belongs to the value before them put back: values may hold colons and semicolons."""
    found: _Named = []
    joint = "；"
    for name, value in parts:
        is_column = name in names and name not in {known for known, _ in found}
        if is_column or not found:
            found.append((name if is_column else "", value if is_column else _whole(name, value)))
        else:
            found[-1] = (found[-1][0], found[-1][1] + joint + _whole(name, value))
    return found


def _whole(name: str, value: str) -> str:
    return f"{name}：{value}" if name else value


def _in_order(rows: Sequence[Sequence[str]]) -> list[str]:
    """All names, each behind the one that it follows where it comes first."""
    order: list[str] = []
    known: set[str] = set()
    for names in rows:
        before = ""
        for name in names:
            if name not in known:
                at = order.index(before) + 1 if before in known else (0 if not before and order else len(order))
                order.insert(at, name)
                known.add(name)
            before = name
    return order
