"""What apps are told of people, departments, user groups and chats: within their range, by pages, codes and scopes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from feishu.sandbox import DEFAULT_SCOPES, SandboxSettings
from feishu.sandbox.organisation import ContactRange
from feishu.sandbox.world import TENANT_KEY
from tests.support.platform_client import ALICE, BOB, GROUP, PlatformClient, platform_client
from tests.support.rights_house import CARLA, DAN, EVE, HR, LEADERS, LEAF, OTHER, STAFF, furnish

APP = "cli_sandbox"


@pytest.fixture
async def client() -> AsyncIterator[PlatformClient]:
    async with platform_client() as client:
        furnish(client.sandbox)
        yield client


async def refused(client: PlatformClient, path: str, **params: str) -> tuple[int, int]:
    reply = await client.raw("GET", path, **params)
    return reply.status_code, int(reply.json()["code"])


async def listed(client: PlatformClient, path: str, key: str, **params: str) -> tuple[list[Any], int]:
    """Everything that the pages hold, and how many there were."""
    found, pages, token = [], 0, ""
    while pages == 0 or token:
        data = (await client.call("GET", path, page_token=token, **params))["data"]
        found += data[key]
        pages += 1
        token = data.get("page_token", "")
        assert data["has_more"] == bool(token)
    return found, pages


async def test_a_person_with_departments_and_status(client: PlatformClient) -> None:
    person = (await client.call("GET", f"/contact/v3/users/{CARLA}"))["data"]["user"]
    assert (person["open_id"], person["union_id"], person["name"]) == (CARLA, "on_carla", "卡拉")
    assert (person["department_ids"], person["status"]["is_resigned"]) == ([LEAF], False)
    by_union = await client.call("GET", "/contact/v3/users/on_carla", user_id_type="union_id")
    assert by_union["data"]["user"]["open_id"] == CARLA
    client.sandbox.office.move(CARLA, HR)
    custom = await client.call("GET", f"/contact/v3/users/{CARLA}", department_id_type="department_id")
    assert custom["data"]["user"]["department_ids"] == ["HR"]
    assert (await client.call("GET", f"/contact/v3/users/{ALICE}"))["data"]["user"]["department_ids"] == ["0"]
    client.sandbox.office.resign(CARLA)
    assert (await client.call("GET", f"/contact/v3/users/{CARLA}"))["data"]["user"]["status"]["is_resigned"] is True


async def test_fields_of_a_person_need_their_scopes() -> None:
    async with platform_client(SandboxSettings(scopes=("contact:contact.base:readonly",))) as client:
        person = (await client.call("GET", f"/contact/v3/users/{BOB}"))["data"]["user"]
        assert person.keys() == {"open_id", "union_id", "status"}


async def test_who_is_out_of_range_is_refused_or_missing(client: PlatformClient) -> None:
    assert await refused(client, f"/contact/v3/users/{EVE}") == (400, 41050)
    assert await refused(client, "/contact/v3/users/ou_nobody") == (400, 41012)
    client.sandbox.office.show_to(APP, ContactRange(frozenset({HR}), frozenset({BOB})))
    for person, code in ((CARLA, 0), (BOB, 0), (ALICE, 41050), (DAN, 41050)):
        assert await client.code("GET", f"/contact/v3/users/{person}") == code, person
    batch = await client.call("GET", "/contact/v3/users/batch", user_ids=f"{CARLA},{DAN},{BOB}")
    assert [each["open_id"] for each in batch["data"]["items"]] == [CARLA, BOB]
    assert await refused(client, "/contact/v3/group/member_belong", member_id=DAN) == (403, 41050)
    client.sandbox.office.show_to(APP, ContactRange(frozenset({"0"})))
    assert await client.code("GET", f"/contact/v3/users/{DAN}") == 0


async def test_departments_above_come_from_the_child_upwards_without_the_root(client: PlatformClient) -> None:
    path = "/contact/v3/departments/parent"
    client.sandbox.office.department("od-deep", "社保", parent=LEAF)
    found, pages = await listed(client, path, "items", department_id="od-deep", page_size="1")
    assert [(each["open_department_id"], each["parent_department_id"]) for each in found] == [(LEAF, HR), (HR, "0")]
    assert (pages, found[1]["department_id"]) == (2, "HR")
    top, _ = await listed(client, path, "items", department_id="HR", department_id_type="department_id")
    assert top == []
    client.sandbox.office.show_to(APP, ContactRange(frozenset({LEAF})))
    cut, _ = await listed(client, path, "items", department_id="od-deep")
    assert [each["open_department_id"] for each in cut] == [LEAF]
    assert await refused(client, path, department_id=HR) == (403, 40004)
    for code, params in (
        (44102, {}),
        (40002, {"department_id": "0"}),
        (40004, {"department_id": "od-none"}),
        (40011, {"department_id": LEAF, "page_size": "51"}),
        (40012, {"department_id": LEAF, "page_token": "x"}),
    ):
        assert await client.code("GET", path, **params) == code, params


async def test_the_user_groups_of_a_person(client: PlatformClient) -> None:
    path = "/contact/v3/group/member_belong"
    assert await listed(client, path, "group_list", member_id=DAN, page_size="1") == ([LEADERS, "og-dynamic"], 2)
    assert (await listed(client, path, "group_list", member_id=DAN, group_type="2"))[0] == ["og-dynamic"]
    assert (await listed(client, path, "group_list", member_id="on_dan", member_id_type="union_id"))[0][0] == LEADERS
    assert (await listed(client, path, "group_list", member_id=BOB))[0] == []
    client.sandbox.office.show_to(APP, ContactRange(frozenset({OTHER}), groups=frozenset({"og-dynamic"})))
    assert (await listed(client, path, "group_list", member_id=DAN))[0] == ["og-dynamic"]
    for code, params in (
        (41073, {"member_id": "ou_nobody"}),
        (41071, {"member_id": DAN, "member_id_type": "email"}),
        (41074, {"member_id": DAN, "group_type": "3"}),
        (40011, {"member_id": DAN, "page_size": "1001"}),
        (40012, {"member_id": DAN, "page_token": "x"}),
        (41050, {"member_id": EVE}),
    ):
        assert await client.code("GET", path, **params) == code, params


async def test_the_range_of_an_app(client: PlatformClient) -> None:
    whole = (await client.call("GET", "/contact/v3/scopes"))["data"]
    assert (whole["department_ids"], whole["user_ids"]) == ([HR, OTHER], [ALICE, BOB])
    assert (whole["group_ids"], whole["has_more"]) == ([LEADERS, "og-dynamic"], False)
    client.sandbox.office.show_to(APP, ContactRange(frozenset({HR}), frozenset({BOB})))
    part = (await client.call("GET", "/contact/v3/scopes", page_size="1"))["data"]
    assert (part["department_ids"], part["user_ids"], part["has_more"]) == ([HR], [], True)
    rest = (await client.call("GET", "/contact/v3/scopes", page_size="1", page_token=part["page_token"]))["data"]
    assert (rest["department_ids"], rest["user_ids"], rest["group_ids"]) == ([], [BOB], [])
    assert await client.code("GET", "/contact/v3/scopes", page_size="101") == 40011


async def test_the_chats_of_a_bot(client: PlatformClient) -> None:
    groups = client.sandbox.groups
    groups.open("oc_elsewhere", "没有机器人", ALICE, apps=())
    groups.open("oc_kept", "留档", ALICE, BOB)
    groups.open("oc_over", "散了", ALICE)
    groups.disband("oc_kept", keep_history=True)
    groups.disband("oc_over")
    found, pages = await listed(client, "/im/v1/chats", "items", page_size="2")
    assert [(each["chat_id"], each["external"], each["chat_status"]) for each in found] == [
        (GROUP, False, "normal"),
        ("oc_newcomers", False, "normal"),
        (STAFF, True, "normal"),
        ("oc_kept", False, "dissolved_save"),
    ]
    assert (pages, found[0]["tenant_key"]) == (2, TENANT_KEY)
    assert await refused(client, "/im/v1/chats", page_size="101") == (400, 232001)
    assert await refused(client, "/im/v1/chats/oc_kept/members") == (400, 232009)


async def test_what_is_known_of_a_chat(client: PlatformClient) -> None:
    client.sandbox.groups.open("oc_secret", "保密群", ALICE, BOB, is_restricted=True, owner=ALICE, tag="department")
    chat = (await client.call("GET", "/im/v1/chats/oc_secret"))["data"]
    assert (chat["chat_mode"], chat["chat_type"], chat["chat_tag"]) == ("group", "private", "department")
    assert (chat["external"], chat["tenant_key"], chat["user_count"]) == (False, TENANT_KEY, "2")
    assert (chat["owner_id"], chat["chat_status"]) == (ALICE, "normal")
    assert chat["restricted_mode_setting"]["status"] is True
    assert chat["restricted_mode_setting"]["message_has_permission_setting"] == "not_anyone"
    assert (await client.call("GET", f"/im/v1/chats/{STAFF}"))["data"]["external"] is True
    topics = (await client.call("GET", "/im/v1/chats/oc_newcomers"))["data"]
    assert topics["chat_mode"] == "topic" and "group_message_type" not in topics
    private = (await client.call("GET", "/im/v1/chats/oc_p2p_sandbox_linxiaoman"))["data"]
    assert private["chat_mode"] == "p2p" and "chat_type" not in private
    assert await refused(client, "/im/v1/chats/omt_1") == (400, 232006)


async def test_the_people_in_a_chat_come_without_bots_in_pages_that_may_be_short(client: PlatformClient) -> None:
    path = f"/im/v1/chats/{STAFF}/members"
    first = (await client.call("GET", path, page_size="1"))["data"]
    assert (first["items"], first["has_more"], first["member_total"]) == ([], True, 2)
    found, pages = await listed(client, path, "items", page_size="1")
    assert pages == 3
    partner = client.sandbox.world.people[EVE].tenant_key
    assert [(each["member_id"], each["name"], each["tenant_key"]) for each in found] == [
        (CARLA, "卡拉", TENANT_KEY),
        (EVE, "伊芙", partner),
    ]
    by_union, _ = await listed(client, path, "items", member_id_type="union_id")
    assert [(each["member_id_type"], each["member_id"]) for each in by_union] == [
        ("union_id", "on_carla"),
        ("union_id", "on_eve"),
    ]
    assert await refused(client, path, page_size="101") == (400, 232001)
    assert await refused(client, path, member_id_type="email") == (400, 232001)
    client.sandbox.groups.remove_bot(STAFF, APP)
    assert await refused(client, path) == (400, 232011)
    assert await refused(client, "/im/v1/chats/nonsense/members") == (400, 232006)


async def test_external_chats_need_an_app_that_may_join_them_and_a_bot_that_is_on() -> None:
    async with platform_client(SandboxSettings(joins_external_chats=False)) as client:
        furnish(client.sandbox)
        assert await refused(client, f"/im/v1/chats/{STAFF}") == (400, 232033)
        assert await refused(client, f"/im/v1/chats/{STAFF}/members") == (400, 232033)
        assert await client.code("GET", f"/im/v1/chats/{GROUP}/members") == 0
    async with platform_client(SandboxSettings(activate_status=1, scopes=DEFAULT_SCOPES)) as client:
        assert await refused(client, "/im/v1/chats") == (400, 232025)
        assert await refused(client, f"/im/v1/chats/{GROUP}/members") == (400, 232025)


async def test_a_user_group_is_told_by_its_id(client: PlatformClient) -> None:
    told = (await client.call("GET", f"/contact/v3/group/{LEADERS}"))["data"]["group"]
    assert told == {"id": LEADERS, "name": "组长", "type": 1}
    assert await client.code("GET", "/contact/v3/group/og-none") == 42002
    client.sandbox.office.show_to(APP, ContactRange(frozenset({HR})))
    assert await client.code("GET", f"/contact/v3/group/{LEADERS}") == 42002


async def test_the_root_is_shown_to_apps_that_may_see_everybody(client: PlatformClient) -> None:
    reply = await client.call("GET", f"/contact/v3/departments/{LEAF}")
    assert (
        reply["data"]["department"]["name"] == "薪酬组" and await client.code("GET", "/contact/v3/departments/0") == 0
    )
    assert await client.code("GET", "/contact/v3/departments/od-none") == 40015
    client.sandbox.world.apps[APP].scopes -= {"contact:department.base:readonly"}
    assert "name" not in (await client.call("GET", f"/contact/v3/departments/{LEAF}"))["data"]["department"]
    client.sandbox.office.show_to(APP, ContactRange(frozenset({LEAF})))
    codes = [await client.code("GET", f"/contact/v3/departments/{each}") for each in ("0", HR, LEAF)]
    assert codes == [40004, 40004, 0]
