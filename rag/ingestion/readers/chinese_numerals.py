"""Numbers in Chinese numerals, as the formats [DBNum1] (一百二十) and [DBNum2] (壹佰贰拾) show them."""

_DIGITS = {1: "〇一二三四五六七八九", 2: "零壹贰叁肆伍陆柒捌玖", 3: "０１２３４５６７８９"}
_UNITS = {1: ("", "十", "百", "千"), 2: ("", "拾", "佰", "仟")}
_GROUPS = ("", "万", "亿", "兆")
_MOST_DIGITS = 16


def with_digits(text: str, kind: int) -> str:
    """Each digit by its numeral."""
    digits = _DIGITS.get(kind)
    return text.translate(str.maketrans("0123456789", digits)) if digits else text


def in_words(number: str, kind: int) -> str:
    """A number that is not negative, such as 1205.5, in words: 一千二百〇五.五."""
    whole, point, decimals = number.partition(".")
    if kind not in _UNITS or len(whole) > _MOST_DIGITS:
        return with_digits(number, kind)
    return _whole(whole.lstrip("0"), kind) + point + with_digits(decimals, kind)


def _whole(digits: str, kind: int) -> str:
    zero = _DIGITS[kind][0]
    if not digits:
        return zero
    words, owes_zero = "", False
    for position, digit in enumerate(digits):
        power = len(digits) - 1 - position
        if digit == "0":
            owes_zero = bool(words)
        else:
            words += (zero if owes_zero else "") + _DIGITS[kind][int(digit)] + _UNITS[kind][power % 4]
            owes_zero = False
        group = digits[max(0, position - 3) : position + 1]
        if power % 4 == 0 and power and group.strip("0"):
            words += _GROUPS[power // 4]
    return words[1:] if kind == 1 and words.startswith("一十") else words
