"""What a conversation remembers: the last turns within a budget, and the card that a question replies to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.access.rules import Access
from bot.models import Turn
from bot.repositories.turns import behind_of
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.storage.tables import answers, beginnings, turns
from feishu.clock import Clock, SystemClock
from rag.scope import Scope
from rag.text.tokenizer import likely_tokens

ANSWER_CHARS = 1_200
REMEMBERED = ("answered", "hedged", "stopped", "no_evidence")


@dataclass(frozen=True, slots=True)
class Remembered:
    """One earlier question and its answer, and who asked it."""

    turn_id: str
    asker: str
    question: str
    answer: str
    behind: frozenset[str] = frozenset()
    """Every collection and document that question or answer may speak of (`bot.models.behind`)."""


class ChatHistory:
    """Reads what belongs to a turn, and forgets on demand."""

    def __init__(
        self, database: Database, settings: PeopleSettings, access: Access, *, clock: Clock | None = None
    ) -> None:
        self._access = access
        self._database = database
        self._settings = settings
        self._clock = clock or SystemClock()
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def before(self, turn: Turn, scope: Scope) -> tuple[Remembered, ...]:
        """What was said before a turn, oldest first; the card that it replies to is the last and never cut off.

        What came from documents outside of the scope is forgotten, and so is a card of another chat.
        """
        mine = (turns.c.app_id == turn.app_id) & (turns.c.conversation == turn.conversation)
        replied_to = (turns.c.id == turn.parent_turn) & (turns.c.chat_id == turn.chat_id)

        def work(connection: Connection) -> tuple[list[Remembered], list[Remembered]]:
            quoted = _exchanges(connection, replied_to, 1) if turn.parent_turn else []
            if not self._settings.memory_turns:
                return [], quoted
            began = select(beginnings.c.at).where(
                beginnings.c.app_id == turn.app_id, beginnings.c.conversation == turn.conversation
            )
            since = max(connection.scalar(began) or 0.0, turn.created_at - self._settings.memory_h * 3600)
            when = (turns.c.created_at > since) & (turns.c.created_at < turn.created_at)
            return _exchanges(connection, mine & when, self._settings.memory_turns), quoted

        newest_first, quoted = await self._database.read(work)
        seen = [each for each in newest_first if self._access.shows(scope, each.behind)]
        quoted = [each for each in quoted if self._access.shows(scope, each.behind)]
        return self._within_budget(seen, quoted[0] if quoted else None)

    def _within_budget(self, newest_first: list[Remembered], quoted: Remembered | None) -> tuple[Remembered, ...]:
        kept = [quoted] if quoted else []
        left = self._settings.memory_tokens - sum(likely_tokens(each.question + each.answer) for each in kept)
        for each in newest_first:
            if quoted and each.turn_id == quoted.turn_id:
                continue
            left -= likely_tokens(each.question + each.answer)
            if left < 0:
                break
            kept.append(each)
        return tuple(reversed(kept))

    async def begin_anew(self, app_id: str, conversation: str) -> None:
        """Forgets what was said so far in a conversation (`/new`)."""
        values = {"at": self._clock.time()}
        statement = self._insert(beginnings).values(app_id=app_id, conversation=conversation, **values)
        statement = statement.on_conflict_do_update(index_elements=["app_id", "conversation"], set_=values)
        await self._database.write(lambda connection: connection.execute(statement) and None)


def _exchanges(connection: Connection, which: object, limit: int) -> list[Remembered]:
    """Newest first. A turn is remembered by the answer that its card shows."""
    statement = (
        select(turns.c.id, turns.c.asker, turns.c.question, turns.c.standalone, answers.c.text, answers.c.sources)
        .join(answers, answers.c.id == turns.c.shown_answer)
        .where(which, ~turns.c.recalled, answers.c.outcome.in_(REMEMBERED), answers.c.text != "")  # type: ignore[arg-type]
        .order_by(turns.c.created_at.desc())
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    behind = _leaned_on(connection, [row.id for row in rows])
    return [_remembered(row, behind[row.id]) for row in rows]


def _leaned_on(connection: Connection, turn_ids: Sequence[str]) -> dict[str, set[str]]:
    """By turn, the collections behind the histories of its versions, one of which made the question stand alone."""
    found: dict[str, set[str]] = {turn_id: set() for turn_id in turn_ids}
    wanted = select(answers.c.turn_id, answers.c.leaned_on).where(answers.c.turn_id.in_(turn_ids))
    for turn_id, names in connection.execute(wanted):
        found[turn_id].update(orjson.loads(names))
    return found


def _remembered(row: Any, leaned_on: set[str]) -> Remembered:
    said = row.standalone or row.question
    return Remembered(row.id, row.asker, said, row.text[:ANSWER_CHARS], frozenset(leaned_on | behind_of(row.sources)))
