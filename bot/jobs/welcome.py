"""The job `welcome`: once a chat, with three questions that the documents answer."""

from typing import Literal

import structlog

from bot.access.rules import Access
from bot.cancellation import Ended, StopSignal
from bot.cards.buttons import welcome_card
from bot.intake.bot_identity import Identity
from bot.intake.replies import Replier
from bot.intake.smalltalk import HasTitles
from bot.intake.suggestions import examples
from bot.job import Job, WelcomePayload
from bot.repositories.chat_facts import ChatFacts, Suggestion
from bot.texts import Texts, language_of, texts
from feishu.api.messages import short_id
from feishu.errors import TargetGone
from rag.errors import RagError
from rag.scope import Scope

log = structlog.get_logger(__name__)


class WelcomeHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(
        self,
        voice: Replier,
        documents: HasTitles,
        ledger: ChatFacts,
        identity: Identity,
        access: Access,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._voice = voice
        self._documents = documents
        self._ledger = ledger
        self._identity = identity
        self._access = access
        self._language = language

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Show the card in the chat."""
        return Ended("done", await self._welcome(job, WelcomePayload.of(job)))

    async def give_up(self, job: Job) -> None:
        """Nobody waits for a welcome."""

    async def _welcome(self, job: Job, to: WelcomePayload) -> str:
        key = f"welcome:{to.chat_id}"
        if await self._ledger.noted(job.app_id, key):
            return "was welcomed before"
        wording = texts(language_of("", preferred=self._language))
        bot = await self._identity.get()
        scope = await self._access.scope(to.chat_id, to.chat_type, to.person)
        questions = await self._examples(wording, scope)
        where = (job.app_id, to.chat_id, to.chat_type, to.chat_id, "")
        offered = [
            Suggestion(f"w{short_id(to.chat_id)[:30]}-{number}", *where, question, collection)
            for number, (question, collection) in enumerate(questions)
        ]
        await self._ledger.suggest(offered)
        shown = [(each.id, each.question) for each in offered]
        card = welcome_card(bot.app_name, shown, wording, group=to.chat_type != "p2p")
        try:
            await self._voice.show(to.chat_id, card, uuid=short_id("welcome", job.app_id, to.chat_id))
        except TargetGone as error:
            return f"nobody to welcome: {error}"
        await self._ledger.once(job.app_id, key)
        return "welcomed"

    async def _examples(self, wording: Texts, scope: Scope) -> list[tuple[str, str]]:
        try:
            return examples(await self._documents.titles(scope), wording)
        except RagError as error:
            log.info("no_examples", reason=str(error))
            return []
