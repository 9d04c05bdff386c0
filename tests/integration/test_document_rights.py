"""Rights of single documents as an app reads them from the local platform: what closes them, and what is said of it."""

from collections.abc import AsyncIterator

import pytest

from feishu.api.client import FeishuClient
from feishu.documents.listing import Page
from feishu.documents.rights import ANYONE, OUTSIDE, TENANT, Rights, RightsReader
from feishu.errors import FeishuError
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.document_store import Node, Table
from feishu.sandbox.sharing import Member
from feishu.settings import FeishuSettings
from tests.support.rights_house import CARLA, DAN, HR, PRIVATE, furnish


class Desk:
    """A sandbox with a page, and an app that reads rights there."""

    def __init__(self, sandbox: Sandbox, client: FeishuClient) -> None:
        self.sandbox = furnish(sandbox)
        self.client = client
        self.node: Node = sandbox.platform.documents.node(PRIVATE, "一页", "字")

    async def rights(self, page: Page | None = None, *, by_link: bool = True) -> Rights:
        own = Page(self.node.obj_token, "一页", "", "", node=self.node.node_token, owner=CARLA)
        return await RightsReader(self.client, by_link=by_link).of(page or own)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        app = sandbox.settings
        settings = FeishuSettings.model_validate({"app_id": app.app_id, "app_secret": app.app_secret, "base_url": url})
        client = FeishuClient(settings)
        yield Desk(sandbox, client)
        await client.aclose()


async def test_each_reader_has_a_rule(desk: Desk) -> None:
    desk.sandbox.rights.share(desk.node.node_token, Member("user", DAN), owner=CARLA)
    rules = {(grant.principal, grant.rule) for grant in (await desk.rights()).grants}
    assert rules >= {(f"user:{CARLA}", "owner"), (f"user:{DAN}", "member"), (f"department:{HR}", "space_member")}


async def test_a_link_opens_to_the_organisation_only_where_that_is_wanted(desk: Desk) -> None:
    desk.sandbox.rights.share(desk.node.node_token, link_share_entity="tenant_readable", lock_switch=True)
    assert TENANT in (await desk.rights()).readers
    assert TENANT not in (await desk.rights(by_link=False)).readers


async def test_outside_means_outside_only_where_the_document_may_leave(desk: Desk) -> None:
    token = desk.node.node_token
    desk.sandbox.rights.share(token, external_access_entity="open", link_share_entity="anyone_readable")
    assert OUTSIDE + ANYONE in (await desk.rights()).readers
    desk.sandbox.rights.share(token, Member("user", DAN), external_access_entity="closed")
    assert not {each for each in (await desk.rights()).readers if each.startswith(OUTSIDE)}


async def test_members_that_the_app_may_not_see_close_a_document(desk: Desk) -> None:
    desk.sandbox.rights.share(desk.node.node_token, manage_collaborator_entity="collaborator_full_access")
    found = await desk.rights()
    assert (found.closed, found.readers) == ("members_hidden", frozenset())


async def test_a_missing_scope_is_named(desk: Desk) -> None:
    app = desk.sandbox.world.apps["cli_sandbox"]
    app.scopes -= {"docs:permission.member:retrieve"}
    found = await desk.rights()
    assert found.closed == "scope_missing" and "docs:permission.member:retrieve" in found.missing_scope
    assert not found.readers


async def test_a_setting_that_cannot_be_seen_cuts_what_is_inherited(desk: Desk) -> None:
    app = desk.sandbox.world.apps["cli_sandbox"]
    app.scopes -= {"docs:permission.setting:read", "docx:document:readonly", "drive:drive:readonly"}
    desk.sandbox.rights.share(desk.node.node_token, Member("user", DAN))
    found = await desk.rights()
    assert f"user:{DAN}" in found.readers and f"department:{HR}" not in found.readers
    assert desk.node.node_token in found.incomplete


async def test_a_document_that_is_gone_is_closed(desk: Desk) -> None:
    assert (await desk.rights(Page("doxcnNowhere", "", "", ""))).closed == "gone"


async def test_a_base_whose_records_have_rights_of_their_own_is_closed(desk: Desk) -> None:
    store = desk.sandbox.platform.documents
    store.base("bascnPlain", "平", Table("tbl1", "表", [], []))
    store.base("bascnRoles", "分", Table("tbl2", "表", [], []), is_advanced=True)
    assert not (await desk.rights(Page("bascnPlain", "平", "", "", "bitable"))).closed
    found = await desk.rights(Page("bascnRoles", "分", "", "", "bitable"))
    assert (found.closed, found.readers) == ("advanced", frozenset())


async def test_an_outage_is_no_answer(desk: Desk) -> None:
    """What is known stays, until it is too old: closing everything in an outage would be one of our own."""
    desk.sandbox.faults.plan("permission.members", times=20, status=500)
    with pytest.raises(FeishuError):
        await desk.rights()
