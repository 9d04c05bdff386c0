"""Foreign markdown: nothing live leaves, code stays as it is, and streamed output only ever grows."""

import html
import json
import os
import re
import sys
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feishu.cards.foreign_text import other_host
from feishu.cards.markdown import escape_text, safe_markdown
from feishu.visible_text import visible_text

PIECES = [
    "<at id=all></at>",
    '<at user_id="ou_1">x</at>',
    "<",
    "at id=all>",
    "&lt;at id=all&gt;",
    "&#60;",
    "&",
    "#60;",
    "lt;",
    "R&D",
    "`",
    "``",
    "```",
    "````",
    "~~~",
    "`code <b>`",
    "`a|b <b>`",
    "\\",
    "\\`",
    "\\<",
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "    ",
    "> ",
    "- ",
    "1. ",
    "[",
    "]",
    "(",
    ")",
    "!",
    "![",
    "](",
    "[a](http://e.cn/x)",
    "[a](javascript:alert(1))",
    "[a](lark://x)",
    "![alt](http://e/i.png)",
    "![alt](img_v2_1)",
    "[x]: javascript:1",
    "lark://client",
    "https://e.cn",
    ":",
    "/",
    "//",
    "http",
    "| a | b |\n",
    "|---|---|\n",
    "| 1 | 2 |\n",
    "---|---",
    "|",
    "-",
    "报销",
    "年假 <b>",
    "😀",
    "python\n",
    "\u2028",
    "\x00",
    "**bold**",
    "**",
    "*",
    "~~",
    "**注意：**超期",
    "“",
    "（",
    "<br>",
    "<BR />",
    "</br",
    "# ",
    "text",
    "\u202e",
    "\u200b",
    "\u200d",
    "\u200c",
    "\ufe0f",
    "👩\u200d💻",
    "می\u200cخواهم",
    "@",
    "at",
    "person",
    "＜",
    "https://a.example@b.example",
    "[https://a.example](https://b.example)",
    "[b.example](https://a.example@b.example/x)",
    "\\@",
]
markdown_text = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.sampled_from(list("<>&`~[]()!:\\|-\n >*a1/#;br（报")), max_size=60).map("".join),
    st.text(max_size=200),
)


def outside_fences(text: str) -> list[str]:
    """The lines a CommonMark reader would not take for fenced code."""
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})", line)
        if fence:
            if re.fullmatch(r" {0,3}" + re.escape(fence[0]) + "{" + str(len(fence)) + r",}[ \t]*", line):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            lines.append(line)
    return lines


def outside_code(text: str) -> str:
    """What is in no code at all."""
    prose = "\n".join(outside_fences(text))
    return re.sub(r"(?<!`)(`+)(?!`)(?:.|\n)*?(?<!`)\1(?!`)", "", prose)


@given(markdown_text, st.integers(0, 3))
@example("- a ` b\n- <at id=all></at> ` c", 3)
@example("a ` stray\n`![x](http://e/i.png)`", 3)
@example("| `a|b` `<at id=all></at>` |\n|---|---|", 3)
@example("![a!](x)[b](http://c)", 3)
@example("![z][(http://evil)](bad)", 3)
@example("[&l](bad)t;at id=all>", 3)
@example("    ```\n<at id=all></at>\n    ```", 3)
@example("> ```\n> <b>\n<at id=all></at>", 3)
def test_nothing_live_leaves(text: str, max_tables: int) -> None:
    prose = outside_code(safe_markdown(text, max_tables=max_tables)).replace("<br>", "\n")
    assert "<" not in prose
    assert not re.search(r"&(lt|gt|amp|#60|#x3c);?", re.sub("&#(60|38);", "_", prose), re.IGNORECASE)
    assert not re.search(r"!\[[^\]]*\]\([^)]*\)", prose), "an image nobody vouches for"
    for target in re.findall(r"\]\(([^)]*)\)", prose):
        assert re.match(r"https?://", target, re.IGNORECASE)
    assert not re.search(r"\]:", prose)
    assert not re.search(r"\blark://", prose)


@given(markdown_text, st.integers(0, 3))
@example("`<at id=all></at>`", 3)
@example("```\n<at id=all></at>\n```", 3)
@example("```\n&lt;AT id=all>&#0060; / person>\n```", 3)
@example("| <at id=all> |\n|---|", 0)
@example("`<\u200bat id=all>`", 3)
def test_nobody_is_mentioned_anywhere(text: str, max_tables: int) -> None:
    """Neither in code, nor where a reader decodes entities before it looks for tags."""
    shown = safe_markdown(text, max_tables=max_tables)
    code = re.findall(r"(?s)(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", shown)
    assert not re.search(r"(?i)<[ \t]*/?[ \t]*(at|person)\b", shown)
    for _, inner in code:
        assert not re.search(r"(?i)<[ \t]*/?[ \t]*(at|person)(?![a-z0-9])", html.unescape(html.unescape(inner)))


@given(markdown_text, st.booleans())
@example("a\u202e\u200d", True)
def test_nothing_unseen_leaves(text: str, streaming: bool) -> None:
    shown = safe_markdown(text, streaming=streaming)
    assert visible_text(shown) == shown
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u2060\ufeff\u00ad\x01-\x08]", shown)


@given(
    st.lists(st.sampled_from([*"a👩💻\u200d\u200c\ufe0f\u200b\u202eمക്1#国", "\U000e0100"]), max_size=14).map("".join)
)
def test_visible_text_is_stable_and_grows(text: str) -> None:
    whole, before = visible_text(text), ""
    assert visible_text(whole) == whole
    for cut in range(len(text) + 1):
        shown = visible_text(text[:cut], more=True)
        assert shown.startswith(before)
        before = shown
    assert whole.startswith(before)


@given(markdown_text)
@example("[https://portal.example](https://evil.example)")
@example("https://good.example@evil.example")
@example("https:/\\/good.example\\@evil.example")
@example("https://a:b@c:d@evil.example")
@example("https://a&b@evil.example")
@example("https://e.cnhttps://good.example@evil.example")
@example("https://e.cn*https://good.example@evil.example")
@example("https://e.cnhttps://uhttps:good.example@evil.example")
def test_no_address_hides_another(text: str) -> None:
    prose = outside_code(safe_markdown(text))
    for shown, target in re.findall(r"\[([^\[\]]*)\]\((https?://[^)]*)\)", prose, re.IGNORECASE):
        assert "@" not in urlsplit(target).netloc
        assert not other_host(shown.removesuffix(f" ({urlsplit(target).hostname})"), target) or shown.endswith(")")
    plain = re.sub(r"\\", "", html.unescape(re.sub(r"\]\([^)]*\)", "", prose)))
    assert not re.search(r"(?i)https?://[^\s/?#]*@", plain)


@given(markdown_text, st.integers(0, 3))
def test_no_stray_backtick_leaves(text: str, max_tables: int) -> None:
    """Then no reader can pair backticks other than we did."""
    assert "`" not in outside_code(safe_markdown(text, max_tables=max_tables))


@given(markdown_text, st.integers(0, 3))
def test_no_mark_of_emphasis_is_lost(text: str, max_tables: int) -> None:

    def marks(shown: str) -> str:
        return re.sub(r"[^*~]", "", shown)

    if not set("<`[~") & set(text):
        assert marks(safe_markdown(text, max_tables=max_tables)) == marks(text)


@given(markdown_text, st.integers(0, 2), st.data())
def test_streamed_output_only_grows(text: str, max_tables: int, data: st.DataObject) -> None:
    whole = safe_markdown(text, max_tables=max_tables)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    before = ""
    for cut in [*cuts, len(text)]:
        if text[cut - 1 : cut + 1] == "\r\n":
            continue  # the same line end, seen in halves
        shown = safe_markdown(text[:cut], streaming=True, max_tables=max_tables)
        assert shown.startswith(before)
        before = shown
    assert whole.startswith(before)


@given(markdown_text, st.integers(0, 3))
def test_tables_beyond_the_limit_become_code(text: str, max_tables: int) -> None:
    shown = safe_markdown(text, max_tables=max_tables)
    tables, before = 0, ""
    for line in outside_fences(shown):
        if "|" in before and "|" in line and "-" in line:
            tables += re.fullmatch(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*", line) is not None
        before = line
    assert tables <= max_tables


@given(
    st.text(
        alphabet=st.characters(exclude_characters="`\r\n\x00", exclude_categories=["Cs"]), min_size=1, max_size=80
    ).filter(lambda code: visible_text(code) == code)
)
def test_code_stays_as_it_is(code: str) -> None:
    assert safe_markdown(f"x\n```python\n{code}\n```\ny") == f"x\n```python\n{code}\n```\ny"
    if "|" not in code and not code.endswith("\\"):
        assert safe_markdown(f"see `{code}` there") == f"see `{code}` there"


def test_a_hostile_line_does_not_cost_its_length_squared() -> None:
    """Ten thousand characters of openers, counted in steps and not in seconds."""
    for hostile in (
        "[",
        "![",
        "[`!",
        "[]",
        "` ",
        "[a]((",
        "[" * 7 + "]",
        "a**（*",
        "a~~（~",
        "<br>",
        "*（",
        "@",
        "https://",
        "<at",
    ):
        steps = 0

        def count(frame: FrameType, event: str, arg: object) -> None:
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            safe_markdown((hostile * 10_000)[:10_000])
        finally:
            sys.setprofile(None)
        assert steps < 10_000 * 200, hostile


@given(st.text(max_size=100) | st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    shown = escape_text(text)
    assert "\n" not in shown
    assert not re.search(r"[<>*_~`\[\]()!\\:]", shown)
    assert not re.search(r"&(?!#\d+;|sim;)(?:#|[A-Za-z]\w*;)", shown)


def naughty_strings() -> list[str]:
    shared = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2].parent / "shared"))
    file = shared / "data/naughty-strings/blns.json"
    if not file.exists():
        pytest.skip(f"no naughty strings at {file}: set SHARED_DIR")
    return list(json.loads(file.read_text()))


def test_naughty_strings_are_tamed() -> None:
    for text in naughty_strings():
        shown = safe_markdown(text)
        assert "<" not in outside_code(shown).replace("<br>", "\n")
        assert "\n" not in escape_text(text)
        before = ""
        for cut in range(len(text) + 1):
            streamed = safe_markdown(text[:cut], streaming=True)
            assert streamed.startswith(before), (text, cut)
            before = streamed
        assert shown.startswith(before)
