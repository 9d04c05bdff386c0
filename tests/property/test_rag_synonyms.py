"""Synonyms of any string: total, within it, never overlapping; what a question covers stays a share."""

from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.coverage import Coverage
from rag.text.synonyms import LINES, matches
from rag.text.tokenizer import normalise
from tests.property.test_rag_terms import HOSTILE

FORMS = [form.strip() for line in LINES.strip().split("\n") for form in line.replace("|", ",").split(",")]
MIXED = st.lists(st.one_of(st.sampled_from(FORMS), st.text(max_size=8)), max_size=6).map("".join)


@given(st.one_of(HOSTILE, MIXED))
def test_matches_are_total_and_lie_side_by_side(text: str) -> None:
    length = len(normalise(text))
    taken: set[int] = set()
    for match in matches(text):
        span = set(range(match.start, match.end))
        assert 0 <= match.start < match.end <= length and taken.isdisjoint(span)
        taken |= span
        assert match.others and all(match.others)


@given(st.one_of(HOSTILE, MIXED), st.one_of(HOSTILE, MIXED))
def test_coverage_stays_a_share(question: str, text: str) -> None:
    coverage = Coverage(question, term_idf=lambda term: 1.5, character_idf=lambda character: 0.5)
    assert 0.0 <= coverage.of(text) <= 1.0 + 1e-9
    if coverage:
        assert coverage.of(question) > 1 - 1e-9
