"""Numbers as a spreadsheet shows them: Excel's format codes, section by section.

A format has up to four sections (positive; negative; zero; text), or conditions in brackets. What is shown by colour or
by the width of a column alone is not in the text, but for the minus of an amount that is negative because it is red.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from rag.ingestion.readers.chinese_numerals import in_words, with_digits
from rag.ingestion.readers.date_formats import show_date

MOST_CODE_CHARS = 255
"""Excel's own limit; a longer format is read as General."""
EXACT = Context(prec=1000, rounding=ROUND_HALF_UP)
_PRECISION = Context(prec=15, rounding=ROUND_HALF_UP)
_MOST_EXPONENT = 308
_MOST_DECIMALS, _FEWEST_DIGITS, _MOST_DIGITS = 9, 10, 30
_PIECE = re.compile(r'"[^"]*"?|[\\!_*].|\[[^\]]*\]|;|.', re.DOTALL)
_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | [\\!](?P<escaped>.) | (?P<gap>[_*].) | \[(?P<bracket>[^\]]*)\]
    | (?P<general>General|G/通用格式|Standard) | (?P<ampm>AM/PM|A/P|上午/下午) | (?P<exponent>E[+-]0+)
    | (?P<date>y+|m+|d+|h+|s+(?:\.0+)?|e+|a{3,4}|b{2,4}|g+) | (?P<sign>[0\#?.,%/@]) | (?P<plain>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_COLOUR = re.compile(
    r"black|blue|cyan|green|magenta|red|white|yellow|colou?r\s*\d+|[黑蓝青绿红白黄]色?|洋红", re.IGNORECASE
)
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_FRACTION = re.compile(r"(?P<whole>[#0?]+\s+)?[#0?]+\s*/\s*(?P<below>[1-9]\d*|[#0?]+)")
_NEGATIVE_SIGN = re.compile(r"[-－(（<△▲▽▼↓负亏]")

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a format."""

    tokens: tuple[Token, ...]
    raw: str
    condition: tuple[str, Decimal] | None
    has_colour: bool
    locale: str
    numerals: int

    def has(self, kind: str, texts: str = "") -> bool:
        """Whether there is such a token, with one of these signs."""
        return any(each == kind and (not texts or text in texts) for each, text in self.tokens)

    @property
    def is_date(self) -> bool:
        """Whether numbers in it are days."""
        return self.has("date") or self.has("elapsed")


class NumberFormat:
    """One format code, ready to show many values."""

    def __init__(self, code: str) -> None:
        code = code if len(code) <= MOST_CODE_CHARS else "General"
        self._sections = [_section(part) for part in _parts(code or "General")]
        self._for_text = next((each for each in self._sections if each.has("sign", "@")), None)
        if self._for_text is None and len(self._sections) >= 4:
            self._for_text = self._sections[3]
        numeric = [each for each in self._sections[:3] if each is not self._for_text] or self._sections[:1]
        self._numeric = numeric
        plain = (("general", "General"),)
        self.is_general = len(numeric) == 1 and numeric[0].tokens == plain and not numeric[0].numerals
        self.is_date = any(each.is_date for each in numeric)

    def show(self, value: Decimal, *, is_1904: bool = False) -> str:
        """A number as it is seen; "" where the format hides it."""
        if not value.is_finite() or abs(value.adjusted()) > _MOST_EXPONENT:
            return str(value)
        if self.is_general:
            return general(value)
        section, drops_minus = self._chosen(value)
        if section.is_date:
            return show_date(section.tokens, value, section.locale, section.numerals, is_1904) or general(value)
        shown = _shown(section, abs(value))
        is_negative = value < 0 and any(digit in "123456789" for digit in shown)
        if drops_minus:
            is_negative = is_negative and section.has_colour and not _NEGATIVE_SIGN.search(shown)
        return ("-" if is_negative else "") + shown

    def show_text(self, text: str) -> str:
        """A text as it is seen: most formats show it as it is."""
        section = self._for_text
        if section is None:
            return text
        return "".join(text if token == ("sign", "@") else _literal(token) for token in section.tokens).strip()

    def _chosen(self, value: Decimal) -> tuple[Section, bool]:
        """The section for a value, and whether it shows a negative number without its minus."""
        sections = self._numeric
        if any(each.condition for each in sections):
            for each in sections:
                if each.condition is None:
                    return each, False
                if _holds(each.condition, value):
                    return each, each.condition[0] in ("<", "<=") and each.condition[1] <= 0
            return sections[-1], False
        if value < 0 and len(sections) > 1:
            return sections[1], True
        if value == 0 and len(sections) > 2:
            return sections[2], False
        return sections[0], False


@lru_cache(4096)
def number_format(code: str) -> NumberFormat:
    """The format of a code; a workbook uses few."""
    return NumberFormat(code)


def exact(raw: str) -> Decimal | None:
    """A stored number with the 15 digits that a spreadsheet keeps, without the noise behind them; whole numbers keep
    all of their digits. None for what is no number."""
    text = raw.strip()
    if len(text) > 400 or not text.isascii() or "_" in text:
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    if not value.is_finite():
        return None
    is_whole = abs(value.adjusted()) < _MOST_EXPONENT and value == value.to_integral_value(context=EXACT)
    return value if is_whole else _PRECISION.plus(value)


def general(value: Decimal) -> str:
    """Without a format: all digits of large amounts, no exponent, and no more than nine decimals of a fraction."""
    if value.adjusted() > _MOST_DIGITS:
        return f"{_PRECISION.plus(value).normalize():E}"
    if value == value.to_integral_value():
        return f"{value.quantize(Decimal(1), context=EXACT):f}" if value else "0"
    decimals = max(_MOST_DECIMALS, _FEWEST_DIGITS - 1 - value.adjusted() if value.adjusted() < -1 else 0)
    if -int(value.as_tuple().exponent) > decimals:
        value = value.quantize(Decimal(1).scaleb(-decimals), context=EXACT)
    return f"{value:f}".rstrip("0").rstrip(".")


def _parts(code: str) -> list[str]:
    parts = [""]
    for piece in _PIECE.findall(code):
        if piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return parts[:4]


def _section(raw: str) -> Section:
    tokens: list[Token] = []
    condition, has_colour, locale, numerals = None, False, "", 0
    for match in _TOKEN.finditer(raw):
        kind, text = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "bracket":
            if found := _CONDITION.fullmatch(text.strip()):
                condition = (found[1], Decimal(found[2]))
            elif text.startswith("$"):
                sign, _, locale = text[1:].partition("-")
                tokens += [("quoted", sign)] if sign else []
            elif text.lower().startswith("dbnum"):
                numerals = int(text[5:]) if text[5:].isdigit() else 0
            elif _ELAPSED.fullmatch(text):
                tokens.append(("elapsed", text.lower()))
            elif _COLOUR.fullmatch(text):
                has_colour = True
        elif kind == "general":
            tokens.append((kind, "General"))
        elif kind != "gap":
            tokens.append((kind, text))
    return Section(tuple(tokens), raw, condition, has_colour, locale, numerals)


def _holds(condition: tuple[str, Decimal], value: Decimal) -> bool:
    sign, other = condition
    return (
        (sign in ("<", "<=", "<>") and value < other)
        or (sign in (">", ">=", "<>") and value > other)
        or (sign in ("=", "<=", ">=") and value == other)
    )


def _literal(token: Token) -> str:
    kind, text = token
    return text if kind in ("quoted", "escaped", "plain", "date", "ampm") or (kind == "sign" and text in "/") else ""


def _shown(section: Section, value: Decimal) -> str:
    """A number that is not negative, by one section."""
    if section.has("general") or section.has("sign", "@"):
        number = in_words(general(value), section.numerals) if section.numerals else general(value)
        whole = (("general", "General"), ("sign", "@"))
        return "".join(number if token in whole else _literal(token) for token in section.tokens).strip()
    scale = sum(token == ("sign", "%") for token in section.tokens)
    value = value.scaleb(2 * scale, context=EXACT)
    if section.has("sign", "/") and (found := _FRACTION.search(section.raw)):
        return _fraction(value, found)
    shown = _scientific(section, value) if section.has("exponent") else _digits(section.tokens, value)
    return with_digits(shown, section.numerals).strip()


def _fraction(value: Decimal, form: re.Match[str]) -> str:
    below = form["below"]
    exactly = Fraction(value)
    if below[0] in "#0?":
        near = exactly.limit_denominator(10 ** min(len(below), 4) - 1)
        top, bottom = near.numerator, near.denominator
    else:
        bottom = int(below[:6])
        top = round(exactly * bottom)
    if form["whole"] is None:
        return f"{top}/{bottom}"
    whole, top = divmod(top, bottom)
    return " ".join(([str(whole)] if whole or not top else []) + ([f"{top}/{bottom}"] if top else []))


def _scientific(section: Section, value: Decimal) -> str:
    at = next(index for index, (kind, _) in enumerate(section.tokens) if kind == "exponent")
    mantissa, mark, rest = section.tokens[:at], section.tokens[at][1], section.tokens[at + 1 :]
    point = mantissa.index(("sign", ".")) if ("sign", ".") in mantissa else len(mantissa)
    wide = max(1, sum(_is_digit(token) for token in mantissa[:point]))
    places = sum(_is_digit(token) for token in mantissa[point:])
    power = value.adjusted() if value else 0
    power -= power % wide
    if round(value.scaleb(-power, context=EXACT), places) >= Decimal(10) ** wide:
        power += wide
    sign = "-" if power < 0 else mark[1].replace("-", "")
    exponent = f"{mark[0]}{sign}{abs(power):0{len(mark) - 2}d}"
    return _digits(mantissa, value.scaleb(-power, context=EXACT)) + exponent + "".join(map(_literal, rest))


def _is_digit(token: Token) -> bool:
    return token[0] == "sign" and token[1] in "0#?"


def _digits(tokens: tuple[Token, ...], value: Decimal) -> str:
    """Digits put where the format has places for them, with what stands between."""
    at = [index for index, token in enumerate(tokens) if _is_digit(token)]
    if not at:
        return "".join("%" if token == ("sign", "%") else _literal(token) for token in tokens)
    point = tokens.index(("sign", ".")) if ("sign", ".") in tokens else len(tokens)
    before = [index for index in at if index < point]
    last = before[-1] if before else -1
    ends = [*(tokens[last + 1 : point] if before else ()), *(tokens[at[-1] + 1 :] if at[-1] > point else ())]
    scale = ends.count(("sign", ","))
    groups = bool(before) and any(token == ("sign", ",") for token in tokens[before[0] : last])
    places = len(at) - len(before)
    rounded = value.scaleb(-3 * scale, context=EXACT).quantize(Decimal(1).scaleb(-places), context=EXACT)
    whole, _, decimals = f"{rounded:f}".partition(".")
    left = _whole(tokens[:point], whole.lstrip("0"), before, groups)
    return left + _decimals(tokens[point + 1 :], decimals, has_point=point < len(tokens))


def _whole(tokens: tuple[Token, ...], digits: str, places: list[int], groups: bool) -> str:
    shown: list[str] = []
    count = 0

    def put(digit: str) -> None:
        nonlocal count
        if groups and count and count % 3 == 0:
            shown.append(",")
        shown.append(digit)
        count += 1

    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if not _is_digit(token):
            shown.append("%" if token == ("sign", "%") else _literal(token)[::-1])
            continue
        if digits:
            put(digits[-1])
            digits = digits[:-1]
        elif token[1] == "0":
            put("0")
        while digits and index == places[0]:
            put(digits[-1])
            digits = digits[:-1]
    if digits:  # a format such as .00 has no place for them
        shown.insert(0, digits[::-1])
    return "".join(shown)[::-1]


def _decimals(tokens: tuple[Token, ...], digits: str, *, has_point: bool) -> str:
    shown: list[str] = []
    position = 0
    has_digit = False
    for token in tokens:
        if not _is_digit(token):
            shown.append("%" if token == ("sign", "%") else _literal(token))
            continue
        if token[1] == "0" or digits[position:].strip("0"):
            shown.append(digits[position])
            has_digit = True
        position += 1
    return ("." if has_point and has_digit else "") + "".join(shown)
