"""The citation filter on whole texts; any cut is a property test."""

import pytest

from rag.generation.citations import CitationFilter


@pytest.mark.parametrize(
    ("written", "shown", "citations"),
    [
        ("十五天 [1]。", "十五天 [1]。", (1,)),
        ("a [2][1] b [2]", "a [2][1] b [2]", (2, 1)),
        ("a [9].", "a.", ()),
        ("a[0] b", "a b", ()),
        ("a [1, 9,3]", "a [1][3]", (1, 3)),
        ("a【2】b", "a[2]b", (2,)),
        ("a [^1]", "a [1]", (1,)),
        ("[note] [2024] [ ] [", "[note] [2024] [ ] [", ()),
        ("`x[1]` [1]", "`x[1]` [1]", (1,)),
        ("```\nx[9]\n```\n[9]", "```\nx[9]\n```\n", ()),
        ("lone ` tick\n[9]", "lone ` tick\n", ()),
        ("[1", "[1", ()),
        ("[[1]]", "[[1]]", (1,)),
    ],
)
def test_citations_are_bound_to_three_passages(written: str, shown: str, citations: tuple[int, ...]) -> None:
    citation_filter = CitationFilter(3)
    assert citation_filter.feed(written) + citation_filter.finish() == shown
    assert citation_filter.citations == citations
