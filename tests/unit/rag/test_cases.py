"""Which passages a case takes for right ones."""

import json
from pathlib import Path

import pytest

from rag.documents import Chunk, Passage
from rag.evaluation.dataset import read_cases


def passage(text: str, source: str = "a.md") -> Passage:
    return Passage(Chunk(1, source, "", (), text, 0, len(text)), 1.0)


@pytest.mark.parametrize(
    ("must_contain", "text", "is_right"),
    [
        ("5 天", "最多结转 5 天。", True),
        ("5 天", "最多结转 6 天。", False),
        (["5 天", "6 天"], "最多结转 6 天。", True),
        (["5 天", "6 天"], "最多结转 7 天。", False),
        ([], "最多结转 7 天。", True),
    ],
)
def test_a_right_passage_holds_the_words_or_any_of_several(
    tmp_path: Path, must_contain: str | list[str], text: str, is_right: bool
) -> None:
    row = {"question": "?", "source": "a.md", "must_contain": must_contain}
    (tmp_path / "cases.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (case,) = read_cases(tmp_path / "cases.jsonl").cases
    assert case.is_right(passage(text)) is is_right
    assert not case.is_right(passage(text, "b.md"))
