"""No cell of an export begins a formula, whatever stands before the sign; and nothing else is changed."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.csv_export import cell, csv_text

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−"
BEFORE = ["", " ", "\u3000", "\u00a0", "\u200b", "\u200d", "\ufeff", "\u202e", "\u2060", "\x01", "\x1f", "\x7f", "\x00",
          "\u00ad", "\u180e", "\u2028", "\u0301", " \u200b \u3000"]  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_what_a_spreadsheet_would_run_is_text(before: str, sign: str) -> None:
    made = cell(f"{before}{sign}HYPERLINK(A1)")
    assert made.startswith("'") and made.endswith(f"{sign}HYPERLINK(A1)")


@pytest.mark.parametrize("text", ["\t1", "\r1", "\n=1", "\t=1", "@SUM(1)", "-1+1", "＝cmd|'/c calc'!A0"])
def test_what_splits_cells_or_begins_a_command_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["报销几天到账？", "1+1=2", "a@b.example", "“=”是什么", "https://kb.example/?a=b", "", " x"]
)
def test_other_words_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell() -> None:
    assert [cell(value) for value in (-0.5, 3, None)] == [-0.5, 3, ""]


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_every_cell_that_is_read_back_is_harmless_and_holds_the_words(texts: list[str]) -> None:
    [header, row] = list(csv.reader(io.StringIO(csv_text([f"c{n}" for n in range(len(texts))], [texts]), newline="")))
    assert len(header) == len(row) == len(texts)
    for text, read in zip(texts, row, strict=True):
        assert read.removeprefix("'") == text.replace("\x00", "").removeprefix("'") or read == text.replace("\x00", "")
        seen = [sign for sign in read if unicodedata.category(sign)[0] not in "CZ"]
        assert not seen or unicodedata.normalize("NFKC", seen[0])[0] not in "=+-@"
