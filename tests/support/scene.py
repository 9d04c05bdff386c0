"""A sandbox, a model and the real bot between them, inside the test's loop: where one fault is played."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.texts import EN, ZH
from feishu.sandbox import Sandbox, running
from tests.integration.conftest import ALICE, DEADLINE_S, GROUP, PATIENT_PLATFORM, answer_text, button, words
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.card_text import with_plain_citations
from tests.support.clock import AheadClock
from tests.support.model_server import ModelServer, Reply
from tests.support.transport import TRANSPORT, connections, hears, over

QUESTION = "出差回来多久内要报销？"
ANSWER = "出差回来后要在返回之日起 **10 个工作日内**提交差旅报销单 [1]。逾期要说明原因，并由部门负责人审批。" * 2
WRITTEN = Reply(ANSWER, delay_s=0.012)
HTML = "<html><body>502 Bad Gateway</body></html>"
CREATE, REPLY, FRAME, CLOSE, LAST = "card.create", "message.reply", "card.content", "card.settings", "card.update"

PRESSES = 5
"""How often a button is pressed while the bot says that it is busy."""

Message = dict[str, Any]


@dataclass
class Scene:
    """A sandbox, a model and a bot between them."""

    sandbox: Sandbox
    url: str
    folder: Path
    index: Path
    model: ModelServer
    stack: AsyncExitStack
    bot: Bot | None = None
    clock: AheadClock = field(default_factory=AheadClock)

    async def start(self, **how: Any) -> None:
        """Starts the bot."""
        feishu = {"frame_interval_s": 0.15, "transport": self.sandbox.settings.transport}
        how, others = {**how, "feishu": feishu | how.get("feishu", {})}, connections(self.sandbox)
        settings = settings_of(self.url, self.folder, self.index, self.model.base_url, **how)
        self.bot, public = await self.stack.enter_async_context(bot_inside(settings, clock=self.clock))
        await hears(self.sandbox, public, others, DEADLINE_S)

    async def ask(self, text: str = QUESTION) -> str:
        """Asks in the group; gives the message id."""
        return (await self.sandbox.say(GROUP, ALICE, text, mention_bot=True)).message_id

    def advance(self, seconds: float) -> None:
        """Time passes for the platform and for the bot."""
        self.sandbox.advance(seconds)
        self.clock.ahead_s += seconds

    def replies(self, asked: str) -> list[Message]:
        """What the bot answered, oldest first, as people see it now."""
        shown = [self.sandbox.shown(each.message_id) for each in list(self.sandbox.world.messages.values())]
        return [message for message in shown if message["parent_id"] == asked]

    def cards(self, asked: str) -> list[Message]:
        return [message for message in self.replies(asked) if message["card"]]

    def texts(self, asked: str) -> list[Message]:
        return [message for message in self.replies(asked) if not message["card"]]

    async def until(self, seen: Callable[[], Any]) -> Any:
        """The first truthy value, looked at again after every change."""
        return await self.sandbox.wait_for(seen, DEADLINE_S)

    async def closed(self, asked: str, *, containing: str = "") -> Message:
        """The card, once it is closed with its buttons on it (and says `containing`)."""

        def done() -> Message | None:
            closed = (card for card in self.cards(asked) if is_final(card))
            return next((card for card in closed if containing in with_plain_citations(words(card["card"]))), None)

        return await self.until(done)

    async def text(self, asked: str) -> Message:
        """The text message that answers."""
        return await self.until(lambda: next(iter(self.texts(asked)), None))

    async def growing(self, asked: str, *, chars: int = 1) -> Message:
        """The card while text stands on it and it is still streaming."""

        def partly() -> Message | None:
            cards = (card for card in self.cards(asked) if card["streaming"])
            return next((card for card in cards if len(answer_text(card)) >= chars), None)

        return await self.until(partly)

    async def press(self, message: Message, kind: str, person: str = ALICE) -> Any:
        """Presses one of the card's buttons; gives what the client shows. The press has to reach the bot. On a machine
        whose disk is busy it is pressed again, as the toast asks for."""
        for _ in range(PRESSES):
            shown: Any = await self.sandbox.click(message["message_id"], person, value=button(message, kind))
            assert "no connection" not in shown.why, shown.why
            if shown.toast is None or shown.toast["content"] not in (ZH.toast_slow_store, EN.toast_slow_store):
                break
        return shown

    async def ended(self, asked: str) -> None:
        """Waits until something was answered and the bot has nothing left to do."""
        await self.until(lambda: self.replies(asked))
        await self.idle()

    async def idle(self) -> None:
        """Waits until the bot has nothing left to do."""
        assert self.bot is not None
        async with asyncio.timeout(DEADLINE_S):
            await idle(self.bot)

    def counted(self) -> dict[str, int]:
        """Way → how many answers went it, as `/metrics` tells; ways that none went are left out."""
        assert self.bot is not None
        families = {family.name: family for family in self.bot.metrics.registry.collect()}
        samples = families["feishu_rag_fallbacks"].samples
        counted = {each.labels["way"]: int(each.value) for each in samples if each.name.endswith("_total")}
        return {way: count for way, count in counted.items() if count}

    async def answered_whole(self, asked: str) -> Message:
        """The whole answer, alone, on one closed card, and no rule broken."""
        card = await self.closed(asked)
        assert answer_text(card) == ANSWER
        assert len(self.replies(asked)) == 1
        self.assert_lawful()
        return card

    def assert_lawful(self) -> None:
        """The bot broke no rule of the platform."""
        broken = self.sandbox.violations
        assert broken == [], broken


def is_final(message: Message) -> bool:
    """Closed, with something to press."""
    return not message["streaming"] and button(message, "regenerate") is not None and button(message, "stop") is None


@contextlib.asynccontextmanager
async def new_scene(folder: Path, index: Path, model: ModelServer, **platform: Any) -> AsyncIterator[Scene]:
    """A fresh sandbox; what is started on it ends with it. `platform`: readings of the documents it follows."""
    sandbox = Sandbox(over(TRANSPORT, replace(PATIENT_PLATFORM, **platform)))
    async with running(sandbox) as url, AsyncExitStack() as stack:
        yield Scene(sandbox, url, folder, index, model, stack)
