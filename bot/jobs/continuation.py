"""Going on with an answer that was cut: what it goes on from, and when it has to be answered anew instead."""

from dataclasses import replace

from bot.cards.progress import Progress
from bot.continuation import can_go_on
from bot.job import ContinuePayload, Job
from bot.jobs.card_extras import CardExtras
from bot.jobs.conclusion import sources_of
from bot.models import Answer
from bot.repositories.turns import Conversations
from bot.texts import Texts
from rag.events import Retrieved


class PassagesChanged(Exception):
    """The numbers that a text cites no longer name the passages that they named when it was written."""


class Continuations:
    """Finds what a job goes on from."""

    def __init__(self, conversations: Conversations, dressing: CardExtras) -> None:
        self._conversations = conversations
        self._dressing = dressing

    async def source_of(self, job: Job) -> Answer | None:
        """The version to continue; None where it is gone, or where its text may not be shown there any more."""
        wanted = ContinuePayload.of(job).answer_id
        state = await self._conversations.card_state(job.turn_id, answer_id=wanted)
        if state is None or state.answer.id != wanted or not state.answer.can_continue:
            return None
        return state.answer if self._dressing.may_show(state) else None


def check(continued: Answer, found: Retrieved) -> None:
    """Raises `PassagesChanged` unless the model may go on over what the new search found."""
    now = sources_of(Progress(passages=found.passages))
    if not now or not can_go_on(continued.text, continued.sources, now):
        raise PassagesChanged("a cited passage is not what it was")


def anew(answer: Answer, wording: Texts) -> Answer:
    """The open answer without what it was to go on from; its card will say so."""
    return replace(answer, text="", sources=(), leaned_on=(), ending="", notice=wording.answered_anew)
