"""Votes: one a person and answer, changeable; and their export."""

from collections.abc import Iterator
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.database import Database
from bot.storage.tables import answers, remarks, turns, votes
from feishu.clock import Clock, SystemClock

Vote = Literal["up", "down"]

REASONS = ("off_topic", "outdated", "incomplete", "wrong_source", "other")
MAX_COMMENT_CHARS = 1_000


class Feedback:
    """Votes in the store."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def vote(self, answer_id: str, voter: str, vote: Vote) -> Vote | None:
        """Stores a vote; gives the same person's earlier vote on the same answer, None when it is the first."""

        def work(connection: Connection) -> Vote | None:
            mine = (votes.c.answer_id == answer_id) & (votes.c.voter == voter)
            earlier: Vote | None = connection.scalar(select(votes.c.vote).where(mine))
            now = self._clock.time()
            if earlier == vote:  # the same again keeps its reason and its time
                return earlier
            values = {"vote": vote, "at": now, "reason": "", "comment": ""}
            statement = self._insert(votes).values(answer_id=answer_id, voter=voter, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["answer_id", "voter"], set_=values))
            return earlier

        return await self._database.write(work)

    async def retract(self, answer_id: str, voter: str, vote: Vote) -> bool:
        """Takes a vote back; False when it was another one, or none."""
        mine = (votes.c.answer_id == answer_id) & (votes.c.voter == voter) & (votes.c.vote == vote)
        return await self._database.write(lambda connection: connection.execute(delete(votes).where(mine)).rowcount > 0)

    async def give_reason(self, answer_id: str, voter: str, reason: str, comment: str) -> bool:
        """Why somebody voted 👎; False when that person's vote is not 👎 (any more)."""

        def work(connection: Connection) -> bool:
            mine = (votes.c.answer_id == answer_id) & (votes.c.voter == voter) & (votes.c.vote == "down")
            values = {"reason": reason, "comment": comment[:MAX_COMMENT_CHARS]}
            return connection.execute(update(votes).where(mine).values(**values)).rowcount > 0

        return await self._database.write(work)

    async def totals(self, answer_id: str) -> dict[str, int]:
        """`{"up": n, "down": m}` of one answer."""
        statement = select(votes.c.vote, func.count()).where(votes.c.answer_id == answer_id).group_by(votes.c.vote)
        counted: dict[str, int] = await self._database.read(lambda c: dict(c.execute(statement).all()))
        return {"up": counted.get("up", 0), "down": counted.get("down", 0)}

    async def export(self) -> list[dict[str, Any]]:
        """Every vote with its question, answer and sources, oldest first; then what was written after /feedback."""
        return await self._database.read(lambda connection: [*_rows(connection), *_remarks(connection)])

    async def remarks(self, days: float) -> list[dict[str, Any]]:
        """What was written after /feedback in the last days, newest first."""
        since = self._clock.time() - days * 86_400
        return await self._database.read(lambda c: [row for row in _remarks(c) if row["at"] >= since][::-1])


def _remarks(connection: Connection) -> Iterator[dict[str, Any]]:
    for row in connection.execute(select(remarks).order_by(remarks.c.at)):
        yield {"remark": row.text, "author": row.author, "chat_id": row.chat_id, "at": row.at}


def _rows(connection: Connection) -> Iterator[dict[str, Any]]:
    statement = (
        select(
            votes,
            answers.c.turn_id,
            answers.c.version,
            answers.c.text,
            answers.c.sources,
            answers.c.outcome,
            answers.c.confidence,
            answers.c.level,
            answers.c.is_calibrated,
            answers.c.ending,
            answers.c.model,
            turns.c.question,
            turns.c.asker,
            turns.c.chat_id,
        )
        .join(answers, answers.c.id == votes.c.answer_id)
        .join(turns, turns.c.id == answers.c.turn_id)
        .order_by(votes.c.at, votes.c.answer_id, votes.c.voter)
    )
    for row in connection.execute(statement):
        yield {
            "question": row.question,
            "answer": row.text,
            "sources": orjson.loads(row.sources),
            "vote": row.vote,
            "reason": row.reason,
            "comment": row.comment,
            "voter": row.voter,
            "at": row.at,
            "answer_id": row.answer_id,
            "turn_id": row.turn_id,
            "version": row.version,
            "outcome": row.outcome,
            "confidence": row.confidence,
            "level": row.level,
            "calibrated": bool(row.is_calibrated),
            "ending": row.ending,
            "model": row.model,
            "asker": row.asker,
            "chat_id": row.chat_id,
        }
