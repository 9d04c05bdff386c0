"""What was quoted or forwarded and not read, in a person's language. Pure."""

from collections.abc import Iterable

from bot.models import LeftOut
from bot.texts import Texts

MOST_LINES = 6


def told(left_out: Iterable[LeftOut], texts: Texts) -> str:
    """A line each, with the reason; "" for nothing."""
    lines = [_line(each, texts) for each in left_out]
    if len(lines) > MOST_LINES:
        rest = LeftOut("message", "too_many", count=len(lines) - MOST_LINES + 1)
        lines = [*lines[: MOST_LINES - 1], _line(rest, texts)]
    return "\n".join(lines)


def _line(each: LeftOut, texts: Texts) -> str:
    what = getattr(texts, f"left_{each.what}").format(name=each.name, count=each.count)
    return texts.left_out.format(what=what, why=getattr(texts, f"why_{each.why}"))
