"""What a closed card offers beside its answer: next questions, a person to ask, a hint how to follow up."""

from dataclasses import replace

from bot.access import FILES, Access
from bot.intake.bot_identity import GROUP_SCOPE, Identity
from bot.intake.suggestions import below, proposed
from bot.jobs.owners import collections_in, owners_of
from bot.models import Answer, CardState, Turn
from bot.repositories.chat_facts import ChatFacts
from bot.settings.people import PeopleSettings
from bot.texts import Texts
from rag.events import Proposed


class CardExtras:
    """Completes a card's state."""

    def __init__(self, ledger: ChatFacts, identity: Identity, settings: PeopleSettings, access: Access) -> None:
        self._access = access
        self._ledger = ledger
        self._identity = identity
        self._settings = settings

    def may_show(self, state: CardState) -> bool:
        """Whether the answer, and how its question was understood, may be seen in their chat."""
        scope = self._access.of_turn(state.turn.chat_id, state.turn.chat_type, state.turn.asker)
        return scope.shows(state.answer.collections | state.leaned_on)

    async def dressed(self, state: CardState, texts: Texts) -> CardState:
        """The state with what may be offered, and without what may not be seen there any more."""
        if state.turn.recalled:
            return state
        scope = self._access.of_turn(state.turn.chat_id, state.turn.chat_type, state.turn.asker)
        if not scope.shows(state.leaned_on):
            state = replace(state, turn=replace(state.turn, standalone=""))
        if not scope.shows(state.answer.collections):
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
            has_owners=bool(owners_of(self._settings, collections_in(answer, scope))),
            wants_mention=turn.chat_type != "p2p" and GROUP_SCOPE not in (self._identity.scopes or ()),
        )

    def wants_proposals(self, answer: Answer) -> bool:
        """Whether the model is asked for questions to follow this answer: not where nothing stands behind it, nor where
        it was cut off. Where the passages come from several collections nobody could say which of them a question
        gives away: the headings serve there."""
        is_whole = answer.outcome == "answered" and not answer.ending
        return self._settings.suggestions == "auto" and is_whole and len(answer.collections) == 1

    async def offer(self, turn: Turn, answer: Answer, model: Proposed) -> bool:
        """Stores the model's questions as the answer's suggestions, with what they cost; whether there are any."""
        asked = await self._ledger.asked_in(turn.app_id, turn.conversation)
        found = proposed(turn, answer, model.questions, next(iter(answer.collections), ""), asked)
        cost = model.usage.prompt_tokens + model.usage.completion_tokens if model.usage else 0
        return bool(found) and await self._ledger.suggest_instead(answer.id, found, cost)


def is_of_quoted_file(turn: Turn, answer: Answer) -> bool:
    """Whether an answer in a group came from the file that its question quotes: the next question does not have it."""
    return turn.chat_type != "p2p" and FILES in answer.collections


def shut(state: CardState, texts: Texts) -> CardState:
    """The card of an answer from documents that may not be seen there any more: a sentence, and 🔄."""
    return replace(state, answer=blanked(state.answer, texts), turn=replace(state.turn, standalone=""))


def blanked(answer: Answer, texts: Texts) -> Answer:
    """An answer of which nothing is left but a sentence that says why."""
    bare = Answer(answer.id, answer.turn_id, answer.version, "stopped", notice=texts.not_open_here)
    return replace(bare, created_at=answer.created_at, concluded_at=answer.concluded_at)
