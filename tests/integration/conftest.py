"""Sandbox and bot as two real servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feishu.sandbox import Sandbox, SandboxSettings, Shown, running
from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, RagSettings
from tests.support.bot_process import REPOSITORY, BotProcess, bot_process
from tests.support.card_text import with_plain_citations
from tests.support.chat_api import ANSWER, QUESTION, Api, client
from tests.support.ocr import FONTS
from tests.support.scripted_library import ScriptedLibrary, telling
from tests.support.transport import TRANSPORT, connections, hears, over
from tests.support.web_door import web_door

GROUP, ALICE, BOB = "oc_product", "ou_linxiaoman", "ou_zhouming"
DEADLINE_S = 60.0
PATIENT_PLATFORM = SandboxSettings(push_timeout_s=DEADLINE_S, verify_timeout_s=DEADLINE_S)
"""Waits longer than the three seconds of the real one for a bot whose machine has much else to do."""


@pytest.fixture(scope="session")
def handbook_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo handbook, indexed once, by words only."""
    folder = tmp_path_factory.mktemp("index")
    ingest(
        RagSettings(
            knowledge=[REPOSITORY / "knowledge"], index_dir=folder, embedding=EmbeddingSettings(provider="none")
        )
    )
    return folder


@pytest.fixture(scope="session")
def font() -> Path:
    """A font to draw Chinese with."""
    found = next((font for font in FONTS if font.is_file()), None)
    if found is None:
        pytest.skip("no Chinese font to draw a page with (Debian: fonts-noto-cjk)")
    return found


@dataclass
class Stage:
    """A sandbox, and bots that can be started on it."""

    sandbox: Sandbox
    url: str
    folder: Path
    index: Path
    stack: AsyncExitStack

    async def bot(
        self, *, launcher: tuple[str, ...] = (), in_an_outage: bool = False, **environment: str
    ) -> BotProcess:
        """A bot process that hears the sandbox's events. `launcher` is a command that goes before its own. One that is
        started `in_an_outage` opens its long connection once that is over: it is not waited for."""
        transport, others = self.sandbox.settings.transport, connections(self.sandbox)
        settings = {"RAG__INDEX_DIR": str(self.index), "FEISHU__TRANSPORT": transport, **environment}
        bot = await self.stack.enter_async_context(bot_process(self.url, self.folder, launcher=launcher, **settings))
        if transport == "webhook" or not in_an_outage:
            await hears(self.sandbox, bot.public, others, DEADLINE_S)
        return bot

    async def ask(self, text: str, *, chat: str = GROUP, person: str = ALICE, mention: bool = True) -> str:
        """Says it; gives the message id."""
        said = await self.sandbox.say(chat, person, text, mention_bot=mention)
        return said.message_id

    async def ask_of(self, bot: BotProcess, text: str, *, while_still: BotProcess) -> str:
        """Says it; gives the message id once `bot` works on it. The other replica stands still until then: whatever
        waits may also be found by a replica that just looks, before the one that was told has come to it."""
        async with while_still.standing_still(0):
            asked = await self.ask(text)
            await bot.logged("job_started")
        return asked

    def cards(self, question_id: str) -> list[dict[str, Any]]:
        """The cards that reply to a message, as people see them now."""
        shown = (self.sandbox.shown(message.message_id) for message in list(self.sandbox.world.messages.values()))
        return [message for message in shown if message["parent_id"] == question_id and message["card"]]

    async def card(self, question_id: str) -> dict[str, Any]:
        """The card that replies to a message, once it is there."""
        return await self.sandbox.wait_for(lambda: next(iter(self.cards(question_id)), None), DEADLINE_S)

    async def closed(self, question_id: str, *, containing: str = "") -> dict[str, Any]:
        """The card once it is closed with its buttons on it (and says `containing`)."""

        def done() -> dict[str, Any] | None:
            for message in self.cards(question_id):
                is_final = not message["streaming"] and button(message, "regenerate") is not None
                if is_final and containing in with_plain_citations(words(message["card"])):
                    return message
            return None

        return await self.sandbox.wait_for(done, DEADLINE_S)

    async def click(self, message: dict[str, Any], kind: str, person: str = ALICE) -> Shown:
        """Presses one of the card's buttons."""
        value = button(message, kind)
        assert value is not None, f"no button {kind}"
        return await self.sandbox.click(message["message_id"], person, value=value)


def walk(node: Any) -> list[dict[str, Any]]:
    """Every object of a card, depth first."""
    if isinstance(node, list):
        return [found for item in node for found in walk(item)]
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in walk(value))]
    return []


def button(message: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The callback value of a card's button."""
    values = (node.get("value") for node in walk(message["card"]) if node.get("type") == "callback")
    return next((value for value in values if isinstance(value, dict) and value.get("act") == kind), None)


def words(card: dict[str, Any]) -> str:
    """Every text on a card."""
    return "\n".join(str(node["content"]) for node in walk(card) if isinstance(node.get("content"), str))


def answer_text(message: dict[str, Any]) -> str:
    """What a reader sees in the answer's element: a citation is `[1]`, whether or not it leads to its place."""
    return with_plain_citations(answer_markup(message))


def answer_markup(message: dict[str, Any]) -> str:
    """What stands in the answer's element."""
    elements = (node for node in walk(message["card"]) if node.get("element_id") == "answer")
    return next((str(node["content"]) for node in elements), "")


@pytest.fixture
def transport() -> str:
    """How events reach bots; a module may have its own."""
    return TRANSPORT


@pytest.fixture
async def stage(tmp_path: Path, handbook_index: Path, transport: str) -> AsyncIterator[Stage]:
    """A fresh sandbox; whatever is started on it ends with the test."""
    sandbox = Sandbox(over(transport, PATIENT_PLATFORM))
    async with running(sandbox) as url, AsyncExitStack() as stack:
        yield Stage(sandbox, url, tmp_path, handbook_index, stack)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    library = ScriptedLibrary()
    library.on(QUESTION, telling(ANSWER, citations=(1,)))
    async with web_door(library, tmp_path) as door, client(door) as http:
        yield Api(library, door, http)
