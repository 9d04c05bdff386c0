"""The weekly card: when it is due, that a week has one, and what it says."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot.access.rules import Access
from bot.inbox.queue import Jobs
from bot.jobs.digest import Digest, digest_card, due_at
from bot.repositories.analytics import Analytics
from bot.settings import BotSettings
from bot.storage.database import Database
from feishu.api.messages import Messages
from rag.settings import RagSettings
from tests.support.clock import HandClock

MONDAY_NINE = datetime(2026, 11, 16, 9, 0)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (MONDAY_NINE, MONDAY_NINE),
        (datetime(2026, 11, 16, 8, 59), datetime(2026, 11, 9, 9, 0)),
        (datetime(2026, 11, 22, 23, 0), MONDAY_NINE),
    ],
)
def test_it_is_due_at_the_latest_such_hour(now: datetime, due: datetime) -> None:
    assert due_at(now, 1, 9) == due


def test_a_week_has_one_job_however_many_replicas_propose_it(tmp_path: Path) -> None:
    async def propose() -> list[bool]:
        database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
        database.migrate()
        clock = HandClock(MONDAY_NINE.timestamp() - 60)
        settings = BotSettings(digest_chat="oc_x", digest_weekday=1, digest_hour=9)
        replicas = [
            Digest(
                Analytics(database, clock=clock),
                Jobs(database, lease_s=15),
                cast(Messages, None),
                settings,
                Access(settings.access, RagSettings()),
                "a",
                clock,
            )
            for _ in range(2)
        ]
        told = [await replica.propose() for replica in replicas]
        await clock.advance(120)
        told += await asyncio.gather(*(replica.propose() for replica in replicas))
        await clock.advance(3600)
        told += [await replica.propose() for replica in replicas]
        await clock.advance(3 * 86_400)
        told.append(await replicas[0].propose())
        await clock.advance(4 * 86_400)
        told.append(await replicas[0].propose())
        database.close()
        return told

    assert sorted(asyncio.run(propose())) == [False] * 6 + [True] * 2


def test_the_card_tells_figures_and_holds_no_markup_of_people() -> None:
    body: dict[str, Any] = {
        "asked": 12,
        "people": 3,
        "outcomes": {"hedged": 3, "no_evidence": 2, "failed": 1},
        "votes": {"up": 5, "down": 1},
        "first_token_s": {"p95": 1.25},
        "documents": [{"title": "差旅", "source": "t.md", "up": 5, "down": 0, "cited": 9}],
    }
    card = digest_card(body, [("**班车** [几点](https://x)", 2)], [("年假", 1)], "auto")
    texts = [element["content"] for element in card["body"]["elements"]]
    assert "**3** 个没有资料作依据" in texts[0] and "**12**" in texts[0] and "1.2 s" in texts[0]
    assert "**班车**" not in texts[1] and "[几点](" not in texts[1]
    assert "Missing" in digest_card(body, [("x", 1)], [], "en")["body"]["elements"][1]["content"]
