"""The scripted model sums up: who said what, what was decided, what is open."""

from bot.demo_model.asked import Summarising, ThreadMessage, read_messages
from bot.demo_model.writing import written
from rag.generation.prompts import summary_text
from rag.settings import PromptSettings

SAID = """[11-30 09:12] 周明: 什么时候上线？
[11-30 09:13] 林小满: 周四上午吧
[11-30 09:20] 周明: 那就定在周四，我来发版
[11-30 09:21] 林小满: 公告谁写？
    财务要提前知道
[11-30 09:30] 陈薇: 我来写公告
[11-30 09:31] 林小满: 回滚方案 @周明 确认了吗？"""


def asked(question: str = "") -> Summarising:
    prompt = summary_text(PromptSettings(), SAID, question)
    found = read_messages([{"role": "user", "content": prompt}])
    assert isinstance(found, Summarising)
    return found


def test_the_messages_are_read_as_they_were_given() -> None:
    found = asked()
    assert len(found.said) == 6 and found.question == ""
    assert found.said[3] == ThreadMessage("11-30 09:21", "林小满", "公告谁写？\n    财务要提前知道")
    assert asked("谁发版？").question == "谁发版？"


def test_a_summary_has_its_four_parts() -> None:
    text = written(asked())
    about, who, decided, still = (text.index(f"**{each}**") for each in ("摘要", "谁说了什么", "决定", "待定"))
    assert about < who < decided < still
    assert "那就定在周四" in text[decided:still] and "回滚方案" in text[still:] and "→ 周明" in text[still:]
    assert "什么时候上线" not in text[still:], "settled by what came next"
    assert "**陈薇**: 我来写公告" in text[who:decided]


def test_a_question_is_answered_from_the_messages_alone() -> None:
    assert "我来写公告" in written(asked("谁写公告？"))
    assert written(asked("zebra crossing?")) == "These messages do not say."
