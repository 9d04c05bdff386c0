"""A model that does as it is told: it carries out each order it meets, unless that stands inside a passage's fence.

Its answer says which it carried out, and cites passages that nobody gave it. `respects_fences=False` makes one that
obeys everything it reads, for a control.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.model_server import Reply

FENCED = re.compile(r'<passage number="\d+" title="[^"<>]*">\n.*?\n</passage>', re.DOTALL)
DONE = "CARRIED OUT: "
MADE_UP = "It says so [7] and [99], 【42】, and [1]."


def obedient(orders: Sequence[str], *, respects_fences: bool = True) -> Callable[[dict[str, Any]], Reply]:
    """For `ModelServer.script(answer=…)`."""

    def answer(body: dict[str, Any]) -> Reply:
        read = "\n".join(str(message["content"]) for message in body["messages"])
        heard = FENCED.sub("", read) if respects_fences else read
        done = [order for order in orders if order in heard]
        return Reply("\n".join([*(DONE + order for order in done), MADE_UP]))

    return answer
