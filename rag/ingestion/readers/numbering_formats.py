"""Numbers as Word and PowerPoint write them in front of paragraphs: 1, 01, iv, (b), 三, 壹, ①, 甲."""

from collections.abc import Callable, Sequence

_DIGITS = "〇一二三四五六七八九"
_LEGAL_SIMPLIFIED = "零壹贰叁肆伍陆柒捌玖"
_LEGAL_TRADITIONAL = "零壹貳參肆伍陸柒捌玖"
_LEGAL_JAPANESE = "〇壱弐参四伍六七八九"
_KOREAN = "영일이삼사오육칠팔구"
_UNITS = ("", "十", "百", "千", "万")
_LEGAL_UNITS = ("", "拾", "佰", "仟", "萬")
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
_IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセスン"
_GANADA, _CHOSUNG = "가나다라마바사아자차카타파하", "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS |= {"twelve": "twelfth"}


def formatted(number: int, kind: str) -> str:
    """A number by the name of its format; one that is not known is written in digits."""
    write = _FORMATS.get(kind)
    return write(number) if write is not None and 0 <= number < 1_000_000 else str(number)


def padded(number: int, sample: str) -> str:
    """A number with as many digits as the first number of the sample `001, 002, 003, ...`."""
    first = sample.partition(",")[0].strip()
    return str(number).zfill(len(first)) if first.isdigit() else str(number)


def _roman(number: int) -> str:
    if not 0 < number < 32_768:
        return str(number)
    text = ""
    for size, sign in _ROMAN:
        text += sign * (number // size)
        number %= size
    return text


def _letters(alphabet: str) -> Callable[[int], str]:
    """a … z, aa, bb, …: Word repeats a letter."""

    def write(number: int) -> str:
        if number < 1:
            return str(number)
        rounds, at = divmod(number - 1, len(alphabet))
        return alphabet[at] * min(rounds + 1, 30)

    return write


def _digits(signs: str) -> Callable[[int], str]:
    return lambda number: "".join(signs[int(digit)] for digit in str(number))


def _counted(
    signs: str, units: Sequence[str] = _UNITS, *, says_one: bool = False, says_zero: bool = True
) -> Callable[[int], str]:
    """一百零三: by tens, hundreds and thousands. `says_one`: 壹拾, not 拾; `says_zero`: 一百零三, not 百三."""

    def below(number: int) -> str:
        text, is_gap = "", False
        for power in (3, 2, 1, 0):
            digit = number // 10**power % 10
            if not digit:
                is_gap = bool(text)
                continue
            if is_gap and says_zero:
                text += "零" if signs[0] == "〇" else signs[0]
            is_gap = False
            is_bare = digit == 1 and power > 0 and not says_one and (not says_zero or (power == 1 and not text))
            text += ("" if is_bare else signs[digit]) + units[power]
        return text

    def write(number: int) -> str:
        high, low = divmod(number, 10_000)
        if not high:
            return below(low) or signs[0]
        zero = ("零" if signs[0] == "〇" else signs[0]) if 0 < low < 1000 and says_zero else ""
        return below(high) + units[4] + zero + below(low)

    return write


def _until(limit: int, small: Callable[[int], str], large: Callable[[int], str]) -> Callable[[int], str]:
    return lambda number: small(number) if number < limit else large(number)


def _signs(first: str, count: int) -> Callable[[int], str]:
    """Signs that stand in Unicode one after the other, as ① to ⑳."""
    return lambda number: chr(ord(first) + number - 1) if 1 <= number <= count else str(number)


def _circled(number: int) -> str:
    for low, high, first in ((1, 20, "①"), (21, 35, "㉑"), (36, 50, "㊱")):
        if low <= number <= high:
            return chr(ord(first) + number - low)
    return str(number)


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _words(number: int) -> str:
    if number < 20:
        return _WORDS[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_WORDS[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{_WORDS[number // 100]} hundred" + (f" {_words(number % 100)}" if number % 100 else "")
    return str(number)


def _ordinal_words(number: int) -> str:
    if number >= 1000:
        return _ordinal(number)
    text = _words(number)
    last = text.replace("-", " ").split()[-1]
    ending = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return text[: len(text) - len(last)] + _ORDINALS.get(last, ending)


def _zodiac(number: int) -> str:
    return _STEMS[(number - 1) % 10] + _BRANCHES[(number - 1) % 12] if 1 <= number <= 60 else str(number)


_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UNTIL_HUNDRED = _until(100, _counted(_DIGITS), _digits(_DIGITS))
_COUNTED, _KOREAN_COUNTED = _counted(_DIGITS), _counted(_KOREAN, ("", "십", "백", "천", "만"), says_zero=False)
_JAPANESE = _counted(_DIGITS, says_zero=False)
_FORMATS: dict[str, Callable[[int], str]] = {
    "none": lambda _: "",
    "decimalZero": lambda number: str(number).zfill(2),
    "upperRoman": lambda number: _roman(number).upper(),
    "lowerRoman": _roman,
    "upperLetter": _letters(_LOWER.upper()),
    "lowerLetter": _letters(_LOWER),
    "ordinal": _ordinal,
    "cardinalText": lambda number: _words(number).capitalize(),
    "ordinalText": lambda number: _ordinal_words(number).capitalize(),
    "hex": lambda number: f"{number:X}",
    "chicago": _letters("*†‡§"),
    "numberInDash": lambda number: f"- {number} -",
    "decimalFullWidth": _digits("０１２３４５６７８９"),
    "decimalFullWidth2": _digits("０１２３４５６７８９"),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedFullstop": _signs("⒈", 20),
    "decimalEnclosedParen": _signs("⑴", 20),
    "ideographEnclosedCircle": _signs("㊀", 10),
    "ideographDigital": _digits(_DIGITS),
    "japaneseDigitalTenThousand": _digits(_DIGITS),
    "taiwaneseDigital": _digits(_DIGITS),
    "chineseCounting": _UNTIL_HUNDRED,
    "taiwaneseCounting": _UNTIL_HUNDRED,
    "chineseCountingThousand": _COUNTED,
    "taiwaneseCountingThousand": _COUNTED,
    "japaneseCounting": _JAPANESE,
    "chineseLegalSimplified": _counted(_LEGAL_SIMPLIFIED, ("", "拾", "佰", "仟", "万"), says_one=True),
    "ideographLegalTraditional": _counted(_LEGAL_TRADITIONAL, _LEGAL_UNITS, says_one=True),
    "japaneseLegal": _counted(_LEGAL_JAPANESE, ("", "拾", "百", "阡", "萬"), says_one=True, says_zero=False),
    "ideographTraditional": _letters(_STEMS),
    "ideographZodiac": _letters(_BRANCHES),
    "ideographZodiacTraditional": _zodiac,
    "aiueo": _letters(_KATAKANA),
    "aiueoFullWidth": _letters(_KATAKANA),
    "iroha": _letters(_IROHA),
    "irohaFullWidth": _letters(_IROHA),
    "ganada": _letters(_GANADA),
    "chosung": _letters(_CHOSUNG),
    "koreanDigital": _digits(_KOREAN),
    "koreanDigital2": _digits("零一二三四五六七八九"),
    "koreanCounting": _KOREAN_COUNTED,
    "koreanLegal": _KOREAN_COUNTED,
    "russianLower": _letters(_RUSSIAN),
    "russianUpper": _letters(_RUSSIAN.upper()),
}
