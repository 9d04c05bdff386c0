"""A turn's question as the answerer gets it: with what was said before, and standing alone where it leaned on that."""

import re
from dataclasses import replace
from typing import Protocol

from bot.access.rules import Access
from bot.intake.user_names import UserNames
from bot.models import Turn
from bot.repositories.history import ChatHistory, Remembered
from bot.settings.people import PeopleSettings
from bot.texts import language_of, texts
from rag.events import Exchange, Question
from rag.generation.follow_ups import leans

CONTEXT_CHARS = 1_500
LINE_CHARS = 4
MOST_LINES = 6
UNNAMED = "Person {number}"

_SPEAKER = re.compile(r"^[^:：]{1,20}[:：]\s")


class Condenser(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def condense(self, question: Question, *, budget_s: float, is_reply: bool = False) -> str: ...


async def standing_alone(
    library: Condenser, question: Question, *, budget_s: float, is_reply: bool = False
) -> tuple[Question, str]:
    """The question to answer, in chats and on the web alike, and how it was understood ("" as asked).

    One that leans on what was said before is made to stand alone, by a model that has `budget_s`; one that leans on
    nothing goes without history, so that it cannot be led astray. A reply keeps that of the card it replies to.
    """
    text = await library.condense(question, budget_s=budget_s, is_reply=is_reply)
    if text.split() != question.text.split():
        return replace(question, text=text), text
    kept = question.history if is_reply or leans(question.text) else ()
    return replace(question, history=kept), ""


def _came_with(turn: Turn) -> str:
    """What came with the question, as it stands behind it: a picture's words, a forward, the message it replies to.
    All of the question where nothing was written beside it, "" where nothing came."""
    if turn.read_text in ("", turn.question):
        return turn.read_text
    return texts(language_of(turn.question)).came_with.format(text=turn.read_text[:CONTEXT_CHARS])


def _searches(turn: Turn) -> tuple[str, ...]:
    """What to look for where something came with the question: a question that stands alone, then all of it, then that
    alone, then its lines; in a question of several lines those that ask."""
    if not turn.read_text:
        asked = [line.strip() for line in turn.question.splitlines() if line.strip().endswith(("?", "？"))]
        return (turn.question, *asked[:MOST_LINES]) if "\n" in turn.question else ()
    lines = [_SPEAKER.sub("", line).strip() for line in turn.read_text[:CONTEXT_CHARS].splitlines()]
    read, worth = "\n".join(lines), [line for line in lines if len(line) >= LINE_CHARS]
    together = (f"{turn.question} {read}", read, turn.question)
    first = together if leans(turn.question) else (turn.question, *together)
    return tuple(dict.fromkeys((*first, *worth[:MOST_LINES])))


class QueryRewriter:
    """Makes questions of turns."""

    def __init__(
        self, library: Condenser, memory: ChatHistory, names: UserNames, settings: PeopleSettings, access: Access
    ) -> None:
        self._library = library
        self._access = access
        self._memory = memory
        self._names = names
        self._settings = settings

    async def of(self, turn: Turn, *, as_before: bool = False) -> Question:
        """The question to answer, with what came with it. `as_before` takes it as it was made to stand alone for an
        earlier version of the answer, where it was."""
        scope = await self._access.scope_of_turn(turn.chat_id, turn.chat_type, turn.asker)
        before = await self._memory.before(turn, scope)
        history = await self._told_apart(turn, before)
        if as_before and turn.standalone:
            return Question(turn.standalone, scope, history)
        came_with = (Exchange(turn.read_text, ""),) if turn.read_text not in ("", turn.question) else ()
        asked = Question(turn.question, scope, (*history, *came_with))
        found, understood = await standing_alone(
            self._library, asked, budget_s=self._settings.condense_s, is_reply=bool(turn.parent_turn)
        )
        if understood:
            return replace(found, history=history)
        kept = history if found.history else ()
        attached = _came_with(turn)
        text = turn.question if attached == turn.question else f"{turn.question}\n{attached}".rstrip()
        return Question(text, scope, kept, _searches(turn), attached=attached)

    async def _told_apart(self, turn: Turn, before: tuple[Remembered, ...]) -> tuple[Exchange, ...]:
        """Questions carry their asker's name where several people talk."""
        askers = list(dict.fromkeys([*(each.asker for each in before), turn.asker]))
        if len(askers) < 2:
            return tuple(Exchange(each.question, each.answer, each.behind) for each in before)
        called = {
            asker: await self._names.of(asker) or UNNAMED.format(number=number)
            for number, asker in enumerate(askers, start=1)
        }
        return tuple(Exchange(f"{called[each.asker]}: {each.question}", each.answer, each.behind) for each in before)
