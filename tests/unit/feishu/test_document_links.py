"""Links to documents among the words of a message, and what their words ask."""

import pytest

from bot.intake.linked_documents import is_bare_request
from feishu.documents.links import links_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("看 https://a.feishu.cn/docx/Dox1。谢谢", ["https://a.feishu.cn/docx/Dox1"]),
        ("[差旅制度](https://a.larksuite.com/wiki/Wik1?from=x)怎么报销", ["[差旅制度](https://a.larksuite.com/wiki/Wik1?from=x)"]),
        (
            "https://a.feishu.cn/sheets/Sht1?sheet=ab、https://a.feishu.cn/base/Bas1",
            ["https://a.feishu.cn/sheets/Sht1?sheet=ab", "https://a.feishu.cn/base/Bas1"],
        ),
        ("(https://a.feishu.cn/file/Box1).", ["https://a.feishu.cn/file/Box1"]),
        ("https://own.example.com/docx/Dox1", ["https://own.example.com/docx/Dox1"]),
        ("https://evil.example/docx/Dox1 https://feishu.cn.evil.example/docx/a http://a.feishu.cn/docx/b", []),
        ("https://a.feishu.cn/calendar/x 没有链接 https://[ http://", []),
    ],
)  # fmt: skip
def test_links_are_found_with_their_own_words(text: str, found: list[str]) -> None:
    assert [text[each.start : each.end] for each in links_in(text, {"own.example.com"})] == found


@pytest.mark.parametrize(
    ("words", "is_bare"),
    [
        ("", True), ("：", True), ("读一下这个：", True), ("请看这篇文档", True), ("看看", True), ("帮我读一下", True),
        ("read this:", True), ("Please read this document", True), ("look at the sheet", True),
        ("年假有几天？", False), ("总结一下", False), ("这个文档里押金是多少", False), ("what is the deposit?", False),
        ("read this and tell me the deposit", False),
    ],
)  # fmt: skip
def test_a_request_to_read_is_no_question(words: str, is_bare: bool) -> None:
    assert is_bare_request(words) is is_bare
