"""Each row of the table of codes, played against the sandbox: once while an answer streams, once at its end."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from feishu.api.cardkit import CardKit
from feishu.api.client import FeishuClient
from feishu.api.error_codes import CODES
from feishu.api.messages import Messages, entity_content
from feishu.api.recovery import Remedy, at_the_end, while_streaming
from feishu.cards.elements import card, markdown
from feishu.errors import ApiError
from feishu.sandbox import Sandbox, SandboxClock, SandboxSettings
from feishu.sandbox.server.app import app_of
from feishu.settings import FeishuSettings
from feishu.streaming.stream import CardStream, Sequence
from tests.support.clock import HandClock
from tests.support.platform_client import GROUP

OPENING = card([markdown("", element_id="reasoning"), markdown("", element_id="answer")], streaming=True)
FINAL = card([markdown("the whole answer", element_id="answer")])
CARRIED_ON = (Remedy.WAIT, Remedy.NEW_SEQUENCE, Remedy.REOPEN)
LOST = (Remedy.NEW_MESSAGE, Remedy.STOP)


@dataclass
class Stage:
    """A streaming card in the sandbox, and our stream into it; both on clocks moved by hand."""

    sandbox: Sandbox
    clock: HandClock
    stream: CardStream
    card_id: str

    @property
    def entity(self) -> Any:
        return self.sandbox.world.entities[self.card_id]

    def shown(self, element_id: str) -> str:
        elements = self.entity.card["body"]["elements"]
        return next((str(each["content"]) for each in elements if each.get("element_id") == element_id), "")

    async def advance(self, seconds: float) -> None:
        """Time passes on both sides, in steps."""
        for _ in range(round(seconds / 0.25)):
            self.sandbox.clock.advance(0.25)
            await self.clock.advance(0.25)

    async def finish(self) -> None:
        async def end() -> None:
            await self.stream.finish(FINAL, summary="preview", budget_s=30)

        await self.clock.run(end())


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    sandbox = Sandbox(SandboxSettings(), clock=SandboxClock(frozen=True, start_at=1_800_000_000.0))
    await sandbox.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.stop)
        transport = httpx.ASGITransport(app=app_of(sandbox))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport))
        clock = HandClock()
        settings = FeishuSettings(
            app_id="cli_sandbox", app_secret=SecretStr("sandbox-secret"), base_url="http://127.0.0.1"
        )
        client = FeishuClient(settings, http=http, clock=clock)
        cardkit = CardKit(client)
        card_id = await cardkit.create(OPENING)
        await Messages(client).send(GROUP, entity_content(card_id), uuid="u")
        stream = CardStream(cardkit, card_id, Sequence(), interval_s=0.2, clock=clock, schedule=cardkit.schedule)
        stack.push_async_callback(stream.aclose)
        yield Stage(sandbox, clock, stream, card_id)


def fault_of(code: int) -> dict[str, Any]:
    return {"code": code, "msg": f"ErrCode: {code};", "status": 429 if code == 99991400 else 400}


@pytest.mark.parametrize("code", CODES)
async def test_a_refused_frame_gets_its_remedy(stage: Stage, code: int) -> None:
    remedy = while_streaming(CODES[code].remedy)
    fault = stage.sandbox.faults.plan("card.content", match="a" * 2, **fault_of(code))
    stage.stream.push("answer", "a")
    await stage.advance(0.5)
    for end in range(2, 9):
        stage.stream.push("answer", "a" * end)
        await stage.advance(0.25)
    stage.stream.push("reasoning", "r")
    await stage.advance(12)
    assert fault.hits == 1
    assert stage.shown("answer") == ("a" * 8 if remedy in CARRIED_ON else "a")
    assert stage.shown("reasoning") == ("r" if remedy in (*CARRIED_ON, Remedy.DROP_FRAME) else "")
    assert (stage.stream.failed is not None) == (remedy in (*LOST, Remedy.LATER))
    if remedy in LOST:
        with pytest.raises(CODES[code].error) as caught:
            await stage.finish()
        assert caught.value.code == code
    else:
        await stage.finish()
        assert (stage.shown("answer"), stage.entity.streaming) == ("the whole answer", False)
    assert stage.sandbox.violations == []


@pytest.mark.parametrize("code", CODES)
async def test_a_refused_end_gets_its_remedy(stage: Stage, code: int) -> None:
    remedy = at_the_end(CODES[code].remedy)
    fault = stage.sandbox.faults.plan("card.update", **fault_of(code))
    stage.stream.push("answer", "a")
    await stage.advance(0.5)
    if remedy in (Remedy.WAIT, Remedy.NEW_SEQUENCE) and CODES[code].remedy is not Remedy.REOPEN:
        await stage.finish()
    else:
        with pytest.raises(ApiError) as caught:
            await stage.finish()
        assert (type(caught.value), caught.value.code) == (CODES[code].error, code)
        assert not stage.entity.streaming, "closed, whatever comes of its content"
        await stage.finish()
    assert fault.hits == 1
    assert (stage.shown("answer"), stage.entity.streaming) == ("the whole answer", False)
    assert stage.sandbox.violations == []


async def test_a_stream_of_half_an_hour_is_opened_again_by_timer_before_the_platform_ends_it(stage: Stage) -> None:
    """Also while the model is silent: nothing is pushed for most of the time."""
    for minute in range(1, 31):
        stage.stream.push("answer", "a" * minute)
        await stage.advance(60 if minute % 10 else 30)
    assert stage.shown("answer") == "a" * 30
    assert {entry.code for entry in stage.sandbox.calls()} == {0}, "neither 200850 nor 300309"
    opened = [entry for entry in stage.sandbox.calls("card.settings") if "true" in str(entry.detail["request"])]
    assert len(opened) == 3
    await stage.finish()
    assert (stage.shown("answer"), stage.entity.streaming) == ("the whole answer", False)
    assert stage.sandbox.violations == []
