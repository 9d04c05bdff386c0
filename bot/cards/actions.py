"""What a button carries: a typed value that packs and unpacks. Ids only; everything else is looked up in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

ActionKind = Literal["up", "down", "regenerate", "continue", "stop", "show", "reason", "ask", "person"]

_MAX_ID_CHARS = 64
_KINDS: tuple[ActionKind, ...] = get_args(ActionKind)


@dataclass(frozen=True, slots=True)
class Action:
    """A click on a card's button. `show` turns the pager to the answer it names; `reason` sends the 👎 form,
    `ask` asks the question behind a suggestion's id, `person` asks the documents' owners, `continue` goes on with the
    answer it names where its text was cut."""

    kind: ActionKind
    answer_id: str

    def pack(self) -> dict[str, str]:
        """The button's `value`: an object, because the platform's own SDKs support nothing else."""
        return {"act": self.kind, "id": self.answer_id}


def unpack(value: Mapping[str, Any]) -> Action | None:
    """The action of a callback's value; None for anything that we never packed."""
    answer_id = value.get("id")
    kind = next((kind for kind in _KINDS if kind == value.get("act")), None)
    if kind is None or not isinstance(answer_id, str) or not 0 < len(answer_id) <= _MAX_ID_CHARS:
        return None
    return Action(kind, answer_id)
