"""Answers without a model: the right sentences where they surely answer, else the nearest passages and no claim."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from rag.clock import SystemClock
from rag.documents import Document, Passage
from rag.errors import EmbeddingFailed
from rag.events import CLOSEST, NO_MODEL_NOTES, Delta, Finished, Question
from rag.generation.extractive import (
    MOST_PIECES,
    PIECE_CHARS,
    SHOWN_CHARS,
    SHOWN_PASSAGES,
    SURE,
    ExtractiveGenerator,
    closest,
    probability,
    quotation,
)
from rag.generation.sentence_selection import Nearness, choose_quotes
from rag.retrieval.confidence import Signals
from rag.retrieval.coverage import Coverage
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING
from rag.text.chunking import split
from rag.text.markdown import plain, sentences
from tests.support.clock import HandClock
from tests.support.library_parts import EXPENSES, LEAVE, VPN

WORDS = Signals(0.8, 0.8, 0.8, 0.8, 0.5)
VECTORS = dataclasses.replace(WORDS, standing=3.0, standing_margin=1.0, has_dense=True)


def coverage_of(question: str, _names: frozenset[str] | None = None) -> Coverage:
    return Coverage(question, term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)


def passages(*texts: str) -> list[Passage]:
    documents = [Document(f"{n}.md", "手册", text.split("---\n")[-1]) for n, text in enumerate(texts)]
    return [Passage(chunk, 1.0) for document in documents for chunk in split(document)]


def answered(question: str, *texts: str) -> tuple[str, tuple[int, ...]]:
    found = passages(*texts)
    text, citations = quotation(question, found, choose_quotes(question, found, coverage_of(question)))
    note = NO_MODEL_NOTES["zh"] if NO_MODEL_NOTES["zh"] in text else NO_MODEL_NOTES["en"]
    return text.removesuffix(note).strip(), citations


def shown(question: str, *texts: str) -> tuple[str, tuple[int, ...]]:
    found = passages(*texts)
    return closest(question, found, choose_quotes(question, found, coverage_of(question)))


def writer_of(
    question: str, confidence: float, *, signals: Signals = WORDS, nearness: Nearness | None = None
) -> ExtractiveGenerator:
    finding = SearchResult((), "strong", confidence, signals=signals)
    return ExtractiveGenerator(finding, coverage_of, nearness, clock=SystemClock(), pause_s=0)


def alike(_question: str, wanted: Sequence[str]) -> list[float]:
    return [0.5 for _ in wanted]


async def finished(writer: ExtractiveGenerator, question: str, found: Sequence[Passage]) -> Finished:
    last = [event async for event in writer.write(Question(question, EVERYTHING), found)][-1]
    assert isinstance(last, Finished)
    return last


def test_the_one_right_sentence_is_quoted() -> None:
    assert answered("出差回来多久内要报销？", LEAVE, EXPENSES) == (
        "员工出差结束后 15 个工作日内提交报销单，逾期需部门负责人特批。 [3]",
        (3,),
    )


def test_steps_are_a_numbered_list_where_one_of_them_leads() -> None:
    text, citations = answered("报销单怎么上传发票", EXPENSES)
    assert text.split("\n") == [
        "1. 登录 OA，选择“费用报销”。",
        "2. 上传发票与行程单。",
        "3. 直属上级审批后由财务复核。 [2]",
    ]
    assert citations == (2,)


def test_a_list_comes_with_the_sentence_that_announces_it() -> None:
    text, _ = answered("还款先登记什么", "## 还款\n\n还款前先登记：\n- 金额\n- 用途\n\n最后归档。\n")
    assert text == "还款前先登记：\n- 金额\n- 用途 [1]"


def test_code_comes_with_the_step_that_announces_it() -> None:
    code = "```bash\n" + "curl -X POST x\n" * 14 + "```\n"
    text, _ = answered("怎么取令牌", f"## 取令牌\n\n1. 建一个密钥。\n2. 用它换令牌：\n\n{code}")
    assert text == f"2. 用它换令牌：\n\n{code}[1]"


def test_a_step_that_announces_nothing_stands_among_the_steps() -> None:
    text, _ = answered("怎么换令牌", "## 取令牌\n\n1. 建一个密钥。\n2. 用它换令牌：\n")
    assert text == "1. 建一个密钥。\n2. 用它换令牌： [1]"


def test_a_table_row_answers_with_its_header() -> None:
    text, _ = answered("北京每晚上限多少？", EXPENSES)
    assert text == "北京、上海：每晚上限 600 元。 [1]"


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


def test_english_is_answered_in_english_with_an_english_note() -> None:
    question = "What does ERR_1042 mean?"
    found = passages(VPN)
    text, _ = quotation(question, found, choose_quotes(question, found, coverage_of(question)))
    assert text.startswith("Error ERR_1042 means that your certificate has expired; ask the IT desk. [1]")
    assert text.endswith(NO_MODEL_NOTES["en"])


def test_meaning_leads_where_no_word_is_shared() -> None:
    texts = ("## 作息\n\n早上九点到岗。\n", "## 假期\n\n未休完的可结转至次年三月。\n")

    def near(question: str, wanted: Sequence[str]) -> list[float]:
        return [0.9 if "结转" in text else 0.3 for text in wanted]

    found = passages(*texts)
    question = "没歇够的能留着吗"
    assert choose_quotes(question, found, coverage_of(question), near).passages == (2,)
    assert choose_quotes(question, found, coverage_of(question)).passages == (1,)


def test_a_passage_without_a_sentence_is_quoted_from_by_nobody() -> None:
    chosen = choose_quotes("年假", [], coverage_of("年假"))
    assert (chosen.quotes, chosen.passages, probability(SearchResult((), "weak", 1.0), chosen, [])) == ((), (), 0.0)


def test_markdown_is_taken_off() -> None:
    assert plain("**必须** [见链接](https://a.b) ![图](x.png) <b>1 < 2</b>") == "必须见链接 1 < 2"
    assert plain("起 **10 日内** 提交 OA 单") == "起 10 日内提交 OA 单"
    assert [s.text for s in sentences("> 引用一句。\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")] == ["引用一句。", "1: b 2"]


@pytest.mark.parametrize(
    ("signals", "question"), [(WORDS, "出差结束后多久内提交报销单？"), (VECTORS, "出差回来多久内要报销？")]
)
async def test_only_what_surely_answers_is_called_an_answer(signals: Signals, question: str) -> None:
    first = {"dense_rank": 1} if signals.has_dense else {"lexical_rank": 1}
    found = [
        dataclasses.replace(each, **first) if "15 个" in each.chunk.text else each  # type: ignore[arg-type]
        for each in passages(LEAVE, EXPENSES)
    ]
    nearness = alike if signals.has_dense else None
    chosen = choose_quotes(question, found, coverage_of(question), nearness)
    outcomes = set()
    for hundredths in range(101):
        finding = SearchResult((), "strong", hundredths / 100, signals=signals)
        told = probability(finding, chosen, found)
        end = await finished(writer_of(question, hundredths / 100, signals=signals, nearness=nearness), question, found)
        assert end.outcome == ("answered" if told >= SURE else "hedged")
        assert end.text.startswith(f"**{CLOSEST['zh']}**") is (end.outcome == "hedged")
        outcomes.add(end.outcome)
    assert outcomes == {"answered", "hedged"}
    unlike = passages(VPN, LEAVE)
    assert (await finished(writer_of(question, 0.5, signals=signals, nearness=nearness), question, unlike)).outcome == (
        "hedged"
    )


@pytest.mark.parametrize(
    ("question", "language"), [("猫可以带到公司吗", "zh"), ("May I bring a cat?", "en"), ("带 laptop 去哪", "zh")]
)
async def test_a_hedge_shows_the_closest_passages_under_their_headings_and_cites_them(
    question: str, language: str
) -> None:
    found = passages(EXPENSES, LEAVE, VPN)
    assert len(found) > SHOWN_PASSAGES
    end = await finished(writer_of(question, 0.1), question, found)
    assert (end.outcome, len(end.citations), len(set(end.citations))) == ("hedged", SHOWN_PASSAGES, SHOWN_PASSAGES)
    lines = end.text.split("\n")
    assert lines[0] == f"**{CLOSEST[language]}**" and lines[-1] == NO_MODEL_NOTES[language]
    headings = [line for line in lines if line.startswith("**") and line.endswith("]")]
    assert headings == [f"**{found[number - 1].chunk.heading_path}** [{number}]" for number in end.citations]
    assert all(found[number - 1].chunk.text.strip() in end.text for number in end.citations)


def test_fewer_passages_are_all_shown_and_what_would_be_quoted_comes_first() -> None:
    text, numbers = shown("三天以上病假要证明吗", "# 甲\n\n无关的一句。\n", "# 病假\n\n三天以上需提供医院证明。\n")
    assert numbers == (2, 1)
    assert text.index("医院证明") < text.index("无关的一句")


def test_a_long_passage_is_shown_around_the_sentence_that_leads() -> None:
    filler = "\n\n".join(f"第{number}段讲的是别的事情，与此无关，仅为占位。" * 4 for number in range(6))
    rows = "".join(f"| 城市{number} | {number} 元 |\n" for number in range(9))
    texts = (
        f"# 手册\n\n{filler}\n\n押金**归还时**退。\n\n{filler}\n",
        f"# 表\n\n{filler}\n\n| 城市 | 上限 |\n|---|---|\n{rows}",
    )
    chunks = [Passage(split(Document("a.md", "手册", "x"))[0], 1.0) for _ in texts]
    long = [
        Passage(dataclasses.replace(passage.chunk, text=text), 1.0) for passage, text in zip(chunks, texts, strict=True)
    ]
    for question, needed in (
        ("押金归还时退吗", "押金**归还时**退。"),
        ("城市7上限", f"| 城市 | 上限 |\n|---|---|\n{rows}".strip()),
    ):
        text, numbers = closest(question, long, choose_quotes(question, long, coverage_of(question)))
        own = text.split(f"[{numbers[0]}]")[1].split("\n**")[0]
        assert needed in own and own.strip().startswith("…")
        assert len(own) < SHOWN_CHARS + len(needed)


def test_code_that_a_cut_left_open_is_closed_before_the_next_passage() -> None:
    code = "# 脚本\n\n```bash\n" + "echo one\n\necho two\n" * 60 + "```\n"
    text, numbers = shown("怎么登录", code, "# 登录\n\n打开首页。\n")
    assert len(numbers) > 1
    is_open = False
    for line in text.split("\n"):
        assert not (is_open and line.startswith(("**", "（")))
        is_open ^= line.startswith("```")
    assert not is_open


async def test_a_failure_to_embed_leaves_it_to_the_words(caplog: pytest.LogCaptureFixture) -> None:
    def fails(question: str, wanted: Sequence[str]) -> list[float]:
        raise EmbeddingFailed("The embedding endpoint is busy")

    question = "出差回来多久内要报销？"
    found = passages(LEAVE, EXPENSES)
    with_failure = await finished(writer_of(question, 0.99, signals=VECTORS, nearness=fails), question, found)
    without = await finished(writer_of(question, 0.99, signals=VECTORS), question, found)
    assert (with_failure.text, with_failure.citations) == (without.text, without.citations)
    assert "Quoting by words only" in caplog.text


async def test_it_is_typed_with_a_pause_between_pieces_and_a_long_one_in_larger_ones() -> None:
    deltas, slept = await typed("strong", LEAVE)
    assert all(len(delta) <= PIECE_CHARS for delta in deltas)
    assert slept == [0.02] * len(deltas)
    deltas, slept = await typed("weak", f"# 制度\n\n{'各部门另有规定的从其规定。' * 40}")
    assert len("".join(deltas)) > MOST_PIECES * PIECE_CHARS
    assert len(slept) == len(deltas) <= MOST_PIECES


async def typed(evidence: Literal["weak", "strong"], *texts: str) -> tuple[list[str], list[float]]:
    """The pieces of an answer out of passages with these texts, and the pauses."""
    clock = HandClock()
    finding = SearchResult((), evidence, 0.9, signals=WORDS)
    writer = ExtractiveGenerator(finding, coverage_of, None, clock=clock, pause_s=0.02)

    async def collect() -> list[object]:
        return [event async for event in writer.write(Question("年假有几天", EVERYTHING), passages(*texts))]

    events = await clock.run(collect())
    deltas = [event.text for event in events if isinstance(event, Delta)]
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.text == "".join(deltas)
    assert end.model is None
    return deltas, clock.slept


@pytest.mark.parametrize("text", ["|\n|", "```", "- \n- \n", "|a|\n|-|", "![](x)", "<b></b>", "> \n>"])
async def test_odd_markdown_gives_sentences_or_none(text: str) -> None:
    assert all(sentence.text.strip() for sentence in sentences(text))
    odd = [Passage(dataclasses.replace(split(Document("a.md", "甲", "x"))[0], text=text), 1.0)]
    assert (await finished(writer_of("年假", 0.1), "年假", odd)).citations == (1,)


def test_clock_of_this_machine_moves(tmp_path: Path) -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.time() > 1_700_000_000
