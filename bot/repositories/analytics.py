"""What /admin and the reports tell, out of the store: questions, outcomes, votes, times, documents, gaps."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

import orjson
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.repositories.gap_report import Gap, Reply, Unanswered, gaps_of
from bot.repositories.turns import behind_of
from bot.repositories.verified_answers import VerifiedStore
from bot.storage.database import Database
from bot.storage.tables import NO_SOURCES, answers, gaps, settled_gaps, turns, votes
from feishu.clock import Clock
from rag.events import Ending

DAY_S = 86_400.0
MOST_ROWS = 100_000
OUTCOMES = ("answered", "hedged", "no_evidence", "stopped", "failed")
WRITTEN = ("answered", "hedged")
"""The outcomes whose text says something."""
ENDINGS = tuple(filter(None, get_args(Ending)))
"""How a text was cut off."""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One answer of the period, with the question and the votes on it."""

    turn_id: str
    answer_id: str
    version: int
    question: str
    asker: str
    chat_type: str
    outcome: str
    at: float
    first_token_s: float | None
    seconds: float | None
    model: str
    sources: str
    leaned_on: str
    confidence: float | None
    level: str
    ending: str
    verified: str
    """JSON (`rag.events.Verification`); "" for what was found in the documents."""
    recalled: bool
    up: int
    down: int

    @property
    def behind(self) -> frozenset[str]:
        """What something in it may come from (`bot.models.behind`)."""
        return frozenset((*orjson.loads(self.leaned_on), *behind_of(self.sources)))


class Analytics:
    """Reads of a period that ends now."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._verified = VerifiedStore(database, clock=clock)
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def answers(self, days: float) -> list[AnsweredQuestion]:
        """All ended answers of the last `days` days, oldest first; a greeting's or thanks' is none."""
        since = self._clock.time() - days * DAY_S
        ups = select(votes.c.answer_id, func.count().label("n")).where(votes.c.vote == "up").group_by(votes.c.answer_id)
        downs = (
            select(votes.c.answer_id, func.count().label("n")).where(votes.c.vote == "down").group_by(votes.c.answer_id)
        )
        up, down = ups.subquery(), downs.subquery()
        statement = (
            select(
                answers.c.turn_id,
                answers.c.id,
                answers.c.version,
                turns.c.question,
                turns.c.asker,
                turns.c.chat_type,
                answers.c.outcome,
                answers.c.created_at,
                answers.c.first_token_s,
                answers.c.seconds,
                answers.c.model,
                answers.c.sources,
                answers.c.leaned_on,
                answers.c.confidence,
                answers.c.level,
                answers.c.ending,
                answers.c.verified,
                turns.c.recalled,
                func.coalesce(up.c.n, 0),
                func.coalesce(down.c.n, 0),
            )
            .join(turns, turns.c.id == answers.c.turn_id)
            .outerjoin(up, up.c.answer_id == answers.c.id)
            .outerjoin(down, down.c.answer_id == answers.c.id)
            .where(answers.c.created_at >= since, answers.c.outcome != "open")
            .where((answers.c.outcome != "answered") | (answers.c.sources != NO_SOURCES) | (answers.c.verified != ""))
            .order_by(answers.c.created_at.desc())
            .limit(MOST_ROWS)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return [AnsweredQuestion(*row) for row in reversed(rows)]

    async def reasons(self, days: float) -> dict[str, int]:
        """Why people voted 👎: reason → count; "" for those who did not say."""
        since = self._clock.time() - days * DAY_S
        statement = (
            select(votes.c.reason, func.count())
            .where(votes.c.vote == "down", votes.c.at >= since)
            .group_by(votes.c.reason)
        )
        return await self._database.read(lambda connection: dict(connection.execute(statement).all()))

    async def overview(self, days: int) -> dict[str, Any]:
        """Everything that the page's first screen shows."""
        told = await self.answers(days)
        return {
            "days": days,
            "at": self._clock.time(),
            **summary(told),
            "by_day": by_day(told, days, self._clock.time()),
            "reasons": await self.reasons(days),
            "documents": documents(told),
        }

    async def gaps(self, days: float, shows: Callable[[frozenset[str]], bool] = lambda _behind: True) -> list[Gap]:
        """What is missing, by the search or by the model's own refusal; only what `shows` says. What was settled
        after it was asked last, taken back, or answered for good since is not; nor is what was answered without a
        source."""
        told = [one for one in await self.answers(days) if shows(one.behind)]
        newest = {asked.turn_id: asked for asked in told}
        said, verified, now = await self.replies(days), await self._verified.snapshot(), self._clock.time()
        found = gaps_of(
            Unanswered(
                one.question,
                one.asker,
                one.at,
                one.turn_id,
                tuple(_nearest(one.sources)),
                tuple(said.get(one.turn_id, ())),
            )
            for one in newest.values()
            if one.outcome == "no_evidence" and not one.recalled
            if not any(answer.is_valid(now) for answer in verified.to(one.question))
        )
        statement = select(settled_gaps.c.question, settled_gaps.c.at)
        settled = dict(await self._database.read(lambda connection: connection.execute(statement).all()))
        return [gap for gap in found if gap.last_at > settled.get(gap.key, 0.0)]

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


def summary(told: Sequence[AnsweredQuestion]) -> dict[str, Any]:
    """Totals of answers, people, votes and times."""
    outcomes = Counter(one.outcome for one in told)
    return {
        "asked": len({one.turn_id for one in told}),
        "people": len({one.asker for one in told}),
        "outcomes": {name: outcomes.get(name, 0) for name in OUTCOMES},
        "endings": {name: sum(one.ending == name for one in told) for name in ENDINGS},
        "votes": {"up": sum(one.up for one in told), "down": sum(one.down for one in told)},
        "first_token_s": percentiles(one.first_token_s for one in told),
        "whole_s": percentiles(one.seconds for one in told if one.outcome in WRITTEN),
        "channels": dict(Counter(one.chat_type for one in told)),
    }


def by_day(told: Sequence[AnsweredQuestion], days: int, now: float) -> list[dict[str, Any]]:
    """One row a day of this machine's time, the empty ones too."""
    last = datetime.fromtimestamp(now).date()
    rows: dict[str, list[AnsweredQuestion]] = {
        (last - timedelta(days=back)).isoformat(): [] for back in reversed(range(days))
    }
    for one in told:
        rows.setdefault(datetime.fromtimestamp(one.at).date().isoformat(), []).append(one)
    return [
        {
            "day": day,
            **{name: sum(one.outcome == name for one in part) for name in OUTCOMES},
            "up": sum(one.up for one in part),
            "down": sum(one.down for one in part),
            "first_token_s": percentiles(one.first_token_s for one in part),
            "whole_s": percentiles(one.seconds for one in part if one.outcome in WRITTEN),
        }
        for day, part in sorted(rows.items())
    ]


def documents(told: Iterable[AnsweredQuestion], limit: int = 20) -> list[dict[str, Any]]:
    """The documents that answers cite, those with most 👎 first."""
    found: dict[str, dict[str, Any]] = {}
    for one in told:
        cited = {source["source"]: source["title"] for source in orjson.loads(one.sources) if source["cited"]}
        for source, title in cited.items():
            row = found.setdefault(source, {"source": source, "title": title, "cited": 0, "up": 0, "down": 0})
            row["cited"] += 1
            row["up"] += one.up
            row["down"] += one.down
    ranked = sorted(found.values(), key=lambda row: (-row["down"], -row["cited"], row["source"]))
    return ranked[:limit]


def percentiles(values: Iterable[float | None]) -> dict[str, float | None]:
    """p50 and p95 by nearest rank; None where there is nothing to measure."""
    known = sorted(value for value in values if value is not None)
    return {f"p{share}": round(_rank(known, share), 3) if known else None for share in (50, 95)}


def _rank(known: Sequence[float], share: int) -> float:
    return known[max(0, math.ceil(len(known) * share / 100) - 1)]


def _nearest(sources: str) -> Iterable[tuple[str, str]]:
    return ((source["title"], source["source"]) for source in orjson.loads(sources)[:3])


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
