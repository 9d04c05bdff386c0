"""A bot that mirrors rights: the same question of several people, in private and in groups, before and after."""

import pytest

from bot.ingestion import ingest_all
from feishu.sandbox.sharing import Member
from feishu.sandbox.world import Message
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, button, words
from tests.support.bot_process import BotProcess
from tests.support.feishu_content import settings_of
from tests.support.rights_house import CARLA, DAN, EVE, PRIVATE, PUBLIC, STAFF, furnish

SECRET, SECRET_TITLE = "年终奖为三个月工资，二月发放。", "薪酬与奖金"
OPEN = "班车早上七点从北门发车。"
ABOUT_SECRET, ABOUT_OPEN = "年终奖是几个月工资？", "班车几点发车？"


class House:
    """A private and a public wiki, and a bot that knows both."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sandbox = furnish(stage.sandbox)
        store = self.sandbox.platform.documents
        self.secret = store.node(PRIVATE, SECRET_TITLE, SECRET)
        self.open = store.node(PUBLIC, "班车", OPEN)
        self.how = {
            "RAG__LINKS": f'["https://sandbox.feishu.cn/wiki/settings/{PRIVATE}",'
            f'"https://sandbox.feishu.cn/wiki/settings/{PUBLIC}"]',
            "RAG__KNOWLEDGE": "[]",
            "RAG__INDEX_DIR": str(stage.folder / "index"),
            "RAG__LLM__PROVIDER": "extractive",
            "BOT__ACCESS__RIGHTS": "mirror",
            "BOT__REFRESH_MIN": "0",
        }

    async def bot(self, **how: str) -> BotProcess:
        """Ingests, and starts the bot."""
        database = {"BOT__DATABASE_URL": f"sqlite:///{self.stage.folder / 'bot.db'}"}
        await ingest_all(settings_of(self.stage, {**self.how, **database}))
        return await self.stage.bot(**self.how, **database, **how)

    async def private(self, person: str, question: str) -> str:
        """All that the card of an answer in private says."""
        chat = f"oc_p2p_sandbox_{person.removeprefix('ou_')}"
        asked = await self.stage.ask(question, chat=chat, person=person, mention=False)
        return words((await self.stage.closed(asked))["card"])

    async def group(self, chat: str, person: str, question: str) -> str:
        """All that the card of an answer in a group says."""
        asked = await self.stage.ask(question, chat=chat, person=person)
        return words((await self.stage.closed(asked))["card"])


@pytest.fixture
def house(stage: Stage) -> House:
    return House(stage)


def tells(said: str) -> bool:
    return "三个月" in said or SECRET_TITLE in said


async def test_everybody_is_answered_from_what_they_may_open(house: House) -> None:
    await house.bot()
    assert tells(await house.private(CARLA, ABOUT_SECRET)), "she is in a department below one that is a member"
    assert tells(await house.private(ALICE, ABOUT_SECRET)), "she is an admin of the wiki"
    assert not tells(await house.private(DAN, ABOUT_SECRET))
    assert not tells(await house.group(GROUP, ALICE, ABOUT_SECRET)), "Bob reads it, too"
    assert not tells(await house.group(STAFF, CARLA, ABOUT_SECRET)), "somebody from outside reads it, too"
    for person in (CARLA, ALICE, DAN):
        assert "七点" in await house.private(person, ABOUT_OPEN)
    assert "七点" in await house.group(GROUP, ALICE, ABOUT_OPEN)
    assert "七点" not in await house.group(STAFF, CARLA, ABOUT_OPEN), "a public wiki is the organisation's"


async def test_who_leaves_a_group_opens_it_for_the_others(house: House) -> None:
    bot = await house.bot()
    assert not tells(await house.group(STAFF, CARLA, ABOUT_SECRET))
    house.sandbox.groups.remove(STAFF, EVE)
    await bot.logged("people_changed", times=1)
    assert tells(await house.group(STAFF, CARLA, ABOUT_SECRET))
    house.sandbox.groups.add(STAFF, DAN)
    await bot.logged("people_changed", times=2)
    assert not tells(await house.group(STAFF, CARLA, ABOUT_SECRET))


async def test_what_is_taken_away_is_not_shown_again(house: House) -> None:
    """A right is taken between an answer and its 🔄, and between an answer and the next question."""
    house.sandbox.rights.own(house.secret.obj_token, house.sandbox.world.apps["cli_sandbox"].open_id)
    house.sandbox.platform.documents.managed.add(house.secret.obj_token)
    house.sandbox.rights.grant(house.secret.obj_token, Member("user", BOB))
    bot = await house.bot()
    chat = "oc_p2p_sandbox_zhouming"
    asked = await house.stage.ask(ABOUT_SECRET, chat=chat, person=BOB, mention=False)
    card = await house.stage.closed(asked)
    assert tells(words(card["card"]))
    await bot.logged("rights_read", times=1)  # the look at the start
    house.sandbox.rights.revoke(house.secret.obj_token, "user", BOB)
    await bot.logged("rights_read", times=2)
    await house.stage.click(card, "up", BOB)
    await house.sandbox.wait_for(lambda: not tells(words(house.stage.cards(asked)[0]["card"])), 60)
    assert not tells(await house.private(BOB, ABOUT_SECRET))


async def test_what_only_the_asker_may_open_is_offered_to_them_alone(house: House) -> None:
    await house.bot()
    assert not tells(await house.group(GROUP, ALICE, ABOUT_SECRET))

    def offered() -> Message | None:
        cards = [message for message in house.sandbox.messages_in(GROUP) if message.visible_to]
        return cards[-1] if cards else None

    offer = await house.sandbox.wait_for(offered, DEADLINE_S)
    assert offer.visible_to == ALICE
    shown = house.sandbox.shown(offer.message_id)
    assert "🔒 还有 1 份资料" in words(shown["card"]) and not tells(words(shown["card"]))
    pressed = await house.sandbox.click(offer.message_id, ALICE, value=button(shown, "private"))
    assert pressed.toast is not None
    chat = "oc_p2p_sandbox_linxiaoman"

    def answered() -> bool:
        return any(
            tells(words(house.sandbox.shown(each.message_id)["card"] or {})) for each in house.sandbox.messages_in(chat)
        )

    await house.sandbox.wait_for(answered, DEADLINE_S)
    assert not any(
        tells(words(house.sandbox.shown(each.message_id)["card"] or {})) for each in house.sandbox.messages_in(GROUP)
    )
