"""What a terminal shows of an answer's Markdown."""

import io

import pytest
from rich.console import Console

from bot.cli.rendering import rendered


def shown(text: str) -> str:
    console = Console(width=60, force_terminal=True, color_system="truecolor", file=io.StringIO())
    console.print(rendered(text))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("written", "bold"),
    [
        ("**注意：**超期不予报销", "注意："),
        ("**差旅（含住宿）**费用", "差旅（含住宿）"),
        ("请在**“十五个工作日”**内提交", "“十五个工作日”"),
        ("约**¥500**元", "¥500"),
        ("2**3**4", "3"),
    ],
)
def test_bold_beside_chinese_signs_is_bold(written: str, bold: str) -> None:
    assert f"\x1b[1m{bold}\x1b[0m" in shown(written)
    assert "*" not in shown(written)


@pytest.mark.parametrize("written", ["补贴=基数*（天数+1）*系数", "工时*（天数）*8", "a**（b", "**注："])
def test_signs_that_are_no_emphasis_stay(written: str) -> None:
    assert shown(written).strip() == written


def test_deleted_text_is_struck_through() -> None:
    assert "\x1b[9m（旧）\x1b[0m新" in shown("~~（旧）~~新")


def test_a_break_tag_breaks_the_line_also_in_a_cell() -> None:
    assert [line.rstrip() for line in shown("A<br>B<BR/>\nC").splitlines()] == ["A", "B", "C"]
    lines = shown("| 项目 | 说明 |\n|---|---|\n| 差旅 | 十五日<br />需审批 `<br>` |").splitlines()
    assert any("差旅" in line and "十五日" in line and "需审批" not in line for line in lines)
    assert "<br>" in next(line for line in lines if "需审批" in line)
