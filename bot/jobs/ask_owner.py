"""The job `ask_person`: a question that the documents did not answer is passed on to their owners."""

from bot.access.rules import Access
from bot.cancellation import Ended, StopSignal
from bot.intake.replies import Replier, mentioning
from bot.job import AskPersonPayload, Job
from bot.jobs.card_extras import collections_in
from bot.jobs.owner_context import OwnerContext
from bot.models import Answer, Turn
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.turns import Conversations
from bot.settings.people import PeopleSettings
from feishu.api.messages import short_id


class AskOwnerHandler:
    """Raises `FeishuError` for what should be tried again."""

    def __init__(
        self,
        voice: Replier,
        conversations: Conversations,
        gaps: OwnerQuestions,
        context: OwnerContext,
        settings: PeopleSettings,
        access: Access,
    ) -> None:
        self._voice = voice
        self._conversations = conversations
        self._gaps = gaps
        self._context = context
        self._settings = settings
        self._access = access

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Mention the owners of the nearest documents; from private chats they are written to."""
        found = await self._conversations.look_up(AskPersonPayload.of(job).answer_id)
        if found is None:
            return Ended("done", "the answer is gone")
        turn, answer = found
        scope = await self._access.scope(turn.chat_id, turn.chat_type, turn.asker)
        owners = self._settings.owners_of(collections_in(answer, scope))
        if turn.chat_type == "p2p":
            await self._write_to(job, turn, answer, owners)
            return Ended("done", "owners were told")
        uuid = short_id("gap", turn.id)
        asked_of = turn.question_message_id
        question = (turn.standalone if self._context.shows(scope, answer) else "") or turn.question
        said = await self._context.words(turn, answer, scope)
        sent = await self._voice.mention(asked_of, owners, said, uuid=uuid, chat_id=turn.chat_id)
        thread_id = turn.conversation.partition("/")[2]
        await self._gaps.asked(
            OwnerQuestion(turn.id, job.app_id, turn.chat_id, question, turn.asker, owners, sent.message_id, thread_id)
        )
        return Ended("done", "owners were mentioned")

    async def give_up(self, job: Job) -> None:
        """Tell who asked for a person that it came to nothing."""
        if found := await self._conversations.look_up(AskPersonPayload.of(job).answer_id):
            turn, _ = found
            said, uuid = self._context.wording(turn).failed_errand, short_id("given-up", turn.id)
            await self._voice.mention(turn.question_message_id, (), said, uuid=uuid, chat_id=turn.chat_id)

    async def _write_to(self, job: Job, turn: Turn, answer: Answer, owners: tuple[str, ...]) -> None:
        """Each is told what they themselves may see of it, and asked the question as they may see it."""
        for number, owner in enumerate(owners):
            scope = await self._access.scope("", "p2p", owner)
            question = (turn.standalone if self._context.shows(scope, answer) else "") or turn.question
            said = mentioning((), await self._context.words(turn, answer, scope))
            sent = await self._voice.tell(owner, said, uuid=short_id("gap", turn.id, owner))
            gap_id = f"{turn.id}.{number}" if number else turn.id
            await self._gaps.asked(
                OwnerQuestion(gap_id, job.app_id, turn.chat_id, question, turn.asker, (owner,), sent.message_id)
            )
