"""The figures of a text as terms that are equal where the figures are: 35 and 三十五, 15 个工作日 and 十五个工作日.

They are terms *beside* the ordinary ones: a figure with what it counts is one term (`15工作日`, `第3条`, `80%`), and a
number that is not written in plain digits also has its value (`35`, `5000`). A single Chinese digit counts only with
what it counts, and digits in a row only where they look like a year or a number: 一起, 三星 and 五一 stay words.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.text.numerals import DIGITS, NUMERALS, digit, number, plain

_COUNTED = (
    "年月日天周号岁元角秒时点刻分级层楼页章节条款项次人名位家台件份张本套辆组批类种期届班倍成折米吨克斤升度步行字列格篇"
)
_UNITS = (
    "个?(?:小时|钟头|星期|礼拜|工作日|自然日|季度|空格|字符|百分点)|个月|个|分钟|秒钟|块钱|元|圆|块|平方米|公里|公斤|"
    "千克|厘米|毫米|毫秒|%|‰|°c"
)
_LATIN_UNITS = "[kmgt]i?b|[kcm]?m|k?g|ms|min|h|s|[kmg]?hz|k?w|v|ml|l|px|pt|rmb|cny|usd"
_FIGURE = re.compile(  # begins with a set of characters, which lets the search skip all others
    rf"([{NUMERALS}0-9](?<![几数双多].)(?<![a-z0-9_.\-/:+&@#$±][0-9])(?:(?<=([第¥]).)|(?<=([第¥]) .)|)"
    rf"(?:[{NUMERALS}0-9]|,(?=[0-9]{{3}}(?![0-9]))|\.(?=[0-9])|(?<=[0-9]) (?=[千万亿]))*"
    rf"(?:分之[{NUMERALS}0-9.]+)?(?:点[{NUMERALS}0-9]+|点半)?)"
    rf"(?= ?({_UNITS}|[{_COUNTED}])| ({_LATIN_UNITS})(?![^\W_])|([几多来余方者]?))"
)
_NUMBER, _LEAD, _LEAD_APART, _UNIT, _LATIN, _VAGUE = range(1, 7)
_SAME_UNIT = {
    "块": "元",
    "圆": "元",
    "块钱": "元",
    "rmb": "元",
    "cny": "元",
    "钟头": "小时",
    "礼拜": "星期",
    "秒钟": "秒",
}
_WORDS_OF_ONE = frozenset("点时刻成折步家种类班期届张本套批行字列格篇辆米升克斤")
"""After a lone 一 these make words (一点, 一时, 一种, 一家) more often than they count."""
_WORDS_OF_ANY = frozenset("分度角成")
"""After any lone numeral these make words (十分, 三角, 八成)."""
_SECTIONS = frozenset("章节条款项")
"""第三条 and 3条 are the same; 第三天 and 3天 are not."""
_UNITS_OF_ROWS = frozenset("年号楼")
LEAST_ROW = 3
LONGEST = 40
_VERSION = re.compile(r"(?:版本号?|\bversion|\bver\.?|\brelease)[ :]{0,2}v?([0-9]+(?:\.[0-9]+)*)(?![\w\-]|\.\w)")
_VERSION_WORDS = ("版本", "ver", "release")
_CLOCK = re.compile(rf"([{NUMERALS}0-9]+)点(半|[{NUMERALS}0-9]+)")
_ROUND = re.compile(r"\.0{2,}$")
_DATE = re.compile(r"([0-9]{4})[-/](0?[1-9]|1[0-2])(?:[-/](0?[1-9]|[12][0-9]|3[01]))?")
_TIME = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a text: where its number stands, where 第 and what it counts do (-1 for none), and its terms.

    `replaces` tells whether the number's ordinary terms are only its spelling (三十五, 5,000), so that a question
    should go by the terms given here.
    """

    start: int
    end: int
    lead_at: int
    unit_at: int
    terms: tuple[str, ...]
    replaces: bool


def figure_terms(normalised: str) -> list[str]:
    """The terms of all figures of a *normalised* text, with repeats."""
    found: list[str] = []
    for chain, lead, lead_apart, unit, latin, vague in _FIGURE.findall(normalised):
        if not vague and len(chain) <= LONGEST:
            found.extend(_terms(lead or lead_apart, chain, unit or latin))
    if any(word in normalised for word in _VERSION_WORDS):
        found.extend(f"v{version}" for version in _VERSION.findall(normalised) if len(version) <= LONGEST)
    return found


def figures(normalised: str) -> list[Figure]:
    """The figures of a *normalised* text that a question asks about, with their places: 一个 alone is an article."""
    found = []
    for match in _FIGURE.finditer(normalised):
        chain, lead, unit = match[_NUMBER], match[_LEAD] or match[_LEAD_APART], match[_UNIT] or match[_LATIN]
        is_vague = bool(match[_VAGUE]) or len(chain) > LONGEST or (chain, unit) == ("一", "个")
        if not is_vague and (terms := _terms(lead or "", chain, unit or "")):
            lead_at = max(match.start(_LEAD), match.start(_LEAD_APART))
            found.append(
                Figure(
                    *match.span(_NUMBER), lead_at, match.start(_UNIT), terms, not (chain.isascii() and chain.isdigit())
                )
            )
    if any(word in normalised for word in _VERSION_WORDS):
        found += [
            Figure(*match.span(1), -1, -1, (f"v{match[1][:LONGEST]}",), False)
            for match in _VERSION.finditer(normalised)
        ]
    return found


def date_terms(word: str) -> tuple[str, ...]:
    """The terms of a date in digits: 2026-03-15 has those of 2026年3月15日."""
    date = _DATE.fullmatch(word)
    if date is None:
        return ()
    day = (f"{plain(date[3])}日",) if date[3] else ()
    return (f"{date[1]}年", f"{plain(date[2])}月", *day)


def time_terms(word: str) -> tuple[str, ...]:
    """The term of a time in digits: 10:00 has that of 十点, 9:30 and 09:30 have the same."""
    time = _TIME.fullmatch(word)
    if time is None:
        return ()
    return (f"{plain(time[1])}点" if time[2] == "00" else f"{plain(time[1])}:{time[2]}",)


@lru_cache(maxsize=16_384)
def _terms(lead: str, chain: str, unit: str) -> tuple[str, ...]:
    if "分之" in chain:
        return _share(*chain.split("分之", 1))
    clock = _CLOCK.fullmatch(chain)
    if clock is not None and unit in ("", "分"):
        return _time(clock[1], clock[2], unit)
    chain = chain.replace(" ", "")
    unit = _plain_unit("元" if lead == "¥" and not unit else unit)
    if len(chain) == 1 and not chain.isascii():
        return _lone(lead, chain, unit)
    value = number(chain)
    if value is None or not (lead == "第" or _is_number(chain, unit)):
        return ()
    is_spelled = not chain.isascii() or "," in chain or bool(_ROUND.search(chain))
    return (*([value] if is_spelled and lead != "第" else []), *_counted(lead, value, unit))


def _is_number(chain: str, unit: str) -> bool:
    """Whether a well-formed Chinese number is meant as one: 五一, 三八 and 十一 are days, 三五天 is three to five."""
    if set(chain) <= set(DIGITS):
        return "〇" in chain or "零" in chain or (len(chain) >= LEAST_ROW and unit in _UNITS_OF_ROWS)
    return chain != "十一" or bool(unit)


def _lone(lead: str, char: str, unit: str) -> tuple[str, ...]:
    value = digit(char)
    if value is None or (lead != "第" and not unit):
        return ()
    if lead != "第" and (unit in _WORDS_OF_ANY or (value == "1" and unit in _WORDS_OF_ONE)):
        return ()
    return _counted(lead, value, unit)


def _counted(lead: str, value: str, unit: str) -> tuple[str, ...]:
    if lead != "第":
        return (f"{value}{unit}",) if unit else ()
    if unit == "人":
        return ()  # 第三人 is anybody else
    return (f"{value}{unit}",) if unit in _SECTIONS else (f"第{value}{unit}",)


def _share(below: str, above: str) -> tuple[str, ...]:
    """百分之八十 is 80%, 三分之一 is 1/3."""
    part, whole = _any_number(above), _any_number(below)
    if part is None:
        return ()
    if below in ("百", "千"):
        return (f"{part}{'%' if below == '百' else '‰'}",)
    return () if whole is None else (f"{part}/{whole}",)


def _time(hour: str, minute: str, unit: str) -> tuple[str, ...]:
    """十点半, 十点三十 and 10点30分 are 10:30; 三点五 alone may be anything."""
    hours, minutes = _any_number(hour), "30" if minute == "半" else _any_number(minute)
    is_clear = bool(unit) or minute == "半" or len(minutes or "") == 2
    if hours is None or minutes is None or not is_clear:
        return ()
    time = f"{hours}:{minutes:0>2}"
    return (time,) if _TIME.fullmatch(time) else ()


def _any_number(text: str) -> str | None:
    return digit(text) if len(text) == 1 and not text.isascii() else number(text)


def _plain_unit(unit: str) -> str:
    bare = unit[1:] if len(unit) > 2 and unit.startswith("个") else unit
    return _SAME_UNIT.get(bare, bare)
