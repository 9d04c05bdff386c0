"""Text without the characters that nobody sees: direction controls, zero-width characters, control codes. Pure.

They make text read otherwise than it is stored (`U+202E` turns a file name around) and hide what a comparison would
find. Removed everywhere are controls other than tab and line feed, direction controls, zero-width spaces and joiners,
soft hyphens, fillers, tags and annotations. Three kinds have a use and stay where that is:

- U+200D between two emoji (a family, a profession) and after a letter of a script that joins its letters or stacks them
  (Arabic to Mongolian in `_JOINING`); U+200C after such a letter, as Persian and the Indian scripts write it;
- U+FE0F and U+FE0E after an emoji, a digit, `#` or `*`;
- the other variation selectors after a Chinese character, where they choose its shape (names).

One of them at a time: the second of a row goes. Flags that are made of tags (🏴 and letters) become black flags.
Ranges: unicode.org/reports/tr9, tr36, tr51. `bot/web/page/js/visible.js` does the same for the pages.
"""

import re

_REMOVED = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
)
_EMOJI = r"\u00a9\u00ae\u203c\u2049\u20e3\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING = r"\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
_CHINESE = r"\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U000323af"
_CONDITIONAL = r"\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"

_SUSPECT = re.compile(f"[{_REMOVED}{_CONDITIONAL}]")
_ALWAYS = re.compile(f"[{_REMOVED}]")
_SOMETIMES = re.compile(
    f"(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}][\ufe0e\ufe0f]))(\u200d)(?=[{_EMOJI}])"
    f"|(?<=[{_JOINING}])([\u200c\u200d])"
    f"|(?<=[{_EMOJI}0-9#*])([\ufe0e\ufe0f])"
    f"|(?<=[{_CHINESE}])([\ufe00-\ufe0f\U000e0100-\U000e01ef])"
    f"|[{_CONDITIONAL}]"
)


def visible_text(text: str, *, more: bool = False) -> str:
    """The text without what nobody sees. With `more` it may go on: a joiner at its end, about which the next character
    decides, is left out, so that the result for a longer text starts with this one. Raises nothing."""
    if not _SUSPECT.search(text):
        return text
    text = _ALWAYS.sub("", text)
    if more:
        text = text.rstrip("\u200d")
    return _SOMETIMES.sub(lambda found: next((kept for kept in found.groups() if kept), ""), text)
