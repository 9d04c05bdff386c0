"""Whether an answer that was cut off can go on: only over the passages that its citations name."""

import re
from collections.abc import Sequence

from bot.models import Source

_CITATION = re.compile(r"\[(\d{1,3})\]")


def can_go_on(text: str, before: Sequence[Source], now: Sequence[Source]) -> bool:
    """Whether each number that the text cites names the same passage of a new search (`now`) as when it was written.

    Where it does not (documents were changed or are closed to the asker since), the question is answered anew.
    """
    cited = {int(number) for number in _CITATION.findall(text)} | {each.number for each in before if each.cited}
    known, found = _by_number(before), _by_number(now)
    return all(known[number] == found.get(number) for number in cited & known.keys())


def _by_number(sources: Sequence[Source]) -> dict[int, tuple[str, str, str, str]]:
    """What a passage is told from others by: document, collection, heading, and its beginning."""
    return {each.number: (each.source, each.collection, each.heading_path, each.snippet) for each in sources}
