"""What models write: tables, pictures, mentions, links, and more than a card holds."""

import pytest

from tests.integration.conftest import answer_text
from tests.support.model_server import Reply
from tests.support.scene import Message, Scene


async def answered(scene: Scene, reply: Reply) -> Message:
    scene.model.script(reply)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()
    return card


TABLE = "| 项目 | 标准 |\n|---|---|\n| 住宿 {0} | {0}00 元 |\n"


async def test_six_tables_arrive_whole(scene: Scene) -> None:
    text = "\n".join(f"第 {number} 张表：\n\n{TABLE.format(number)}" for number in range(1, 7)) + "\n完 [1]"
    card = await answered(scene, Reply(text))
    assert all(f"住宿 {number}" in answer_text(card) for number in range(1, 7))
    assert "完" in answer_text(card)


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](https://evil.example/a.png)",
        "![x](img_v2_made_up)",
        "![x](http://evil.example/a.png 'title')",
        "<at id=all></at>",
        "<at id=ou_linxiaoman></at>",
        "&lt;at id=all&gt;&lt;/at&gt;",
        "&#60;at id=all>&#60;/at>",
        "<AT ids=all></AT>",
        "<person id='ou_x'></person><link url='lark://x'>x</link>",
        "[x](lark://client/mini) [y](javascript:alert(1))",
    ],
)
async def test_hostile_text_arrives_as_harmless_words(scene: Scene, hostile: str) -> None:
    card = await answered(scene, Reply(f"前言 {hostile} 正文在此，共 15 天 [1]", piece_chars=3))
    shown = answer_text(card)
    assert "正文在此，共 15 天" in shown
    assert "<" not in shown and "](lark" not in shown and "](javascript" not in shown
    assert "![" not in shown


async def test_forty_kilobytes_arrive_whole_on_several_closed_cards(scene: Scene) -> None:
    paragraphs = [f"第 {number} 段：" + "报销单要在十个工作日内提交，逾期要说明原因。" * 6 for number in range(1, 101)]
    scene.model.script(Reply("\n\n".join(paragraphs), piece_chars=200))
    await scene.start()
    asked = await scene.ask()
    await scene.closed(asked)
    await scene.idle()
    cards = scene.cards(asked)
    whole = "\n\n".join(answer_text(card) for card in cards)
    assert [line for line in whole.split("\n") if line.startswith("第 ")] == paragraphs
    assert len(cards) > 1 and not any(card["streaming"] for card in cards)
    scene.assert_lawful()
