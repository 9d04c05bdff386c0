"""A spreadsheet formula computed where that is certain: + - * / ^ & %, cells and ranges, SUM and its like.

Everything else (conditions, look-ups, names, dates of today) is not certain and has no value here.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from rag.ingestion.readers.number_formats import EXACT, exact, general
from rag.ingestion.readers.worksheet import column_number

MOST_FORMULA_CHARS = 2000
MOST_BRACKETS = 10
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d{1,3})?)(?![\w(:])
    |(?P<text>"(?:[^"]|"")*")
    |(?P<ref>(?:(?P<quoted>'(?:[^']|'')+')!|(?P<sheet>[\w.]+)!)?
        (?P<first>\$?[A-Z]{1,3}\$?[1-9]\d{0,6}|\$?[A-Z]{1,3}(?=:))
        (?::(?P<last>\$?[A-Z]{1,3}(?:\$?[1-9]\d{0,6})?))?)(?![\w(!.:$])
    |(?P<call>[A-Z][A-Z0-9.]*)\(
    |(?P<sign>[-+*/^&%(),]))""",
    re.VERBOSE | re.IGNORECASE,
)
_CORNER = re.compile(r"(\$?)([A-Za-z]{1,3})(?:(\$?)(\d+))?")
_LAST_ROW = 1_048_576

Value = float | str | bool | None
Bounds = tuple[int, int, int, int]


class Unknown(Exception):
    """It cannot be told what the value is."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A reference; its values are looked up when they are needed."""

    values: Callable[[], Iterator[Value]]
    is_single: bool


LookUp = Callable[[str, Bounds], Cells]
Operand = Value | Cells


def evaluate(text: str, sheet: str, look_up: LookUp, *, down: int = 0, right: int = 0) -> Value:
    """The value of a formula that stands in `sheet`, moved from where it was written. Raises Unknown."""
    try:
        value = _Evaluation(text, sheet, look_up, down, right).result()
    except ZeroDivisionError:
        return "#DIV/0!"
    except (OverflowError, ValueError, TypeError, ArithmeticError) as error:
        raise Unknown from error
    if isinstance(value, float) and not math.isfinite(value):
        raise Unknown
    return value


class _Evaluation:
    """One formula, read from left to right by the rules of precedence."""

    def __init__(self, text: str, sheet: str, look_up: LookUp, down: int, right: int) -> None:
        self._tokens = _tokens(text)
        self._sheet, self._look_up, self._down, self._right = sheet, look_up, down, right
        self._at = self._brackets = 0

    def result(self) -> Value:
        value = _one(self._joined())
        if self._at < len(self._tokens):
            raise Unknown
        return 0.0 if value is None else value

    def _took(self, *signs: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at].lastgroup == "sign":
            sign = self._tokens[self._at]["sign"]
            if sign in signs:
                self._at += 1
                return sign
        return ""

    def _joined(self) -> Operand:
        left = self._sum()
        while self._took("&"):
            left = _text(_one(left)) + _text(_one(self._sum()))
        return left

    def _sum(self) -> Operand:
        left = self._product()
        while sign := self._took("+", "-"):
            right = _number(self._product())
            left = _number(left) + (right if sign == "+" else -right)
        return left

    def _product(self) -> Operand:
        left = self._power()
        while sign := self._took("*", "/"):
            right = _number(self._power())
            left = _number(left) * right if sign == "*" else _number(left) / right
        return left

    def _power(self) -> Operand:
        left = self._signed()
        while self._took("^"):
            left = math.pow(_number(left), _number(self._signed()))
        return left

    def _signed(self) -> Operand:
        signs = []
        while sign := self._took("+", "-"):
            signs.append(sign)
        value = self._atom()
        while self._took("%"):
            value = _number(value) / 100
        if "-" in signs:
            return _number(value) * (-1.0 if signs.count("-") % 2 else 1.0)
        return value

    def _atom(self) -> Operand:
        if self._took("("):
            return self._bracketed()
        if self._at >= len(self._tokens):
            raise Unknown
        token = self._tokens[self._at]
        self._at += 1
        match token.lastgroup:
            case "number":
                return float(token["number"])
            case "text":
                return token["text"][1:-1].replace('""', '"')
            case "ref":
                return self._reference(token)
            case "call":
                return self._call(token["call"].upper())
        raise Unknown

    def _bracketed(self) -> Operand:
        self._brackets += 1
        if self._brackets > MOST_BRACKETS:
            raise Unknown
        value = self._joined()
        self._brackets -= 1
        if not self._took(")"):
            raise Unknown
        return value

    def _reference(self, token: re.Match[str]) -> Cells:
        sheet = (token["quoted"] or "")[1:-1].replace("''", "'") or token["sheet"] or self._sheet
        first = self._corner(token["first"], 1)
        last = self._corner(token["last"] or token["first"], _LAST_ROW)
        rows, columns = sorted((first[0], last[0])), sorted((first[1], last[1]))
        return self._look_up(sheet, (rows[0], columns[0], rows[1], columns[1]))

    def _corner(self, reference: str, row_of_all: int) -> tuple[int, int]:
        found = _CORNER.fullmatch(reference)
        if found is None:
            raise Unknown
        column = column_number(found[2]) + (0 if found[1] else self._right)
        row = row_of_all if found[4] is None else int(found[4]) + (0 if found[3] else self._down)
        if row < 1 or column < 1:
            raise Unknown
        return row, column

    def _call(self, name: str) -> Value:
        arguments: list[Operand] = []
        if not self._took(")"):
            arguments.append(self._bracketed_argument())
            while self._took(","):
                arguments.append(self._bracketed_argument())
            if not self._took(")"):
                raise Unknown
        return _called(name, arguments)

    def _bracketed_argument(self) -> Operand:
        self._brackets += 1
        if self._brackets > MOST_BRACKETS:
            raise Unknown
        value = self._joined()
        self._brackets -= 1
        return value


def _tokens(text: str) -> list[re.Match[str]]:
    text = text.strip().removeprefix("=")
    if not text or len(text) > MOST_FORMULA_CHARS:
        raise Unknown
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unknown
        found.append(match)
        at = match.end()
    return found


def _one(value: Operand) -> Value:
    if not isinstance(value, Cells):
        return value
    if not value.is_single:
        raise Unknown
    return next(value.values(), None)


def _number(value: Operand) -> float:
    value = _one(value)
    if isinstance(value, str | bool):
        raise Unknown
    return float(value or 0)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        raise Unknown
    if isinstance(value, float):
        number = exact(repr(value))
        if number is None:
            raise Unknown
        return general(number)
    return value or ""


def _called(name: str, arguments: list[Operand]) -> Value:
    if name == "HYPERLINK" and arguments:
        return _one(arguments[-1])
    if name in ("ABS", "ROUND"):
        numbers = [_number(each) for each in arguments]
        if name == "ABS" and len(numbers) == 1:
            return abs(numbers[0])
        if name == "ROUND" and len(numbers) == 2 and abs(numbers[1]) < 30:
            step = Decimal(1).scaleb(-int(numbers[1]))
            exactly = exact(repr(numbers[0])) or Decimal(0)
            return float(exactly.quantize(step, ROUND_HALF_UP, EXACT))
        raise Unknown
    if name == "COUNTA":
        return float(sum(value is not None for each in arguments for value in _values(each)))
    if name in _OF_NUMBERS:
        numbers = [value for each in arguments for value in _values(each) if isinstance(value, float)]
        return _OF_NUMBERS[name](numbers)
    raise Unknown


def _values(argument: Operand) -> Iterable[Value]:
    """What an argument holds: text in cells does not count as a number, text that is written out may."""
    if isinstance(argument, Cells):
        return argument.values()
    if isinstance(argument, str | bool):
        raise Unknown
    return (argument,)


_OF_NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "SUM": math.fsum,
    "AVERAGE": lambda numbers: math.fsum(numbers) / len(numbers),
    "COUNT": lambda numbers: float(len(numbers)),
    "MIN": lambda numbers: min(numbers, default=0.0),
    "MAX": lambda numbers: max(numbers, default=0.0),
    "PRODUCT": lambda numbers: math.prod(numbers) if numbers else 0.0,
}
