"""The markdown dialect: what counts as code, as a table, as a mention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.sandbox.rules.markdown import count_tables, mentions, prose


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a `b` c", "a  c"),
        ("a ``b ` c`` d", "a  d"),
        ("a ` b", "a ` b"),
        ("`` a ` b", "`` a ` b"),
        ("`a` `b", " `b"),
        ("x\n```\ncode\n```\ny", "x\ny"),
        ("x\n~~~~\n```\n~~~~\ny", "x\ny"),
        ("x\n```\nnever closed", "x"),
    ],
)
def test_code_is_left_out(text: str, left: str) -> None:
    assert prose(text) == left


@given(st.text(alphabet="`a \n~<@", max_size=300))
def test_prose_never_adds_anything(text: str) -> None:
    remaining = iter(text)
    assert all(letter in remaining for letter in prose(text))


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("| a |\n|---|\n| 1 |", 1),
        ("a | b\n--|:-:\n1 | 2", 1),
        ("| a |\n| b |", 0),
        ("text\n---\nmore", 0),
        ("```\n| a |\n|---|\n```", 0),
    ],
)
def test_tables_are_counted(text: str, tables: int) -> None:
    assert count_tables(text) == tables


def test_mentions_are_found_in_every_spelling_but_not_in_code() -> None:
    text = "<at id=ou_a></at> <at ids='ou_b,ou_c'></at> <AT id=\"all\"></AT> `<at id=ou_d></at>`"
    assert list(mentions(text)) == ["ou_a", "ou_b", "ou_c", "all"]
