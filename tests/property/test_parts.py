"""Long answers cut into parts: nothing is lost, everything fits, fences stay whole."""

from hypothesis import example, given
from hypothesis import strategies as st

from bot.cards.pagination import split

LINES = st.sampled_from(
    [
        "第一段，讲的是报销。",
        "a line of English text.",
        "",
        "```python",
        "```",
        "~~~~",
        "~~~",
        "print(1)",
        "# 标题",
        "- 项目",
    ]
)
TEXTS = st.one_of(st.text(max_size=800), st.lists(LINES, max_size=60).map("\n".join))


def content(text: str) -> str:
    """What must survive: everything but white space and fence marks, which are closed and opened again at a cut."""
    lines = (line for line in text.split("\n") if not line.strip().startswith(("```", "~~~")))
    return "".join("".join(lines).split())


@given(TEXTS, st.integers(64, 400))
@example("", 64)
@example("字" * 500, 64)
@example("```\n" + "x" * 500 + "\n```", 80)
def test_every_part_fits_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert parts
    assert all(len(part.encode()) <= limit or part.startswith(("```", "~~~")) for part in parts)
    assert content("\n".join(parts)) == content(text)


@given(st.integers(1, 60), st.integers(100, 300))
def test_a_cut_fence_is_closed_and_opened_again(lines: int, limit: int) -> None:
    code = "\n".join(f"row_{number} = {number}" for number in range(lines))
    parts = split(f"```python\n{code}\n```", limit)
    assert all(part.startswith("```python\n") and part.endswith("\n```") for part in parts)
    bodies = [part.removeprefix("```python\n").removesuffix("\n```") for part in parts]
    assert "\n".join(bodies) == code


def test_a_short_answer_stays_one_part() -> None:
    assert split("一段话。\n\n又一段。", 1_000) == ["一段话。\n\n又一段。"]
