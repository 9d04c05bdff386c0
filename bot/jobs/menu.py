"""The job `menu`: an entry of the bot's menu, answered in private."""

from typing import Literal

from bot.access.rules import Access
from bot.cancellation import Ended, StopSignal
from bot.intake.command_handlers import CommandRunner
from bot.intake.commands import WORDS, Command
from bot.intake.replies import Replier
from bot.intake.source_reasons import AskedIn
from bot.job import Job, MenuPayload
from bot.repositories.chat_facts import ChatFacts
from bot.texts import language_of, texts
from feishu.api.messages import short_id


class MenuHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(
        self,
        voice: Replier,
        obedience: CommandRunner,
        ledger: ChatFacts,
        access: Access,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._voice = voice
        self._obedience = obedience
        self._ledger = ledger
        self._access = access
        self._wording = texts(language_of("", preferred=language))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Do what the entry says."""
        return Ended("done", await self._use(job, MenuPayload.of(job)))

    async def give_up(self, job: Job) -> None:
        """Tell the person that it came to nothing."""
        uuid = short_id("given-up", job.app_id, str(job.id))
        await self._voice.tell(MenuPayload.of(job).open_id, self._wording.failed_errand, uuid=uuid)

    async def _use(self, job: Job, used: MenuPayload) -> str:
        kind = WORDS.get(used.key.strip().lower().lstrip("/"))
        uuid = f"menu-{job.app_id[-20:]}-{job.id}"
        if kind is None:
            await self._voice.tell(used.open_id, self._wording.help_text, uuid=uuid)
            return "an unknown entry of the menu"
        where = await self._ledger.private_chat_of(job.app_id, used.open_id) or used.open_id
        scope = await self._access.scope(where, "p2p", used.open_id)
        place = AskedIn(where, "p2p", used.open_id, where)
        said = await self._obedience.do(job.app_id, Command(kind), self._wording, scope, place)
        await self._voice.tell(used.open_id, said, uuid=uuid)
        return f"obeyed /{kind}"
