"""Answers without a model: the right sentences, readable, with their numbers."""

from pathlib import Path

import pytest

from rag.clock import SystemClock
from rag.coverage import Coverage
from rag.documents import Document, Passage
from rag.events import NO_MODEL_NOTES, Delta, Finished, Question
from rag.extractive import PIECE_CHARS, ExtractiveWriter, compose
from rag.scope import EVERYTHING
from rag.sentences import plain, sentences
from rag.splitting import split
from tests.support.clock import HandClock
from tests.support.library_parts import EXPENSES, LEAVE, VPN


def coverage_of(question: str) -> Coverage:
    return Coverage(question, term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)


def passages(*texts: str) -> list[Passage]:
    documents = [Document(f"{n}.md", "手册", text.split("---\n")[-1]) for n, text in enumerate(texts)]
    return [Passage(chunk, 1.0) for document in documents for chunk in split(document)]


def answered(question: str, *texts: str) -> tuple[str, tuple[int, ...]]:
    text, citations = compose(question, passages(*texts), coverage_of(question))
    note = NO_MODEL_NOTES["zh"] if NO_MODEL_NOTES["zh"] in text else NO_MODEL_NOTES["en"]
    return text.removesuffix(note).strip(), citations


def test_the_one_right_sentence_is_quoted() -> None:
    assert answered("出差回来多久内要报销？", LEAVE, EXPENSES) == (
        "员工出差结束后 15 个工作日内提交报销单，逾期需部门负责人特批。 [3]",
        (3,),
    )


def test_steps_are_a_numbered_list() -> None:
    text, citations = answered("怎么报销？", EXPENSES)
    assert text.split("\n") == [
        "1. 登录 OA，选择“费用报销”。",
        "2. 上传发票与行程单。",
        "3. 直属上级审批后由财务复核。 [2]",
    ]
    assert citations == (2,)


def test_a_table_row_answers_with_its_header() -> None:
    text, _ = answered("北京每晚上限多少？", EXPENSES)
    assert text == "北京、上海：每晚上限 600 元。 [1]"


LODGING = """# 差旅

## 一、城市分级

| 级别 | 城市 |
|---|---|
| 一类 | 北京、上海 |
| 二类 | 其他 |

## 二、住宿标准（元/晚）

| 职级 | 一类城市 | 二类城市 |
|---|---|---|
| 员工 | 550 | 420 |
| 总监 | 800 | 650 |

- 住亲友家每晚补贴 100 元。
"""


def test_a_section_that_the_question_names_gives_its_table_and_what_the_table_leaves_open() -> None:
    assert answered("北京住宿标准是多少", LODGING) == (
        "- 员工：一类城市 550；二类城市 420\n- 总监：一类城市 800；二类城市 650 [2]\n\n一类：城市 北京、上海。 [1]",
        (2, 1),
    )


def test_the_rows_that_a_question_names_are_quoted_and_all_when_it_names_none() -> None:
    table = "## 假期\n\n| 假期 | 天数 |\n|---|---|\n| 婚假 | 13 天 |\n| 产假 | 158 天 |\n| 陪产假 | 15 天 |\n"
    assert answered("婚假和产假各多少天", table)[0] == "- 婚假：天数 13 天\n- 产假：天数 158 天 [1]"
    seats = "## 交通\n\n| 职级 | 高铁 |\n|---|---|\n| 员工 | 二等座 |\n| 总监 | 一等座 |\n"
    assert answered("坐高铁能坐一等座吗", seats)[0] == "- 员工：高铁 二等座\n- 总监：高铁 一等座 [1]"


def test_a_sentence_about_something_else_is_not_added() -> None:
    password = "## 密码\n\n每 180 天更换一次。\n\n## 钓鱼\n\n演练时提交密码的，重修安全课。\n"
    assert answered("密码多久要更换一次", password) == ("每 180 天更换一次。 [1]", (1,))


def test_a_question_is_answered_in_its_own_language_where_there_is_one() -> None:
    texts = (
        "## Hub\n\n按住 RESET 键 password 十秒。\n",
        "## Accounts\n\nTo reset a password, open the account page.\n",
    )
    assert answered("How do I reset my password?", *texts)[1] == (2,)


def test_what_a_step_announces_comes_with_it() -> None:
    text, _ = answered(
        "怎么取令牌", "## 取令牌\n\n1. 建一个密钥。\n2. 用它换令牌：\n\n```bash\n" + "curl -X POST x\n" * 14 + "```\n"
    )
    assert text.count("curl") == 14


def test_english_is_answered_in_english_with_an_english_note() -> None:
    question = "What does ERR_1042 mean?"
    text, _ = compose(question, passages(VPN), coverage_of(question))
    assert text.startswith("Error ERR_1042 means that your certificate has expired; ask the IT desk. [1]")
    assert text.endswith(NO_MODEL_NOTES["en"])


def test_prose_after_a_list_begins_a_paragraph() -> None:
    text, _ = answered("怎么还款", "## 还款\n- 先登记\n- 再付款\n\n最后归档。\n")
    assert text == "- 先登记\n- 再付款\n\n最后归档。 [1]"


def test_nothing_to_quote_is_said_plainly() -> None:
    assert compose("年假", [], coverage_of("年假")) == (NO_MODEL_NOTES["zh"], ())


def test_markdown_is_taken_off() -> None:
    assert plain("**必须** [见链接](https://a.b) ![图](x.png) <b>1 < 2</b>") == "必须见链接 1 < 2"
    assert plain("起 **10 日内** 提交 OA 单") == "起 10 日内提交 OA 单"
    assert [s.text for s in sentences("> 引用一句。\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")] == ["引用一句。", "1: b 2"]


async def test_it_is_typed_with_a_pause_between_pieces() -> None:
    clock = HandClock()
    writer = ExtractiveWriter(coverage_of, clock=clock, pause_s=0.02)

    async def collect() -> list[object]:
        return [event async for event in writer.write(Question("年假有几天", EVERYTHING), passages(LEAVE))]

    events = await clock.run(collect())
    deltas = [event.text for event in events if isinstance(event, Delta)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.text == "".join(deltas)
    assert finished.answered and finished.model is None
    assert all(len(delta) <= PIECE_CHARS for delta in deltas)
    assert clock.slept == [0.02] * len(deltas)


@pytest.mark.parametrize("text", ["|\n|", "```", "- \n- \n", "|a|\n|-|", "![](x)", "<b></b>", "> \n>"])
def test_odd_markdown_gives_sentences_or_none(text: str) -> None:
    assert all(sentence.text.strip() for sentence in sentences(text))


def test_clock_of_this_machine_moves(tmp_path: Path) -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.time() > 1_700_000_000
