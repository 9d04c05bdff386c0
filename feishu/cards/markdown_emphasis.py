"""Where runs of `*` and `~` may open and close emphasis: as CommonMark says, and as Chinese is written. Pure.

CommonMark asks for a space or a sign outside where a sign stands inside, so `**注意：**超期` is not bold for it.
Chinese puts no space there. `Emphasis` says where one has to be added for a strict reader: the platform's documentation
names that as the remedy for bold that does not show (open.feishu.cn/document feishu-cards rich text component).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

MAX_EMPHASIS_CHARS = 500
"""Emphasis that needs a space before it ends within so many characters; while streaming, no more waits for its end."""

_CHINESE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u2fff\u3001-\u303f\u3041-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe4f\uff01-\uffef\U00020000-\U000323af"
    r"\u2018-\u201f\u2013-\u2016\u2026\u00b7]"
)
"""Scripts without spaces between words, their signs in both widths, and the signs Chinese shares with other scripts."""
_FORMULA = re.compile(r"[=\uff1d+\uff0b×÷]")
_FORMULA_REACH = 60


def strict_flanks(before: str, after: str) -> tuple[bool, bool]:
    """(may open, may close) of a run between two characters by CommonMark 0.31; "" is the edge of a line."""
    opens = not _is_space(after) and (not _is_sign(after) or _is_space(before) or _is_sign(before))
    closes = not _is_space(before) and (not _is_sign(before) or _is_space(after) or _is_sign(after))
    return opens, closes


def chinese_flanks(before: str, after: str) -> tuple[bool, bool]:
    """The same as Chinese is read: its signs count as letters, and beside its letters any sign may stand inside."""

    def blocked(inside: str, outside: str) -> bool:
        spaced = _is_space(outside) or _is_sign(outside) or _CHINESE.match(outside)
        return _is_sign(inside) and not _CHINESE.match(inside) and not spaced

    return not _is_space(after) and not blocked(after, before), not _is_space(before) and not blocked(before, after)


def flanks(line: str, start: int, length: int) -> tuple[bool, bool]:
    """`chinese_flanks` of the run at `start`, but of a single asterisk that may multiply (`基数*（天数+1）*系数`) no
    more than CommonMark allows: a formula must not lose its signs."""
    before, after = line[start - 1 : start] if start else "", line[start + length : start + length + 1]
    multiplies = length == 1 and (
        before.isdigit()
        or after.isdigit()
        or _FORMULA.search(line, max(0, start - _FORMULA_REACH), start + _FORMULA_REACH) is not None
    )
    return strict_flanks(before, after) if multiplies else chinese_flanks(before, after)


@dataclass(slots=True)
class _Opened:
    """A run that may open emphasis: how many of its characters are not closed yet, and how many it had."""

    marker: str
    left: int
    length: int
    closes: bool


class Emphasis:
    """Follows the runs of one line from left to right, as a reader of Chinese pairs them."""

    def __init__(self) -> None:
        self._opened: list[_Opened] = []

    def spaces(self, run: str, before: str, after: str, ends_ahead: Callable[[], bool]) -> tuple[str, str]:
        """What has to stand before and after `run` for a strict reader to pair it likewise: "" or a space.

        `ends_ahead` tells whether a run of the same length that may close follows; it is asked only where it matters.
        A single asterisk or tilde gets no space: it may be a sign of a formula or a range.
        """
        strictly_opens, strictly_closes = strict_flanks(before, after)
        opens, closes = chinese_flanks(before, after)
        if closes and self._close(run, opens=opens):
            return "", "" if strictly_closes or len(run) == 1 else " "
        needs_space = opens and not strictly_opens
        if strictly_opens or (needs_space and len(run) > 1 and ends_ahead()):
            self._opened.append(_Opened(run[0], len(run), len(run), closes))
            return " " if needs_space else "", ""
        return "", ""

    def _close(self, run: str, *, opens: bool) -> bool:
        """Pairs `run` with what is open; False if nothing of its kind is."""
        left = len(run)
        for at in range(len(self._opened) - 1, -1, -1):
            opened = self._opened[at]
            if opened.marker != run[0] or not _may_pair(opened, run, opens=opens):
                continue
            paired = min(left, opened.left)
            left -= paired
            opened.left -= paired
            del self._opened[at + (1 if opened.left else 0) :]
            if not left:
                break
        return left < len(run)


def _may_pair(opened: _Opened, run: str, *, opens: bool) -> bool:
    """CommonMark's rule of three: runs of one and two are no pair where either could both open and close."""
    if run[0] == "~" or not (opened.closes or opens):
        return True
    return (opened.length + len(run)) % 3 != 0 or (opened.length % 3 == 0 and len(run) % 3 == 0)


def _is_space(character: str) -> bool:
    return not character or character.isspace()


def _is_sign(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "PS"
