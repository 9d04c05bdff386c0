"""A greeting is greeted and thanks are taken, in chats and on the web, without a search: nobody asked for anything."""

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.asking.commands import parse_command
from bot.asking.suggesting import examples
from bot.texts import Texts
from rag.errors import RagError
from rag.scope import Scope
from rag.titles import Title


class Shelf(Protocol):
    """What this needs of `rag.library.Library`."""

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """Kind words, and the collections whose headings they give away."""

    text: str
    collections: frozenset[str] = frozenset()


def is_pleasantry(text: str) -> bool:
    """Whether a whole message is a greeting or thanks."""
    return _kind_of(text) is not None


async def reply_to(text: str, shelf: Shelf, scope: Scope, wording: Texts) -> Said | None:
    """The words for a greeting or thanks where no commands are known (the web); None for all else."""
    match _kind_of(text):
        case "greeting":
            return await greeting(shelf, scope, wording.greeting_reply.format(help=""), wording)
        case "thanks":
            return Said(wording.thanks_reply)
        case None:
            return None


async def greeting(shelf: Shelf, scope: Scope, words: str, wording: Texts) -> Said:
    """A colleague greets back with these words, and says what could be asked."""
    try:
        questions = examples(await shelf.titles(scope), wording)
    except RagError:
        questions = []
    tries = [wording.welcome_try, *(f"• {question}" for question, _ in questions)] if questions else []
    return Said("\n".join([words, *tries]), frozenset(collection for _, collection in questions))


def _kind_of(text: str) -> Literal["greeting", "thanks"] | None:
    command = parse_command(text)
    return command.kind if command and command.kind in ("greeting", "thanks") else None
