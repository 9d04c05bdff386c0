"""Filters on a model's stream: whatever the cuts, the same result, and nothing that should be hidden shows."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from rag.generation.citations import CitationFilter
from rag.generation.reasoning import CLOSE, OPEN
from rag.generation.refusal import MARK
from rag.generation.unwrapping import FenceFilter
from tests.support.filters import thought, written

THINK_TEXT = st.lists(
    st.sampled_from(
        [OPEN, CLOSE, "<", "think", ">", "/", "a", "答", " ", "<thi", "`", "```", "\n", "◁think▷", "◁/think▷"]
    ),
    max_size=12,
).map("".join)
REFUSAL_TEXT = st.lists(
    st.sampled_from(
        [
            *(
                "根据现有资料",
                "，",
                "无法回答此问题",
                "。",
                "资料中没有提到停车费",
                "抱歉",
                "但",
                "十五天 [1]",
                "不过",
                "[",
                "]",
            ),
            *(
                MARK,
                "[[NO_",
                "ANSWER]]",
                "NO_ANSWER",
                "**",
                "`",
                "【",
                "\n",
                " ",
                "建议咨询人事",
                "I cannot answer",
                ". ",
                "sorry",
            ),
        ]
    ),
    max_size=8,
).map("".join)
ANSWER_TEXT = st.text(alphabet="差旅费用须在返回后十五个工作日内提交报销单，。 abc\n1", max_size=60).map("差".__add__)
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


def cited(pieces: list[str], passages: int = 3) -> tuple[str, tuple[int, ...]]:
    citation_filter = CitationFilter(passages)
    text = "".join(citation_filter.feed(piece) for piece in pieces) + citation_filter.finish()
    return text, citation_filter.citations


@given(cut(THINK_TEXT))
def test_thinking_is_found_under_any_cut(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    answer, thinking = thought(pieces)
    assert (answer, thinking) == thought([text])
    assert len(answer) + len(thinking) <= len(text)
    if "think" not in text:
        assert (answer, thinking) == (text, "")


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


@given(cut(REFUSAL_TEXT), st.sampled_from(["", "须在十五天内提交 [2]。超过五"]))
def test_a_refusal_is_found_under_any_cut(case: tuple[str, list[str]], so_far: str) -> None:
    text, pieces = case
    finished, shown = written(pieces, so_far=so_far)
    whole, at_once = written([text], so_far=so_far)
    assert (finished.text, finished.outcome, finished.citations) == (whole.text, whole.outcome, whole.citations)
    assert "".join(shown) == "".join(at_once)
    assert so_far + "".join(shown) == finished.text
    assert MARK not in finished.text


@given(cut(ANSWER_TEXT))
def test_an_answer_goes_out_with_the_pieces_it_came_in(case: tuple[str, list[str]]) -> None:
    _, pieces = case
    _, shown = written(pieces)
    came = ""
    for at, piece in enumerate(pieces):
        came += piece
        # A space may be a citation's, and waits for the next character.
        assert "".join(shown[: at + 1]).rstrip() == came.rstrip()
