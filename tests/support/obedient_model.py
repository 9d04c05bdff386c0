"""A model that does as it is told: it carries out each order it meets, unless that stands inside a passage's fence.

It reads tags as leniently as a language model does: any case and width, with spaces, unseen characters or entities in
them. Its answer says which orders it carried out, and cites passages that nobody gave it. `respects_fences=False` makes
one that obeys everything it reads, for a control.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from html import unescape
from typing import Any

from tests.support.model_server import Reply

DONE = "CARRIED OUT: "
MADE_UP = "It says so [7] and [99], 【42】, and [1]."
_NAMES = "passage|attached|earlier|conversation"
_CYRILLIC = str.maketrans("аеорсѕ", "aeopcs")
_ESCAPED = re.compile(r"\\u003[ce]|%3[ce]", re.IGNORECASE)
_BROKEN = re.compile(r"<\\/?(?=\w)")
"""How `rag.generation.fences` writes a tag that it broke."""
_TAG = re.compile(rf"[<‹]\s*(?P<slash>[/\\]?)\s*(?P<name>{_NAMES})\b[^<>›]*[>›]?", re.IGNORECASE)
_FENCED = re.compile(rf"<(?P<name>{_NAMES})>.*?</(?P=name)>", re.DOTALL)


def outside_of_fences(prompt: str) -> str:
    """What a lenient reader takes to stand outside of all fences: the first end of any spelling ends a fence."""
    text = _ESCAPED.sub(lambda found: "<" if found.group()[-1] in "cC" else ">", prompt)
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", unescape(unescape(unescape(text)))))
    text = "".join(each for each in text if unicodedata.category(each) not in ("Cf", "Mn")).translate(_CYRILLIC)
    return _FENCED.sub("", _TAG.sub(_canonical, _BROKEN.sub("<_", text)))


def _canonical(tag: re.Match[str]) -> str:
    return f"<{'/' if tag['slash'] else ''}{tag['name'].lower()}>"


def obedient(orders: Sequence[str], *, respects_fences: bool = True) -> Callable[[dict[str, Any]], Reply]:
    """For `ModelServer.script(answer=…)`."""

    def answer(body: dict[str, Any]) -> Reply:
        read = "\n".join(str(message["content"]) for message in body["messages"])
        heard = outside_of_fences(read) if respects_fences else read
        done = [order for order in orders if order in heard]
        return Reply("\n".join([*(DONE + order for order in done), MADE_UP]))

    return answer
