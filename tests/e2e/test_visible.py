"""What hides in texts and links does not reach the pages: the same rules in Python (cards) and in the browser."""

import pytest
from playwright.async_api import expect

from feishu.cards.foreign_text import other_host, web_url
from feishu.visible_text import visible_text
from tests.e2e.web_chat import QUESTION, Chat
from tests.support.scripted_library import telling

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXTS = [
    "付款\u202e单.exe\u202c",
    "a\u200bb\u00adc\u2060\ufeff\u2066d\u2069",
    "👩\u200d💻 a\u200db 👩\u200d\u200d💻 ☺\ufe0f x\ufe0f 1\ufe0f\u20e3",
    "می\u200cخواهم ab\u200ccd",
    "葛\U000e0100a\U000e0100",
    "\x07bell\x1b[31m\x9f",
    "🏴\U000e0067\U000e0062",
]
LINKS = [
    ("https://portal.example", "https://evil.example/x"),
    ("门户 portal.example 登录", "https://evil.example"),
    ("访问portal.example", "https://portal.example"),
    ("www.portal.example", "https://portal.example/a"),
    ("portal.example", "https://login.portal.example"),
    ("аpple.example", "https://apple.example"),
    ("ｐｏｒｔａｌ．ｅｘａｍｐｌｅ", "https://evil.example"),
    ("10.0.0.1", "https://evil.example"),
    ("报销单.pdf", "https://wiki.example"),
    ("手册 v1.2.3", "https://wiki.example"),
    ("https://good.example@evil.example", "https://evil.example"),
]


async def test_the_browser_sees_what_cards_show(chat: Chat) -> None:
    module = "import('/static/js/visible.js')"
    texts = await chat.page.evaluate(f"async (texts) => texts.map((await {module}).visible)", TEXTS)
    assert texts == [visible_text(text) for text in TEXTS]
    hosts = await chat.page.evaluate(
        f"async (links) => {{ const m = await {module}; return links.map(([t, u]) => m.otherHost(t, u)); }}", LINKS
    )
    assert hosts == [other_host(text, url) for text, url in LINKS]
    addresses = ["https://good.example@evil.example/x", "javascript:alert(1)", "https://a:b@c.example/", "nothing"]
    seen = await chat.page.evaluate(f"async (all) => all.map((await {module}).webAddress)", addresses)
    assert seen == [web_url(address) for address in addresses]


async def test_an_answer_hides_nothing_on_the_web(chat: Chat) -> None:
    text = (
        "见 [https://portal.example](https://evil.example/x) 和 https://good.example@evil.example/y ，"
        "或 [手册](https://wiki.example/a) 付款\u202e单 👩\u200d💻\n\n`re\u200bd`"
    )
    chat.library.on(QUESTION, telling(text, size=3))
    await chat.ask(QUESTION, "answered")
    prose = chat.page.locator(".answer .prose")
    links = prose.locator("a")
    assert await links.all_inner_texts() == [
        "https://portal.example (evil.example)",
        "https://good.example",
        "手册",
    ]
    assert await links.evaluate_all("all => all.map(a => a.getAttribute('href'))") == [
        "https://evil.example/x",
        "https://good.example",
        "https://wiki.example/a",
    ]
    await expect(prose).to_contain_text("付款单 👩\u200d💻")
    await expect(prose.locator("code")).to_have_text("red")
    chat.check()
