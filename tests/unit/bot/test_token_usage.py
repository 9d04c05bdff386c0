"""What the model costs: counted across processes, told by day; admins are told once that a budget is nearly spent."""

from datetime import datetime
from typing import cast

import orjson
import pytest
from sqlalchemy import select

from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.replies import Replier
from bot.job import BudgetPayload
from bot.jobs.budget import BudgetHandler
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.token_usage import Spent, TokenUsage
from bot.settings import BotSettings, Settings
from bot.storage import tables
from bot.storage.database import Database
from feishu.settings import FeishuSettings
from rag.events import ModelCall, Purpose, Usage
from tests.support.clock import HandClock

LATE_IN_MAY = datetime(2026, 5, 31, 22, 0).timestamp()


def call(prompt: int, completion: int = 0, *, model: str = "qwen-plus", purpose: Purpose = "answer") -> ModelCall:
    return ModelCall(purpose, model, Usage(prompt, completion))


async def test_processes_add_to_the_same_day_model_and_purpose(database: Database) -> None:
    clock = HandClock(LATE_IN_MAY)
    one, other = TokenUsage(database, clock=clock), TokenUsage(database, clock=clock)
    one.note(call(100, 20))
    one.note(call(50, 5, purpose="suggest"))
    other.note(call(300, 30))
    other.note(call(1, 1, model="m" * 300))
    await one.flush()
    await other.flush()
    await other.flush()
    await clock.advance(4 * 3_600)
    one.note(call(7, 3))
    await one.flush()
    assert await one.of_days(2) == [
        Spent("2026-05-31", "m" * 128, "answer", 1, 1, 1),
        Spent("2026-05-31", "qwen-plus", "answer", 2, 400, 50),
        Spent("2026-05-31", "qwen-plus", "suggest", 1, 50, 5),
        Spent("2026-06-01", "qwen-plus", "answer", 1, 7, 3),
    ]
    assert await one.of_days(0) == [Spent("2026-06-01", "qwen-plus", "answer", 1, 7, 3)]
    assert await one.of_month() == ("2026-06", 10)


async def test_what_could_not_be_stored_is_stored_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = TokenUsage(database, clock=HandClock(LATE_IN_MAY))

    async def full(_work: object) -> None:
        raise StoreError("the disk is full")

    usage.note(call(100))
    with monkeypatch.context() as patched:
        patched.setattr(database, "write", full)
        with pytest.raises(StoreError):
            await usage.flush()
    usage.note(call(10))
    await usage.flush()
    assert await usage.of_month() == ("2026-05", 110)


async def test_admins_are_told_once_of_each_share_and_again_next_month(database: Database) -> None:
    clock = HandClock(LATE_IN_MAY)
    usage, jobs = TokenUsage(database, clock=clock), Jobs(database, lease_s=15, clock=clock)
    settings = Settings(
        feishu=FeishuSettings(app_id="cli", app_secret="s"),  # type: ignore[arg-type]
        bot=BotSettings(admins=["ou_a", "ou_b"], monthly_tokens=1_000),
    )
    handlers = [
        BudgetHandler(usage, jobs, ChatFacts(database, clock=clock), cast(Replier, None), settings, clock)
        for _ in range(2)
    ]

    async def spent(tokens: int) -> list[bool]:
        usage.note(call(tokens))
        await usage.flush()
        return [await handler.propose() for handler in handlers]

    assert await spent(799) == [False, False]
    assert sorted(await spent(1)) == [False, True]
    assert await spent(50) == [False, False]
    assert sorted(await spent(200)) == [False, True]
    await clock.advance(4 * 3_600)
    assert await spent(10) == [False, False]
    assert sorted(await spent(2_000)) == [False, True]
    assert await spent(10) == [False, False]
    written = select(tables.jobs.c.payload).order_by(tables.jobs.c.id)
    stored = await database.read(lambda connection: list(connection.scalars(written)))
    told = [BudgetPayload.read(orjson.loads(each)) for each in stored]
    assert [(each.open_id, each.month, each.spent) for each in told] == [
        ("ou_a", "2026-05", 800),
        ("ou_b", "2026-05", 800),
        ("ou_a", "2026-05", 1_050),
        ("ou_b", "2026-05", 1_050),
        ("ou_a", "2026-06", 2_010),
        ("ou_b", "2026-06", 2_010),
    ]


async def test_without_a_budget_or_admins_nobody_is_told(database: Database) -> None:
    clock = HandClock(LATE_IN_MAY)
    usage = TokenUsage(database, clock=clock)
    usage.note(call(10**9))
    await usage.flush()
    for bot in (BotSettings(admins=["ou_a"]), BotSettings(monthly_tokens=5)):
        settings = Settings(feishu=FeishuSettings(app_id="cli", app_secret="s"), bot=bot)  # type: ignore[arg-type]
        ledger, jobs = ChatFacts(database, clock=clock), Jobs(database, lease_s=15, clock=clock)
        assert not await BudgetHandler(usage, jobs, ledger, cast(Replier, None), settings, clock).propose()
        assert await jobs.claim() is None
