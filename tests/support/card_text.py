"""What a reader sees of a card's Markdown."""

import re

_CITATION_LINK = re.compile(r"\[&#91;(\d+)&#93;\]\([^()\s]*\)")


def with_plain_citations(markup: str) -> str:
    """A citation is `[1]`, whether or not it leads to its place."""
    return _CITATION_LINK.sub(r"[\1]", markup)
