"""What `feishu-rag ask` says about an answer: its outcome, how sure the search is, how the text ended, its sources."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.cli.ask import run_ask
from bot.settings import Settings
from rag.events import AnswerEvent, Question
from rag.knowledge_base import KnowledgeBase
from tests.support.library_parts import rag_settings
from tests.support.scripted_library import Script, refusing, telling


@pytest.mark.parametrize(
    ("script", "said", "unsaid"),
    [
        (
            telling("15 天 [1]。", citations=(1,), confidence=0.8, level="high"),
            ["answered · high confidence", "Sources (1)"],
            ["%", "Nearest"],
        ),
        (
            telling("15 天 [1]。", citations=(1,), confidence=0.8, level="high", is_calibrated=True),
            ["answered · 80% sure"],
            ["high confidence"],
        ),
        (
            telling("大概", outcome="hedged", confidence=0.8, level="high"),
            ["hedged\n", "cites no document", "Nearest documents (3)"],
            ["confidence", "Sources ("],
        ),
        (
            telling("> 原文 [2]", citations=(2,), model=None, outcome="hedged", confidence=0.8, level="high"),
            ["hedged\n", "only the closest passages"],
            ["confidence", "%", "cites no document"],
        ),
        (refusing(), ["no_evidence", "Try other words", "Nearest documents (2)"], ["Sources ("]),
        (telling("15", citations=(1,), ending="length"), ["answered", "reached its length limit"], []),
    ],
    ids=["answered", "calibrated", "hedged", "near", "none", "cut"],
)
def test_ask_says_what_stands_behind_the_answer(
    script: Script,
    said: list[str],
    unsaid: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(_library: KnowledgeBase, _question: Question) -> AsyncGenerator[AnswerEvent, None]:
        return script()

    monkeypatch.setattr(KnowledgeBase, "answer", answer)
    monkeypatch.setenv("COLUMNS", "160")
    assert asyncio.run(run_ask(Settings(rag=rag_settings(tmp_path)), "How many days?"))
    told = capsys.readouterr().out
    assert all(each in told for each in said), told
    assert not any(each in told for each in unsaid), told
