"""What the figures of /admin, the reports and the weekly card count: one definition each. Pure.

- A *question* is a turn whose answer was sought; one that was taken back counts nowhere, nor does a greeting. It counts
  for the time and the day at which it was asked.
- Its *outcome*, ending and cited documents are those of its newest version.
- *Votes* are all votes on any of its versions, and *reasons* are those of its 👎.
- *Times* are those of every version: each was waited for.
- A *document* is cited by a question if the newest version cites it; its votes are those on versions that cite it.
  Files that somebody sent or quoted in a chat are no documents.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, get_args

import orjson

from bot.access.rules import FILES
from bot.models import behind
from rag.events import Ending
from rag.scope import DEFAULT_COLLECTION

DAY_S = 86_400.0
OUTCOMES = ("answered", "hedged", "no_evidence", "stopped", "failed")
WRITTEN = ("answered", "hedged")
"""The outcomes whose text says something."""
ENDINGS = tuple(filter(None, get_args(Ending)))
"""How a text was cut off."""


@dataclass(frozen=True)
class GivenAnswer:
    """One version of an answer, with the votes on it (voter's choice and reason)."""

    turn_id: str
    answer_id: str
    version: int
    outcome: str
    at: float
    first_token_s: float | None
    seconds: float | None
    model: str
    sources: str
    """JSON (`bot.models.Source`)."""
    leaned_on: str
    """JSON (`bot.models.Answer.leaned_on`)."""
    confidence: float | None
    level: str
    ending: str
    verified: str = ""
    """JSON (`rag.events.Verification`); "" for what was found in the documents."""
    up: int = 0
    reasons: tuple[str, ...] = ()
    """One for each 👎; "" where none was given."""

    @property
    def down(self) -> int:
        return len(self.reasons)

    @cached_property
    def read_sources(self) -> list[dict[str, Any]]:
        """The sources as plain data."""
        return list(orjson.loads(self.sources))

    @property
    def documents(self) -> dict[tuple[str, str], str]:
        """The documents it cites: collection and source → title."""
        return {
            (_collection(each), each["source"]): each["title"]
            for each in self.read_sources
            if each["cited"] and _collection(each) != FILES
        }

    @property
    def behind(self) -> frozenset[str]:
        """What something in it may come from (`bot.models.behind`)."""
        of_sources = (name for each in self.read_sources for name in behind(_collection(each), each["source"]))
        return frozenset((*orjson.loads(self.leaned_on), *of_sources))


@dataclass(frozen=True)
class AskedQuestion:
    """A question with the versions of its answer, oldest first; it has one at least."""

    turn_id: str
    question: str
    asker: str
    chat_type: str
    at: float
    answers: tuple[GivenAnswer, ...]

    @property
    def newest(self) -> GivenAnswer:
        return self.answers[-1]

    @property
    def outcome(self) -> str:
        return self.newest.outcome

    @property
    def up(self) -> int:
        return sum(each.up for each in self.answers)

    @property
    def down(self) -> int:
        return sum(each.down for each in self.answers)

    @property
    def behind(self) -> frozenset[str]:
        """What something in any version may come from."""
        return frozenset[str]().union(*(each.behind for each in self.answers))


def summary(questions: Sequence[AskedQuestion]) -> dict[str, Any]:
    """Totals of questions, people, votes and times."""
    given = _versions(questions)
    return {
        "asked": len(questions),
        "people": len({one.asker for one in questions}),
        "outcomes": _outcomes(questions),
        "endings": {name: sum(one.newest.ending == name for one in questions) for name in ENDINGS},
        "votes": _votes(questions),
        "reasons": dict(Counter(reason for one in given for reason in one.reasons)),
        "channels": dict(Counter(one.chat_type for one in questions)),
        **_times(given),
    }


def by_day(questions: Sequence[AskedQuestion], days: int, now: float) -> list[dict[str, Any]]:
    """Outcomes, votes and times of each day of this machine's time that the period touches, the empty ones too."""
    found: dict[str, list[AskedQuestion]] = {day: [] for day in days_until(days, now)}
    for one in questions:
        found.setdefault(day_of(one.at), []).append(one)
    return [
        {"day": day, **_outcomes(part), **_votes(part), **_times(_versions(part))}
        for day, part in sorted(found.items())
    ]


def documents(questions: Iterable[AskedQuestion], limit: int | None = 200) -> list[dict[str, Any]]:
    """The documents that are cited or were voted on, those with most 👎 first, then those cited most."""
    cited: Counter[tuple[str, str]] = Counter()
    votes: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    titles: dict[tuple[str, str], str] = {}
    for one in questions:
        cited.update(one.newest.documents.keys())
        for given in one.answers:
            for key, title in given.documents.items():
                titles[key] = title
                votes[key][0] += given.up
                votes[key][1] += given.down
    rows: list[dict[str, Any]] = [
        {"source": source, "collection": collection, "title": title, "cited": cited[collection, source]}
        | {"up": votes[collection, source][0], "down": votes[collection, source][1]}
        for (collection, source), title in titles.items()
        if cited[collection, source] or any(votes[collection, source])
    ]
    return sorted(rows, key=lambda row: (-row["down"], -row["cited"], row["source"], row["collection"]))[:limit]


def disliked(rows: Iterable[dict[str, Any]], limit: int = 20) -> list[dict[str, Any]]:
    """Of `documents` those behind a 👎."""
    return [row for row in rows if row["down"]][:limit]


def days_until(days: int, now: float) -> list[str]:
    """The days of this machine's time that the last `days` times 24 hours touch."""
    last = datetime.fromtimestamp(now).date()
    first = datetime.fromtimestamp(now - days * DAY_S).date()
    return [(first + timedelta(days=after)).isoformat() for after in range((last - first).days + 1)]


def day_of(at: float) -> str:
    """The day of this machine's time, like 2026-05-31."""
    return datetime.fromtimestamp(at).date().isoformat()


def percentiles(values: Iterable[float | None]) -> dict[str, float | None]:
    """p50 and p95 by nearest rank; None where there is nothing to measure."""
    known = sorted(value for value in values if value is not None)
    return {f"p{share}": round(_rank(known, share), 3) if known else None for share in (50, 95)}


def grouped(given: Iterable[GivenAnswer], asked: Callable[[str], tuple[str, str, str, float]]) -> list[AskedQuestion]:
    """Questions by the time they were asked; `asked` gives question, asker, chat type and time of a turn."""
    versions: dict[str, list[GivenAnswer]] = defaultdict(list)
    for one in given:
        versions[one.turn_id].append(one)
    found = [
        AskedQuestion(turn_id, *asked(turn_id), tuple(sorted(its, key=lambda one: one.version)))
        for turn_id, its in versions.items()
    ]
    return sorted(found, key=lambda one: (one.at, one.turn_id))


def _collection(source: dict[str, Any]) -> str:
    """Sources of earlier versions have none."""
    return str(source.get("collection", DEFAULT_COLLECTION))


def _versions(questions: Iterable[AskedQuestion]) -> list[GivenAnswer]:
    return [given for one in questions for given in one.answers]


def _outcomes(questions: Iterable[AskedQuestion]) -> dict[str, int]:
    found = Counter(one.outcome for one in questions)
    return {name: found.get(name, 0) for name in OUTCOMES}


def _votes(questions: Sequence[AskedQuestion]) -> dict[str, int]:
    return {"up": sum(one.up for one in questions), "down": sum(one.down for one in questions)}


def _times(given: Sequence[GivenAnswer]) -> dict[str, Any]:
    return {
        "first_token_s": percentiles(one.first_token_s for one in given),
        "whole_s": percentiles(one.seconds for one in given if one.outcome in WRITTEN),
    }


def _rank(known: Sequence[float], share: int) -> float:
    return known[max(0, math.ceil(len(known) * share / 100) - 1)]
