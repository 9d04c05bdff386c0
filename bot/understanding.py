"""A turn's question as the answerer gets it: with what was said before, and standing alone where it leaned on that."""

from typing import Protocol

from bot.access import Access
from bot.conversations import Turn
from bot.memory import Memory, Remembered, leans
from bot.names import Names
from bot.settings_people import PeopleSettings
from rag.events import Exchange, Question

UNNAMED = "Person {number}"


class Condenser(Protocol):
    """What this needs of `rag.library.Library`."""

    async def condense(self, question: Question, *, budget_s: float) -> str: ...


class Understanding:
    """Makes questions of turns."""

    def __init__(
        self, library: Condenser, memory: Memory, names: Names, settings: PeopleSettings, access: Access
    ) -> None:
        self._library = library
        self._access = access
        self._memory = memory
        self._names = names
        self._settings = settings

    async def of(self, turn: Turn) -> Question:
        """The question to answer. What leans on nothing goes without history, so that it cannot be led astray."""
        scope = self._access.in_chat(turn.chat_id, turn.chat_type, turn.asker)
        before = await self._memory.before(turn, scope)
        if not before:
            return Question(turn.question, scope)
        history = await self._told_apart(turn, before)
        raw = Question(turn.question, scope, history)
        standalone = await self._library.condense(raw, budget_s=self._settings.condense_s)
        if standalone != turn.question:
            return Question(standalone, scope, history)
        return raw if turn.parent_turn or leans(turn.question) else Question(turn.question, scope)

    async def _told_apart(self, turn: Turn, before: tuple[Remembered, ...]) -> tuple[Exchange, ...]:
        """Questions carry their asker's name where several people talk."""
        askers = list(dict.fromkeys([*(each.asker for each in before), turn.asker]))
        if len(askers) < 2:
            return tuple(Exchange(each.question, each.answer, each.collections) for each in before)
        called = {
            asker: await self._names.of(asker) or UNNAMED.format(number=number)
            for number, asker in enumerate(askers, start=1)
        }
        return tuple(
            Exchange(f"{called[each.asker]}: {each.question}", each.answer, each.collections) for each in before
        )
