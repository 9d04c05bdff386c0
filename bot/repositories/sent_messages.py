"""Which messages beside its card hold an answer, so that none is sent twice and a question can take them along."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from bot.inbox.queue import guard
from bot.job import Job
from bot.storage.database import Database
from bot.storage.tables import answer_messages, answers
from feishu.clock import Clock, SystemClock


class SentMessages:
    """Of each answer, by what they hold: `apart` and `text` all of it, `withheld` fixed words, a number that part."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def note(self, job: Job, answer_id: str, part: str, message_id: str, **values: Any) -> None:
        """One more; `message_id` is "" where the platform did not say it. `values` are columns of the answer that
        change with it. Raises `LeaseLost`."""
        row = {"answer_id": answer_id, "part": part, "message_id": message_id, "at": self._clock.time()}

        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(insert(answer_messages).values(**row))
            if values:
                connection.execute(update(answers).where(answers.c.id == answer_id).values(**values))

        await self._database.write(work)

    async def of_answer(self, answer_id: str) -> frozenset[str]:
        """What was sent of it."""
        statement = select(answer_messages.c.part).where(answer_messages.c.answer_id == answer_id)
        return await self._database.read(lambda connection: frozenset(connection.scalars(statement)))

    async def of_turn(self, turn_id: str) -> list[str]:
        """The ids of all messages that hold something of its answers."""
        of_turn = answer_messages.c.answer_id.in_(select(answers.c.id).where(answers.c.turn_id == turn_id))
        statement = select(answer_messages.c.message_id).where(of_turn, answer_messages.c.message_id != "")
        return await self._database.read(lambda connection: list(connection.scalars(statement)))

    async def apart(self, turn_id: str) -> list[str]:
        """The ids of the messages that hold a whole answer to it as a card."""
        of_turn = answer_messages.c.answer_id.in_(select(answers.c.id).where(answers.c.turn_id == turn_id))
        statement = select(answer_messages.c.message_id).where(
            of_turn, answer_messages.c.part == "apart", answer_messages.c.message_id != ""
        )
        return await self._database.read(lambda connection: list(connection.scalars(statement)))
