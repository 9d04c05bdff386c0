"""The job `refuse`: a sentence that says why something was not accepted."""

from typing import cast

from bot.cancellation import Ended, StopSignal
from bot.intake.intake import MessageContents
from bot.intake.policy import Refusal
from bot.intake.refusals import Refusing
from bot.job import Job, RefusePayload
from feishu.errors import TargetGone
from feishu.events.text import mentions_bot


class RefuseHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(self, contents: MessageContents, refusing: Refusing) -> None:
        self._contents = contents
        self._refusing = refusing

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Say it, unless it was said lately."""
        refused = RefusePayload.of(job)
        try:
            await self._say(job, refused)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done", f"refused: {refused.why}")

    async def _say(self, job: Job, refused: RefusePayload) -> None:
        """Why a message was not accepted, in its language, or an entry of the menu."""
        message, why = refused.message, cast(Refusal, refused.why)
        if message is None:
            return await self._refusing.tell(job, refused.open_id, why, self._contents.wording(""))
        if refused.undecided and not mentions_bot(message, await self._contents.own_id(message)):
            return
        wording = self._contents.wording(await self._contents.text(message))
        await self._refusing.reply(job, message, why, wording)

    async def give_up(self, job: Job) -> None:
        """A refusal that cannot be said is missed by nobody."""
