"""Whatever people ask and press while rights change, a card says nothing that somebody who reads it may not open.

Each document holds a number of its own. What may be said is the sandbox's own verdict (`feishu.sandbox.rules.rights`).
"""

import random
import re
from dataclasses import dataclass, field

import pytest

from bot.composition import document_rights
from bot.documents.rights_reading import rights_of_links
from bot.ingestion import ingest_all
from bot.settings import Settings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.sandbox.sharing import Member
from tests.integration.conftest import DEADLINE_S, Stage, button, words
from tests.property.test_mirrored_rights import LINKS, built, changed, is_told_to_nobody
from tests.support.feishu_content import settings_of
from tests.support.rights_house import ALICE, BOB, CARLA, DAN, EVERYBODY, OTHER, STAFF

PLANETS = ("水星", "金星", "地球", "火星", "木星", "土星", "天王星", "海王星", "冥王星", "谷神星", "阋神星", "妊神星")
COLLEAGUES = (ALICE, BOB, CARLA, DAN)
GROUPS = ("oc_product", STAFF)
NUMBER = re.compile(r"№(\d{4})")


@dataclass
class Play:
    """People, documents with their numbers, and the cards that were shown."""

    stage: Stage
    chance: random.Random
    tokens: list[str]
    numbers: dict[str, str] = field(default_factory=dict)
    cards: list[tuple[str, str]] = field(default_factory=list)
    """Questions that were answered: message id and chat."""

    def written(self) -> None:
        """Each document gets words that only it has."""
        store = self.stage.sandbox.platform.documents
        for at, token in enumerate(self.tokens):
            self.numbers[token] = f"{1000 + 37 * at}"
            title = f"{PLANETS[at]}基地档案"
            store.write(
                token, title, f"# {title}\n\n{PLANETS[at]}基地的登记编号为 №{self.numbers[token]}，由档案室保管。"
            )
            for place in store.nodes:
                if place.obj_token == token:
                    place.title = title

    def readers(self, chat: str) -> list[str]:
        return list(self.stage.sandbox.world.chats[chat].people)

    def may_say(self, chat: str) -> set[str]:
        """Numbers of documents that everybody in a chat may open now."""
        may_open = self.stage.sandbox.rights.may_open
        people = self.readers(chat)
        return {
            number
            for token, number in self.numbers.items()
            if all(may_open(person, token).allowed for person in people)
        }

    def is_known_to_be_open(self, chat: str, token: str) -> bool:
        """Whether everybody in a chat may open a document by a rule that apps are told of."""
        sandbox = self.stage.sandbox
        verdicts = {person: sandbox.rights.may_open(person, token) for person in self.readers(chat)}
        return all(
            verdict.allowed and not is_told_to_nobody(sandbox, person, verdict) for person, verdict in verdicts.items()
        )

    def said(self, asked: str) -> set[str]:
        """The numbers on the cards below a question."""
        return {number for card in self.stage.cards(asked) for number in NUMBER.findall(words(card["card"]))}

    def check(self, asked: str, chat: str) -> set[str]:
        """Holds the cards below a question against what may be said there now; gives what they say."""
        said = self.said(asked)
        assert said <= self.may_say(chat), (chat, said - self.may_say(chat))
        return said

    async def ask(self) -> None:
        person = self.chance.choice(COLLEAGUES)
        chat = self.chance.choice((f"oc_p2p_sandbox_{person.removeprefix('ou_')}", *GROUPS))
        if person not in self.readers(chat):
            return
        follows = bool(self.cards) and self.chance.random() < 0.3
        planet = self.chance.choice(PLANETS[: len(self.tokens)])
        text = "那它由谁保管？" if follows else f"{planet}基地的登记编号是多少？"
        asked = await self.stage.ask(text, chat=chat, person=person, mention=not chat.startswith("oc_p2p"))
        await self.stage.closed(asked)
        said = self.check(asked, chat)
        token = self.tokens[PLANETS.index(planet)]
        if not follows and self.is_known_to_be_open(chat, token):
            assert self.numbers[token] in said, "what everybody there may open is found"
        self.cards.append((asked, chat))

    async def press(self) -> None:
        """🔄 or a vote on an earlier card, by somebody who is in its chat."""
        if not self.cards:
            return
        asked, chat = self.chance.choice(self.cards)
        people = [person for person in self.readers(chat) if person in COLLEAGUES]
        if not people:
            return
        kind = self.chance.choice(("regenerate", "up", "down"))
        card = self.stage.cards(asked)[0]
        if button(card, kind) is None:
            return
        before = len(self.stage.sandbox.calls())
        await self.stage.click(card, kind, self.chance.choice(people))
        if kind == "regenerate":
            await self.stage.sandbox.wait_for(lambda: len(self.stage.sandbox.calls()) > before, DEADLINE_S)
        await self.stage.sandbox.wait_for(lambda: self.said(asked) <= self.may_say(chat), DEADLINE_S)
        await self.stage.closed(asked)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 20))])
async def test_no_card_says_more_than_its_readers_may_open(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    tokens = built(chance, stage.sandbox)
    stage.sandbox.platform.documents.page_size = 50
    play = Play(stage, chance, tokens)
    play.written()
    quoted = ",".join(f'"{link}"' for link in LINKS)
    how = {
        "RAG__LINKS": f"[{quoted}]",
        "RAG__KNOWLEDGE": "[]",
        "RAG__INDEX_DIR": str(stage.folder / "index"),
        "RAG__LLM__PROVIDER": "extractive",
        "BOT__ACCESS__RIGHTS": "mirror",
        "BOT__PEOPLE__PERSON_PER_MIN": "0",  # nobody is refused a press
        "BOT__PEOPLE__CHAT_PER_MIN": "0",
        "BOT__REFRESH_MIN": "0",
        "BOT__DATABASE_URL": f"sqlite:///{stage.folder / 'bot.db'}",
    }
    settings = settings_of(stage, how)
    await ingest_all(settings)
    bot = await stage.bot(**how)
    for turn in range(3):
        for _ in range(6):
            await play.ask()
            await play.press()
        changed(chance, stage.sandbox, tokens)
        if chance.random() < 0.5:
            token = chance.choice(tokens)
            stage.sandbox.rights.share(token, Member("user", chance.choice(EVERYBODY)))
        await mirrored(settings)
        # Of user groups no event tells: what is known of people grows old. Another event makes the bot ask again now.
        stage.sandbox.office.department(OTHER, f"实验室 {turn}")
        await bot.logged("people_changed", chat_id="", person="", times=turn + 1)


async def mirrored(settings: Settings) -> None:
    """Another process reads the rights again."""
    client = FeishuClient(settings.feishu)
    database = Database(settings.bot.database_url)
    try:
        kept = document_rights(settings, database, SystemClock())
        await kept.keep((await rights_of_links(settings, client)).found)
    finally:
        database.close()
        await client.aclose()
