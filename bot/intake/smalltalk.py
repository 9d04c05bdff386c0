"""A greeting is greeted, thanks and a yes or no are taken, in chats and on the web: nothing is asked, nor searched."""

from dataclasses import dataclass
from typing import Protocol

from bot.intake.commands import Command, parse_command
from bot.intake.suggestions import examples
from bot.models import separated
from bot.texts import Texts
from rag.errors import RagError
from rag.index.outline import Title
from rag.scope import Scope

_ASK_NOTHING = ("greeting", "thanks", "farewell", "noted")


class HasTitles(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """Kind words, and what is behind the headings that they give away (`bot.models.behind`)."""

    text: str
    behind: frozenset[str] = frozenset()


def is_pleasantry(text: str) -> bool:
    """Whether a whole message is a greeting, thanks, a farewell or a yes or no: it asks nothing."""
    command = parse_command(text)
    return command is not None and command.kind in _ASK_NOTHING


async def reply_to(text: str, documents: HasTitles, scope: Scope, wording: Texts) -> Said | None:
    """The words for what asks nothing where no commands are known (the web); None for all else."""
    command = parse_command(text)
    if command and command.kind == "greeting":
        return await greeting(documents, scope, wording.greeting_reply.format(help=""), wording)
    said = kind_words(command, wording) if command else ""
    return Said(said) if said else None


def kind_words(command: Command, wording: Texts) -> str:
    """What is said to thanks, a farewell, a yes or no; "" for all else."""
    match command.kind:
        case "thanks":
            return wording.thanks_reply
        case "farewell":
            return wording.farewell_reply
        case "noted":
            return wording.noted_reply
        case _:
            return ""


async def greeting(documents: HasTitles, scope: Scope, words: str, wording: Texts) -> Said:
    """A colleague greets back with these words, and says what could be asked."""
    try:
        questions = examples(await documents.titles(scope), wording)
    except RagError:
        questions = []
    tries = [wording.welcome_try, *(f"• {question}" for question, _ in questions)] if questions else []
    return Said("\n".join([words, *tries]), frozenset(name for _, behind in questions for name in separated(behind)))
