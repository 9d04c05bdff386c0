"""Rights on the sandbox from outside: changes arrive by both transports, and the official SDK reads all there is."""

import asyncio
from typing import Any

import httpx
import pytest

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.document_store import Node
from feishu.sandbox.server.app import app_of
from feishu.sandbox.sharing import Member
from tests.support.fake_bot import fake_bot
from tests.support.long_connection import Listener, connected, websocket_sandbox
from tests.support.platform_client import ALICE, BOB
from tests.support.rights_house import CARLA, DAN, EVE, HR, LEADERS, LEAF, PRIVATE, STAFF, furnish

CHANGES = [
    "contact.department.updated_v3",
    "contact.user.updated_v3",
    "drive.file.permission_member_added_v1",
    "im.chat.member.user.added_v1",
]


def subscribe(sandbox: Sandbox) -> None:
    sandbox.platform.documents.write("doxOne", "一份", "正文")
    sandbox.rights.own("doxOne", "ou_bot_sandbox")
    sandbox.platform.documents.subscribed["doxOne"] = {"cli_sandbox"}


def change(sandbox: Sandbox) -> None:
    sandbox.groups.add(STAFF, BOB)
    sandbox.office.move(DAN, HR)
    sandbox.office.department(HR, "人力资源部")
    sandbox.rights.grant("doxOne", Member("user", BOB))


async def test_changes_arrive_at_the_webhook() -> None:
    sandbox = furnish(Sandbox(SandboxSettings()))
    subscribe(sandbox)
    async with running(sandbox) as url, fake_bot(sandbox, url) as bot:
        change(sandbox)
        await sandbox.wait_for(lambda: len(bot.events) == len(CHANGES))
        assert sorted(each["header"]["event_type"] for each in bot.events) == CHANGES
        told = next(each for each in bot.events if each["header"]["event_type"].startswith("drive"))
        assert (told["header"]["resource_id"], told["event"]["user_list"][0]["open_id"]) == ("doxOne", BOB)


async def test_changes_arrive_over_the_long_connection() -> None:
    sandbox = furnish(websocket_sandbox())
    subscribe(sandbox)
    async with running(sandbox) as url, connected(url, Listener()):
        await sandbox.wait_for(lambda: sandbox.gateway.connections)
        change(sandbox)
        await sandbox.wait_for(lambda: len(sandbox.journal.of("event")) == len(CHANGES))
        assert sorted((entry.name, entry.outcome) for entry in sandbox.journal.of("event")) == [
            (name, "ok") for name in CHANGES
        ]


def read_rights(base_url: str, settings: SandboxSettings, node: Node) -> dict[str, Any]:
    """Every call that the official SDK has for it, as its own examples do it."""
    import lark_oapi as lark
    from lark_oapi.api.contact.v3 import (
        GetDepartmentRequest,
        GetUserRequest,
        ListScopeRequest,
        MemberBelongGroupRequest,
        ParentDepartmentRequest,
    )
    from lark_oapi.api.drive.v1 import AuthPermissionMemberRequest, ListPermissionMemberRequest
    from lark_oapi.api.drive.v2 import GetPermissionPublicRequest
    from lark_oapi.api.im.v1 import GetChatMembersRequest, GetChatRequest, ListChatRequest
    from lark_oapi.api.wiki.v2 import GetNodeSpaceRequest, GetSpaceRequest, ListSpaceMemberRequest

    client = lark.Client.builder().app_id(settings.app_id).app_secret(settings.app_secret).domain(base_url).build()
    token = node.node_token
    drive, wiki, im, contact = client.drive, client.wiki.v2, client.im.v1, client.contact.v3
    members = ListPermissionMemberRequest.builder().token(token).type("wiki").fields("*").perm_type("container")
    auth = AuthPermissionMemberRequest.builder().token(token).type("wiki").action("view")
    parents = ParentDepartmentRequest.builder().department_id_type("open_department_id").department_id(LEAF)
    return {
        "members": drive.v1.permission_member.list(members.build()),
        "auth": drive.v1.permission_member.auth(auth.build()),
        "public": drive.v2.permission_public.get(
            GetPermissionPublicRequest.builder().token(token).type("wiki").build()
        ),
        "space": wiki.space.get(GetSpaceRequest.builder().space_id(PRIVATE).build()),
        "space members": wiki.space_member.list(ListSpaceMemberRequest.builder().space_id(PRIVATE).build()),
        "node": wiki.space.get_node(GetNodeSpaceRequest.builder().token(token).build()),
        "chats": im.chat.list(ListChatRequest.builder().page_size(100).build()),
        "chat": im.chat.get(GetChatRequest.builder().chat_id(STAFF).build()),
        "people": im.chat_members.get(GetChatMembersRequest.builder().chat_id(STAFF).page_size(100).build()),
        "person": contact.user.get(GetUserRequest.builder().user_id_type("open_id").user_id(CARLA).build()),
        "parents": contact.department.parent(parents.build()),
        "department": contact.department.get(GetDepartmentRequest.builder().department_id(LEAF).build()),
        "groups": contact.group.member_belong(MemberBelongGroupRequest.builder().member_id(DAN).build()),
        "range": contact.scope.list(ListScopeRequest.builder().build()),
        "outsider": contact.user.get(GetUserRequest.builder().user_id_type("open_id").user_id(EVE).build()),
    }


async def test_the_official_sdk_reads_rights() -> None:
    pytest.importorskip("lark_oapi", reason="the official SDK is a dev extra")
    settings = SandboxSettings(app_id="cli_sdk_rights")  # the SDK keeps tokens by it, for the whole process
    sandbox = furnish(Sandbox(settings))
    node = sandbox.platform.documents.node(PRIVATE, "一页", "正文")
    sandbox.rights.grant(node.node_token, Member("chat", STAFF))
    async with running(sandbox) as url:
        told = await asyncio.to_thread(read_rights, url, settings, node)
    assert {name: reply.code for name, reply in told.items() if reply.code} == {"outsider": 41050}
    [member] = told["members"].data.items
    assert (member.member_type, member.member_id, member.type, member.external_label) == (
        "openchat",
        STAFF,
        "chat",
        True,
    )
    assert told["auth"].data.auth_result is True
    assert told["public"].data.permission_public.lock_switch is False
    assert (told["space"].data.space.visibility, told["node"].data.node.owner) == ("private", "ou_owner")
    assert [each.member_id for each in told["space members"].data.members] == [ALICE, HR]
    assert STAFF in [each.chat_id for each in told["chats"].data.items]
    assert (told["chat"].data.external, told["chat"].data.restricted_mode_setting.status) == (True, False)
    assert [each.tenant_key for each in told["people"].data.items] == ["sandbox_tenant", "partner_tenant"]
    assert (told["person"].data.user.department_ids, told["person"].data.user.status.is_resigned) == ([LEAF], False)
    assert [each.open_department_id for each in told["parents"].data.items] == [HR]
    assert (told["department"].data.department.name, told["department"].data.department.parent_department_id) == (
        "薪酬组",
        HR,
    )
    assert told["groups"].data.group_list == [LEADERS, "og-dynamic"]
    assert HR in told["range"].data.department_ids


async def test_everything_can_be_changed_over_the_control_api() -> None:
    sandbox = Sandbox(SandboxSettings())
    page = sandbox.platform.documents.node("7301", "一页", "正文")
    transport = httpx.ASGITransport(app=app_of(sandbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:

        async def post(what: str, **body: Any) -> int:
            return (await http.post(f"/sandbox/{what}", json=body)).status_code

        async def opens() -> set[str]:
            told = (await http.get(f"/sandbox/rights/{page.node_token}")).json()
            return {each["open_id"] for each in told["readers"] if each["allowed"]}

        steps: list[tuple[str, dict[str, Any]]] = [
            ("departments", {"department": HR, "name": "人事部"}),
            ("departments", {"department": LEAF, "name": "薪酬组", "parent": HR}),
            ("departments", {"department": "od-none", "name": "空"}),
            ("departments", {"department": "od-none", "do": "close"}),
            ("people", {"open_id": CARLA, "name": "卡拉", "departments": [HR]}),
            ("people", {"open_id": DAN, "name": "丹"}),
            ("people", {"open_id": EVE, "name": "伊芙", "tenant_key": "partner_tenant"}),
            ("moves", {"open_id": CARLA, "departments": [LEAF]}),
            ("user-groups", {"group_id": LEADERS, "name": "组长", "members": [DAN]}),
            ("chats", {"chat_id": STAFF, "name": "外联群", "people": [CARLA]}),
            ("chat-members", {"chat_id": STAFF, "do": "add", "people": [EVE], "operator": CARLA}),
            ("chat-bots", {"chat_id": STAFF, "do": "remove", "app_id": "cli_sandbox"}),
            ("contact-range", {"departments": [HR]}),
            ("spaces", {"space_id": "7301", "name": "人事", "members": [{"kind": "department", "id": HR}]}),
            ("space-members", {"space_id": "7301", "do": "add", "kind": "user", "id": BOB, "role": "admin"}),
        ]
        for what, body in steps:
            assert await post(what, **body) == 200, (what, body)
        assert await opens() == {BOB, CARLA}
        limits = sandbox.world.apps["cli_sandbox"].contact_range
        assert limits is not None and limits.departments == {HR}
        changes: list[tuple[dict[str, Any], set[str]]] = [
            ({"do": "grant", "kind": "chat", "id": STAFF}, {BOB, CARLA, EVE}),
            ({"do": "grant", "kind": "group", "id": LEADERS, "perm": "edit"}, {BOB, CARLA, EVE, DAN}),
            ({"do": "lock"}, {BOB, CARLA, EVE, DAN}),
            ({"do": "revoke", "kind": "chat", "id": STAFF}, {BOB, DAN}),
            ({"do": "unlock"}, {BOB, CARLA, DAN}),
            ({"do": "public", "link_share_entity": "anyone_readable"}, {ALICE, BOB, CARLA, DAN, EVE}),
            ({"do": "share", "members": [], "owner": ALICE, "lock_switch": True}, {ALICE, BOB}),
            ({"do": "own", "open_id": EVE}, {EVE, BOB}),
        ]
        for change, allowed in changes:
            assert await post("rights", token=page.obj_token, **change) == 200, change
            assert await opens() == allowed, change
        last: list[tuple[str, dict[str, Any]]] = [
            ("space-members", {"space_id": "7301", "do": "remove", "kind": "user", "id": BOB}),
            ("resignations", {"open_id": DAN}),
            ("disbandings", {"chat_id": STAFF, "keep_history": True}),
            ("contact-range", {}),
        ]
        for what, body in last:
            assert await post(what, **body) == 200, (what, body)
        assert await opens() == {EVE}
        assert sandbox.world.apps["cli_sandbox"].contact_range is None
        told = (await http.get("/sandbox/organisation")).json()
        assert [each["name"] for each in told["department"]] == ["", "人事部", "薪酬组"]
        assert [each["title"] for each in told["documents"]] == ["人事", "一页"]
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("rights", {"token": page.obj_token, "do": "paint"}),
            ("rights", {"token": page.obj_token, "do": "grant", "kind": "robot", "id": "x"}),
            ("rights", {"token": "doxNone", "do": "lock"}),
            ("people", {"open_id": CARLA, "name": "又一个"}),
            ("chat-members", {"chat_id": "oc_none", "do": "add", "people": [BOB]}),
            ("moves", {"open_id": CARLA, "departments": ["od-nothing"]}),
        ]
        for what, body in wrong:
            assert await post(what, **body) == 400, (what, body)
        assert (await http.get("/sandbox/rights/doxNone")).status_code == 404
