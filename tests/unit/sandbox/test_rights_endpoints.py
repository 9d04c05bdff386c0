"""What apps are told of rights: members, public settings and wiki spaces, by fields, codes, scopes and limits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from feishu.sandbox import DEFAULT_SCOPES, SandboxSettings
from feishu.sandbox.document_store import Node
from feishu.sandbox.sharing import Member, SpaceMember
from tests.support.platform_client import ALICE, BOB, PlatformClient, platform_client
from tests.support.rights_house import CARLA, EVE, HR, LEADERS, PRIVATE, PUBLIC, STAFF, furnish

BOT = "ou_bot_sandbox"
LABELS = (*DEFAULT_SCOPES, "drive:file.meta.sec_label.read_only")


@pytest.fixture
async def client() -> AsyncIterator[PlatformClient]:
    async with platform_client() as client:
        furnish(client.sandbox)
        yield client


def page(client: PlatformClient, space: str = PRIVATE, **more: Any) -> Node:
    return client.sandbox.platform.documents.node(space, "一页", "正文", **more)


def document(client: PlatformClient, *members: Member, **more: Any) -> str:
    token = client.sandbox.platform.documents.write("doxOne", "一份", "正文")
    client.sandbox.rights.share(token, *members, **more)
    return token


async def members(client: PlatformClient, token: str, kind: str = "docx", **more: str) -> list[dict[str, Any]]:
    reply = await client.call("GET", f"/drive/v1/permissions/{token}/members", type=kind, **more)
    assert reply["code"] == 0, reply
    return list(reply["data"]["items"])


async def refused(client: PlatformClient, path: str, **params: str) -> tuple[int, int]:
    reply = await client.raw("GET", path, **params)
    return reply.status_code, int(reply.json()["code"])


async def test_members_are_told_without_what_was_not_asked_for(client: PlatformClient) -> None:
    token = document(client, Member("user", BOB), Member("chat", STAFF, "edit"))
    assert await members(client, token) == [
        {"member_type": "openid", "member_id": BOB, "perm": "view", "perm_type": "container"},
        {"member_type": "openchat", "member_id": STAFF, "perm": "edit", "perm_type": "container"},
    ]
    [bob, staff] = await members(client, token, fields="type,external_label")
    assert (bob["type"], bob["external_label"], staff["type"], staff["external_label"]) == ("user", False, "chat", True)
    assert "name" not in bob
    assert [each["name"] for each in await members(client, token, fields="*")] == ["周明", "外联群"]


async def test_members_of_each_kind_have_their_type_of_id(client: PlatformClient) -> None:
    token = document(
        client,
        Member("department", HR),
        Member("group", LEADERS),
        Member("wiki_space_viewer", PRIVATE),
        Member("user", EVE),
        Member("user", BOB, id_type="unionid"),
        Member("user", BOB, id_type="userid"),
        Member("user", BOB, id_type="email"),
        Member("user", BOT),
    )
    told = [
        (each["member_type"], each["member_id"], each["type"], each["external_label"], each["name"])
        for each in await members(client, token, fields="*")
    ]
    assert told == [
        ("opendepartmentid", HR, "department", False, "人事部"),
        ("groupid", LEADERS, "group", False, "组长"),
        ("wikispaceid", PRIVATE, "wiki_space_viewer", False, "人事"),
        ("openid", EVE, "user", True, "伊芙"),
        ("unionid", "on_zhouming", "user", False, "周明"),
        ("userid", "zhouming", "user", False, "周明"),
        ("email", "zhouming@example.com", "user", False, "周明"),
        ("openid", BOT, "user", False, "知识库助手"),
    ]


async def test_the_list_of_a_page_is_its_own_and_of_one_kind_of_role(client: PlatformClient) -> None:
    top = page(client)
    below = page(client, parent=top.node_token)
    client.sandbox.rights.grant(top.node_token, Member("user", CARLA))
    client.sandbox.rights.grant(below.node_token, Member("user", BOB))
    client.sandbox.rights.grant(below.node_token, Member("user", EVE, perm_type="single_page"))
    assert [each["member_id"] for each in await members(client, below.node_token, "wiki")] == [BOB]
    single = await members(client, below.node_token, "wiki", perm_type="single_page")
    assert [(each["member_id"], each["perm_type"]) for each in single] == [(EVE, "single_page")]
    assert [each["member_id"] for each in await members(client, below.obj_token)] == [BOB, EVE]


async def test_a_setting_puts_the_owner_among_the_members() -> None:
    async with platform_client(SandboxSettings(owner_among_members=True)) as client:
        token = document(client, owner=BOB)
        assert [(each["member_id"], each["perm"]) for each in await members(client, token)] == [(BOB, "full_access")]


async def test_folders_are_listed_only_where_a_setting_says_so(client: PlatformClient) -> None:
    async def asked(client: PlatformClient) -> dict[str, Any]:
        client.sandbox.platform.documents.file("fldcnTop", "里层", "folder", "fldcnSub")
        client.sandbox.rights.share("fldcnTop", Member("user", BOB))
        return await client.call("GET", "/drive/v1/permissions/fldcnTop/members", type="folder")

    assert (await asked(client))["code"] == 99992402
    async with platform_client(SandboxSettings(folder_members=True)) as other:
        assert [each["member_id"] for each in (await asked(other))["data"]["items"]] == [BOB]
        assert await refused(other, "/drive/v2/permissions/fldcnTop/public", type="folder") == (400, 1063001)


@pytest.mark.parametrize("path", ["/drive/v1/permissions/{}/members", "/drive/v2/permissions/{}/public"])
async def test_why_rights_are_not_told(client: PlatformClient, path: str) -> None:
    store, token = client.sandbox.platform.documents, document(client)
    assert await refused(client, path.format(token), type="sheet") == (400, 1063001)
    assert await refused(client, path.format(token), type="video") == (400, 1063001)
    assert await refused(client, path.format(token)) == (400, 1063001)
    assert await refused(client, path.format("doxNone"), type="docx") == (400, 1063001)
    assert await refused(client, path.format(page(client).obj_token), type="wiki") == (400, 1063001)
    store.bot_reads = "shared"
    assert await refused(client, path.format(token), type="docx") == (403, 1063002)
    client.sandbox.rights.grant(token, Member("user", BOT))
    assert await client.code("GET", path.format(token), type="docx") == 0
    store.hidden.add(token)
    assert await refused(client, path.format(token), type="docx") == (403, 1063002)
    store.remove(token)
    assert await refused(client, path.format(token), type="docx") == (404, 1063005)
    gone = page(client)
    store.remove(gone.obj_token)
    assert await refused(client, path.format(gone.node_token), type="wiki") == (404, 1063005)


@pytest.mark.parametrize(
    ("entity", "perm", "code"),
    [
        ("collaborator_can_view", "view", 0),
        ("collaborator_can_edit", "view", 1063002),
        ("collaborator_can_edit", "edit", 0),
        ("collaborator_full_access", "edit", 1063002),
        ("collaborator_full_access", "full_access", 0),
    ],
)
async def test_who_may_see_the_collaborators(client: PlatformClient, entity: str, perm: Any, code: int) -> None:
    token = document(client, Member("user", BOT, perm), manage_collaborator_entity=entity)
    client.sandbox.platform.documents.bot_reads = "shared"
    assert await client.code("GET", f"/drive/v1/permissions/{token}/members", type="docx") == code
    assert await client.code("GET", f"/drive/v2/permissions/{token}/public", type="docx") == 0


async def test_the_collaborators_of_a_foreign_document_may_be_for_its_own_organisation(client: PlatformClient) -> None:
    token = document(client, owner=EVE, share_entity="same_tenant")
    assert await client.code("GET", f"/drive/v1/permissions/{token}/members", type="docx") == 1063002
    client.sandbox.rights.set_public(token, share_entity="anyone")
    assert await client.code("GET", f"/drive/v1/permissions/{token}/members", type="docx") == 0


async def test_public_settings(client: PlatformClient) -> None:
    below = page(client)
    client.sandbox.rights.lock(below.node_token)
    client.sandbox.rights.set_public(below.node_token, copy_entity="only_full_access")
    reply = await client.call("GET", f"/drive/v2/permissions/{below.node_token}/public", type="wiki")
    assert reply["data"]["permission_public"] == {
        "link_share_entity": "closed",
        "external_access_entity": "open",
        "security_entity": "anyone_can_view",
        "copy_entity": "only_full_access",
        "comment_entity": "anyone_can_view",
        "share_entity": "anyone",
        "manage_collaborator_entity": "collaborator_can_view",
        "lock_switch": True,
    }
    client.sandbox.platform.documents.write("doxPlain", "平常", "正文")
    plain = await client.call("GET", "/drive/v2/permissions/doxPlain/public", type="docx")
    assert plain["data"]["permission_public"]["link_share_entity"] == "tenant_readable"


async def test_what_the_app_itself_may_do(client: PlatformClient) -> None:
    token = document(client, Member("user", BOT, "edit"), security_entity="only_full_access")
    client.sandbox.platform.documents.bot_reads = "shared"
    path = f"/drive/v1/permissions/{token}/members/auth"

    async def may(action: str) -> Any:
        return (await client.call("GET", path, type="docx", action=action))["data"]["auth_result"]

    allowed = {each for each in ("view", "edit", "share", "comment", "copy") if await may(each)}
    assert allowed == {"view", "edit", "share", "comment", "copy"}
    assert [await may(each) for each in ("export", "print", "manage_public")] == [False] * 3
    client.sandbox.rights.revoke(token, "user", BOT)
    assert await may("view") is False
    assert await refused(client, path, type="docx", action="open") == (400, 1063001)
    client.sandbox.platform.documents.remove(token)
    assert await refused(client, path, type="docx", action="view") == (404, 1063005)


async def test_a_right_is_tested_a_hundred_times_a_minute(client: PlatformClient) -> None:
    path = f"/drive/v1/permissions/{document(client)}/members/auth"
    codes = []
    for _ in range(3):
        codes += [await client.code("GET", path, type="docx", action="view") for _ in range(40)]
        client.sandbox.advance(1)
    assert codes == [0] * 100 + [1063006] * 20
    client.sandbox.advance(58)
    assert await client.code("GET", path, type="docx", action="view") == 0


async def test_a_space_is_told_to_its_members(client: PlatformClient) -> None:
    client.sandbox.rights.admit(PRIVATE, SpaceMember("chat", "oc_else"))
    told = (await client.call("GET", f"/wiki/v2/spaces/{PRIVATE}"))["data"]["space"]
    assert (told["visibility"], told["open_sharing"], told["space_type"]) == ("private", "closed", "team")
    assert await refused(client, "/wiki/v2/spaces/7399") == (400, 131005)
    client.sandbox.platform.documents.bot_reads = "shared"
    assert await refused(client, f"/wiki/v2/spaces/{PRIVATE}") == (400, 131006)
    assert await refused(client, f"/wiki/v2/spaces/{PRIVATE}/members") == (400, 131006)
    assert await refused(client, f"/wiki/v2/spaces/{PUBLIC}") == (400, 131006), "public is for people"
    client.sandbox.rights.admit(PRIVATE, SpaceMember("chat", STAFF))
    assert await client.code("GET", f"/wiki/v2/spaces/{PRIVATE}") == 0
    client.sandbox.groups.remove_bot(STAFF, "cli_sandbox")
    assert await refused(client, f"/wiki/v2/spaces/{PRIVATE}") == (400, 131006)


async def test_the_members_of_a_space_come_in_pages(client: PlatformClient) -> None:
    client.sandbox.rights.admit(PRIVATE, SpaceMember("chat", STAFF))
    path, found, token = f"/wiki/v2/spaces/{PRIVATE}/members", [], ""
    for _ in range(2):
        data = (await client.call("GET", path, page_size="2", page_token=token))["data"]
        found += data["members"]
        token = data.get("page_token", "")
    assert found == [
        {"member_type": "openid", "member_id": ALICE, "member_role": "admin", "type": "user"},
        {"member_type": "opendepartmentid", "member_id": HR, "member_role": "member", "type": "department"},
        {"member_type": "openchat", "member_id": STAFF, "member_role": "member", "type": "chat"},
    ]
    assert (data["has_more"], token) == (False, "")
    assert await refused(client, path, page_size="51") == (400, 131002)
    assert await refused(client, path, page_token="x") == (400, 131002)
    assert await refused(client, f"/wiki/v2/spaces/{PUBLIC}/members") == (400, 131101)


async def test_pages_that_the_app_may_not_read_are_missing(client: PlatformClient) -> None:
    store, path = client.sandbox.platform.documents, f"/wiki/v2/spaces/{PRIVATE}/nodes"
    first, second = page(client), page(client)
    below = page(client, parent=first.node_token)
    store.bot_reads = "shared"
    assert await refused(client, path) == (400, 131006)
    assert await refused(client, "/wiki/v2/spaces/get_node", token=first.node_token) == (400, 131006)
    client.sandbox.rights.grant(second.node_token, Member("user", BOT))
    reply = await client.call("GET", path)
    assert [each["node_token"] for each in reply["data"]["items"]] == [second.node_token]
    assert await refused(client, path, parent_node_token=first.node_token) == (400, 131006)
    client.sandbox.rights.grant(first.node_token, Member("user", BOT, perm_type="single_page"))
    reply = await client.call("GET", path, parent_node_token=first.node_token)
    assert reply["data"] == {"items": [], "has_more": False}
    assert await refused(client, f"/docx/v1/documents/{below.obj_token}") == (403, 1770032)


async def test_a_node_tells_its_owner_its_origin_and_answers_by_its_document(client: PlatformClient) -> None:
    origin = page(client)
    client.sandbox.rights.own(origin.node_token, BOB)
    store = client.sandbox.platform.documents
    shortcut = store.node(PUBLIC, "快捷方式", obj_token=origin.obj_token, node_type="shortcut")
    node = (await client.call("GET", "/wiki/v2/spaces/get_node", token=shortcut.node_token))["data"]["node"]
    assert (node["owner"], node["origin_node_token"], node["origin_space_id"]) == (BOB, origin.node_token, PRIVATE)
    by_document = await client.call("GET", "/wiki/v2/spaces/get_node", token=origin.obj_token, obj_type="docx")
    assert by_document["data"]["node"]["node_token"] == origin.node_token
    assert await client.code("GET", "/wiki/v2/spaces/get_node", token=origin.obj_token, obj_type="sheet") == 131005
    assert await client.code("GET", "/wiki/v2/spaces/get_node", token=origin.obj_token) == 131005


async def test_wikis_are_read_a_hundred_times_a_minute(client: PlatformClient) -> None:
    page(client)
    for path in (
        f"/wiki/v2/spaces/{PRIVATE}",
        f"/wiki/v2/spaces/{PRIVATE}/members",
        f"/wiki/v2/spaces/{PRIVATE}/nodes",
    ):
        codes = []
        for _ in range(3):
            codes += [await client.code("GET", path) for _ in range(40)]
            client.sandbox.advance(1)
        assert codes == [0] * 100 + [99991400] * 20, path


async def test_metas_tell_owners_and_with_their_scope_labels() -> None:
    async with platform_client(SandboxSettings(scopes=LABELS)) as client:
        token = document(client, owner=BOB, label="L3-机密")
        node = page(client)
        store = client.sandbox.platform.documents
        store.file("fldcnTop", "里层", "folder", "fldcnSub")
        asked = [
            (token, "docx"),
            (node.node_token, "wiki"),
            ("fldcnSub", "folder"),
            (token, "sheet"),
            ("doxNone", "docx"),
        ]
        body = {"request_docs": [{"doc_token": each, "doc_type": kind} for each, kind in asked]}
        data = (await client.call("POST", "/drive/v1/metas/batch_query", body))["data"]
        assert [(each["title"], each["owner_id"]) for each in data["metas"]] == [
            ("一份", BOB),
            ("一页", "ou_owner"),
            ("里层", "ou_owner"),
        ]
        assert data["metas"][0]["sec_label_name"] == "L3-机密"
        assert [each["code"] for each in data["failed_list"]] == [970005, 970005]
        store.bot_reads = "shared"
        failed = (await client.call("POST", "/drive/v1/metas/batch_query", body))["data"]["failed_list"]
        assert [each["code"] for each in failed] == [970003, 970003, 970003, 970005]
        client.sandbox.world.apps["cli_sandbox"].scopes.discard("drive:file.meta.sec_label.read_only")
        store.bot_reads = "all"
        metas = (await client.call("POST", "/drive/v1/metas/batch_query", body))["data"]["metas"]
        assert "sec_label_name" not in metas[0]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/drive/v1/permissions/doxOne/members?type=docx", "docs:permission.member:retrieve"),
        ("/drive/v1/permissions/doxOne/members/auth?type=docx&action=view", "docs:permission.member:auth"),
        ("/drive/v2/permissions/doxOne/public?type=docx", "docs:permission.setting:read"),
        (f"/wiki/v2/spaces/{PRIVATE}", "wiki:space:read"),
        (f"/wiki/v2/spaces/{PRIVATE}/members", "wiki:member:retrieve"),
        (f"/wiki/v2/spaces/{PRIVATE}/nodes", "wiki:node:retrieve"),
        ("/im/v1/chats", "im:chat:read"),
        (f"/im/v1/chats/{STAFF}/members", "im:chat.members:read"),
        (f"/contact/v3/users/{BOB}", "contact:contact.base:readonly"),
        (f"/contact/v3/departments/parent?department_id={HR}", "contact:department.organize:readonly"),
        (f"/contact/v3/departments/{HR}", "contact:contact.base:readonly"),
        (f"/contact/v3/group/member_belong?member_id={BOB}", "contact:group:readonly"),
        ("/contact/v3/scopes", "contact:contact.base:readonly"),
    ],
)
async def test_each_call_needs_its_scope(path: str, scope: str) -> None:
    async with platform_client(SandboxSettings(scopes=())) as client:
        furnish(client.sandbox)
        document(client)
        path, _, query = path.partition("?")
        params = dict(each.split("=") for each in query.split("&") if each)
        reply = await client.call("GET", path, **params)
        assert (reply["code"], scope in reply["msg"]) == (99991672, True)
        client.sandbox.world.apps["cli_sandbox"].scopes.add(scope)
        assert await client.code("GET", path, **params) == 0
