"""Small facts of the store: what was said once, what arrived, remarks, suggested questions, recalls."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.repositories.erasure import erase
from bot.storage.database import Database
from bot.storage.tables import answer_messages, answers, attachments, onces, remarks, suggestions, turns
from feishu.clock import Clock, SystemClock

MAX_REMARK_CHARS = 2_000
MOST_ASKED = 50
ARRIVED, REFUSED = "arrived:", "refused:"
NOTE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question on a button, and where it may be asked."""

    id: str
    app_id: str
    chat_id: str
    chat_type: str
    conversation: str
    turn_id: str
    question: str
    collection: str = ""
    """Whose document it speaks of."""


class ChatFacts:
    """Reads and writes them."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def once(self, app_id: str, key: str) -> bool:
        """True the first time."""
        values = {"app_id": app_id, "key": key[:256], "at": self._clock.time()}
        statement = self._insert(onces).values(**values).on_conflict_do_nothing()
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)

    async def noted(self, app_id: str, key: str, *, since: float = 0.0) -> bool:
        """Whether `once` or `note` was called for it, since then."""
        its = (onces.c.app_id == app_id) & (onces.c.key == key[:256]) & (onces.c.at > since)
        return (
            await self._database.read(lambda connection: connection.scalar(select(onces.c.at).where(its))) is not None
        )

    async def note(self, app_id: str, key: str) -> None:
        """That it was said just now."""
        now = self._clock.time()
        statement = self._insert(onces).values(app_id=app_id, key=key[:256], at=now)
        again = statement.on_conflict_do_update(index_elements=["app_id", "key"], set_={"at": now})
        await self._database.write(methodcaller("execute", again))

    async def arrivals(self, app_id: str) -> dict[str, float]:
        """What `Arrivals` noted (`arrived:` and the event's type, `refused:` and why), and when last, epoch seconds."""
        mine = (onces.c.app_id == app_id) & (onces.c.key.startswith(ARRIVED) | onces.c.key.startswith(REFUSED))
        statement = select(onces.c.key, onces.c.at).where(mine)
        return await self._database.read(lambda connection: {row.key: row.at for row in connection.execute(statement)})

    async def remark(self, app_id: str, chat_id: str, author: str, text: str) -> None:
        """Stores what somebody wrote behind `/feedback`."""
        values = {"app_id": app_id, "chat_id": chat_id, "author": author, "text": text[:MAX_REMARK_CHARS]}
        statement = self._insert(remarks).values(id="r" + secrets.token_hex(12), at=self._clock.time(), **values)
        await self._database.write(lambda connection: connection.execute(statement) and None)

    async def suggest(self, found: Sequence[Suggestion]) -> None:
        """Stores questions for buttons; those that are there stay."""
        now = self._clock.time()
        rows = [{**{name: getattr(each, name) for name in Suggestion.__slots__}, "created_at": now} for each in found]
        if rows:
            statement = self._insert(suggestions).values(rows).on_conflict_do_nothing()
            await self._database.write(lambda connection: connection.execute(statement) and None)

    async def suggestion(self, suggestion_id: str) -> Suggestion | None:
        """The question behind a button."""
        found = await self._suggestions(suggestions.c.id == suggestion_id)
        return found[0] if found else None

    async def suggest_instead(self, answer_id: str, found: Sequence[Suggestion], cost: int) -> bool:
        """Stores the model's questions, which take the place of those below an answer, and the tokens that they cost;
        False where the question was taken back or forgotten meanwhile."""
        now = self._clock.time()
        rows = [{**{name: getattr(each, name) for name in Suggestion.__slots__}, "created_at": now} for each in found]
        its_turn = select(answers.c.usage, turns.c.recalled).join(turns, turns.c.id == answers.c.turn_id)
        statement = its_turn.where(answers.c.id == answer_id).with_for_update(of=turns)

        def work(connection: Connection) -> bool:
            row = connection.execute(statement).one_or_none()
            if row is None or row.recalled:
                return False
            connection.execute(self._insert(suggestions).values(rows).on_conflict_do_nothing())
            usage = {**(orjson.loads(row.usage) or {}), **({"proposals": cost} if cost else {})}
            kept = orjson.dumps(usage or None).decode()
            connection.execute(update(answers).where(answers.c.id == answer_id).values(usage=kept))
            return True

        return await self._database.write(work)

    async def suggestions_of(self, answer_id: str) -> list[Suggestion]:
        """The questions below an answer: the model's where it gave any."""
        found = await self._suggestions(suggestions.c.id.startswith(f"{answer_id}-", autoescape=True))
        return [each for each in found if each.id.startswith(f"{answer_id}-m")] or found

    async def asked_in(self, app_id: str, conversation: str) -> list[str]:
        """What was asked in a conversation lately, as it was written and as it was understood."""
        mine = (turns.c.app_id == app_id) & (turns.c.conversation == conversation)
        statement = select(turns.c.question, turns.c.standalone).where(mine).order_by(turns.c.created_at.desc())
        rows = await self._database.read(lambda connection: connection.execute(statement.limit(MOST_ASKED)).all())
        return [text for row in rows for text in row if text]

    async def _suggestions(self, which: ColumnElement[bool]) -> list[Suggestion]:
        columns = [suggestions.c[name] for name in Suggestion.__slots__]
        statement = select(*columns).where(which).order_by(suggestions.c.id)
        return await self._database.read(lambda c: [Suggestion(*row) for row in c.execute(statement)])

    async def recall(self, app_id: str, message_id: str) -> None:
        """A message was taken back: nothing is kept of the question that it was, nor of the file."""
        values = {"app_id": app_id, "key": f"recalled:{message_id}", "at": self._clock.time()}
        note = self._insert(onces).values(**values).on_conflict_do_nothing()

        def work(connection: Connection) -> None:
            connection.execute(note)
            erase(connection, (turns.c.app_id == app_id) & (turns.c.question_message_id == message_id))
            file = (attachments.c.app_id == app_id) & (attachments.c.message_id == message_id)
            connection.execute(delete(attachments).where(file))

        await self._database.write(work)

    async def turn_of_question(self, app_id: str, message_id: str) -> str | None:
        """The turn that a message began."""
        statement = select(turns.c.id).where(turns.c.app_id == app_id, turns.c.question_message_id == message_id)
        return await self._database.read(lambda connection: connection.scalar(statement.limit(1)))

    async def has_turns(self, app_id: str, conversation: str, *, besides: str = "") -> bool:
        """Whether anything was asked in this conversation, but for the message `besides`."""
        mine = (turns.c.app_id == app_id) & (turns.c.conversation == conversation)
        mine &= turns.c.question_message_id != besides
        statement = select(turns.c.id).where(mine).limit(1)
        return await self._database.read(lambda connection: connection.scalar(statement)) is not None

    async def turn_of_card(self, app_id: str, message_ids: Sequence[str]) -> tuple[str, str, str] | None:
        """Turn, shown answer and asker of the card that is one of these messages, or that one of them continues."""
        wanted = [each for each in message_ids if each]
        if not wanted:
            return None
        columns = (turns.c.id, turns.c.shown_answer, turns.c.asker)
        beside = (
            select(answers.c.turn_id)
            .join(answer_messages, answer_messages.c.answer_id == answers.c.id)
            .where(answer_messages.c.message_id.in_(wanted))
        )
        is_its = turns.c.card_message_id.in_(wanted) | turns.c.id.in_(beside)
        statement = select(*columns).where(turns.c.app_id == app_id, is_its).limit(1)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return (row[0], row[1], row[2]) if row else None

    async def private_chat_of(self, app_id: str, person: str) -> str:
        """The private chat in which somebody asked last; "" when there was none."""
        mine = (turns.c.app_id == app_id) & (turns.c.asker == person) & (turns.c.chat_type == "p2p")
        statement = select(turns.c.chat_id).where(mine).order_by(turns.c.created_at.desc()).limit(1)
        return await self._database.read(lambda connection: connection.scalar(statement)) or ""

    async def talks_with_us(self, app_id: str, conversation: str, person: str, since: float) -> bool:
        """Whether somebody has asked us in this conversation since then."""
        mine = (turns.c.app_id == app_id) & (turns.c.conversation == conversation) & (turns.c.asker == person)
        statement = select(turns.c.id).where(mine, turns.c.created_at > since).limit(1)
        return await self._database.read(lambda connection: connection.scalar(statement)) is not None


class Arrivals:
    """Notes when an event of each type came last, and when a request was refused and why: whoever sets the bot up can
    see it with `feishu-rag doctor`. Written beside the request, for each at most every few seconds."""

    def __init__(self, facts: ChatFacts, app_id: str, *, clock: Clock) -> None:
        self._facts = facts
        self._app_id = app_id
        self._clock = clock
        self._noted: dict[str, float] = {}
        self._writing: set[asyncio.Future[Any]] = set()

    def note(self, key: str) -> None:
        """Returns at once; what the store does not take is not noted."""
        now = self._clock.monotonic()
        if now - self._noted.get(key, -NOTE_EVERY_S) < NOTE_EVERY_S:
            return
        self._noted[key] = now
        writing = asyncio.gather(self._facts.note(self._app_id, key), return_exceptions=True)
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def settle(self) -> None:
        """Waits for what is being written."""
        await asyncio.gather(*self._writing)
