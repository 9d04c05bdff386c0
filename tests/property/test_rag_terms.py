"""Terms of any string: total, bounded, and the same for a text and its full-width or upper-case twin."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.index.local.bm25 import TantivyIndex, TantivyWriter
from rag.retrieval.coverage import Coverage
from rag.text.markdown import sentences
from rag.text.tokenizer import MAX_TERM_CHARS, characters, normalise, terms

HOSTILE = st.one_of(
    st.text(st.characters(codec=None), max_size=200),
    st.sampled_from(
        ["\ud800", "\x00", "a" * 5000, "年" * 3000, "a-" * 2000, "﷽" * 50, "İ" * 80, "🏳️‍🌈", "e\u0301" * 90]
    ),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TantivyIndex:
    folder = tmp_path_factory.mktemp("lexical")
    writer = TantivyWriter(folder)
    writer.add([(1, "default", '年假 field:value AND (OR) "quote" NOT * ~ ^')])
    writer.close()
    return TantivyIndex(folder)


@given(HOSTILE)
def test_terms_are_total_bounded_and_free_of_spaces(text: str) -> None:
    for term in terms(text):
        assert 0 < len(term) <= MAX_TERM_CHARS
        assert not any(character.isspace() for character in term)
        term.encode("utf-8")
    assert all(len(character) == 1 for character in characters(text))


@given(HOSTILE)
def test_normalised_text_has_the_same_terms(text: str) -> None:
    assert terms(normalise(text)) == terms(text)


ROWS = "零一二三四五六七八九"


def spoken(value: int) -> str:
    """A number from 1 to 9999 as it is said, by the rule of the school and not by ours."""
    said, is_open = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // power % 10
        if digit:
            said += ("零" if is_open and said else "") + ROWS[digit] + unit
        is_open = not digit
    return said.removeprefix("一") if 10 <= value < 20 else said


NUMBERS = st.integers(20, 9999)


@given(NUMBERS)
def test_equal_figures_share_a_term(value: int) -> None:
    forms = [f"{value} 元", f"{value:,}元", f"{spoken(value)}元", f"￥{value}", f"{value}.00 元"]
    assert f"{value}元" in set.intersection(*(set(terms(form)) for form in forms))
    assert str(value) in terms(spoken(value))


@given(NUMBERS, NUMBERS)
def test_different_figures_do_not(one: int, other: int) -> None:
    is_same = one == other
    assert (f"{one}元" in terms(f"{other}元")) is is_same
    assert (f"{one}元" in terms(f"{spoken(other)}元")) is is_same
    assert (str(one) in terms(spoken(other))) is is_same


VERSIONS = st.lists(st.integers(0, 40), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(VERSIONS, VERSIONS)
def test_versions_meet_with_and_without_v_and_only_the_same(one: str, other: str) -> None:
    assert one in terms(f"v{one}") and one in terms(f"版本{one}") and one in terms(f"V{one}。")
    if one != other:
        assert one not in terms(f"v{other}") and one not in terms(f"见 {other} 版")


SIGNS = st.sampled_from(["{}++", "{}#", ".{}", "--{}", "@{}", "${}", "*.{}", "{}+", "#{}", "/{}"])


@given(st.from_regex(r"[a-z]{1,12}", fullmatch=True), SIGNS, SIGNS)
def test_names_are_told_apart_by_their_signs(name: str, sign: str, other: str) -> None:
    whole = sign.format(name)
    assert whole in terms(f"用{whole}的时候") and whole in terms(f"see ({whole.upper()})")
    if sign != other and (sign, other) != (".{}", "*.{}"):
        assert whole not in terms(other.format(name))


@given(HOSTILE)
def test_coverage_and_sentences_are_total(text: str) -> None:
    coverage = Coverage(text, term_idf=lambda term: 1.0, character_idf=lambda character: 1.0)
    assert 0.0 <= coverage.of(text) <= 1.0
    assert all(sentence.text for sentence in sentences(text))


@given(text=HOSTILE)
def test_no_text_is_query_syntax(index: TantivyIndex, text: str) -> None:
    assert [chunk_id for chunk_id, _ in index.search(text, 5)] in ([], [1])


@pytest.mark.parametrize("syntax", ["terms:*", "*", "年假~2", '"', "(", "a AND", "id:[0 TO 9]", "-年假", "\\", "/re/"])
def test_query_syntax_is_only_text(index: TantivyIndex, syntax: str) -> None:
    index.search(syntax, 5)
    assert index.search("年假", 5)[0][0] == 1


def test_the_naughty_strings(index: TantivyIndex) -> None:
    shared = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[3] / "shared"))
    files = sorted(shared.glob("data/naughty-strings/*.txt"))
    if not files:
        pytest.skip("shared/data/naughty-strings is not beside the repository (set SHARED_DIR)")
    for line in files[0].read_text(encoding="utf-8").split("\n"):
        terms(line)
        index.search(line, 5)
        sentences(line)
