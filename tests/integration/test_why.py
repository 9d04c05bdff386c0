"""`/why`: by which rule the readers of an answer see its sources, in words, and without anybody's name."""

import json

import pytest

from feishu.sandbox.sharing import Member
from tests.integration.conftest import ALICE, BOB, GROUP, Stage
from tests.integration.test_mirrored_rights import ABOUT_OPEN, ABOUT_SECRET, SECRET, SECRET_TITLE, House, tells
from tests.integration.test_people_conversation import replied
from tests.support.rights_house import CARLA, DAN, LEADERS, OTHER, PRIVATE


@pytest.fixture
def house(stage: Stage) -> House:
    return House(stage)


async def why(house: House, person: str, *, chat: str = "", reply_to: str | None = None, says: str = "/why") -> str:
    """What the bot says to it, in private unless a chat is named."""
    where = chat or f"oc_p2p_sandbox_{person.removeprefix('ou_')}"
    said = await house.sandbox.say(where, person, says, mention_bot=bool(chat), reply_to=reply_to)
    return await replied(house.stage, said.message_id)


async def test_each_is_told_the_rule_by_which_they_see_it(house: House) -> None:
    rights = house.sandbox.rights
    rights.grant(house.secret.node_token, Member("group", LEADERS))
    rights.grant(house.secret.node_token, Member("user", BOB, perm_type="single_page"))
    await house.bot()
    for person, reason in (
        (CARLA, "知识空间“人事”已共享给你所在的部门“人事部”"),
        (ALICE, "知识空间“人事”由你管理"),
        (DAN, "已共享给你所在的用户组“组长”"),
        (BOB, "已共享给你"),
    ):
        assert tells(await house.private(person, ABOUT_SECRET))
        told = await why(house, person)
        assert f"• {SECRET_TITLE}：{reason}" in told.splitlines(), told
        assert not any(name in told for name in ("林小满", "周明", "卡拉", "丹", "ou_"))
    await house.private(CARLA, ABOUT_OPEN)
    assert "知识空间“手册”对全公司公开" in await why(house, CARLA)
    assert await why(house, CARLA, says="/依据") == await why(house, CARLA)


async def test_a_page_above_is_named_to_those_who_may_open_it(house: House) -> None:
    store, rights = house.sandbox.platform.documents, house.sandbox.rights
    above = store.node(PRIVATE, "二级机密目录", "这里只有目录。")
    below = store.node(PRIVATE, "期权细则", "期权归属期为四年。", parent=above.node_token)
    for page in (above, below):
        rights.own(page.obj_token, ALICE)
    rights.grant(above.node_token, Member("user", BOB))
    rights.lock(above.node_token)
    await house.bot()
    assert "四年" in await house.private(BOB, "期权归属期是几年？")
    assert "已共享给你，从上级“二级机密目录”继承" in await why(house, BOB)


async def test_in_a_group_it_says_what_is_true_of_everybody_there(house: House) -> None:
    rights = house.sandbox.rights
    for person in (ALICE, BOB):
        rights.grant(house.secret.node_token, Member("user", person))
    await house.bot()
    asked = await house.stage.ask(ABOUT_SECRET, chat=GROUP, person=ALICE)
    card = await house.stage.closed(asked)
    told = await why(house, BOB, chat=GROUP)
    assert f"• {SECRET_TITLE}：这里的每个人都能凭自己的权限打开" in told and "这里的人为什么都能看到" in told
    await house.group(GROUP, BOB, ABOUT_OPEN)
    assert "班车" in await why(house, BOB, chat=GROUP), "the newest answer"
    assert SECRET_TITLE in await why(house, BOB, chat=GROUP, reply_to=card["message_id"]), "the card that is replied to"
    house.sandbox.groups.add(GROUP, DAN)
    told = await why(house, ALICE, chat=GROUP, reply_to=card["message_id"])
    assert not tells(told) and "不再开放" in told, "somebody there may not open it"


async def test_what_may_not_be_seen_any_more_is_not_named(house: House) -> None:
    bot = await house.bot()
    assert "还没有" in await why(house, CARLA)
    assert tells(await house.private(CARLA, ABOUT_SECRET))
    house.sandbox.office.move(CARLA, OTHER)
    await bot.logged("people_changed")
    told = await why(house, CARLA)
    assert "不再开放" in told and not tells(told)


async def test_without_mirrored_rights_the_rules_of_collections_are_explained(house: House) -> None:
    folder = house.stage.folder / "hr"
    folder.mkdir()
    (folder / "pay.md").write_text(f"# {SECRET_TITLE}\n\n{SECRET}\n", "utf-8")
    house.how |= {
        "RAG__LINKS": "[]",
        "RAG__COLLECTIONS": json.dumps({"hr": {"folders": [str(folder)]}}),
        "BOT__ACCESS__RIGHTS": "off",
        "BOT__ACCESS__CHATS": json.dumps({GROUP: ["hr"]}),
        "BOT__ACCESS__PEOPLE": json.dumps({BOB: ["hr"]}),
    }
    await house.bot()
    assert tells(await house.group(GROUP, ALICE, ABOUT_SECRET))
    assert f"• {SECRET_TITLE}：资料集“hr”对本会话开放" in await why(house, ALICE, chat=GROUP)
    assert tells(await house.private(BOB, ABOUT_SECRET))
    assert "资料集“hr”对你开放" in await why(house, BOB)
