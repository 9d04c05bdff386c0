"""Mentions in text that is not ours, made into text. Pure.

`<at id=all></at>` in a card, `<at user_id="all"></at>` in a text: whether the platform reads them inside of code, and
before or after it decodes entities, is not documented (open.feishu.cn/document feishu-cards rich text component), so
that neither spelling may leave here with a sign that opens a tag.
"""

import re

OPENER = "＜"
"""Stands for the sign that opened the tag: it looks like it, and is none for any reader."""

_SIGN = r"(?:<|&(?:amp;?|#0*38;?|#x0*26;?)*(?:lt;?|#0*60;?|#x0*3c;?))"
_MENTION = re.compile(rf"{_SIGN}(?=[ \t]*/?[ \t]*(?:at|person)(?![a-z0-9]))", re.IGNORECASE)
_MAYBE = re.compile(r"(?:<|&[a-z0-9#;]{0,40})[ \t]*/?[ \t]*(?:a|at|p|pe|per|pers|perso|person)?\Z", re.IGNORECASE)
_LONGEST_START = 80


def without_mentions(text: str) -> str:
    """One line of text in which nobody is mentioned, and else nothing changed."""
    return _MENTION.sub(OPENER, text) if "<" in text or "&" in text else text


def decided_length(line: str) -> int:
    """How much of a line that may go on is decided: what follows may be the start of a mention."""
    start = max(0, len(line) - _LONGEST_START)
    found = _MAYBE.search(line, start)
    return found.start() if found else len(line)
