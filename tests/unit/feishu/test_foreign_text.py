"""Links say where they lead, and nobody's name poses as a host."""

import json

import pytest

from bot.cards.final_view import final
from bot.intake.replies import mentioning
from bot.models import Answer, CardState, Source, Turn
from bot.texts import ZH
from feishu.api.messages import text_content
from feishu.cards import elements as build
from feishu.cards.foreign_text import honest_text, other_host, web_url
from feishu.cards.markdown import safe_markdown
from feishu.visible_text import visible_text


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://good.example@evil.example/x?y=1#z", "https://evil.example/x?y=1#z"),
        ("https://a:b@evil.example:8443", "https://evil.example:8443"),
        ("https://例子.中国/a", "https://xn--fsqu00a.xn--fiqs8s/a"),
        ("https://аpple.example", "https://xn--pple-43d.example"),
        ("https://e.cn/a b", "https://e.cn/a%20b"),
        ("http://intranet/x", "http://intranet/x"),
        ("javascript:alert(1)", ""),
        ("lark://client", ""),
        ("https:evil.example", ""),
        ("https://%65vil.example", ""),
        ("https://evil.example\\.good.example", ""),
        ("https://a..b", ""),
        ("https://[::1]/", ""),
        ("https://e.cn:port", ""),
        ("https://", ""),
        ("", ""),
    ],
)
def test_addresses_of_links(target: str, url: str) -> None:
    assert web_url(target) == url


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("https://portal.example", "https://evil.example", "evil.example"),
        ("portal.example", "https://evil.example", "evil.example"),
        ("请登录 PORTAL.example/sso", "https://evil.example", "evil.example"),
        ("ｐｏｒｔａｌ。ｅｘａｍｐｌｅ", "https://evil.example", "evil.example"),
        ("**portal**.exam`ple`", "https://evil.example", "evil.example"),
        ("&#112;ortal&#46;example", "https://evil.example", "evil.example"),
        ("por\u200btal.example", "https://evil.example", "evil.example"),
        ("http://intranet", "https://evil.example", "evil.example"),
        ("10.0.0.1", "https://evil.example", "evil.example"),
        ("myportal.example", "https://portal.example", "portal.example"),
        ("apple.example", "https://xn--pple-43d.example", "xn--pple-43d.example"),
        ("портал.中国", "https://evil.example", "evil.example"),
        ("https://good.example@evil.example", "https://good.example", "good.example"),
        ("https://portal.example/a", "https://www.portal.example/b", ""),
        ("portal.example", "https://sso.portal.example", ""),
        ("访问portal.example", "https://portal.example", ""),
        ("例子.中国", "https://xn--fsqu00a.xn--fiqs8s", ""),
        ("差旅办法.pdf", "https://wiki.example", ""),
        ("版本 1.2.3，见第 3.4 节。详情", "https://wiki.example", ""),
        ("e.g. this", "https://wiki.example", ""),
        ("差旅报销办法", "https://wiki.example", ""),
    ],
)
def test_a_text_that_looks_like_another_address_is_seen(text: str, url: str, host: str) -> None:
    assert other_host(text, url) == host


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "[https://portal.example](https://evil.example/x)",
            "[https://portal.example (evil.example)](https://evil.example/x)",
        ),
        ("[手册](https://good.example@evil.example)", "[手册](https://evil.example)"),
        ("[good.example](https://good.example@evil.example)", "[good.example (evil.example)](https://evil.example)"),
        ("[a.example](https://e_vil.example)", "[a.example (e&#95;vil.example)](https://e_vil.example)"),
        (
            "https://good.example@evil.example/a 和 bob@a.example",
            "https://good.example @evil.example/a 和 bob@a.example",
        ),
        ("https://a.example/@bob https://b.example?x=@y", "https://a.example/@bob https://b.example?x=@y"),
        ("ssh://git@a.example", "ssh&#58;//git@a.example"),
        ("`<at id=all></at>` <at id=all></at>", "`＜at id=all>＜/at>` &#60;at id=all>&#60;/at>"),
        ("```\n<AT id=all>\n< /person>\n&lt;at id=all>\n```", "```\n＜AT id=all>\n＜ /person>\n＜at id=all>\n```"),
        ("`<attach>` `<a>` `a<b`", "`<attach>` `<a>` `a<b`"),
        ("单\u202eexe.\u202c `x\u200by`", "单exe. `xy`"),
    ],
)
def test_foreign_markdown(written: str, shown: str) -> None:
    assert safe_markdown(written) == shown


def test_words_in_text_messages_are_harmless() -> None:
    foreign = "[https://portal.example](https://a@evil.example) https://b@c.example \u202e"
    foreign += "<at user_id='all'> &lt;at user_id=all>"
    said = "[https://portal.example (evil.example)](https://evil.example) https://c.example "
    said += "＜at user_id='all'> ＜at user_id=all>"
    assert json.loads(text_content(foreign).content) == {"text": said}
    marked = json.loads(mentioning(("ou_1",), foreign).content)["text"]
    assert marked == f'<at user_id="ou_1"></at> {said}'
    assert honest_text("ssh://git@a.example 1@2") == "ssh://git@a.example 1@2"


def test_titles_buttons_and_previews_hide_nothing() -> None:
    card = build.card(
        [build.button("问\u202e题")], header=build.header("标\u200b题", subtitle="\ufeff副"), summary="预\u2066览"
    )
    assert visible_text(json.dumps(card, ensure_ascii=False)) == json.dumps(card, ensure_ascii=False)


def test_sources_on_a_card_say_where_they_lead() -> None:
    sources = (
        Source(
            1, "https://portal.example", "一\u202e二", "摘\u200b要", "a.md", "https://good.example@evil.example/a", True
        ),
        Source(2, "手册", "", "", "b.md", "https://wiki.example/b(1)", True),
        Source(3, "旧", "", "", "c.md", "javascript:alert(1)", True),
    )
    turn = Turn("t1", "app", "c", "c", "p2p", "om_1", "ou_a", "问")
    shown = final(CardState(turn, Answer("a1", "t1", 1, "answered", text="答", sources=sources), ("a1",)), ZH)
    card = json.dumps(shown.card, ensure_ascii=False)
    assert "(evil.example)" in card.replace("&#40;", "(").replace("&#41;", ")") and "good.example@" not in card
    assert (
        "](https://evil.example/a)" in card and "](https://wiki.example/b%281%29)" in card and "javascript" not in card
    )
    assert visible_text(card) == card
    assert "https://evil.example/a" in shown.text and "@" not in shown.text
