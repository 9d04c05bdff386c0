"""An answer's Markdown in a terminal, read as the pages do: `<br>` breaks a line, other tags are text, and bold beside
Chinese signs is bold."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from rich.markdown import Markdown

from feishu.cards.markdown_emphasis import flanks

_BREAK = re.compile(r"</?br(?:\s[^<>]{0,60})?/?>[ \t]*\n?[ \t]*", re.IGNORECASE)


def rendered(text: str) -> Markdown:
    """What rich prints for an answer."""
    shown = Markdown("")
    shown.markup = text
    shown.parsed = _parser().parse(text)
    return shown


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    parser.inline.ruler.before("autolink", "break_tag", _break_tag)
    parser.inline.ruler.before("strikethrough", "chinese_emphasis", _chinese_emphasis)
    return parser


def _break_tag(state: StateInline, silent: bool) -> bool:
    found = _BREAK.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def _chinese_emphasis(state: StateInline, silent: bool) -> bool:
    """markdown-it's own rules for `*` and `~~`, with `flanks` in the place of its strict reading."""
    marker = state.src[state.pos]
    if silent or marker not in "*~":
        return False
    scanned = state.scanDelims(state.pos, True)
    step = 1 if marker == "*" else 2
    if scanned.length < step:
        return False
    opens, closes = flanks(state.src, state.pos, scanned.length)
    if scanned.length % step:
        state.push("text", "", 0).content = marker
    for _ in range(scanned.length // step):
        state.push("text", "", 0).content = marker * step
        length = scanned.length if marker == "*" else 0  # tildes know no rule of three
        state.delimiters.append(Delimiter(ord(marker), length, len(state.tokens) - 1, -1, opens, closes))
    state.pos += scanned.length
    return True
