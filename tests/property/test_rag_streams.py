"""Filters on a model's stream: whatever the cuts, the same result, and nothing that should be hidden shows."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from rag.citations import CitationFilter
from rag.thinking import CLOSE, OPEN, ThinkFilter
from rag.unwrapping import FenceFilter

THINK_TEXT = st.lists(st.sampled_from([OPEN, CLOSE, "<", "think", ">", "/", "a", "答", " ", "<thi"]), max_size=12).map(
    "".join
)
CITE_TEXT = st.lists(
    st.sampled_from(
        ["[", "]", "1", "2", "9", "12", ",", "，", " ", "^", "【", "】", "`", "```", "\n", "答", "[1]", "[9]", "[1, 2]"]
    ),
    max_size=16,
).map("".join)
FENCE_TEXT = st.tuples(
    st.sampled_from(["```markdown\n", "```md\n", "```\n", "~~~\n", "````\n", "  ```md\n", "\n``", "`", "```py\n", ""]),
    st.lists(
        st.sampled_from(
            ["```", "````", "~~~", "``", "`", "~", "\n", "\n", "\n", " ", "- ", "py", "答", "[1]", "x" * 600]
        ),
        max_size=16,
    ),
).map(lambda drawn: drawn[0] + "".join(drawn[1]))


@st.composite
def cut(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    text = draw(texts)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *places, len(text)]
    return text, [text[a:b] for a, b in itertools.pairwise(edges)]


def thought(pieces: list[str]) -> tuple[str, str]:
    think = ThinkFilter()
    parts = [part for piece in pieces for part in think.feed(piece)] + think.finish()
    return "".join(t for k, t in parts if k == "answer"), "".join(t for k, t in parts if k == "thinking")


def cited(pieces: list[str], passages: int = 3) -> tuple[str, tuple[int, ...]]:
    citation_filter = CitationFilter(passages)
    text = "".join(citation_filter.feed(piece) for piece in pieces) + citation_filter.finish()
    return text, citation_filter.citations


@given(cut(THINK_TEXT))
def test_thinking_is_found_under_any_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    answer, thinking = thought(pieces)
    assert (answer, thinking) == thought([text])
    assert len(answer) + len(thinking) == len(text) - sum(len(tag) for tag in re.findall(f"{OPEN}|{CLOSE}", text))


@given(cut(CITE_TEXT))
def test_citations_are_bound_under_any_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    shown, citations = cited(pieces)
    assert (shown, citations) == cited([text])
    assert all(1 <= number <= 3 for number in citations)
    assert len(set(citations)) == len(citations)
    if "`" not in text:
        assert not re.search(r"\[(?:9|12)\]", shown)


@given(cut(st.text(max_size=60)))
def test_text_without_citations_passes_unchanged(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    if not re.search(r"[\[【]", text):
        assert cited(pieces) == (text, ())


def unwrapped(pieces: list[str]) -> str:
    fence = FenceFilter()
    return "".join(fence.feed(piece) for piece in pieces) + fence.finish()


@given(cut(FENCE_TEXT))
def test_a_fence_around_the_answer_goes_under_any_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    assert unwrapped(pieces) == unwrapped([text])
    for character in "答x1":
        assert unwrapped([text]).count(character) == text.count(character)


@given(cut(st.text(max_size=60)))
def test_text_in_no_fence_passes_unchanged(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    if not text.lstrip().startswith(("```", "~~~")):
        assert unwrapped(pieces) == text


@given(
    st.text(alphabet=st.characters(exclude_characters="`~\r", exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(["```markdown", "```MD", "~~~md", "````markdown", "```", "~~~"]),
)
def test_what_was_wrapped_comes_out_as_it_was(text: str, opening: str) -> None:
    mark = opening.rstrip("markdownMD")
    assert unwrapped([f"{opening}\n{text}\n{mark}"]) == text
    assert unwrapped([f"\n {opening}\n{text}"]).split() == text.split()
