"""CSV and TSV as people and programs write them."""

import pytest

from rag.ingestion.readers.delimited import read_csv
from rag.ingestion.readers.parsed import CannotRead


def lines(text: str, encoding: str = "utf-8") -> list[str]:
    return read_csv(text.encode(encoding)).text.split("\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "，"])
def test_the_sign_between_columns_is_found_out(delimiter: str) -> None:
    rows = [("名称", "编号", "说明"), ("甲", "007", "好"), ("乙", "008", "坏"), ("丙", "009", "无")]
    assert lines("\n".join(delimiter.join(row) for row in rows))[0] == "- 名称：甲；编号：007；说明：好"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("名称;金额;说明\n甲;1,5;a, b, c\n乙;2,5;a, b, d\n", "- 名称：甲；金额：1,5；说明：a, b, c"),
        ("name\tnote\nx\ta, b, c\ny\td, e, f\n", "- name: x; note: a, b, c"),
        ('"名称, 全称",价\n甲,"1,000"\n', "- 名称, 全称：甲；价：1,000"),
        ('名称,价\n"甲\n乙",2\n丙,3\n', "- 名称：甲 乙；价：2"),
        ("sep=;\n名称;价\n甲;1\n", "- 名称：甲；价：1"),
        ('名称,编号\n甲,="00123"\n', "- 名称：甲；编号：00123"),
        ("a,b\r\n1,2\r\n", "- a: 1; b: 2"),
        ('规格,数\n5" 管,2\n"6"" 管",3\n', '- 规格：5" 管；数：2'),
    ],
)
def test_signs_within_values_do_not_cut(text: str, first: str) -> None:
    assert lines(text)[0] == first


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_marks_of_the_encoding_are_no_part_of_a_name(encoding: str) -> None:
    text = "姓名,部门,电话\n" + "王芳,研发部,8001\n李雷,财务部,8002\n" * 5
    assert lines(text, encoding)[0] == "- 姓名：王芳；部门：研发部；电话：8001"


def test_titles_empty_lines_and_ragged_rows() -> None:
    text = "2026年价目\n\n型号,单价,备注\n\nX1,007\n\n\nX2,008,新,多\n,,\nX3,009,旧\n"
    assert lines(text) == [
        "2026年价目",
        "备注",
        "- 型号：X1；单价：007",
        "- 型号：X2；单价：008；备注：新；多",
        "- 型号：X3；单价：009；备注：旧",
    ]


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    assert lines('名,数\n"甲,1\n乙,2\n丙,3\n')[1:] == ["- 名：乙；数：2", "- 名：丙；数：3"]


def test_prose_and_single_columns_are_lines() -> None:
    assert lines("姓名\n王芳\n李雷\n") == ["姓名", "王芳", "李雷"]
    assert lines("你好，这是一句话。\n第二句，也没有表格。\n") == ["你好，这是一句话。", "第二句，也没有表格。"]


def test_rows_beyond_the_limit_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.delimited.MOST_ROWS", 3)
    parsed = read_csv(b"a,b\n" + b"1,2\n" * 9)
    assert parsed.text.count("\n") == 1 and parsed.notes == ("only the first 3 rows were read",)


def test_columns_beyond_the_limit_are_said() -> None:
    parsed = read_csv((",".join(f"n{number}" for number in range(20_000)) + "\n").encode())
    assert "n16383" in parsed.text and "n16384" not in parsed.text
    assert parsed.notes == ("only the first 16384 columns were read",)


def test_a_field_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.delimited.MOST_CHARS", 100)
    with pytest.raises(CannotRead, match="not a table"):
        read_csv(b"a,b\n1," + b"x" * 200)
