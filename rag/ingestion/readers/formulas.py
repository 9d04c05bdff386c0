"""Values for the formulas of a workbook that were saved without one, as far as they are certain.

What refers to itself, or to more cells than anybody would add up, has no value here; the reader says so.
"""

from collections.abc import Callable, Iterable, Iterator

from rag.ingestion.readers.formula_syntax import Bounds, Cells, Unknown, Value, evaluate
from rag.ingestion.readers.number_formats import exact
from rag.ingestion.readers.worksheet import Cell, Formula, Worksheet, shown_cell

MOST_DEPTH = 20
MOST_VISITS = 3_000_000
_FEW = 500

Place = tuple[str, int, int]


class _TooFar(Unknown):
    """It was not tried to the end; in another order it may be found out."""


class Calculator:
    """Computes what can be computed; `sheet_named` gives a sheet, None where there is none."""

    def __init__(self, sheet_named: Callable[[str], Worksheet | None], *, is_1904: bool) -> None:
        self._sheet_named, self._is_1904 = sheet_named, is_1904
        self._under_way: set[Place] = set()
        self._unknown: set[Place] = set()
        self._visits_left = MOST_VISITS

    def fill(self, name: str, sheet: Worksheet) -> None:
        """Put values where they can be computed; formulas that have none stay in `sheet.formulas`.

        Tried from both ends, because each formula may wait for the one before it, or for the one after it.
        """
        places = sorted(sheet.formulas)
        for row, column in (*places, *reversed(places)):
            if (row, column) in sheet.formulas and self._visits_left > 0:
                try:
                    self._compute((name, row, column), sheet)
                except (Unknown, RecursionError):
                    continue

    def _compute(self, place: Place, sheet: Worksheet) -> None:
        name, row, column = place
        if place in self._under_way or place in self._unknown:
            raise Unknown
        if len(self._under_way) >= MOST_DEPTH:
            raise _TooFar
        formula = sheet.formulas[row, column]
        self._under_way.add(place)
        try:
            value = evaluate(formula.text, name, self._look_up, down=formula.down, right=formula.right)
            cell = self._cell(value, formula)
        except _TooFar:
            raise
        except Unknown:
            self._unknown.add(place)
            raise
        finally:
            self._under_way.discard(place)
        del sheet.formulas[row, column]
        sheet.rows.setdefault(row, {})[column] = cell

    def _cell(self, value: Value, formula: Formula) -> Cell:
        style = formula.style
        if isinstance(value, str):
            kind = "error" if value.startswith("#") else "text"
            return Cell(style.format.show_text(value), kind, style.is_bold)  # type: ignore[arg-type]
        number = None if isinstance(value, bool) else exact(repr(float(value or 0)))
        if number is None:
            raise Unknown
        return shown_cell(number, style, is_1904=self._is_1904)

    def _look_up(self, name: str, bounds: Bounds) -> Cells:
        sheet = self._sheet_named(name)
        if sheet is None:
            raise Unknown
        return Cells(lambda: self._values(name, sheet, bounds), bounds[:2] == bounds[2:])

    def _values(self, name: str, sheet: Worksheet, bounds: Bounds) -> Iterator[Value]:
        top, left, bottom, right = bounds
        rows: Iterable[int] = range(top, bottom + 1)
        if len(range(top, bottom + 1)) > _FEW:
            rows = self._there(range(top, bottom + 1), sheet.rows, (row for row, _ in sheet.formulas))
        for row in rows:
            columns: Iterable[int] = range(left, right + 1)
            if len(range(left, right + 1)) > _FEW:
                waiting = (column for at, column in sheet.formulas if at == row)
                columns = self._there(range(left, right + 1), sheet.rows.get(row, {}), waiting)
            for column in columns:
                yield self._value((name, row, column), sheet)

    def _there(self, numbers: range, *held: Iterable[int]) -> list[int]:
        """The numbers of a long range that are held at all, in order."""
        found = {number for each in held for number in each}
        self._visit(len(found))
        return sorted(number for number in found if number in numbers)

    def _value(self, place: Place, sheet: Worksheet) -> Value:
        _, row, column = place
        self._visit(1)
        if (row, column) in sheet.formulas:
            self._compute(place, sheet)
        cell = sheet.rows.get(row, {}).get(column)
        if cell is None:
            return None
        if cell.kind == "error":
            raise Unknown
        if cell.kind == "truth":
            return cell.text == "TRUE"
        return cell.text if cell.number is None else float(cell.number)

    def _visit(self, count: int) -> None:
        self._visits_left -= count
        if self._visits_left < 0:
            raise _TooFar
