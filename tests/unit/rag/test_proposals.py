"""Questions out of whatever a model writes."""

import pytest

from rag.generation.suggestions import questions_in


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("1. 逾期了怎么办？\n2、谁来审批？", ("逾期了怎么办？", "谁来审批？")),
        ("- “上限是多少？” [2]\n* **什么时候付款？**", ("上限是多少？", "什么时候付款？")),
        ("(1) How do I file?\n3) Who pays?", ("How do I file?", "Who pays?")),
        ("2026 年的标准变了吗？", ("2026 年的标准变了吗？",)),
        ("好的，以下是问题：\n没有问号", ()),
        ("？\n" + "长" * 90 + "？", ()),
        ("甲怎么办？\n甲怎么办？\n乙怎么办？\n丙怎么办？\n丁怎么办？", ("甲怎么办？", "乙怎么办？", "丙怎么办？")),
        ("问过的吗？", ()),
        ("", ()),
    ],
)
def test_lines_that_are_questions(written: str, found: tuple[str, ...]) -> None:
    assert questions_in(written, asked="问过的吗？") == found
