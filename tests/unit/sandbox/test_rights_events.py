"""What apps hear when groups, people and rights change on the sandbox, and what they do not hear."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from feishu.sandbox import SandboxSettings
from feishu.sandbox.organisation import ContactRange
from feishu.sandbox.sharing import Member, SpaceMember
from feishu.sandbox.world import TENANT_KEY
from tests.support.platform_client import ALICE, BOB, GROUP, PlatformClient, platform_client
from tests.support.rights_house import CARLA, DAN, EVE, HR, LEADERS, LEAF, OTHER, PRIVATE, STAFF, furnish

APP, BOT, PARTNER = "cli_sandbox", "ou_bot_sandbox", "partner_tenant"


@pytest.fixture
async def client() -> AsyncIterator[PlatformClient]:
    async with platform_client() as client:
        furnish(client.sandbox)
        heard(client)
        yield client


def heard(client: PlatformClient) -> list[dict[str, Any]]:
    """The envelopes since the last look."""
    events = client.sandbox.push.events
    found = [envelope for _, envelope in events.values()]
    events.clear()
    return found


def kinds(client: PlatformClient) -> list[str]:
    return [each["header"]["event_type"] for each in heard(client)]


async def test_who_joins_and_leaves_a_group_is_told_with_their_tenants(client: PlatformClient) -> None:
    groups = client.sandbox.groups
    groups.add(GROUP, CARLA, EVE, operator=ALICE)
    [joined] = heard(client)
    assert joined["header"]["event_type"] == "im.chat.member.user.added_v1"
    assert joined["header"]["tenant_key"] == TENANT_KEY
    assert joined["event"] == {
        "chat_id": GROUP,
        "operator_id": {"union_id": "on_linxiaoman", "user_id": None, "open_id": ALICE},
        "external": True,
        "operator_tenant_key": TENANT_KEY,
        "name": "产品研发群",
        "i18n_names": {"zh_cn": "产品研发群", "en_us": "产品研发群", "ja_jp": "产品研发群"},
        "users": [
            {
                "name": "卡拉",
                "tenant_key": TENANT_KEY,
                "user_id": {"union_id": "on_carla", "user_id": None, "open_id": CARLA},
            },
            {
                "name": "伊芙",
                "tenant_key": PARTNER,
                "user_id": {"union_id": "on_eve", "user_id": None, "open_id": EVE},
            },
        ],
    }
    groups.add(GROUP, CARLA)
    assert heard(client) == [], "she is in it already"
    groups.remove(GROUP, EVE, operator=EVE)
    [left] = heard(client)
    assert left["header"]["event_type"] == "im.chat.member.user.deleted_v1"
    assert (left["event"]["external"], left["event"]["operator_tenant_key"]) == (True, PARTNER)
    groups.withdraw(GROUP, CARLA)
    [withdrawn] = heard(client)
    assert withdrawn["header"]["event_type"] == "im.chat.member.user.withdrawn_v1"
    assert (withdrawn["event"]["users"][0]["name"], withdrawn["event"]["external"]) == ("卡拉", False)


async def test_only_bots_in_the_group_hear_of_it(client: PlatformClient) -> None:
    client.sandbox.groups.remove_bot(GROUP, APP)
    assert kinds(client) == ["im.chat.member.bot.deleted_v1"]
    client.sandbox.groups.add(GROUP, CARLA)
    client.sandbox.groups.disband(GROUP)
    assert kinds(client) == []
    client.sandbox.groups.add_bot(STAFF, APP)
    assert kinds(client) == [], "it is in it already"
    client.sandbox.groups.open("oc_new", "新群", ALICE, apps=())
    client.sandbox.groups.add_bot("oc_new", APP)
    assert kinds(client) == ["im.chat.member.bot.added_v1"]


async def test_a_dissolved_group_is_told_unless_its_history_is_kept(client: PlatformClient) -> None:
    client.sandbox.groups.disband(STAFF)
    client.sandbox.groups.disband(GROUP, keep_history=True)
    [told] = heard(client)
    assert (told["header"]["event_type"], told["event"]["chat_id"]) == ("im.chat.disbanded_v1", STAFF)
    assert (told["event"]["external"], "users" in told["event"]) == (True, False)


async def test_a_person_who_moves_is_told_with_what_was_before(client: PlatformClient) -> None:
    client.sandbox.office.move(DAN, HR)
    [moved] = heard(client)
    assert moved["header"]["event_type"] == "contact.user.updated_v3"
    assert (moved["event"]["object"]["open_id"], moved["event"]["object"]["department_ids"]) == (DAN, [HR])
    assert moved["event"]["old_object"] == {"open_id": DAN, "department_ids": [OTHER]}


async def test_a_person_who_resigns_leaves_groups_without_a_word(client: PlatformClient) -> None:
    client.sandbox.office.resign(CARLA)
    [gone] = heard(client)
    assert gone["header"]["event_type"] == "contact.user.deleted_v3"
    assert (gone["event"]["object"]["open_id"], gone["event"]["old_object"]["department_ids"]) == (CARLA, [LEAF])
    assert client.sandbox.world.chats[STAFF].people == [EVE]


async def test_departments_that_change_or_close_are_told(client: PlatformClient) -> None:
    office = client.sandbox.office
    office.department(LEAF, "薪酬组", parent=OTHER)
    office.move(CARLA, OTHER)
    office.close_department(LEAF)
    updated, _, deleted = heard(client)
    assert updated["header"]["event_type"] == "contact.department.updated_v3"
    assert updated["event"]["object"]["parent_department_id"] == OTHER
    assert updated["event"]["old_object"]["parent_department_id"] == HR
    assert deleted["header"]["event_type"] == "contact.department.deleted_v3"
    assert deleted["event"]["old_object"] == {"open_department_id": LEAF, "status": {"is_deleted": False}}


async def test_nothing_is_told_of_what_lies_out_of_the_range(client: PlatformClient) -> None:
    office = client.sandbox.office
    office.show_to(APP, ContactRange(frozenset({HR})))
    [told] = heard(client)
    assert told["header"]["event_type"] == "contact.scope.updated_v3"
    assert [each["open_department_id"] for each in told["event"]["removed"]["departments"]] == [OTHER]
    assert [each["open_id"] for each in told["event"]["removed"]["users"]] == [ALICE, BOB]
    assert [each["user_group_id"] for each in told["event"]["removed"]["user_groups"]] == ["og-dynamic", LEADERS]
    assert told["event"]["added"] == {"departments": [], "users": [], "user_groups": []}
    office.department(OTHER, "新实验室")
    office.resign(DAN)
    office.move(CARLA, OTHER)
    assert kinds(client) == [], "who moves out of the range is not told of, either"


async def test_members_of_an_owned_and_subscribed_document_are_told_people_and_groups_alone(
    client: PlatformClient,
) -> None:
    store, rights = client.sandbox.platform.documents, client.sandbox.rights
    token = store.node(PRIVATE, "一页", "正文").obj_token
    rights.own(token, BOT)
    path = f"/drive/v1/files/{token}/subscribe"
    assert await client.code("POST", path, {}, file_type="docx") == 0
    rights.grant(token, Member("user", BOB), operator=ALICE)
    rights.grant(token, Member("chat", STAFF))
    rights.revoke(token, "user", BOB)
    added, chat, removed = heard(client)
    assert added["header"]["event_type"] == "drive.file.permission_member_added_v1"
    assert added["header"]["resource_id"] == token
    assert added["event"] == {
        "file_token": token,
        "file_type": "docx",
        "operator_id": {"union_id": "on_linxiaoman", "user_id": None, "open_id": ALICE},
        "user_list": [{"union_id": "on_zhouming", "user_id": None, "open_id": BOB}],
        "chat_list": [],
    }
    assert (chat["event"]["user_list"], chat["event"]["chat_list"]) == ([], [STAFF])
    assert removed["header"]["event_type"] == "drive.file.permission_member_removed_v1"
    rights.grant(token, Member("department", HR))
    rights.grant(token, Member("group", LEADERS))
    rights.revoke(token, "department", HR)
    rights.set_public(token, link_share_entity="tenant_readable")
    rights.lock(token)
    rights.admit(PRIVATE, SpaceMember("user", BOB))
    assert kinds(client) == []


async def test_whoever_only_manages_a_document_does_not_hear_of_its_members(client: PlatformClient) -> None:
    store, rights = client.sandbox.platform.documents, client.sandbox.rights
    store.write("doxOne", "一份", "正文")
    rights.share("doxOne", Member("user", BOT, "full_access"))
    assert await client.code("POST", "/drive/v1/files/doxOne/subscribe", {}, file_type="docx") == 0
    rights.grant("doxOne", Member("user", BOB))
    assert kinds(client) == []
    store.write("doxOne", "一份", "改了")
    assert kinds(client) == ["drive.file.edit_v1"]
    rights.share("doxOne", Member("user", BOT, "edit"))
    assert await client.code("POST", "/drive/v1/files/doxOne/subscribe", {}, file_type="docx") == 1069603


@pytest.mark.parametrize("missing", ["im:chat", "contact:", "docs:permission.member:retrieve"])
async def test_events_need_their_scopes(missing: str) -> None:
    given = ("im:chat:readonly", "contact:contact.base:readonly", "docs:permission.member:retrieve")
    scopes = (*(each for each in given if not each.startswith(missing)), "docs:event:subscribe")
    async with platform_client(SandboxSettings(scopes=scopes)) as client:
        furnish(client.sandbox)
        client.sandbox.platform.documents.write("doxOne", "一份", "正文")
        client.sandbox.rights.own("doxOne", BOT)
        await client.code("POST", "/drive/v1/files/doxOne/subscribe", {}, file_type="docx")
        heard(client)
        client.sandbox.groups.add(GROUP, CARLA)
        client.sandbox.office.move(DAN, HR)
        client.sandbox.rights.grant("doxOne", Member("user", BOB))
        assert len(heard(client)) == 2


async def test_what_an_outsider_says_carries_their_tenant(client: PlatformClient) -> None:
    sandbox = client.sandbox
    said = await sandbox.say(STAFF, EVE, "@卡拉 @知识库助手 你好")
    [told] = heard(client)
    assert told["event"]["sender"]["tenant_key"] == PARTNER
    assert told["header"]["tenant_key"] == TENANT_KEY
    assert [each["tenant_key"] for each in told["event"]["message"]["mentions"]] == [TENANT_KEY, TENANT_KEY]
    fetched = await client.call("GET", f"/im/v1/messages/{said.message_id}")
    assert fetched["data"]["items"][0]["sender"]["tenant_key"] == PARTNER
    await sandbox.say(STAFF, CARLA, "@伊芙 @知识库助手 你好")
    [told] = heard(client)
    assert told["event"]["sender"]["tenant_key"] == TENANT_KEY
    assert [each["tenant_key"] for each in told["event"]["message"]["mentions"]] == [PARTNER, TENANT_KEY]
