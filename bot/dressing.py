"""What a closed card offers beside its answer: next questions, a person to ask, a hint how to follow up."""

from dataclasses import replace

from bot.chat_ledger import Ledger
from bot.conversations import CardState
from bot.errands import GROUP_SCOPE, owners_of
from bot.identity import Identity
from bot.settings_people import PeopleSettings
from bot.suggesting import below
from bot.texts import Texts


class Dressing:
    """Completes a card's state."""

    def __init__(self, ledger: Ledger, identity: Identity, settings: PeopleSettings) -> None:
        self._ledger = ledger
        self._identity = identity
        self._settings = settings

    async def dressed(self, state: CardState, texts: Texts) -> CardState:
        """The state with what may be offered."""
        turn, answer = state.turn, state.answer
        if turn.recalled:
            return state
        suggested = await self._ledger.suggestions_of(answer.id)
        if not suggested and self._settings.suggestions == "auto":
            suggested = below(turn, answer, texts)
            await self._ledger.suggest(suggested)
        return replace(
            state,
            suggestions=tuple((each.id, each.question) for each in suggested),
            has_owners=bool(owners_of(self._settings, [source.collection for source in answer.sources])),
            wants_mention=turn.chat_type != "p2p" and GROUP_SCOPE not in (self._identity.scopes or ()),
        )
