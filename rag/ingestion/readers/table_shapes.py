"""One table of a sheet to lines: which of its rows are its header, or whether it lies on its side or is a form."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.ingestion.readers.parsed import labelled, one_line
from rag.ingestion.readers.row_kinds import (
    are_questions,
    distinct,
    is_general_header,
    is_lone_line,
    is_text,
    is_value,
    kind_of,
    names_attributes,
    names_by_words,
    names_columns,
    names_itself,
)
from rag.ingestion.readers.visible_cells import Row
from rag.ingestion.readers.worksheet import Cell

MOST_HEADER_ROWS = 5
_SAMPLE = 40
_MOST_WIDE = 8


@dataclass(frozen=True, slots=True)
class Header:
    """Names by column; without any, values stand alone. `rows` are how many rows they take."""

    names: dict[int, str]
    rows: int = 0
    is_bold: bool = False


def header_of(rows: Sequence[Row]) -> Header:
    """The header of a table, which may have several rows; one without names where there is none."""
    if not rows or not (names_columns(rows[0]) or _is_bold_above(rows) or names_by_words(rows) or _has_groups(rows)):
        return Header({})
    depth = _depth(rows)
    filled = [dict(row) for row in rows[:depth]]
    for upper, lower in itertools.pairwise(filled):
        _spread(upper, lower)
    columns = sorted({column for row in filled for column in row})
    return Header({column: _name(filled, column) for column in columns}, depth, _is_bold(rows[0]))


def body_lines(header: Header, rows: Sequence[Row]) -> Iterator[str]:
    """Rows below a header as lines; what a merged cell repeats comes once."""
    before: list[Cell] = []
    for row in rows:
        cells = distinct(row)
        if [id(cell) for cell in cells] == [id(cell) for cell in before]:
            continue
        before = cells
        if _is_remark(row):
            yield from (one_line(cell.text) for cell in cells)
        elif not repeats(header, row):
            yield "- " + _labelled(header.names, row)


def has_values(header: Header, row: Row) -> bool:
    """Whether a row below a header says something of its columns."""
    return not _is_remark(row) and not repeats(header, row)


def _is_remark(row: Row) -> bool:
    return is_lone_line(row) or all(names_itself(cell.text.strip()) for cell in distinct(row))


def repeats(header: Header, row: Row) -> bool:
    """Whether a row is the header once more, as on every printed page."""
    return {column: one_line(cell.text) for column, cell in row.items()} == header.names


def pairs_of(rows: Sequence[Row]) -> list[str] | None:
    """Lines 键：值 of a sheet that is a form, in two columns or in four; None for one that is none."""
    columns = sorted({column for row in rows for column in row})
    if len(columns) not in (2, 4, 6) or len(rows) < 2:
        return None
    pairs = list(zip(columns[::2], columns[1::2], strict=True))
    full = [row for row in rows if not is_lone_line(row)]
    keys = [cell for row in full for key, _ in pairs if (cell := _key(row, key)) is not None]
    if not full or len(keys) < len(full) or not all(is_text(key) for key in keys):
        return None
    if not (_is_form(full, columns) if len(columns) == 2 else _is_wide_form(full, pairs)):
        return None
    lines = []
    for row in rows:
        if is_lone_line(row):
            lines.append(one_line(distinct(row)[0].text))
            continue
        for key, value in pairs:
            cell = _key(row, key)
            if cell is None and key in row:
                continue
            name = one_line(cell.text).rstrip(":： ") if cell is not None else ""
            if value in row and row[value] is not cell:
                lines.append("- " + labelled([name], [one_line(row[value].text)]))
            elif name:
                lines.append(name)
    return lines


def _key(row: Row, column: int) -> Cell | None:
    """A name in a form, unless it is the value before it, merged over several columns."""
    cell = row.get(column)
    return None if cell is None or row.get(column - 1) is cell else cell


def records_of(rows: Sequence[Row]) -> list[str] | None:
    """Lines of a table on its side, whose names stand in the first column; None for one that is none."""
    columns = sorted({column for row in rows for column in row})
    if not 3 <= len(columns) <= _MOST_WIDE or not 3 <= len(rows) <= _SAMPLE:
        return None
    first, others = columns[0], columns[1:]
    if not all(first in row and is_text(row[first]) for row in rows) or _is_bold_above(rows):
        return None
    along = [{kind_of(row.get(column)) for column in others} - {""} for row in rows[1:]]
    down = [{kind_of(row.get(column)) for row in rows[1:]} - {""} for column in others]
    names = [row[first] for row in rows]
    is_mixed = all(len(kinds) > 1 for kinds in down) and sum(len(kinds) == 1 for kinds in along) * 3 >= 2 * len(along)
    starts_bold = all(cell.is_bold for cell in names) and not any(_is_bold_beyond(row, first) for row in rows)
    is_named = names_attributes(names[1:]) and not names_attributes(row_cells(rows[0], others))
    if not (starts_bold or (is_mixed and is_named)):
        return None
    labels = {at: one_line(cell.text) for at, cell in enumerate(names)}
    turned = [{at: row[column] for at, row in enumerate(rows) if column in row} for column in others]
    return ["- " + _labelled(labels, row) for row in turned if row]


def row_cells(row: Row, columns: Sequence[int]) -> list[Cell]:
    """The cells of a row in these columns."""
    return [row[column] for column in columns if column in row]


def _labelled(names: dict[int, str], row: Row) -> str:
    """A row after the names of its columns; a cell that is merged over columns of one name comes once."""
    labels, cells = [], []
    before: tuple[str, Cell | None] = ("", None)
    for column, cell in row.items():
        name = names.get(column, "")
        if before != (name, cell):
            labels.append(name)
            cells.append(one_line(cell.text))
        before = (name, cell)
    return labelled(labels, cells)


def _depth(rows: Sequence[Row]) -> int:
    depth = 1
    while depth < min(MOST_HEADER_ROWS, len(rows)) and _goes_on(rows[depth - 1], rows[depth], rows[depth + 1 :]):
        depth += 1
    return depth


def _goes_on(upper: Row, lower: Row, below: Sequence[Row]) -> bool:
    """Whether the second row belongs to the header as well: parts of what the first row names."""
    own = {column: cell for column, cell in lower.items() if upper.get(column) is not cell}
    if any(is_value(cell) for cell in distinct(own)):
        return False
    if len(own) < len(lower):
        return True  # a name is merged over both rows
    counts = Counter(map(id, upper.values()))
    groups = {column for column, cell in upper.items() if counts[id(cell)] > 1}
    if groups:
        return all(column in groups for column in own) and len(distinct(own)) > 1
    blank = [column for column in lower if column not in upper]
    texts = [cell.text for cell in distinct(lower)]
    is_repeated = len(set(texts)) < len(texts)
    if not blank or (min(lower) < min(upper) and not is_repeated) or not names_columns(lower):
        return False
    is_above = any(column not in lower for column in upper)
    has_values = any(is_value(row[column]) for row in below[:_SAMPLE] for column in blank if column in row)
    return has_values and (is_above or is_repeated)


def _has_groups(rows: Sequence[Row]) -> bool:
    """Whether the first row holds years or the like over the names in the second."""
    is_plain = len(rows) > 2 and not any(is_value(cell) for cell in distinct(rows[0]))
    return is_plain and _goes_on(rows[0], rows[1], rows[2:])


def _spread(upper: dict[int, Cell], lower: Row) -> None:
    """A group's name over all of its parts, where the file did not merge it."""
    current: Cell | None = None
    for column in sorted({*upper, *lower}):
        if column in upper:
            current = upper[column] if column in lower else None
        elif current is not None:
            upper[column] = current


def _name(rows: Sequence[Row], column: int) -> str:
    parts: list[str] = []
    for row in rows:
        text = one_line(row[column].text) if column in row else ""
        if text and parts[-1:] != [text]:
            parts.append(text)
    return ("·" if not "".join(parts).isascii() else " / ").join(parts)


def _is_bold(row: Row) -> bool:
    return bool(row) and all(cell.is_bold for cell in row.values())


def _is_bold_above(rows: Sequence[Row]) -> bool:
    return (
        len(rows) > 1
        and len(distinct(rows[0])) > 1
        and _is_bold(rows[0])
        and not any(_is_bold(row) for row in rows[1:_SAMPLE])
    )


def _is_bold_beyond(row: Row, first: int) -> bool:
    return any(cell.is_bold for column, cell in row.items() if column != first)


def _is_form(rows: Sequence[Row], columns: Sequence[int]) -> bool:
    """Two columns: pairs, unless the first row names both of them."""
    key, value = columns
    full = [row for row in rows if key in row and value in row]
    if not full or _is_bold_above(full) or (names_columns(full[0]) and is_general_header(full[0])):
        return False
    keys = [row[key] for row in full]
    if not names_columns(full[0]) or all(cell.text.rstrip()[-1:] in ":：" for cell in keys):
        return True
    if are_questions(keys) and keys[0].text.rstrip()[-1:] in "？?":
        return True
    if all(cell.is_bold for cell in keys) and not any(row[value].is_bold for row in full):
        return True
    if len({cell.text for cell in keys}) < len(keys) or len(full) < 2:
        return False
    if len(full) > 2 and all(is_value(row[value]) for row in full[1:]):  # so the first row may well be their names
        return all(names_attributes([cell]) for cell in keys)
    return names_attributes(keys[1:])


def _is_wide_form(rows: Sequence[Row], pairs: Sequence[tuple[int, int]]) -> bool:
    """Four columns or six: pairs where the names are attributes and all different, and the first row is no header."""
    keys = [cell for row in rows for key, _ in pairs if (cell := _key(row, key)) is not None]
    values = [cell for row in rows for _, value in pairs if (cell := row.get(value)) is not None]
    if _is_bold_above(rows) or len({cell.text for cell in keys}) < len({id(cell) for cell in keys}):
        return False
    ends = all(cell.text.rstrip()[-1:] in ":：" for cell in keys)
    return ends or (names_attributes(keys) and not names_attributes(values) and len(rows) <= _SAMPLE)
