"""`[n]` in foreign Markdown leads where its source is, and nowhere else."""

import pytest

from feishu.cards.markdown import safe_markdown

LINKS = {1: "https://a.example/x#b", 12: "https://b.example/"}
ONE = "[&#91;1&#93;](https://a.example/x#b)"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("十个工作日 [1]。", f"十个工作日 {ONE}。"),
        ("甲[1][12]乙[2][01]", f"甲{ONE}[&#91;12&#93;](https://b.example/)乙[2]{ONE.replace('1&', '01&')}"),
        ("**粗 [1]** | [1] |", f"**粗 {ONE}** | {ONE} |"),
        ("- 一 [1]\n- 二 [3]", f"- 一 {ONE}\n- 二 [3]"),
        ("| a |\n|---|\n| 甲 [1] |", f"| a |\n|---|\n| 甲 {ONE} |"),
        ("[1](https://e.cn) 与 [见 [1] 处](https://e.cn)", "[1](https://e.cn) 与 [见 [1] 处](https://e.cn)"),
        ("[1](javascript:x) [1]: y [1]", f"1 {ONE}: y {ONE}"),
        ("`[1]` 和\n```\n[1]\n```", "`[1]` 和\n```\n[1]\n```"),
        ("\\[1\\] [1234] [ 1] [１]", "&#91;1&#93; [1234] [ 1] [１]"),
        ("[[1]]", f"[{ONE}]"),
    ],
)
def test_citations_outside_of_code_and_links_are_linked(written: str, shown: str) -> None:
    assert safe_markdown(written, citations=LINKS) == shown


def test_without_addresses_nothing_changes() -> None:
    assert safe_markdown("甲 [1]", citations={}) == safe_markdown("甲 [1]") == "甲 [1]"
