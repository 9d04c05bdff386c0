"""Days and times as a spreadsheet shows them: a number of days since 1900 (or 1904) in the form that a format gives."""

import datetime
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from rag.ingestion.readers.chinese_numerals import in_words, with_digits

_LAST_DAY = 2_958_465
_DAYS_TO_1904 = 1462
_DAY_MS = 86_400_000
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CHINESE_DAYS = "一二三四五六日"
_CHINESE_LOCALES = ("804", "404", "C04", "1004", "1404")
_MADE_BY_PROGRAMS = frozenset({"yyyy-mm-dd h:mm:ss", "yyyy-mm-dd hh:mm:ss"})
"""What libraries write for every day, whoever reads it: the zeros of a time that nobody gave are not shown."""

Token = tuple[str, str]


def show_date(tokens: Sequence[Token], serial: Decimal, locale: str, numerals: int, is_1904: bool) -> str:
    """The day and time of a serial number; "" for a number that is none."""
    if serial < 0 or serial > _LAST_DAY:
        return ""
    has_fraction = any(kind == "date" and "." in text for kind, text in tokens)
    step = 1 if has_fraction else 1000
    ms = int((serial * _DAY_MS / step).to_integral_value(ROUND_HALF_UP)) * step
    try:
        day = _day(ms // _DAY_MS, is_1904)
    except OverflowError:
        return ""
    shown = _Moment(day, ms, locale.upper().lstrip("0").endswith(_CHINESE_LOCALES), numerals).show(tokens)
    if "".join(text for _, text in tokens).lower() in _MADE_BY_PROGRAMS and shown.endswith(":00"):
        return f"{day:%Y-%m-%d}" if ms % _DAY_MS == 0 else f"{day:%Y-%m-%d} {ms // 3_600_000 % 24:02}:{shown[-5:-3]}"
    return shown


def serial_of(text: str) -> Decimal | None:
    """The serial number (since 1900) of a day or time in ISO 8601; None for what is none."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip().removesuffix("Z"))
    except ValueError:
        return None
    since = moment.replace(tzinfo=None) - datetime.datetime(1899, 12, 30)
    return Decimal(since.days) + Decimal(since.seconds * 1000 + since.microseconds // 1000) / _DAY_MS


def _day(days: int, is_1904: bool) -> datetime.date:
    """Excel counts a 29 February 1900 that never was: days before it are one off."""
    if is_1904:
        days += _DAYS_TO_1904
    elif days < 60:
        days += 1
    return datetime.date(1899, 12, 30) + datetime.timedelta(days)


class _Moment:
    def __init__(self, day: datetime.date, ms: int, is_chinese: bool, numerals: int) -> None:
        self._day, self._ms, self._is_chinese, self._numerals = day, ms, is_chinese, numerals
        self._hour = ms // 3_600_000 % 24

    def show(self, tokens: Sequence[Token]) -> str:
        has_halves = any(kind == "ampm" for kind, _ in tokens)
        shown: list[str] = []
        for index, (kind, text) in enumerate(tokens):
            if kind == "elapsed":
                shown.append(self._elapsed(text))
            elif kind == "ampm":
                shown.append(self._half(text))
            elif kind == "date":
                text = text.lower()
                is_minute = text[0] == "m" and len(text) <= 2 and _is_minute(tokens, index)
                shown.append(self._minute(text) if is_minute else self._part(text, has_halves))
            elif kind != "general":
                shown.append(text if text != "@" else "")
        return "".join(shown).strip()

    def _elapsed(self, text: str) -> str:
        unit = {"h": 3_600_000, "m": 60_000, "s": 1000}[text[0]]
        return f"{self._ms // unit:0{len(text)}d}"

    def _half(self, text: str) -> str:
        is_late = self._hour >= 12
        if text == "上午/下午" or (self._is_chinese and len(text) > 3):
            return "下午" if is_late else "上午"
        return text.split("/")[is_late]

    def _minute(self, text: str) -> str:
        return self._number(self._ms // 60_000 % 60, len(text))

    def _part(self, text: str, has_halves: bool) -> str:
        match text[0]:
            case "y" | "e":
                year = self._day.year
                return with_digits(f"{year % 100:02d}" if text in ("y", "yy") else str(year), self._numerals)
            case "m":
                return self._month(len(text))
            case "d":
                return self._number(self._day.day, len(text)) if len(text) < 3 else self._weekday(len(text))
            case "a":
                return ("星期" if len(text) == 4 else "周") + _CHINESE_DAYS[self._day.weekday()]
            case "h":
                hour = (self._hour % 12 or 12) if has_halves else self._hour
                return self._number(hour, len(text))
            case "s":
                seconds, point, places = text.partition(".")
                shown = self._number(self._ms // 1000 % 60, len(seconds))
                return shown + point + f"{self._ms % 1000:03d}".ljust(len(places), "0")[: len(places)]
        return ""

    def _number(self, number: int, length: int) -> str:
        if self._numerals:
            return in_words(str(number), self._numerals)
        return f"{number:0{min(length, 2)}d}"

    def _month(self, length: int) -> str:
        if length < 3:
            return self._number(self._day.month, length)
        if self._is_chinese:
            return in_words(str(self._day.month), 1) + "月" if length == 4 else f"{self._day.month}月"
        name = _MONTHS[self._day.month - 1]
        return {3: name[:3], 5: name[:1]}.get(length, name)

    def _weekday(self, length: int) -> str:
        if self._is_chinese:
            return ("周" if length == 3 else "星期") + _CHINESE_DAYS[self._day.weekday()]
        name = _WEEKDAYS[self._day.weekday()]
        return name[:3] if length == 3 else name


def _is_minute(tokens: Sequence[Token], index: int) -> bool:
    """Whether an m is a minute: after hours, or before seconds."""
    before = next((text[0].lower() for kind, text in reversed(tokens[:index]) if kind in ("date", "elapsed")), "")
    after = next((text[0].lower() for kind, text in tokens[index + 1 :] if kind in ("date", "elapsed")), "")
    return before == "h" or after == "s"
