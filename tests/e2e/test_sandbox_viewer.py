"""The sandbox's viewer in Chromium: which links lead to it, and that each opens at its place."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.document_store import Sheet, Table
from feishu.sandbox.samples import put_samples
from feishu.sandbox.server.blocks import blocks_of
from tests.e2e.browser import Watched
from tests.e2e.test_demo import picture
from tests.e2e.test_sandbox_page import open_page, post_card
from tests.e2e.test_web_chat_more import serious
from tests.support.office_files import write_pdf
from tests.support.platform_client import ALICE, GROUP, card, markdown, plain

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHEET = "https://sandbox.feishu.cn/sheets/shtcnShuttle?sheet=shtShuttle"
FOREIGN = (
    "https://sandbox.feishu.cn.evil.example/sheets/shtcnShuttle",
    "https://evil.example/?to=https://sandbox.feishu.cn/sheets/shtcnShuttle",
    "https://sandbox.feishu.cn:8443/sheets/shtcnShuttle",
)
ALL_HREFS = "() => [...document.querySelectorAll('.messages a')].map((link) => link.getAttribute('href'))"


async def tab_after(page: Page, press: str) -> Watched:
    """The tab that a click opens."""
    async with page.context.expect_page() as popup:
        await page.locator(press).click()
    tab = Watched(await popup.value).watch()
    await expect(tab.page.get_by_test_id("document")).to_be_visible()
    return tab


async def test_every_link_to_the_tenant_opens_its_document_and_no_other_link_is_touched(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    put_samples(sandbox.platform.documents)
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        button = {
            "tag": "button",
            "text": plain("打开"),
            "element_id": "go",
            "behaviors": [{"type": "open_url", "default_url": SHEET}],
        }
        foreign = " ".join(f"[别处]({each})" for each in FOREIGN)
        in_a_div = {"tag": "div", "text": {"tag": "lark_md", "content": f"[小字]({SHEET})"}}
        post_card(sandbox, card(markdown(f"[表]({SHEET}) {foreign}"), in_a_div, button))
        rich = {"title": "", "content": [[{"tag": "a", "text": "富文本", "href": SHEET}]]}
        await sandbox.say(GROUP, ALICE, kind="post", content=json.dumps(rich))
        await sandbox.say(GROUP, ALICE, f"看看 {SHEET}，还有 {FOREIGN[0]}。")
        await expect(page.get_by_test_id("message")).to_have_count(3)
        here = "/sandbox/documents/sheets/shtcnShuttle?sheet=shtShuttle&language=zh&person=ou_linxiaoman"
        assert await page.evaluate(ALL_HREFS) == [here, *FOREIGN, here, here, here, FOREIGN[0]]
        for press in (".card .markdown a >> nth=0", ".card .div a", "[data-testid=button-go]", ".post a", ".bubble a"):
            tab = await tab_after(page, f"{press} >> nth=0")
            assert tab.page.url == url + here
            await expect(tab.page.get_by_test_id("tabs").locator("[aria-current]")).to_have_text("班车")
            assert tab.troubles == []
            await tab.page.close()
        await page.get_by_test_id("language-toggle").click()
        assert set(await page.evaluate(ALL_HREFS)) == {here.replace("=zh", "=en"), *FOREIGN}
        assert watched.troubles == []


async def test_a_block_and_a_record_far_down_are_scrolled_to_and_marked(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    text = (
        "\n\n".join(f"## 第 {number} 节\n\n正文 {number}。" for number in range(60))
        + "\n\n| 城市 | 标准 |\n|---|---|\n| 北京 | 600 |\n"
    )
    store.write("doxLong", "长文", text)
    fields = [{"field_name": "名称", "type": 1, "is_primary": True}]
    records = [(f"rec{number}", {"名称": [{"type": "text", "text": f"记录 {number}"}]}) for number in range(200)]
    store.base("basLong", "长表", Table("tbl1", "空", fields, []), Table("tbl2", "满", fields, records))
    [block] = [
        each for each in blocks_of("doxLong", "长文", text) if "第 40 节" in json.dumps(each, ensure_ascii=False)
    ]
    async with running(sandbox) as url:
        page = watched.page
        await page.goto(f"{url}/sandbox/documents/docx/doxLong?language=zh#{block['block_id']}")
        await expect(page.locator(":target")).to_have_text("第 40 节")
        await expect(page.locator(":target")).to_be_in_viewport()
        await expect(page.get_by_text("第 0 节")).not_to_be_in_viewport()
        await picture(page, "viewer-block")
        await page.goto(f"{url}/sandbox/documents/record/rec150?language=en")
        marked = page.locator("tr.cited")
        await expect(marked).to_have_text("记录 150")
        await expect(marked).to_be_in_viewport()
        await picture(page, "viewer-record")
        assert await serious(page) == []
        await page.get_by_test_id("tabs").get_by_text("空").click()
        await expect(page.locator("tbody tr")).to_have_count(0)
        await expect(page.get_by_test_id("back")).to_have_text("← Back to the chat")
        await page.get_by_test_id("back").click()
        await page.wait_for_selector("body[data-ready=true]")
        assert watched.troubles == []


async def test_a_pdf_stands_in_the_page_and_nothing_hostile_runs(watched: Watched, tmp_path: Path) -> None:
    sandbox = Sandbox(SandboxSettings())
    store = sandbox.platform.documents
    hostile = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    store.upload("boxPdf", "班车.pdf", write_pdf(tmp_path / "a.pdf", [["第一页"], ["第二页"]]).read_bytes())
    store.upload("boxText", f"{hostile}.html", hostile.encode())
    store.write("doxBad", hostile, f"# {hostile}\n\n[x](javascript:alert)\n\n```\n{hostile}\n```\n\n| {hostile} |\n")
    store.sheets("shtcnBad", hostile, Sheet('a"onclick=alert(1)', hostile, [[hostile]]))
    async with running(sandbox) as url:
        page = watched.page
        async with page.expect_response(lambda answer: answer.url.endswith("/sandbox/resources/boxPdf")) as framed:
            await page.goto(f"{url}/sandbox/documents/file/boxPdf?language=zh#page=2")
        assert (await framed.value).headers["content-type"] == "application/pdf"
        await expect(page.locator("iframe.pdf")).to_have_attribute("src", "/sandbox/resources/boxPdf#page=2")
        await picture(page, "viewer-pdf")
        for path in ("docx/doxBad", "sheets/shtcnBad", "file/boxText"):
            await page.goto(f"{url}/sandbox/documents/{path}?language=zh")
            await expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
            assert await page.locator("main img, main script").count() == 0
        assert watched.troubles == []


async def test_what_is_missing_is_said_in_the_page_s_language_and_theme(watched: Watched) -> None:
    sandbox = Sandbox(SandboxSettings())
    async with running(sandbox) as url:
        page = await open_page(watched, url)
        if await page.evaluate("document.documentElement.dataset.theme") == "light":
            await page.get_by_test_id("theme-toggle").click()
        await page.get_by_test_id("language-toggle").click()
        post_card(sandbox, card(markdown("[gone](https://sandbox.feishu.cn/docx/doxNone)")))
        tab = await tab_after(page, ".card a")
        await expect(tab.page.locator("h1")).to_contain_text("No such document")
        await expect(tab.page.locator("html")).to_have_attribute("lang", "en")
        await expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")
        await picture(tab.page, "viewer-missing")
        assert await serious(tab.page) == []
