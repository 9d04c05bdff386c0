"""The figures of /admin agree with each other and with the tables, whatever the tables hold.

The model below counts by the definitions of `bot.repositories.figures`, one figure at a time, in the plainest way.
"""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from bot.access.rules import FILES
from bot.repositories.analytics import Analytics
from bot.repositories.figures import ENDINGS, OUTCOMES
from bot.storage.database import Database
from bot.storage.tables import answers, settled_gaps, turns, votes
from tests.support.clock import HandClock

NOW = datetime(2026, 5, 20, 15, 30).timestamp()
DAYS = 5
HOUR = 3_600.0
QUESTIONS = ("食堂周末开门吗？", "周末食堂开不开门", "班车几点发车？", "年假有几天？")


@dataclass(frozen=True)
class Version:
    outcome: str
    ending: str
    cited: tuple[str, ...]
    seconds: float | None
    votes: tuple[tuple[str, str], ...]
    """Vote and reason, one for each voter."""

    @property
    def is_sought(self) -> bool:
        return self.outcome not in ("open", "greeted")

    @property
    def documents(self) -> set[str]:
        return {name for name in self.cited if name != FILES}


@dataclass(frozen=True)
class Asked:
    question: str
    asker: str
    hours_ago: float
    recalled: bool
    versions: tuple[Version, ...]


votes_cast = st.lists(
    st.tuples(st.sampled_from(("up", "down")), st.sampled_from(("", "outdated", "other"))), max_size=3
).map(tuple)
versions = st.builds(
    Version,
    st.sampled_from((*OUTCOMES, "open", "greeted")),
    st.sampled_from(("", *ENDINGS)),
    st.lists(st.sampled_from(("a.md", "b.md", FILES)), unique=True).map(tuple),
    st.none() | st.floats(0, 60).map(lambda value: round(value, 3)),
    votes_cast,
)
asked = st.builds(
    Asked,
    st.sampled_from(QUESTIONS),
    st.sampled_from(("ou_a", "ou_b")),
    st.integers(0, (DAYS + 2) * 24 * 4).map(lambda quarter: quarter / 4),
    st.booleans(),
    st.lists(versions, min_size=1, max_size=3).map(tuple),
)
histories = st.lists(asked, max_size=8)


def stored(database: Database, history: list[Asked]) -> None:
    with database._engine.begin() as connection:
        for table in (turns, answers, votes, settled_gaps):
            connection.execute(delete(table))
        for number, one in enumerate(history):
            connection.execute(insert(turns).values(_turn(number, one)))
            for version, its in enumerate(one.versions, start=1):
                connection.execute(insert(answers).values(_answer(number, version, one, its)))
                for voter, (vote, reason) in enumerate(its.votes):
                    values = {"voter": f"ou_{voter}", "vote": vote, "reason": reason if vote == "down" else ""}
                    connection.execute(insert(votes).values(answer_id=f"a{number}.{version}", at=NOW, **values))


def _turn(number: int, one: Asked) -> dict[str, Any]:
    names = ("app_id", "conversation", "chat_id", "question_message_id")
    return {
        **dict.fromkeys(names, f"x{number}"),
        "id": f"t{number}",
        "chat_type": "group",
        "asker": one.asker,
        "question": one.question,
        "recalled": one.recalled,
        "created_at": NOW - one.hours_ago * HOUR,
    }


def _answer(number: int, version: int, one: Asked, its: Version) -> dict[str, Any]:
    sources = [
        {"title": name, "source": name, "collection": name if name == FILES else "default", "cited": True}
        for name in its.cited
    ]
    if its.is_sought and not sources:
        sources = [{"title": "z.md", "source": "z.md", "collection": "default", "cited": False}]
    return {
        "id": f"a{number}.{version}",
        "turn_id": f"t{number}",
        "version": version,
        "job_id": number * 10 + version,
        "outcome": "answered" if its.outcome == "greeted" else its.outcome,
        "ending": its.ending,
        "sources": orjson.dumps([] if its.outcome == "greeted" else sources).decode(),
        "seconds": its.seconds,
        "first_token_s": its.seconds,
        "created_at": NOW - one.hours_ago * HOUR + version,
    }


def counted(history: list[Asked]) -> list[tuple[Asked, list[Version]]]:
    """The questions that count, with the versions that do."""
    found = []
    for one in history:
        its = [version for version in one.versions if version.is_sought]
        if its and not one.recalled and one.hours_ago <= DAYS * 24:
            found.append((one, its))
    return found


_folder = tempfile.TemporaryDirectory()


def database() -> Database:
    """One store for all examples: making one takes longer than what is tested."""
    url = f"sqlite:///{Path(_folder.name) / 'figures.db'}"
    opened = Database(url)
    opened.migrate()
    return opened


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_every_figure_is_what_its_definition_says(history: list[Asked]) -> None:
    opened = database()
    try:
        stored(opened, history)
        figures = Analytics(opened, clock=HandClock(NOW))
        told = asyncio.run(figures.overview(DAYS))
        gaps = asyncio.run(figures.gaps(DAYS))
    finally:
        opened.close()
    questions = counted(history)
    newest = [its[-1] for _, its in questions]
    given_votes = [vote for _, its in questions for version in its for vote in version.votes]
    assert told["asked"] == len(questions) == sum(told["outcomes"].values())
    assert told["people"] == len({one.asker for one, _ in questions})
    assert told["outcomes"] == {name: sum(each.outcome == name for each in newest) for name in OUTCOMES}
    assert told["endings"] == {name: sum(each.ending == name for each in newest) for name in ENDINGS}
    assert told["votes"] == {name: sum(vote == name for vote, _ in given_votes) for name in ("up", "down")}
    assert told["reasons"] == dict(Counter(reason for vote, reason in given_votes if vote == "down"))
    for name in OUTCOMES:
        assert sum(row[name] for row in told["by_day"]) == told["outcomes"][name]
    for name in ("up", "down"):
        assert sum(row[name] for row in told["by_day"]) == told["votes"][name]
    waited = sorted(version.seconds for _, its in questions for version in its if version.seconds is not None)
    assert told["first_token_s"]["p50"] == (waited[(len(waited) + 1) // 2 - 1] if waited else None)
    for row in told["documents"]:
        its_votes = [
            vote for _, its in questions for each in its if row["source"] in each.documents for vote in each.votes
        ]
        assert row["cited"] == sum(row["source"] in each.documents for each in newest)
        assert (row["up"], row["down"]) == tuple(sum(v == way for v, _ in its_votes) for way in ("up", "down"))
        assert row["down"] > 0 and row["source"] != FILES
    missing = [one for one, its in questions if its[-1].outcome == "no_evidence"]
    assert sum(len(gap.members) for gap in gaps) == len(missing) == told["outcomes"]["no_evidence"]
    assert sum(row["opened"] for row in told["by_day"]) == len(gaps)
    days = [row["day"] for row in told["by_day"]]
    assert days == sorted(set(days)) and days[-1] == "2026-05-20" and len(days) == DAYS + 1


def test_a_gap_that_is_settled_is_closed_that_day_and_opens_again_when_it_is_asked_again() -> None:
    lacking = Version("no_evidence", "", (), 1.0, ())
    first, again = (
        Asked(QUESTIONS[0], "ou_a", 30.0, False, (lacking,)),
        Asked(QUESTIONS[1], "ou_b", 1.0, False, (lacking,)),
    )
    opened = database()

    async def told(figures: Analytics) -> tuple[int, int, int]:
        overview = await figures.overview(DAYS)
        closed = sum(row["closed"] for row in overview["by_day"])
        return len(await figures.gaps(DAYS)), sum(row["opened"] for row in overview["by_day"]), closed

    async def settled() -> list[tuple[int, int, int]]:
        figures = Analytics(opened, clock=HandClock(NOW))
        before = await told(figures)
        await figures.settle((await figures.gaps(DAYS))[0], "boss")
        return [before, await told(figures)]

    try:
        stored(opened, [first])
        assert asyncio.run(settled()) == [(1, 1, 0), (0, 1, 1)]
        with opened._engine.begin() as connection:
            connection.execute(insert(turns).values({**_turn(1, again), "created_at": NOW + 60}))
            connection.execute(insert(answers).values({**_answer(1, 1, again, lacking), "created_at": NOW + 61}))
        assert asyncio.run(told(Analytics(opened, clock=HandClock(NOW + 120))))[0] == 1
    finally:
        opened.close()
