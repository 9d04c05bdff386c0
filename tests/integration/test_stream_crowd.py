"""Forty answers at once inside the platform's budgets: all whole, all moving, none refused."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial

import pytest
from pydantic import SecretStr

from feishu.api.cardkit import CardKit
from feishu.api.client import CallRecord, FeishuClient
from feishu.api.messages import Messages, entity_content
from feishu.cards.elements import card, markdown
from feishu.ratelimit import SECOND_S
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.world import Person
from feishu.settings import FeishuSettings
from feishu.streaming.stream import CardStream, Sequence
from tests.support.pace import pieces

CROWD = 40
TRIES = 3
"""A machine that stands still for longer than `MARGIN_S` proves nothing about refusals."""
MARGIN_S = SECOND_S - 1.0
TEXT = "出差回来后要在返回之日起十个工作日内提交差旅报销单。" * 8
OPENING = card([markdown("", element_id="stage"), markdown("", element_id="answer")], streaming=True)
FINAL = card([markdown(TEXT, element_id="answer")])


@pytest.fixture
async def lateness() -> AsyncIterator["Lateness"]:
    lateness = Lateness()
    lateness.look()
    yield lateness
    lateness.timer.cancel()


class Lateness:
    """How late the loop was at the worst: calls that were started a second apart may then arrive in the same one."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._due_at = self._loop.time()
        self.timer: asyncio.TimerHandle

    def look(self) -> None:
        now = self._loop.time()
        self.worst_s = max(self.worst_s, now - self._due_at)
        self._due_at = now + 0.02
        self.timer = self._loop.call_at(self._due_at, self.look)


def crowded() -> Sandbox:
    sandbox = Sandbox(SandboxSettings(latency_s=0.03))
    for number in range(CROWD):
        person = Person(f"ou_crowd{number}", f"P{number}", f"u{number}", f"on_crowd{number}")
        sandbox.world.people[person.open_id] = person
    return sandbox


def view(written: str) -> dict[str, str]:
    return {"stage": f"{len(written)}", "answer": written}


async def answer(cardkit: CardKit, messages: Messages, receiver: str) -> str:
    """One answer, as fast as a fast model writes it."""
    card_id = await cardkit.create(OPENING)
    await messages.send(receiver, entity_content(card_id), uuid=f"u-{receiver}", receive_id_type="open_id")
    stream = CardStream(cardkit, card_id, Sequence(), interval_s=0.2, schedule=cardkit.schedule, aside=("stage",))
    async for written in pieces(TEXT, chars=4, every_s=0.06):
        stream.show(partial(view, written))
    await stream.finish(FINAL, summary="preview")
    return card_id


async def play(sandbox: Sandbox) -> set[str]:
    """Forty answers at once, each whole in the end. The outcomes of all calls, and "no frame" where a card had none."""
    records: list[CallRecord] = []
    async with running(sandbox) as url:
        settings = FeishuSettings(app_id="cli_sandbox", app_secret=SecretStr("sandbox-secret"), base_url=url)
        client = FeishuClient(settings, observe=records.append)
        cardkit, messages = CardKit(client), Messages(client)
        try:
            cards = await asyncio.gather(*(answer(cardkit, messages, f"ou_crowd{number}") for number in range(CROWD)))
        finally:
            await client.aclose()
    outcomes = {record.outcome for record in records}
    for card_id in cards:
        entity = sandbox.world.entities[card_id]
        assert (entity.card["body"], entity.streaming) == (FINAL["body"], False)
        texts = [frame.content for frame in entity.frames if frame.element_id == "answer"]
        outcomes |= set() if texts else {"no frame"}
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    return outcomes


async def test_forty_answers_at_once_are_whole_and_nothing_is_refused(lateness: Lateness) -> None:
    for _ in range(TRIES):
        lateness.worst_s = 0.0
        sandbox = crowded()
        outcomes = await play(sandbox)
        if outcomes == {"ok"} or lateness.worst_s <= MARGIN_S:
            break
    assert outcomes == {"ok"}
    assert sandbox.violations == []
