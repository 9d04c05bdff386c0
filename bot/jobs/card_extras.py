"""What a closed card offers beside its answer: next questions, a person to ask, a hint how to follow up.

Next questions come from the headings of the sources at once, and from the model once the card is closed
(`SuggestedQuestions`); they are drawn on it when they come in time.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from bot.access.rules import FILES, Access
from bot.cancellation import cancel
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.bot_identity import GROUP_SCOPE, Identity
from bot.intake.suggestions import below, proposed
from bot.job import CARD_LINE, NewJob, RedrawPayload
from bot.models import Answer, CardState, Turn, joined
from bot.repositories.chat_facts import ChatFacts
from bot.settings.people import PeopleSettings
from bot.texts import Texts
from rag.documents import Passage
from rag.events import Proposed, Question
from rag.scope import DOCUMENT, Scope

log = structlog.get_logger(__name__)


def collections_in(answer: Answer, scope: Scope) -> list[str]:
    """The collections of an answer's sources that may be seen now, the nearest first; of single documents' rights it
    says nothing."""
    return [source.collection for source in answer.sources if scope.shows((source.collection,))]


class CardExtras:
    """Completes a card's state."""

    def __init__(self, ledger: ChatFacts, identity: Identity, settings: PeopleSettings, access: Access) -> None:
        self._access = access
        self._ledger = ledger
        self._identity = identity
        self._settings = settings

    async def may_show(self, state: CardState) -> bool:
        """Whether the answer, and how its question was understood, may be seen in their chat."""
        scope = await self._access.scope_of_turn(state.turn.chat_id, state.turn.chat_type, state.turn.asker)
        return self._access.shows(scope, state.answer.behind | state.leaned_on)

    async def dressed(self, state: CardState, texts: Texts) -> CardState:
        """The state with what may be offered, and without what may not be seen there any more."""
        if state.turn.recalled:
            return state
        scope = await self._access.scope_of_turn(state.turn.chat_id, state.turn.chat_type, state.turn.asker)
        if not self._access.shows(scope, state.leaned_on):
            state = replace(state, turn=replace(state.turn, standalone=""))
        if not self._access.shows(scope, state.answer.behind):
            return shut(state, texts)
        turn, answer = state.turn, state.answer
        suggested = await self._ledger.suggestions_of(answer.id)
        if not suggested and self._settings.suggestions != "off" and not is_of_quoted_file(turn, answer):
            asked = await self._ledger.asked_in(turn.app_id, turn.conversation)
            suggested = below(turn, answer, texts, asked)
            await self._ledger.suggest(suggested)
        return replace(
            state,
            suggestions=tuple((each.id, each.question) for each in suggested),
            has_owners=bool(self._settings.owners_of(collections_in(answer, scope))),
            wants_mention=turn.chat_type != "p2p" and GROUP_SCOPE not in (self._identity.scopes or ()),
        )

    def wants_proposals(self, answer: Answer) -> bool:
        """Whether the model is asked for questions to follow this answer: not where nothing stands behind it, or
        somebody in person does, nor where it was cut off. Where the passages come from several collections nobody
        could say which of them a question gives away: the headings serve there."""
        is_whole = answer.outcome == "answered" and not answer.ending and answer.verified is None
        collections = {name for name in answer.behind if not name.startswith(DOCUMENT)}
        return self._settings.suggestions == "auto" and is_whole and len(collections) == 1

    async def offer(self, turn: Turn, answer: Answer, model: Proposed) -> bool:
        """Stores the model's questions as the answer's suggestions, with what they cost; whether there are any."""
        asked = await self._ledger.asked_in(turn.app_id, turn.conversation)
        found = proposed(turn, answer, model.questions, joined(answer.behind), asked)
        cost = model.usage.prompt_tokens + model.usage.completion_tokens if model.usage else 0
        return bool(found) and await self._ledger.suggest_instead(answer.id, found, cost)


def is_of_quoted_file(turn: Turn, answer: Answer) -> bool:
    """Whether an answer in a group came from the file that its question quotes: the next question does not have it."""
    return turn.chat_type != "p2p" and FILES in answer.behind


def shut(state: CardState, texts: Texts) -> CardState:
    """The card of an answer from documents that may not be seen there any more: a sentence, and 🔄."""
    return replace(state, answer=blanked(state.answer, texts), turn=replace(state.turn, standalone=""))


def blanked(answer: Answer, texts: Texts) -> Answer:
    """An answer of which nothing is left but a sentence that says why."""
    bare = Answer(answer.id, answer.turn_id, answer.version, "stopped", notice=texts.not_open_here)
    return replace(bare, created_at=answer.created_at, concluded_at=answer.concluded_at)


class Proposer(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def propose(self, question: Question, passages: Sequence[Passage], *, budget_s: float) -> Proposed: ...


class SuggestedQuestions:
    """Asks in the background, one task for each answer. No job waits for it, and no card: whoever draws next shows what
    is stored. A process that ends meanwhile loses nothing but the questions. `wake` tells the worker of a new job."""

    def __init__(
        self, proposer: Proposer, dressing: CardExtras, jobs: Jobs, *, budget_s: float, wake: Callable[[], None]
    ) -> None:
        self._proposer = proposer
        self._dressing = dressing
        self._jobs = jobs
        self._budget_s = budget_s
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False

    def begin(self, turn: Turn, answer: Answer, question: Question | None, passages: Sequence[Passage]) -> None:
        """Asks, where there is something to go on with: an answer that is whole and has cited its passages."""
        if self._ended or question is None or not passages or not self._dressing.wants_proposals(answer):
            return
        if is_of_quoted_file(turn, answer):
            return
        task = asyncio.create_task(self._propose(turn, answer, question, passages), name=f"propose-{answer.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Gives up what has not come, and asks no more."""
        self._ended = True
        for task in list(self._tasks):
            await cancel(task)

    async def _propose(self, turn: Turn, answer: Answer, question: Question, passages: Sequence[Passage]) -> None:
        proposed = await self._proposer.propose(question, passages, budget_s=self._budget_s)
        log.info("questions_proposed", answer_id=answer.id, count=len(proposed.questions))
        try:
            if await self._dressing.offer(turn, answer, proposed):
                await self._redraw(turn, answer)
        except StoreError as error:
            log.warning("proposals_not_stored", reason=str(error))

    async def _redraw(self, turn: Turn, answer: Answer) -> None:
        """By the job that draws whatever the store says then; a version under way has the card for itself."""
        job = NewJob(
            turn.app_id, "redraw", f"{CARD_LINE}{turn.id}", RedrawPayload(), (f"proposed:{answer.id}",), turn.id
        )
        if await self._jobs.enqueue_once(job):
            self._wake()
