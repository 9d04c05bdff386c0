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
