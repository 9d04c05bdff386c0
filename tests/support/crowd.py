"""Many people who ask at once, and what became of their questions."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feishu.sandbox import Sandbox
from feishu.sandbox.world import Message, Person
from tests.support.card_text import with_plain_citations


@dataclass
class Crowd:
    """People of a sandbox, each with a private chat with the first app's bot. `asked` holds message ids."""

    sandbox: Sandbox
    size: int
    asked: list[str] = field(default_factory=list)
    _answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        world = self.sandbox.world
        app = next(iter(world.apps.values()))
        self.chats = []
        for number in range(self.size):
            person = Person(f"ou_crowd_{number}", f"同事{number}", f"crowd_{number}", f"on_crowd_{number}")
            world.people[person.open_id] = person
            self.chats.append((world.private_chat(app, person.open_id).chat_id, person.open_id))

    async def ask(self, text: str) -> str:
        """The next person in turn asks."""
        chat_id, person = self.chats[len(self.asked) % self.size]
        said = await self.sandbox.say(chat_id, person, text)
        self.asked.append(said.message_id)
        return said.message_id

    def replies(self) -> dict[str, list[Message]]:
        """Question → the bot's replies to it."""
        found: dict[str, list[Message]] = {message_id: [] for message_id in self.asked}
        for message in list(self.sandbox.world.messages.values()):
            if message.parent_id in found:
                found[message.parent_id].append(message)
        return found

    def texts(self) -> dict[str, list[str]]:
        """Question → for each reply the answer that stands on its closed card ("" while it is open)."""
        return {asked: [self._closed_text(reply) for reply in replies] for asked, replies in self.replies().items()}

    def unanswered(self, answer: str) -> set[str]:
        """The questions that had no closed card with `answer` yet when last looked at."""
        waiting = set(self.asked) - self._answered
        for reply in list(self.sandbox.world.messages.values()):
            if reply.parent_id in waiting and self._closed_text(reply) == answer:
                self._answered.add(reply.parent_id)
        return waiting - self._answered

    def _closed_text(self, reply: Message) -> str:
        card: Any = self.sandbox.world.shown_card(reply)
        if card is None or "regenerate" not in str(card):  # only a closed card has that button
            return ""
        elements = (part for part in card["body"]["elements"] if part.get("element_id") == "answer")
        return with_plain_citations(next((str(part["content"]) for part in elements), ""))

    async def until_answered(self, answer: str, timeout_s: float) -> None:
        """Returns when each question has a closed card that shows `answer`."""
        open_questions = set(self.asked)
        async with asyncio.timeout(timeout_s):
            while open_questions:
                texts = self.texts()
                open_questions = {asked for asked in open_questions if answer not in texts[asked]}
                if open_questions:
                    await self.sandbox.wait_for(self._something_new(), timeout_s)

    def _something_new(self) -> Callable[[], bool]:
        entries = self.sandbox.journal.entries  # the oldest are dropped: their number says nothing
        last = entries[-1].id if entries else 0
        return lambda: bool(entries) and entries[-1].id > last
