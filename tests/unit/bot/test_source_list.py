"""The sources on a closed card: places, quotes that unfold, citations that lead there, within the card's limits."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.cards.final_view import CARD_BYTES, final
from bot.cards.progress import Completed, Progress, conclude, ended
from bot.models import Answer, CardState, Source, Turn
from bot.texts import texts
from feishu.cards.elements import MAX_ELEMENTS, Card, card_bytes
from rag.documents import Chunk, Passage, Place
from rag.events import Finished

ZH, EN = texts("zh"), texts("en")
TURN = Turn("t1", "cli_a", "oc_1", "oc_1", "group", "om_1", "ou_1", "多久内报销？")
DOCX = "https://acme.feishu.cn/docx/doxcnA"
QUOTED = Source(
    1,
    "费用报销制度",
    "一、时限",
    "出差回来后…",
    "feishu:doxcnA",
    DOCX,
    True,
    opens=f"{DOCX}#doxcnB",
    place_kind="heading",
    place_name="一、时限",
    quote="十个工作日内提交。",
    before="本条适用于国内。",
    after="逾期 <at id=all></at> **不** 报。",
)
PAGE = Source(2, "手册", "", "住宿", "b.pdf", None, True, place_kind="page", place_name="3", quote="每晚 600 元。")


def shown(*sources: Source, text: str = "十个工作日 [1][2]。", language: str = "zh") -> Card:
    answer = Answer("a1", "t1", 1, "answered", text=text, sources=sources)
    return final(CardState(TURN, answer, ("a1",)), texts(language)).card  # type: ignore[arg-type]


def nodes(card: Any, tag: str) -> list[dict[str, Any]]:
    if isinstance(card, list):
        return [found for each in card for found in nodes(each, tag)]
    if not isinstance(card, dict):
        return []
    own = [card] if card.get("tag") == tag else []
    return own + [found for value in card.values() for found in nodes(value, tag)]


def panels(card: Card) -> dict[str, dict[str, Any]]:
    return {panel["element_id"]: panel for panel in nodes(card, "collapsible_panel")}


def test_a_source_unfolds_to_the_sentence_in_bold_between_its_neighbours() -> None:
    found = panels(shown(QUOTED, PAGE))
    assert set(found) == {"sources", "quote_1", "quote_2"} and not any(panel["expanded"] for panel in found.values())
    assert found["quote_1"]["header"]["title"] == {"tag": "plain_text", "content": "原文：十个工作日内提交。"}
    [quote] = found["quote_1"]["elements"]
    assert quote["content"] == (
        "本条适用于国内。 **十个工作日内提交。** 逾期 &#60;at id=all&#62;&#60;/at&#62; &#42;&#42;不&#42;&#42; 报。"
    )


def test_the_number_and_the_title_lead_to_the_place() -> None:
    card = shown(QUOTED, PAGE)
    text = next(node for node in nodes(card, "markdown") if node.get("element_id") == "answer")["content"]
    assert text == f"十个工作日 [&#91;1&#93;]({DOCX}#doxcnB)[2]。"
    heads = [each["content"] for each in panels(card)["sources"]["elements"] if each["tag"] == "markdown"]
    assert heads == [f"**&#91;1&#93;** [费用报销制度 › 一、时限]({DOCX}#doxcnB)", "**&#91;2&#93;** **手册 · 第 3 页**"]


@pytest.mark.parametrize(
    ("kind", "zh", "en"),
    [
        ("sheet", "工作表 甲", "sheet 甲"),
        ("slide", "第 甲 张幻灯片", "slide 甲"),
        ("table", "数据表 甲", "table 甲"),
        ("record", "记录 甲", "record 甲"),
        ("heading", "手册", "手册"),
        ("", "手册", "手册"),
        ("unheard", "手册", "手册"),
    ],
)
def test_every_kind_of_place_is_said_in_both_languages(kind: str, zh: str, en: str) -> None:
    source = replace(PAGE, place_kind=kind, place_name="甲")
    for words, language in ((zh, "zh"), (en, "en")):
        head = panels(shown(source, language=language))["sources"]["elements"][0]["content"]
        assert head.endswith(f"{words}**")


def test_an_answer_of_an_earlier_version_shows_its_snippets() -> None:
    old = Source(
        **json.loads(
            json.dumps(
                {
                    "number": 1,
                    "title": "制度",
                    "heading_path": "时限",
                    "snippet": "开头",
                    "source": "a.md",
                    "link": "https://wiki.example/a",
                    "cited": True,
                    "collection": "default",
                }
            )
        )
    )
    found = panels(shown(old))
    assert set(found) == {"sources"}
    [line] = found["sources"]["elements"]
    assert line["content"] == "**&#91;1&#93;** [制度 › 时限](https://wiki.example/a)\n开头"


def test_no_source_leads_to_what_is_no_web_address() -> None:
    card = json.dumps(shown(replace(QUOTED, opens="javascript:alert(1)"), replace(PAGE, link="lark://x")))
    assert "javascript" not in card and "lark://" not in card


@pytest.mark.parametrize("size", [1_000, 8_000, 9_400, 20_000])
def test_quotes_give_way_before_a_card_grows_too_large(size: int) -> None:
    long = [
        replace(QUOTED, number=number, quote="句" * 200, before="前" * 80, after="后" * 80) for number in range(1, 12)
    ]
    text = "字" * size + "".join(f"[{number}]" for number in range(1, 12))
    answer = Answer("a1", "t1", 1, "answered", text=text, sources=tuple(long))
    made = final(CardState(TURN, answer, ("a1",)), ZH)
    for card in (made.card, *(part.card for part in made.more)):
        assert card_bytes(card) <= CARD_BYTES
        assert (
            sum(len(nodes(card, tag)) for tag in ("markdown", "plain_text", "collapsible_panel", "div")) <= MAX_ELEMENTS
        )
    assert ("quote_1" in panels(made.card)) == (size == 1_000)
    assert len(made.more) == (1 if size == 9_400 else 3 if size == 20_000 else 0) or size >= 9_400


def test_what_is_concluded_quotes_what_the_answer_leans_on() -> None:
    chunk = Chunk(
        1,
        "a",
        "制度",
        ("时限",),
        "适用于国内。十个工作日内提交报销单。逾期不报。",
        0,
        9,
        DOCX,
        place=Place("heading", "时限", "b1"),
    )
    other = replace(chunk, id=2, text="食堂在二楼。", place=None)
    finished = Finished("要在十个工作日内提交 [1]。", "answered", (1,), None, None, 0.1)
    progress = ended(
        Progress((Passage(chunk, 1.0), Passage(other, 0.5)), finished.text, finished=finished), Completed()
    )
    answer = conclude(Answer("a1", "t1", 1, "open"), progress, ZH, seconds=1.0, first_token_s=None, question="多久？")
    first, second = answer.sources
    assert (first.before, first.quote, first.after) == ("适用于国内。", "十个工作日内提交报销单。", "逾期不报。")
    assert (first.opens, first.place_kind, first.place_name) == (f"{DOCX}#b1", "heading", "时限")
    assert (second.quote, second.opens, second.place_kind) == ("", DOCX, "")
