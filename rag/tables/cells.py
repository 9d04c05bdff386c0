"""What a cell says: an amount with its unit, a day, a month or a year, or just text. Pure."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rag.text.tokenizer import normalise

SCALES = {"百": 2, "千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8}
"""Powers of ten that stand before a unit, as in 万元."""
MOST_DIGITS = 30
_SIGNS = {"¥": "元", "$": "$", "€": "€", "£": "£", "us$": "$", "hk$": "hk$", "rmb": "元", "cny": "元", "usd": "$"}
_UNITS = {
    "usd": "$",
    "eur": "€",
    "euro": "€",
    "euros": "€",
    "gbp": "£",
    "rmb": "元",
    "cny": "元",
    "块": "元",
    "块钱": "元",
}
_UNITS |= {"人民币": "元", "元人民币": "元", "圆": "元", "dollars": "$", "dollar": "$", "percent": "%", "pct": "%"}
_UNITS |= {"hour": "h", "hours": "h", "hrs": "h", "小时": "h", "day": "d", "days": "d", "天": "d"}
_SIGN = "|".join(sorted(map(re.escape, _SIGNS), key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-−+])?\s*(?P<sign>{_SIGN})?\s*(?P<minus2>[-−])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*"
    r"(?P<scale>百万|千万|[百千万亿])?(?P<unit>[^\d\s()（）,.;:~\-−+=]{0,8})\s*(?P<close>\))?"
)
_MONTHS = {
    name: number
    for number, (short, rest) in enumerate(
        (
            ("jan", "uary"),
            ("feb", "ruary"),
            ("mar", "ch"),
            ("apr", "il"),
            ("may", ""),
            ("jun", "e"),
            ("jul", "y"),
            ("aug", "ust"),
            ("sep", "tember"),
            ("oct", "ober"),
            ("nov", "ember"),
            ("dec", "ember"),
        ),
        1,
    )
    for name in (short, short + rest)
}
_MONTHS["sept"] = 9
MONTH_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_CLOCK = r"(?:[ t]\d{1,2}[:点时]\d{2}.{0,12})?"
_DAYS = (
    re.compile(rf"(?P<y>(?:19|20)\d\d)(?:年|[-/.])(?P<m>\d{{1,2}})(?:月|[-/.])(?P<d>\d{{1,2}})日?{_CLOCK}"),
    re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"),
    re.compile(rf"(?P<name>{MONTH_NAMES})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>(?:19|20)\d\d){_CLOCK}"),
    re.compile(rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?P<name>{MONTH_NAMES})\.?,? (?P<y>(?:19|20)\d\d){_CLOCK}"),
    re.compile(r"(?P<y>(?:19|20)\d\d)(?:年|[-/.])(?P<m>0?[1-9]|1[0-2])月?"),
    re.compile(rf"(?P<name>{MONTH_NAMES})\.? (?P<y>(?:19|20)\d\d)"),
    re.compile(r"(?P<y>(?:19|20)\d\d)年?"),
)
_UNIT_IN_NAME = re.compile(
    r"[(（\[]\s*(?:单位[:：]?|unit:?)?\s*([^()（）\[\]]{1,8})\s*[)）\]]\s*$|[/·]\s*([^/·]{1,4})$"
)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_EMPTY = frozenset({"", "-", "--", "—", "——", "/", "n/a", "na", "无", "null", "none"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it is written, and its unit (`元`, `%`, `h`, `` for none); `scale` is the power of ten that the unit
    has before it: 3.5万元 is 3.5, 元, 4."""

    number: Decimal
    unit: str = ""
    scale: int = 0

    @property
    def whole(self) -> Decimal:
        """The number in the unit without its power of ten."""
        return self.number.scaleb(self.scale)


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A day, or a month or a year, whose other parts are 0."""

    year: int
    month: int = 0
    day: int = 0

    def __str__(self) -> str:
        return "-".join([str(self.year), *(f"{part:02d}" for part in (self.month, self.day) if part)])


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """A text as questions and cells are compared: `normalise`, with single spaces."""
    return " ".join((text.casefold() if text.isascii() else normalise(text)).split())


def is_empty(text: str) -> bool:
    """Whether a cell says nothing."""
    return text.strip().casefold() in _EMPTY


def amount_of(text: str) -> Amount | None:
    """The one number that a cell is, with its unit; None for ranges, estimates, codes with leading zeros and text."""
    folded = fold(text)
    found = _AMOUNT.fullmatch(folded) if len(folded) <= MOST_DIGITS and _DIGIT.search(folded) else None
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    digits = found["digits"].replace(",", "")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        return None
    is_negative = found["minus"] in ("-", "−") or bool(found["minus2"]) or bool(found["open"])
    number = -Decimal(digits) if is_negative else Decimal(digits)
    unit = _unit(found["unit"]) or _SIGNS.get(found["sign"] or "", "")
    return Amount(number, unit, SCALES.get(found["scale"] or "", 0))


def day_of(text: str) -> Day | None:
    """The day, month or year that a cell is."""
    folded = fold(text)
    if _YEAR.search(folded) is None:
        return None
    for form in _DAYS:
        if found := form.fullmatch(folded):
            parts = found.groupdict()
            month = _MONTHS[parts["name"]] if parts.get("name") else int(parts.get("m") or 0)
            day = int(parts.get("d") or 0)
            return Day(int(parts["y"]), month, day) if month <= 12 and day <= 31 else None
    return None


def month_named(name: str) -> int:
    """The number of an English month's name, long or short; 0 for another word."""
    return _MONTHS.get(name, 0)


def unit_of(text: str) -> tuple[str, int]:
    """A unit as (unit, power of ten): 万元 is 元 and 4."""
    folded = fold(text)
    for name, power in sorted(SCALES.items(), key=lambda each: -len(each[0])):
        if folded.startswith(name):
            return _unit(folded[len(name) :]), power
    return _unit(folded), 0


def named_unit(column: str) -> str:
    """The unit that a column's name ends with, in brackets: 金额（万元）; "" for none."""
    found = _UNIT_IN_NAME.search(column)
    return (found[1] or "").strip() if found else ""


def bare_name(column: str) -> str:
    """A column's name without the unit in brackets, folded."""
    found = _UNIT_IN_NAME.search(column)
    return fold(column[: found.start()] if found and found[1] and found.start() else column)


def _unit(text: str) -> str:
    return _UNITS.get(text, text)
