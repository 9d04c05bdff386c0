"""Cases read, figures computed, calibration fitted and taken up; rerankers; a model exported to ONNX."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import respx
from pydantic import SecretStr

from rag.documents import Chunk, Passage
from rag.errors import EmbeddingFailed, IngestError, SettingsMismatch
from rag.evaluation.dataset import Case, read_cases
from rag.evaluation.evaluate import EvidenceCounts, Outcome, Report, calibrate, evaluate, report, save
from rag.evaluation.fitting import fit_logistic, fitted_floor, fitted_strong
from rag.evaluation.reliability import brier, reliability
from rag.evaluation.trial import build_trial
from rag.index.calibration import WORD_SIGNALS, read_calibration, write_calibration
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.reranking.reranker import RerankerHandle
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING
from rag.settings import RagSettings, RetrievalSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings, write_knowledge


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path)
    ingest(settings)
    return settings


def outcome(ranks: list[int], *, answerable: bool = True, evidence: bool = True) -> Outcome:
    passages = tuple(
        Passage(Chunk(at, "right" if at in ranks else "wrong", "", (), "text", 0, 4), 1.0) for at in range(1, 11)
    )
    case = Case(f"question {ranks}", frozenset({"right"}) if answerable else frozenset(), answerable=answerable)
    return Outcome(case, SearchResult(passages, "strong" if evidence else "none", 0.5), 0.01)


def test_the_figures_are_what_they_are_called() -> None:
    made = report("x", [outcome([1]), outcome([4]), outcome([]), outcome([], answerable=False, evidence=False)])
    assert (made.hit_at_1, made.hit_at_5, made.hit_at_10) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert made.mrr == pytest.approx((1 + 1 / 4) / 3)
    assert made.ndcg_at_10 == pytest.approx((1 + 1 / np.log2(5)) / 3)
    assert (made.refusal_precision, made.refusal_recall, made.answered) == (1.0, 1.0, 0.75)
    assert (made.weak, made.strong) == (0.0, 0.75)
    assert made.missed == ("question []",)
    wrong = report("x", [outcome([1], evidence=False), outcome([], answerable=False)])
    assert (wrong.refusal_precision, wrong.refusal_recall) == (0.0, 0.0)
    assert wrong.wrongly_refused and wrong.wrongly_answered


def test_what_the_search_says_has_three_classes_and_only_strong_evidence_answers_wrongly() -> None:
    told = [
        (outcome([1]), "strong", 0.9),
        (outcome([4]), "weak", 0.6),
        (outcome([10]), "weak", 0.4),
        (outcome([]), "none", 0.1),
        (outcome([], answerable=False), "weak", 0.3),
        (outcome([1], answerable=False), "strong", 0.8),
        (outcome([], answerable=False), "none", 0.0),
    ]
    judged = [
        replace(one, finding=replace(one.finding, evidence=evidence, confidence=confidence))  # type: ignore[arg-type]
        for one, evidence, confidence in told
    ]
    unknown = replace(judged[0], case=Case("nobody said where", answerable=True))
    made = report("x", [*judged, unknown], in_front=8)
    assert made.classes == {
        "none": EvidenceCounts(1, 0, 1),
        "weak": EvidenceCounts(2, 1, 1),
        "strong": EvidenceCounts(2, 1, 1),
    }
    assert (made.weak, made.strong) == (3 / 8, 3 / 8)
    assert len(made.wrongly_answered) == 1 and made.wrongly_refused == ("question []",)
    distances = [0.1, 0.4, 0.4, 0.1, 0.3, 0.8, 0.0]  # rank 10 is not in front; who cannot tell does not count
    assert made.brier == pytest.approx(sum(each**2 for each in distances) / 7)
    assert sum(each.count for each in made.reliability) == 7


def test_the_reliability_is_what_was_predicted_and_what_was_seen() -> None:
    bins = reliability([0.05, 0.15, 0.95, 1.0, 0.9, 0.5], [False, True, True, True, False, True])
    assert [(each.low, each.high, each.count) for each in bins] == [(0.0, 0.2, 2), (0.4, 0.6, 1), (0.8, 1.0, 3)]
    assert [each.predicted for each in bins] == pytest.approx([0.1, 0.5, 0.95])
    assert [each.observed for each in bins] == pytest.approx([0.5, 1.0, 2 / 3])
    assert len(reliability([at / 200 for at in range(200)], [True] * 200)) == 10
    assert (brier([0.0, 1.0], [False, True]), brier([0.5], [True]), brier([], [])) == (0.0, 0.25, None)


def test_a_report_of_the_version_before_is_compared_with(tmp_path: Path) -> None:
    made = report("x", [outcome([1]), outcome([], answerable=False, evidence=False)])
    saved, _ = save(tmp_path, made)
    _, before = save(tmp_path, made)
    assert before == made
    old = json.loads(saved.read_text("utf-8"))
    for name in ("weak", "strong", "brier", "reliability", "is_calibrated", "classes"):
        del old[name]
    for file in (tmp_path / "evaluations").iterdir():
        file.write_text(json.dumps(old), encoding="utf-8")
    _, before = save(tmp_path, made)
    assert before is not None and (before.hit_at_1, before.brier, before.classes) == (1.0, None, {})


async def test_a_file_of_questions_is_asked_and_compared_with_the_last_time(
    settings: RagSettings, tmp_path: Path
) -> None:
    rows = [
        {"question": "年假有几天", "source": "leave.md", "must_contain": "5 天"},
        {"question": "What does ERR_1042 mean?", "must_contain": "certificate"},
        {"question": "恐龙是怎么灭绝的", "answerable": False},
        {"question": "病假要证明吗", "vote": "up", "sources": [{"source": "leave.md", "cited": True}]},
        {"question": "食堂几点开门", "vote": "down", "sources": []},
    ]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    library = await KnowledgeBase.open(settings)
    made = report("cases.jsonl", await evaluate(library, read_cases(file)))
    await library.aclose()
    assert (made.questions, made.unanswerable, made.hit_at_1) == (5, 1, 1.0)
    assert (made.refusal_precision, made.refusal_recall, made.unjudged) == (1.0, 1.0, ("食堂几点开门",))
    saved, before = save(settings.index_dir, made)
    assert before is None and json.loads(saved.read_text("utf-8"))["hit_at_1"] == 1.0
    _, before = save(settings.index_dir, made)
    assert isinstance(before, Report) and before.hit_at_1 == 1.0


async def test_a_folder_of_corpus_queries_and_judgements(tmp_path: Path) -> None:
    corpus = [
        {"id": "p1", "title": "年假", "text": "满一年有五天。"},
        {"id": "p2", "title": "病假", "text": "需要证明。"},
    ]
    queries = [
        {"id": "q1", "text": "年假有几天"},
        {"id": "q2", "text": "病假要证明吗"},
        {"id": "q3", "text": "无人评判"},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tp1\t1\nq2\tp2\t1\n", encoding="utf-8")
    cases = read_cases(tmp_path)
    assert [case.sources for case in cases.cases] == [frozenset({"p1"}), frozenset({"p2"})]
    settings = rag_settings(tmp_path).model_copy(update={"index_dir": tmp_path / "trial"})
    await asyncio.to_thread(build_trial, settings, cases.documents or ())
    library = await KnowledgeBase.open(settings)
    assert report(cases.name, await evaluate(library, cases)).hit_at_1 == 1.0
    await library.aclose()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{}", "line 1: needs a question"), ("{", "line 1: is not JSON"), ("[1]", "not an object"), ("", "no question")],
)
def test_bad_cases_are_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(IngestError, match=said):
        read_cases(tmp_path / "a.jsonl")


def test_a_logistic_function_finds_the_signal_that_tells() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((400, 3))
    rows[:, 2] = 0.5
    answers = [bool(row[0] > 0.6) for row in rows]
    weights, bias = fit_logistic(rows.tolist(), answers)
    assert weights[0] > 5 * abs(weights[1]) and weights[2] == 0
    confidences = [1 / (1 + np.exp(-(bias + np.dot(weights, row)))) for row in rows]
    assert np.mean([(value >= 0.5) == answer for value, answer in zip(confidences, answers, strict=True)]) > 0.97
    floor, strong = fitted_floor(confidences, answers), fitted_strong(confidences, answers, 0.85)
    assert floor <= min(value for value, answer in zip(confidences, answers, strict=True) if answer)
    assert np.mean([answer for value, answer in zip(confidences, answers, strict=True) if value >= strong]) >= 0.9


async def test_a_calibration_is_made_kept_and_taken_up(settings: RagSettings) -> None:
    known = [
        "年假有几天",
        "病假要证明吗",
        "出差多久内报销",
        "报销流程",
        "住宿标准",
        "发票抬头",
        "ERR_1042",
        "VPN certificate",
    ]
    known += ["三天以上病假", "北京住宿上限", "逾期报销找谁特批", "年假提前几天申请"]
    unknown = [
        "比特币价格",
        "食堂菜单",
        "班车时间",
        "年会在哪",
        "股票怎么卖",
        "健身房几楼",
        "who won",
        "今天天气",
        "落户条件",
        "幼儿园报名",
    ]
    library = await KnowledgeBase.open(settings)
    outcomes = [Outcome(Case(text), await library.search(text, EVERYTHING), 0.0) for text in known]
    outcomes += [Outcome(Case(text, answerable=False), await library.search(text, EVERYTHING), 0.0) for text in unknown]
    calibration = calibrate(outcomes)
    assert calibration.questions == 22 and not calibration.with_dense
    write_calibration(settings.index_dir, calibration)
    assert read_calibration(settings.index_dir) == calibration
    found, refused = await library.search("年假有几天", EVERYTHING), await library.search("比特币价格", EVERYTHING)
    assert found.is_calibrated and found.is_evidence and found.confidence > refused.confidence
    assert found.confidence == pytest.approx(calibration.confidence(found.signals.values))  # type: ignore[union-attr]
    never = replace(calibration, weights=(0.0,) * WORD_SIGNALS, bias=-9.0, floor=0.5)
    write_calibration(settings.index_dir, never)
    assert not (await library.search("年假有几天", EVERYTHING)).is_evidence
    await library.aclose()
    assert calibrate([*outcomes[:5], *outcomes[-5:]]).questions == 10
    with pytest.raises(IngestError, match="at least 5"):
        calibrate([*outcomes[:5], *outcomes[-4:]])


def test_a_damaged_calibration_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("{}")
    assert read_calibration(tmp_path) is None


RERANK = RetrievalSettings(
    rerank="endpoint", rerank_base_url="http://rerank.test/v1", rerank_model="m", rerank_api_key=SecretStr("k")
)


@respx.mock
def test_a_rerank_endpoint_orders_passages_and_rests_when_it_fails() -> None:
    answer = {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}
    route = respx.post("http://rerank.test/v1/rerank").mock(return_value=httpx.Response(200, json=answer))
    leg = RerankerHandle(RERANK, HandClock())
    reranker = leg.reranker()
    assert reranker is not None and reranker.scores("q", ["a", "b"]) == [0.1, 0.9]
    assert route.calls[0].request.headers["authorization"] == "Bearer k"
    route.mock(return_value=httpx.Response(500))
    with pytest.raises(EmbeddingFailed, match="HTTP 500"):
        reranker.scores("q", ["a"])
    assert leg.reranker() is None
    leg.close()


@respx.mock
async def test_reranked_passages_come_first(settings: RagSettings) -> None:
    def last_first(request: httpx.Request) -> httpx.Response:
        count = len(json.loads(request.content)["documents"])
        return httpx.Response(200, json=[{"index": at, "score": float(at)} for at in range(count)])

    respx.post("http://rerank.test/v1/rerank").mock(side_effect=last_first)
    plain = await KnowledgeBase.open(settings)
    before = (await plain.search("年假病假报销", EVERYTHING)).passages
    await plain.aclose()
    library = await KnowledgeBase.open(settings.model_copy(update={"retrieval": RERANK}))
    after = (await library.search("年假病假报销", EVERYTHING)).passages
    await library.aclose()
    assert len(before) > 1 and after[0].chunk.id == before[-1].chunk.id


def test_rerankers_that_cannot_work_are_refused_at_start() -> None:
    for wrong in (
        RetrievalSettings(rerank="endpoint"),
        RetrievalSettings(rerank="cross-encoder", rerank_model="nowhere/x"),
    ):
        with pytest.raises(SettingsMismatch, match="RAG__RETRIEVAL__RERANK"):
            RerankerHandle(wrong, HandClock())
