"""The sandbox's panels in Chromium: who may open a document and why, sharing, locking, and who is in a group."""

import pytest
from playwright.async_api import Locator, Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.samples.rights import CHEN, CONSULTANTS, LEADS, LIN, NORA, PAYROLL, ZHOU, put_rights
from tests.e2e.browser import Watched
from tests.e2e.test_demo import picture
from tests.e2e.test_sandbox_page import open_page, post_card
from tests.e2e.test_sandbox_viewer import tab_after
from tests.e2e.test_web_chat_more import serious
from tests.support.platform_client import GROUP, card, markdown

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def house() -> Sandbox:
    sandbox = Sandbox(SandboxSettings())
    put_rights(sandbox)
    return sandbox


def token_of(sandbox: Sandbox, title: str) -> str:
    return next(node.node_token for node in sandbox.platform.documents.nodes if node.title == title)


async def show(page: Page, title: str) -> Locator:
    """Opens the panel at a document; what it shows of it."""
    if not await page.get_by_test_id("rights").is_visible():
        await page.get_by_test_id("open-rights").click()
    await page.get_by_test_id("rights-tree").get_by_text(title, exact=True).click()
    shown = page.get_by_test_id("rights-of")
    await expect(shown.get_by_role("heading", name=title)).to_be_visible()
    return shown


async def opens(shown: Locator, *people: str) -> None:
    """Exactly these people may open the document that is shown."""
    for person in (LIN, ZHOU, CHEN, NORA):
        row = shown.get_by_test_id(f"reader-{person}")
        await expect(row).to_have_attribute("data-allowed", "true" if person in people else "false")


async def test_the_panel_says_who_may_open_a_document_and_changes_that(watched: Watched, house: Sandbox) -> None:
    async with running(house) as url:
        page = await open_page(watched, url)
        shown = await show(page, "顾问结算")
        await opens(shown, LIN, ZHOU, CHEN, NORA)
        await expect(shown.get_by_test_id(f"reader-{NORA}")).to_contain_text("外部nimbus_partner协作者：顾问沟通群")
        await expect(shown.get_by_test_id(f"reader-{CHEN}")).to_contain_text("知识库「财务资料」的成员：财务部")
        await picture(page, "sandbox-rights")
        await shown.get_by_test_id(f"revoke-chat-{CONSULTANTS}").click()
        await opens(shown, ZHOU, CHEN)
        await expect(shown.get_by_test_id(f"reader-{NORA}")).to_contain_text("没有权限")
        await shown.get_by_test_id("grant-whom").select_option(f"user:{NORA}")
        await shown.get_by_test_id("grant-perm").select_option("edit")
        await shown.get_by_test_id("grant").click()
        await opens(shown, ZHOU, CHEN, NORA)
        await expect(shown.get_by_test_id(f"collaborator-user-{NORA}")).to_contain_text("可编辑 · 含子页面")
        await shown.get_by_test_id("external_access_entity").select_option("closed")
        await opens(shown, ZHOU, CHEN)
        await expect(shown.get_by_test_id(f"reader-{NORA}")).to_contain_text("不允许分享到组织外")
        await shown.get_by_test_id("link_share_entity").select_option("anyone_readable")
        await expect(shown.get_by_test_id("rights-trouble")).to_have_text(
            "this document may not leave the organisation"
        )
        await expect(shown.get_by_test_id("link_share_entity")).to_have_value("closed")
        await shown.get_by_test_id("link_share_entity").select_option("tenant_readable")
        await opens(shown, LIN, ZHOU, CHEN)
        await expect(shown.get_by_test_id("rights-trouble")).to_have_count(0)
        await shown.get_by_test_id("lock").check()
        await opens(shown, ZHOU)
        await shown.get_by_test_id("grant-whom").select_option(f"department:{PAYROLL}")
        await shown.get_by_test_id("grant").click()
        await opens(shown, ZHOU, CHEN)
        await shown.get_by_test_id("grant-whom").select_option(f"group:{LEADS}")
        await shown.get_by_test_id("grant").click()
        await expect(shown.get_by_test_id("collaborators").locator("li")).to_have_count(3)
        await expect(page.get_by_test_id("rights-tree").get_by_text("🔒")).to_have_count(2)
        watched.forgive("400")
        assert (watched.troubles, watched.outside(url)) == ([], [])


async def test_the_panel_speaks_english_in_the_dark_and_hears_of_changes(watched: Watched, house: Sandbox) -> None:
    async with running(house) as url:
        page = await open_page(watched, url)
        if await page.evaluate("document.documentElement.dataset.theme") == "light":
            await page.get_by_test_id("theme-toggle").click()
        await page.get_by_test_id("language-toggle").click()
        shown = await show(page, "薪酬复核")
        await opens(shown, ZHOU, CHEN)
        await expect(shown.get_by_test_id(f"reader-{LIN}")).to_contain_text("No permission")
        await expect(shown.get_by_test_id(f"reader-{CHEN}")).to_contain_text("Collaborator: 薪酬组")
        assert await serious(page) == []
        await picture(page, "sandbox-rights-dark")
        house.office.move(LIN, PAYROLL)
        await opens(shown, LIN, ZHOU, CHEN)
        house.office.resign(CHEN)
        await expect(shown.get_by_test_id(f"reader-{CHEN}")).to_have_count(0)
        assert watched.troubles == []


async def test_people_join_and_leave_a_group_and_are_seen_where_they_work(watched: Watched, house: Sandbox) -> None:
    async with running(house) as url:
        page = await open_page(watched, url)
        await expect(page.get_by_test_id(f"me-{NORA}")).to_contain_text("外部")
        await expect(page.get_by_test_id(f"chat-{CONSULTANTS}")).to_contain_text("外部")
        await page.get_by_test_id("open-members").click()
        members = page.get_by_test_id("members")
        await expect(members.get_by_test_id(f"member-{LIN}")).to_contain_text("产品部")
        await members.get_by_test_id("members-choice").select_option(NORA)
        await members.get_by_test_id("members-add").click()
        await expect(members.get_by_test_id(f"member-{NORA}")).to_contain_text("nimbus_partner")
        await expect(page.get_by_test_id(f"chat-{GROUP}")).to_contain_text("外部")
        assert await serious(page) == []
        await picture(page, "sandbox-members")
        await members.get_by_test_id(f"remove-{NORA}").click()
        await expect(members.get_by_test_id(f"member-{NORA}")).to_have_count(0)
        await members.get_by_test_id("move-cli_sandbox").click()
        await expect(members.get_by_test_id("move-cli_sandbox")).to_have_text("加入机器人")
        assert house.world.chats[GROUP].apps == []
        told = {entry.name for entry in house.journal.of("event")}
        assert told == {
            "im.chat.member.user.added_v1",
            "im.chat.member.user.deleted_v1",
            "im.chat.member.bot.deleted_v1",
        }
        await members.locator(".close-panel").click()
        await page.get_by_test_id(f"me-{NORA}").click()
        await expect(page.get_by_test_id("chat-list").locator("li")).to_have_count(1)
        house.groups.remove(CONSULTANTS, NORA)
        await expect(page.get_by_test_id("chat-list").locator("li")).to_have_count(0)
        await expect(page.get_by_test_id("open-members")).to_be_hidden()
        await page.get_by_test_id(f"me-{ZHOU}").click()
        await expect(page.get_by_test_id(f"chat-{GROUP}")).to_be_visible()
        assert watched.troubles == []


async def test_a_link_opens_only_for_who_may_open_it(watched: Watched, house: Sandbox) -> None:
    link = f"https://sandbox.feishu.cn/wiki/{token_of(house, '薪酬复核')}"
    async with running(house) as url:
        page = await open_page(watched, url)
        post_card(house, card(markdown(f"[出处]({link})")))
        tab = await tab_after(page, ".card a")
        await expect(tab.page.locator("h1")).to_have_text("没有权限")
        await expect(tab.page.locator("body")).not_to_contain_text("薪酬")
        await picture(tab.page, "viewer-closed")
        assert await serious(tab.page) == []
        await tab.page.close()
        await page.get_by_test_id(f"me-{ZHOU}").click()
        tab = await tab_after(page, ".card a")
        await expect(tab.page.locator("h1")).to_contain_text("薪酬复核")
