"""A bot with an open and a closed collection and an owner of both, for tests of verified answers."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.jobs.verified import LOOK_S
from bot.settings import BotSettings
from feishu.sandbox import Sandbox, running
from feishu.sandbox.world import Chat
from rag.ingestion.pipeline import ingest
from rag.settings import CollectionSettings, LlmSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, PATIENT_PLATFORM, button, walk, words
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.clock import AheadClock
from tests.support.transport import TRANSPORT, connections, hears, over

HR, DAY_S = "oc_hr", 86_400.0
CANTEEN = "# 食堂指南\n\n## 供应时间\n\n食堂供应午餐的时间是 {time}。\n\n## 餐卡\n\n餐卡在前台充值，押金 20 元。\n"
LUNCH, WEEKEND, BONUS = "食堂几点供应午餐？", "食堂周末开门吗？", "雪豹计划的奖金是多少？"
CANARY = "金丝雀7731"
Message = dict[str, Any]


@dataclass
class House:
    """A bot with an open and a closed collection, of which Lin Xiaoman (Alice) is the owner."""

    sandbox: Sandbox
    url: str
    """Of the sandbox."""
    bot: Bot
    folder: Path
    clock: AheadClock

    async def ask(self, text: str, chat: str = GROUP, person: str = BOB) -> Message:
        said = await self.sandbox.say(chat, person, text, mention_bot=not chat.startswith("oc_p2p"))
        return await self.sandbox.wait_for(lambda: self.answered(said.message_id), DEADLINE_S)

    def answered(self, asked: str, *, containing: str = "") -> Message | None:
        shown = (self.sandbox.shown(each.message_id) for each in list(self.sandbox.world.messages.values()))
        cards = (each for each in shown if each["parent_id"] == asked and each["card"] and not each["streaming"])
        return next((each for each in cards if button(each, "up") and containing in words(each["card"])), None)

    def forms(self, kind: str, person: str = ALICE) -> list[Message]:
        """The cards in somebody's private chat with a form that does this."""
        shown = [self.sandbox.shown(each.message_id) for each in self.sandbox.messages_in(private_chat(person))]
        return [each for each in shown if each["card"] and button(each, kind)]

    async def form(self, kind: str, *, containing: str = "") -> Message:
        def found() -> Message | None:
            return next((each for each in self.forms(kind) if containing in words(each["card"])), None)

        return await self.sandbox.wait_for(found, DEADLINE_S)

    async def send(self, form: Message, person: str = ALICE, **values: str) -> Any:
        """Sends a form with what stands in it, but for these values."""
        given = {
            each["name"]: each.get("default_value") or each.get("initial_option") or ""
            for each in walk(form["card"])
            if each.get("tag") in ("input", "select_static")
        }
        return await self.sandbox.click(form["message_id"], person, name="send", form_value={**given, **values})

    async def look(self) -> None:
        """The look that comes by itself every quarter of an hour, or with another index."""
        self.clock.ahead_s += LOOK_S
        await self.bot.verified_look.propose()  # or the bot itself did, just now
        self.bot.worker.wake()
        await idle(self.bot)

    def write(self, time: str) -> None:
        (self.folder / "open" / "canteen.md").write_text(CANTEEN.format(time=time), encoding="utf-8")
        self.ingest()

    def ingest(self) -> None:
        ingest(self.bot.settings.rag)

    def advance(self, days: float) -> None:
        self.sandbox.advance(days * DAY_S)
        self.clock.ahead_s += days * DAY_S


def private_chat(person: str) -> str:
    return f"oc_p2p_sandbox_{person.removeprefix('ou_')}"


def is_verified(card: Message) -> bool:
    return "✓ 由" in words(card["card"])


@contextlib.asynccontextmanager
async def open_house(folder: Path, **bot_settings: Any) -> AsyncIterator[House]:
    """The house, with the store in `folder`; more settings of the bot may be given."""
    for name, text in (("open/canteen.md", CANTEEN.format(time="11:30")), ("hr/pay.md", "# 薪酬\n\n薪酬保密。\n")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    sandbox, clock = Sandbox(over(TRANSPORT, PATIENT_PLATFORM)), AheadClock()
    sandbox.world.chats[HR] = Chat(HR, "group", "人事组", [ALICE, BOB], list(sandbox.world.apps))
    async with running(sandbox) as url, contextlib.AsyncExitStack() as stack:
        plain = settings_of(url, folder, folder / "index", "", feishu={"transport": TRANSPORT})
        collections = {
            "open": CollectionSettings(folders=[folder / "open"], public=True),
            "hr": CollectionSettings(folders=[folder / "hr"]),
        }
        llm = LlmSettings(provider="extractive", typing_pause_s=0.0)
        rag = plain.rag.model_copy(update={"collections": collections, "llm": llm, "knowledge": []})
        people = {"owners": {"open": [ALICE], "hr": [ALICE]}}
        rules = {"chats": {HR: ["open", "hr"]}, "people": {ALICE: ["open", "hr"]}}
        given = {**plain.bot.model_dump(), "people": people, "access": rules, **bot_settings}
        ingest(rag)
        settings = plain.model_copy(update={"rag": rag, "bot": BotSettings.model_validate(given)})
        others = connections(sandbox)
        bot, public = await stack.enter_async_context(bot_inside(settings, clock=clock))
        await hears(sandbox, public, others, DEADLINE_S)
        yield House(sandbox, url, bot, folder, clock)
