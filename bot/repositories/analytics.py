"""What /admin and the reports tell, out of the store: questions, outcomes, votes, times, documents, gaps.

What each figure counts: `bot.repositories.figures`.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.repositories.figures import (
    DAY_S,
    AskedQuestion,
    GivenAnswer,
    by_day,
    day_of,
    disliked,
    documents,
    grouped,
    summary,
)
from bot.repositories.gap_report import Gap, Reply, Unanswered, gaps_of
from bot.repositories.verified_answers import VerifiedStore
from bot.storage.database import Database
from bot.storage.tables import NO_SOURCES, answers, gaps, settled_gaps, turns, votes
from feishu.clock import Clock
from rag.verified.answers import VerifiedAnswers

MOST_ROWS = 100_000
_GIVEN = ("turn_id", "version", "outcome", "first_token_s", "seconds", "model", "sources", "leaned_on")
_GROUNDS = ("confidence", "level", "ending", "verified")


class Analytics:
    """Reads of a period that ends now."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._verified = VerifiedStore(database, clock=clock)
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def questions(self, days: float) -> list[AskedQuestion]:
        """What was asked in the last `days` days and is answered, oldest first; nothing that was taken back, and no
        greeting or thanks."""
        asked_then = (turns.c.created_at >= self._clock.time() - days * DAY_S) & ~turns.c.recalled
        has_grounds = (answers.c.sources != NO_SOURCES) | (answers.c.verified != "")
        is_sought = (answers.c.outcome != "answered") | has_grounds
        columns = [answers.c[name] for name in (*_GIVEN, *_GROUNDS)]
        given = (
            select(answers.c.id.label("answer_id"), answers.c.created_at.label("at"), *columns)
            .join(turns, turns.c.id == answers.c.turn_id)
            .where(asked_then, answers.c.outcome != "open", is_sought)
            .order_by(turns.c.created_at.desc())
            .limit(MOST_ROWS)
        )
        asked = select(turns.c.id, turns.c.question, turns.c.asker, turns.c.chat_type, turns.c.created_at)
        cast = select(votes.c.answer_id, votes.c.vote, votes.c.reason)
        cast = cast.join(answers, answers.c.id == votes.c.answer_id).join(turns, turns.c.id == answers.c.turn_id)

        def work(connection: Connection) -> list[AskedQuestion]:
            up: Counter[str] = Counter()
            down: dict[str, list[str]] = defaultdict(list)
            for answer_id, vote, reason in connection.execute(cast.where(asked_then)):
                if vote == "up":
                    up[answer_id] += 1
                else:
                    down[answer_id].append(reason)
            turns_found = {row[0]: tuple(row[1:]) for row in connection.execute(asked.where(asked_then))}
            versions = [
                GivenAnswer(**row, up=up[row["answer_id"]], reasons=tuple(down.get(row["answer_id"], ())))
                for row in connection.execute(given).mappings()
            ]
            return grouped((one for one in versions if one.turn_id in turns_found), turns_found.__getitem__)

        return await self._database.read(work)

    async def overview(self, days: int) -> dict[str, Any]:
        """Everything that the page's first screen shows."""
        told, now = await self.questions(days), self._clock.time()
        figures = await asyncio.to_thread(lambda: {**summary(told), "documents": disliked(documents(told))})
        missing, verified = await self._missing(told, days), await self._verified.snapshot()
        opened = Counter(day_of(gap.first_at) for gap in missing)
        closed = Counter(day_of(at) for at in (await self._settled()).values())
        closed.update(day_of(at) for gap in missing if (at := _verified_since(gap, verified)) is not None)
        rows = by_day(told, days, now)
        return {
            "days": days,
            "at": now,
            **figures,
            "by_day": [{**row, "opened": opened[row["day"]], "closed": closed[row["day"]]} for row in rows],
        }

    async def gaps(self, days: float, shows: Callable[[frozenset[str]], bool] = lambda _behind: True) -> list[Gap]:
        """What is missing, by the search or by the model's own refusal; only what `shows` says. What was settled
        after it was asked last, or answered for good since, is not; nor is what was answered without a source."""
        told = [one for one in await self.questions(days) if shows(one.behind)]
        settled, verified, now = await self._settled(), await self._verified.snapshot(), self._clock.time()
        lacking = [
            one
            for one in told
            if one.outcome == "no_evidence"
            and not any(answer.is_valid(now) and answer.at > one.at for answer in verified.to(one.question))
        ]
        return [gap for gap in await self._missing(lacking, days) if gap.last_at > settled.get(gap.key, 0.0)]

    async def _missing(self, told: Iterable[AskedQuestion], days: float) -> list[Gap]:
        """Questions without an answer that ask for the same, settled or not."""
        said = await self.replies(days)
        lacking = [
            Unanswered(
                one.question,
                one.asker,
                one.at,
                one.turn_id,
                tuple((source["title"], source["source"]) for source in one.newest.read_sources[:3]),
                tuple(said.get(one.turn_id, ())),
            )
            for one in told
            if one.outcome == "no_evidence"
        ]
        return await asyncio.to_thread(gaps_of, lacking)  # many take seconds

    async def _settled(self) -> dict[str, float]:
        """The keys of gaps that somebody took care of, and when."""
        statement = select(settled_gaps.c.question, settled_gaps.c.at)
        return await self._database.read(lambda connection: dict(connection.execute(statement).all()))

    async def replies(self, days: float) -> dict[str, list[Reply]]:
        """What owners replied to questions of the last `days` days: turn id → replies, oldest first."""
        since = self._clock.time() - days * DAY_S
        statement = (
            select(gaps.c.id, gaps.c.reply, gaps.c.replied_by, gaps.c.replied_at)
            .where(gaps.c.created_at >= since, gaps.c.reply != "")
            .order_by(gaps.c.replied_at)
        )
        found: dict[str, list[Reply]] = defaultdict(list)
        for gap_id, text, by, at in await self._database.read(lambda connection: connection.execute(statement).all()):
            found[gap_id.partition(".")[0]].append(Reply(text, by, at))
        return found

    async def settle(self, gap: Gap, by: str) -> None:
        """Somebody takes care of it: it comes back when it is asked again."""
        values = {"settled_by": by, "at": self._clock.time()}
        statement = self._insert(settled_gaps).values(question=gap.key, **values)

        def work(connection: Connection) -> None:
            connection.execute(statement.on_conflict_do_update(index_elements=["question"], set_=values))

        await self._database.write(work)

    async def turn(self, turn_id: str) -> dict[str, Any] | None:
        """A turn with all its versions and votes, and the job ids that their traces are found by."""

        def work(connection: Connection) -> dict[str, Any] | None:
            row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
            if row is None:
                return None
            versions = connection.execute(
                select(answers).where(answers.c.turn_id == turn_id).order_by(answers.c.version)
            ).all()
            cast = connection.execute(select(votes).where(votes.c.answer_id.in_([version.id for version in versions])))
            ballots: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for vote in cast:
                ballots[vote.answer_id].append(
                    {name: getattr(vote, name) for name in ("voter", "vote", "reason", "comment", "at")}
                )
            return {**_turn(row), "answers": [_version(version, ballots[version.id]) for version in versions]}

        return await self._database.read(work)


def _verified_since(gap: Gap, verified: VerifiedAnswers) -> float | None:
    """When somebody answered it for good, after it was asked first."""
    return next((answer.at for answer in verified.to(gap.question) if answer.at > gap.first_at), None)


def _turn(row: Any) -> dict[str, Any]:
    names = ("id", "question", "standalone", "asker", "chat_type", "chat_id", "conversation", "created_at")
    return {name: getattr(row, name) for name in names}


def _version(row: Any, ballots: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("id", "job_id", "version", "outcome", "text", "notice", "reasoning", "model", "first_token_s", "seconds")
    grounds = ("confidence", "level", "is_calibrated", "ending")
    return {
        **{name: getattr(row, name) for name in (*names, *grounds)},
        "created_at": row.created_at,
        "sources": orjson.loads(row.sources),
        "verified": orjson.loads(row.verified) if row.verified else None,
        "usage": orjson.loads(row.usage),
        "votes": ballots,
    }
