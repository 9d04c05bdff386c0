"""Numbers as people write them in Chinese text, to plain decimal digits: 三十五, 叁拾伍, 1.5万, 5,000 and 二〇二六.

Only what is well formed counts, so that numerals inside words (万一, 三七二十一, 五一) stay words.
"""

import re
from decimal import Decimal

_DIGITS = {
    char: str(digit)
    for digit, chars in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_TENS = {"十": 1, "拾": 1, "百": 2, "佰": 2, "千": 3, "仟": 3}
_MYRIADS = {"万": 4, "亿": 8}
DIGITS = "".join(_DIGITS)
NUMERALS = DIGITS + "".join(_TENS) + "".join(_MYRIADS)
"""Every character of a Chinese numeral, after folding to simplified forms."""
MAX_CHARS = 24

_PLAIN = str.maketrans({**_DIGITS, "拾": "十", "佰": "百", "仟": "千"})
_SECTION = "(?:[1-9]千)?(?:0?[1-9]百)?(?:0?[1-9]?十)?(?:0?[1-9])?"
_WHOLE = re.compile(rf"(?:(?P<high>(?=[^亿]){_SECTION})亿)?(?:0?(?P<mid>(?=[^万]){_SECTION})万)?0?(?P<low>{_SECTION})")
_SHORT = re.compile(r"(?P<most>.*(?P<unit>[百千万亿]))(?P<digit>[1-9])")
_POWERS = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8}
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?")
_STEP = re.compile(r"([0-9]+(?:\.[0-9]+)?)([十百千]?[万亿]?)")


def number(text: str) -> str | None:
    """The decimal form of a number without needless zeros; None for what is not one, or is too long to be one."""
    if len(text) > MAX_CHARS:
        return None
    if text.isascii():
        return plain(text.replace(",", "")) if _GROUPED.fullmatch(text) else None
    if text[0].isascii():
        return _mixed(text.replace(",", ""))
    whole, point, fraction = text.partition("点")
    if not point:
        return _chinese(whole)
    head = _DIGITS.get(whole) or _chinese(whole)
    tail, power = (fraction[:-1], _MYRIADS[fraction[-1]]) if fraction[-1:] in _MYRIADS else (fraction, 0)
    if head is None or not tail or not set(tail) <= set(_DIGITS):
        return None
    return plain(format(Decimal(f"{head}.{tail.translate(_PLAIN)}").scaleb(power), "f"))


def plain(digits: str) -> str:
    """ASCII digits with perhaps a point, without leading zeros and without zeros at the end of a fraction."""
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def digit(char: str) -> str | None:
    """The value of a single numeral, 一 to 十; None for another character."""
    return "10" if char in ("十", "拾") else _DIGITS.get(char)


def _chinese(text: str) -> str | None:
    """A numeral of two characters or more: digits in a row, or with units in falling order."""
    if len(text) < 2:
        return None
    folded = text.translate(_PLAIN)
    if folded.isascii():
        return None if "两" in text else folded
    found = _WHOLE.fullmatch(folded)
    if found is None:
        return None
    sections = ((found["high"], 8), (found["mid"], 4), (found["low"], 0))
    value = sum(_section(section or "") * 10**power for section, power in sections)
    short = _SHORT.fullmatch(folded)
    if short is not None:  # 一百五 is 150, 一万二 is 12000
        value += int(short["digit"]) * (10 ** (_POWERS[short["unit"]] - 1) - 1)
    return str(value)


def _section(text: str) -> int:
    value, pending = 0, 0
    for char in text:
        if char.isascii():
            pending = int(char)
        else:
            value += (pending or 1) * 10 ** _POWERS[char]
            pending = 0
    return value + pending


def _mixed(text: str) -> str | None:
    """Digits with Chinese units: 1.5万, 3千, 2万5千, 1亿2000万."""
    total, last, at = Decimal(0), 99, 0
    for step in _STEP.finditer(text):
        power = sum(_POWERS[char] for char in step[2])
        if step.start() != at or power >= last:
            return None
        if not power and at and len(step[1]) == 1:
            power = last - 1  # 2万5 is 25000
        total += Decimal(step[1]) * 10**power
        last, at = power, step.end()
    return plain(format(total, "f")) if at == len(text) else None
