"""Answers that a model wrapped in a fence; any cut is a property test."""

import pytest

from rag.generation.unwrapping import INNER_CHARS, UNSURE_CHARS, FenceFilter


def unwrapped(text: str) -> str:
    fence = FenceFilter()
    return fence.feed(text) + fence.finish()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("```markdown\n**15 日** [1]\n```", "**15 日** [1]"),
        ("\n \n```Markdown\r\nA\n```\n", "A"),
        ("```md\nA\n\nB\n\n```", "A\n\nB\n"),
        ("```\nA [1]\n```", "A [1]"),
        ("~~~\nA\n~~~", "A"),
        ("~~~markdown\nA\n```py\nx\n```\n~~~", "A\n```py\nx\n```"),
        ("````md\nA\n```\nls\n```\nB\n````", "A\n```\nls\n```\nB"),
        ("```markdown\nA\n```bash\nls\n```\nB\n```", "A\n```bash\nls\n```\nB"),
        ("```markdown\n1. a\n   ```sh\n   ls\n   ```\n2. b\n```", "1. a\n   ```sh\n   ls\n   ```\n2. b"),
        ("```markdown\n- ```sh\n  ls\n  ```\n- b\n```", "- ```sh\n  ls\n  ```\n- b"),
        ("```markdown\nA\n~~~\n```\n~~~\nB\n```", "A\n~~~\n```\n~~~\nB"),
        ("```markdown\nA\n```\nls\n```\nB\n```", "A\n```\nls\n```\nB"),
        ("```\nA\n```python\nx\n```\nB\n```", "A\n```python\nx\n```\nB"),
        ("  ```md\n  A\n   - b\n  ```", "A\n - b"),
    ],
)
def test_a_fence_around_all_of_it_goes(written: str, shown: str) -> None:
    assert unwrapped(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("```markdown\nA\n``` [1]", "A\n\n[1]"),
        ("```\n| a |\n|---|\n| b |\n```\n\n[1][2]\n", "| a |\n|---|\n| b |\n\n[1][2]"),
        ("```md\nA\n```【1】", "A\n\n【1】"),
    ],
)
def test_citations_after_the_fence_are_kept(written: str, shown: str) -> None:
    assert unwrapped(written) == shown


@pytest.mark.parametrize("end", ["", "\n", "\n`", "\n``"])
@pytest.mark.parametrize("opening", ["```markdown", "```"])
def test_a_fence_that_was_cut_before_its_end_goes(opening: str, end: str) -> None:
    assert unwrapped(f"{opening}\nA [1]{end}") == "A [1]"


@pytest.mark.parametrize(
    "written",
    [
        "```python\nprint()\n```",
        "```python\nprint()\n``` [1]",
        "```\ngit push\n```\n这样推送 [1]。",
        "```\na\n```\n然后\n```\nb\n```",
        "如下：\n```markdown\n| a |\n```",
        "```code``` 是一行",
        "~~~删~~~ 了",
        "~~删~~ 了",
        "``",
        "```mark",
        "",
        f"```\n{'x' * UNSURE_CHARS}\n```",
    ],
)
def test_what_is_code_or_no_fence_around_all_stays(written: str) -> None:
    assert unwrapped(written) == written


def test_text_after_a_named_fence_follows_what_was_in_it() -> None:
    assert unwrapped("```markdown\nA\n```\n\n说明：B") == "A\n\n说明：B"
    assert unwrapped(f"```markdown\nA\n```\n{'b' * (INNER_CHARS + 1)}") == f"A\n\n{'b' * (INNER_CHARS + 1)}"


def test_a_named_fence_streams_and_an_unnamed_one_waits() -> None:
    fence = FenceFilter()
    assert [fence.feed(piece) for piece in ("```mark", "down\n", "报销", "须在\n15 日", "内\n``", "`")] == [
        "",
        "",
        "报销",
        "须在\n15 日",
        "内",
        "",
    ]
    assert fence.finish() == ""
    fence = FenceFilter()
    assert [fence.feed(piece) for piece in ("```\n", "ls\n```\n", "列出")] == ["", "", "```\nls\n```\n列出"]


def test_ordinary_text_is_not_kept_back() -> None:
    fence = FenceFilter()
    assert fence.feed("报") == "报"
    assert fence.feed("```\n") == "```\n"
