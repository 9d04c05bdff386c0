"""Composes what makes the bot a colleague: memory, reading of messages, errands, forgetting. Used by `bot.app`."""

from dataclasses import dataclass

import structlog

from bot.access import Access
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.bot_identity import Identity
from bot.intake.command_handlers import Obedience
from bot.intake.forwarded import CardReader, ForwardReader
from bot.intake.image_text import Eyes
from bot.intake.intake import Reading
from bot.intake.message_kinds import KindReaders, Reader
from bot.intake.message_readers import FileReader, ImageReader, Pictures
from bot.intake.query_rewriting import Understanding
from bot.intake.replied_message import Quoting
from bot.intake.replies import Voice
from bot.intake.user_names import Names
from bot.jobs.card_extras import Dressing
from bot.jobs.chat_jobs import Errands
from bot.observability.metrics import Metrics
from bot.repositories.attachments import Attachments, Quota
from bot.repositories.chat_facts import Ledger
from bot.repositories.erasure import Forgetting
from bot.repositories.history import Memory
from bot.repositories.owner_questions import Gaps
from bot.repositories.turns import Conversations
from bot.settings.models import BotSettings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.api.messages import Messages
from feishu.clock import Clock
from feishu.events.types import MessageReceived
from rag.errors import RagError
from rag.knowledge_base import KnowledgeBase
from rag.settings import RagSettings

log = structlog.get_logger(__name__)

FORGET_EVERY_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Surety:
    """How sure the documents are, for silent mode."""

    library: KnowledgeBase
    access: Access

    async def confidence(self, text: str, message: MessageReceived) -> float:
        """That of strong evidence; 0 for any other, and where nothing can be searched."""
        scope = self.access.in_chat(message.chat_id, message.chat_type, message.sender_open_id)
        try:
            finding = await self.library.search(text, scope)
        except RagError:
            return 0.0
        return finding.confidence if finding.evidence == "strong" else 0.0


class Colleague:
    """The parts that `Turns` and `Handlers` share."""

    def __init__(
        self,
        settings: BotSettings,
        rag: RagSettings,
        database: Database,
        client: FeishuClient,
        library: KnowledgeBase,
        jobs: Jobs,
        conversations: Conversations,
        identity: Identity,
        metrics: Metrics,
        *,
        clock: Clock,
    ) -> None:
        people, access = settings.people, Access(settings.access, rag)
        self.access = access
        self._clock = clock
        self._days = settings.retention_days
        self.people = people
        self.ledger = Ledger(database, clock=clock)
        self.gaps = Gaps(database, clock=clock)
        self.forgetting = Forgetting(database, clock=clock)
        messages = Messages(client)
        voice = Voice(messages)
        memory = Memory(database, people, clock=clock)
        obedience = Obedience(voice, library, memory, self.forgetting, self.ledger, jobs, access)
        names = Names(client, clock=clock)
        self.attachments = Attachments(database, rag, library, quota=Quota.of(people), clock=clock)
        pictures, forwards = Pictures(messages, Eyes(library, rag.reading)), ForwardReader(messages, names, identity)
        files, images = FileReader(messages, self.attachments, metrics), ImageReader(pictures)
        cards = CardReader(messages)
        self.reading = Reading(
            voice,
            identity,
            self.ledger,
            self.gaps,
            obedience,
            KindReaders(voice, _readers(files, images, forwards, cards), images),
            Quoting(messages, self.ledger, names, identity, pictures, files, forwards),
            Surety(library, access),
            people,
            clock=clock,
            language=settings.language,
        )
        self.understanding = Understanding(library, memory, names, people, access)
        self.errands = Errands(
            voice,
            library,
            obedience,
            self.ledger,
            self.gaps,
            jobs,
            conversations,
            identity,
            people,
            access,
            clock=clock,
            language=settings.language,
        )
        self.dressing = Dressing(self.ledger, identity, people, access)

    async def forget_forever(self) -> None:
        """Deletes what is older than `bot.retention_days`, and files that are used no more, every hour; run it as a
        task."""
        while True:
            try:
                if files := await self.attachments.forget_unused():
                    log.info("files_forgotten", files=files)
                if count := await self.forgetting.older_than(self._days):
                    log.info("forgotten", questions=count)
            except StoreError as error:
                log.error("forgetting_failed", reason=str(error))
            await self._clock.sleep(FORGET_EVERY_S)


def _readers(files: FileReader, images: ImageReader, forwards: ForwardReader, cards: CardReader) -> dict[str, Reader]:
    return {"file": files, "image": images, "post": images, "merge_forward": forwards, "interactive": cards}
