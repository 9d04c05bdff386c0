"""What a card shows, pure: stages, the question as one harmless line, buttons that differ, sources, a quiet footer."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bot.cards.buttons import reason_card, welcome_card
from bot.cards.final_view import Final, final
from bot.cards.progress import Progress, fold
from bot.cards.streaming_view import ANSWER, STAGE, frame, opening_card, paused_card, reading_frame, stage
from bot.models import Answer, CardState, Source, Turn
from bot.texts import texts
from feishu.cards.elements import Card
from rag.documents import Chunk, Passage
from rag.events import Delta, Reasoning, Retrieved

ZH = texts("zh")
TURN = Turn("t1", "cli_a", "oc_1", "oc_1", "group", "om_1", "ou_1", "第一行\n<at id=all></at> **粗** [x](lark://y)")
SOURCE = Source(1, "费用报销制度", "一、报销时限", "出差回来后…", "a.md", "https://wiki.example.com/a", cited=True)
OTHER = Source(2, "差旅 <at id=all>", "标准", "住宿", "b.md", "javascript:alert(1)", cited=True)


def walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in walk(item)]
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in walk(value))]
    return []


def said(card: Card) -> str:
    return "\n".join(str(node["content"]) for node in walk(card) if isinstance(node.get("content"), str))


def closed(**how: Any) -> Final:
    answer = Answer("a2", "t1", 2, "answered", text="十个工作日 [1][2]。", sources=(SOURCE, OTHER), model="m-1")
    state = CardState(TURN, answer, ("a1", "a2", "a3"), up=2, suggestions=(("s1", "住宿标准是多少？"),), **how)
    return final(state, ZH)


def passage() -> Passage:
    return Passage(Chunk(1, "a.md", "t", (), "x", 0, 1), 1.0)


def test_the_stages_follow_what_is_known() -> None:
    progress = Progress()
    assert stage(progress, ZH) == "🔍 检索中…"
    assert stage(progress, ZH, elapsed_s=4.2) == "🔍 检索中… · 4 秒"
    progress = fold(progress, Retrieved((passage(), passage()), 0.1))
    assert stage(progress, ZH) == "📚 找到 2 段资料"
    progress = fold(progress, Reasoning("先看"))
    assert stage(progress, ZH, elapsed_s=7) == "📚 找到 2 段资料 · 💭 思考中… · 7 秒"
    progress = fold(progress, Delta("十个"))
    assert stage(progress, ZH, elapsed_s=9) == "📚 找到 2 段资料 · ✍️ 生成中…"


def test_a_card_opens_with_what_is_done_first() -> None:
    answer, unread = Answer("a1", "t1", 1, "open"), replace(TURN, unread=True)
    assert "🔍 检索中…" in said(opening_card(TURN, answer, ZH, resumed=False))
    assert "👀 正在读图片或文件…" in said(opening_card(unread, answer, ZH, resumed=False))
    assert "🔁" in said(opening_card(unread, answer, ZH, resumed=True))
    waiting = said(opening_card(unread, answer, ZH, resumed=False, waiting="前面还有 1 个"))
    assert "前面还有 1 个" in waiting and "正在读图" not in waiting
    assert reading_frame(ZH, elapsed_s=4.2) == {STAGE: "👀 正在读图片或文件… · 4 秒"}


def test_what_is_streamed_only_grows_and_holds_no_thought() -> None:
    progress, shown = Progress(), [""]
    for event in (
        Reasoning("想一想"),
        Delta("| a | b |\n|---"),
        Delta("|---|\n| 1 | <at"),
        Delta(" id=all></at>\n```\nx"),
    ):
        progress = fold(progress, event)
        shown.append(frame(progress, ZH).get(ANSWER, ""))
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))
    assert "想一想" not in shown[-1] and "<at" not in shown[-1]


@pytest.mark.parametrize("card", [opening_card(TURN, Answer("a1", "t1", 1, "open"), ZH, resumed=False), closed().card])
def test_the_question_stands_in_the_header_as_one_line_without_markup(card: Card) -> None:
    title = card["header"]["title"]
    assert title == {"tag": "plain_text", "content": "第一行 <at id=all></at> **粗** [x](lark://y)"}


CARDS = {
    "opening": opening_card(TURN, Answer("a1", "t1", 1, "open"), ZH, resumed=False),
    "paused": paused_card(TURN, Answer("a1", "t1", 1, "open", text="写到这里"), ZH),
    "closed": closed(has_owners=True, wants_mention=True).card,
    "plain": closed().plain_card or {},
    "moved": closed().moved,
    "withheld": closed().withheld,
    "welcome": welcome_card("小助手", [("w1", "一"), ("w2", "二")], ZH, group=True),
    "reason": reason_card("a1", ZH),
}


@pytest.mark.parametrize("name", CARDS)
def test_every_button_has_an_id_of_its_own(name: str) -> None:
    buttons = [node for node in walk(CARDS[name]) if node.get("tag") == "button"]
    ids = [each.get("element_id") for each in buttons]
    assert buttons and all(ids) and len(set(ids)) == len(ids)
    assert all(1 <= len(each) <= 20 for each in ids if each)


def test_votes_come_first_then_the_form_then_the_next_questions() -> None:
    turn_state = closed()
    order = [
        node.get("element_id", "") for node in walk(turn_state.card) if node.get("element_id", "").startswith("btn_")
    ]
    assert order == ["btn_up", "btn_down", "btn_regenerate", "btn_previous", "btn_next", "btn_ask0"]
    assert "👍 有用 2" in said(turn_state.card) and "2/3" in said(turn_state.card)


def test_sources_are_listed_with_title_heading_snippet_and_only_safe_links() -> None:
    card = closed().card
    (panel,) = [node for node in walk(card) if node.get("element_id") == "sources"]
    assert panel["tag"] == "collapsible_panel" and not panel["expanded"]
    first, second = [node["content"] for node in panel["elements"]]
    assert "[费用报销制度 › 一、报销时限](https://wiki.example.com/a)" in first and "出差回来后" in first
    assert "javascript" not in second and "<at" not in second


def test_the_footer_tells_model_seconds_tokens_and_version() -> None:
    answer = Answer(
        "a2", "t1", 2, "answered", "是 [1]", model="m-1", seconds=1.26, usage={"prompt": 100, "completion": 20}
    )
    footer = said(final(CardState(TURN, answer, ("a1", "a2")), ZH).card)
    assert all(each in footer for each in ("m-1", "1.3 秒", "120 tokens", "第 2 版"))


@pytest.mark.parametrize("card", [closed().moved, closed().withheld])
def test_what_stands_in_the_answers_place_holds_no_word_of_anybody(card: Card) -> None:
    for word in ("第一行", "十个工作日", "费用报销", "住宿"):
        assert word not in said(card)


def test_the_plain_card_and_the_text_hold_the_whole_answer_with_its_sources() -> None:
    made = closed()
    for text in (said(made.plain_card or {}), made.text):
        assert "十个工作日 [1][2]。" in text
        assert "[1] 费用报销制度 › 一、报销时限 https://wiki.example.com/a" in text
        assert "javascript" not in text


def test_plain_words_break_the_line_where_the_answer_has_the_tag() -> None:
    text = "十个<br>工作日\n\n| 甲<br/>乙 | `<br>` |\n|---|---|"
    made = final(CardState(TURN, Answer("a2", "t1", 1, "completed", text=text), ("a2",)), ZH)
    for plain in (said(made.plain_card or {}), made.text):
        assert "十个\n工作日\n\n| 甲 / 乙 | `<br>` |" in plain
    assert made.summary.startswith("十个 工作日 甲 / 乙")
    assert "十个<br>工作日" in said(made.card)


def test_a_stage_and_an_answer_are_where_frames_are_sent() -> None:
    ids = {node.get("element_id") for node in walk(CARDS["opening"])}
    assert {STAGE, ANSWER} <= ids
