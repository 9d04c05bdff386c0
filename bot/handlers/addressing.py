"""Whether a message of a chat is for the bot, and why."""

from bot.intake.bot_identity import Identity
from bot.intake.intake import conversation_of
from bot.intake.policy import Ignored, Unaddressed, judge
from bot.payloads import Addressing
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.owner_questions import OwnerQuestions
from bot.settings.people import PeopleSettings
from feishu.clock import Clock
from feishu.events.types import MessageReceived


class Addressee:
    """By its mentions first, then by what it replies to."""

    def __init__(
        self, identity: Identity, ledger: ChatFacts, gaps: OwnerQuestions, people: PeopleSettings, *, clock: Clock
    ) -> None:
        self._identity = identity
        self._ledger = ledger
        self._gaps = gaps
        self._people = people
        self._clock = clock

    @property
    def bot_open_id(self) -> str:
        """The bot's own; "" until the platform has told it."""
        return self._identity.known.open_id if self._identity.known else ""

    async def of(self, message: MessageReceived) -> tuple[Addressing, bool] | Ignored:
        """Why it is for us, and whether that has to be looked at again once the bot's open_id is known; `Ignored` for
        what is not. Raises `StoreError`."""
        verdict = judge(message, bot_open_id=self.bot_open_id or None, answer_at_all=self._people.answer_at_all)
        if isinstance(verdict, Ignored):
            return verdict
        if not isinstance(verdict, Unaddressed):
            return "mention", verdict.undecided
        why = await self._without_mention(message)
        return (why, False) if why else Ignored("not_mentioned")

    async def _without_mention(self, message: MessageReceived) -> Addressing:
        if message.parent_id or message.thread_id:
            if await self._gaps.of_reply(message):
                return "owner"
            if message.mentions:
                return ""
            if message.parent_id and not message.thread_id:
                return "reply" if await self._ledger.turn_of_card(message.app_id, (message.parent_id,)) else ""
            since = self._clock.time() - self._people.memory_h * 3600
            where = conversation_of(message)
            if await self._ledger.talks_with_us(message.app_id, where, message.sender_open_id, since):
                return "reply"
        is_silent = message.chat_id in self._people.silent_chats and not message.mentions
        return "silent" if is_silent else ""
