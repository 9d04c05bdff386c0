"""Whatever is logged, and however deep it hides: a known secret and a person's words never come out."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.observability.redaction import Masking

SECRET = 'k3y"\\&%/密'
WORDS = "我的工资"
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.text(max_size=10).map(lambda text: f"{text}{SECRET}{text}"),
    st.just(SECRET.encode()),
    st.just({SECRET}),
    st.text(max_size=5).map(lambda text: ValueError(f"{text} {SECRET}")),
    st.just(json.dumps({"a": SECRET})),
    st.just(repr(SECRET)),
)
NAMES = st.sampled_from(["note", "chat", "value", "url", "app_secret", "Authorization", SECRET]) | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_a_known_secret_never_comes_out(line: dict[str, Any]) -> None:
    masking = Masking()
    masking.hide([SECRET])
    shown = str(masking(None, "info", {"event": "happened", **line}))
    assert SECRET not in shown
    assert "k3y" not in shown


@given(st.sampled_from(["text", "question", "answer", "content", "Body", "snippet", "query"]), st.integers(0, 3))
def test_words_never_come_out(name: str, depth: int) -> None:
    value: Any = {name: f"{WORDS} {depth}"}
    for _ in range(depth):
        value = [{"inner": value}]
    assert WORDS not in str(Masking()(None, "info", {"event": "happened", "note": value}))


@given(st.text())
def test_a_line_stays_one_line_of_utf8(text: str) -> None:
    shown = Masking().scrub(text)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=60))
def test_harmless_words_are_left_as_they_are(text: str) -> None:
    masking = Masking()
    assert masking.scrub(masking.scrub(text)) == masking.scrub(text)
    if text.isalpha():
        assert masking.scrub(text) == text
