"""What may happen inside one line of foreign markdown. Pure; the blocks around it are in `feishu.cards.markdown`.

Everything that could be a tag, an entity, a link elsewhere or an image becomes text; emphasis, code spans, http links,
line breaks (`<br>`, the one tag that leaves) and the images whose keys the caller vouches for stay (a key that a model
made up would have the whole card refused).
The rule that makes this safe without knowing the platform's parser: no live special character leaves here that we did
not put there. A backtick without its partner in the same line leaves as an entity, so does a bracket pair that is not
one of our links; so no reader can pair them differently than we did.

Escapes: numeric entities, as documented (open.feishu.cn/document feishu-cards rich text component).
"""

import re
from functools import lru_cache

from feishu.cards.foreign_text import other_host, web_url, with_host, without_mentions
from feishu.cards.markdown_emphasis import MAX_EMPHASIS_CHARS, Emphasis

MAX_SPAN_CHARS = 500
"""A code span or a link text may be this long; while streaming, no more than this waits for its end."""
MAX_TARGET_CHARS = 2000
MAX_BRACKET_DEPTH = 8
"""Deeper nested brackets are no link; without a limit a line of brackets would cost its length squared."""
IMAGE_MARK = "🖼"
NO_IMAGES: frozenset[str] = frozenset()
Citations = tuple[tuple[int, str], ...]
"""Numbers and the addresses that `[number]` leads to."""

_ORDINARY = re.compile(r"[^\\`<&\[\]!:*~@]+")
_BREAK = re.compile(r"</?br(?:\s[^<>]{0,60})?/?>", re.IGNORECASE)
_MAYBE_BREAK = re.compile(r"</?(?:b(?:r(?:\s[^<>]{0,60})?/?)?)?\Z", re.IGNORECASE)
_CODE_OR_BREAK = re.compile(
    rf"(?P<code>(?<!`)(?P<mark>`+)(?!`).*?(?<!`)(?P=mark)(?!`))|{_BREAK.pattern}", re.IGNORECASE
)
_ENDS = {mark: re.compile(rf"(?<![\s{mark}]){re.escape(mark)}+") for mark in "*~"}
ENTITY = re.compile(r"&(?:#|[A-Za-z][A-Za-z0-9]{0,31};|(?:lt|gt|amp|quot|apos|LT|GT|AMP|QUOT))")
_MAYBE_ENTITY = re.compile(r"&[A-Za-z0-9]{0,32}\Z")
_BRACKETS = re.compile(r"\\.|`+|\[|\]", re.DOTALL)
_TARGET = re.compile(
    r"\([ \t]*(?:<(?P<angled>[^<>]*)>|(?P<bare>(?:[^\s()\\]|\\.|\([^\s()]*\))*))"
    r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*\)"
)
_CITATION = re.compile(r"\[([0-9]{1,3})\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*\Z")
_ESCAPED_BY_ENTITY = "<`&[]!"
_AFTER_HOST = re.compile(r"[\s/?#]")
_ENTITIES = re.compile(r"&#[0-9]+;")


def without_breaks(line: str, instead: str) -> str:
    """The line with `instead` for each `<br>` outside of its code spans."""
    if "<" not in line:
        return line
    return _CODE_OR_BREAK.sub(lambda found: found["code"] or instead, line)


class _Undecided(Exception):
    """What comes next in the line decides what this is."""


@lru_cache(maxsize=4096)
def safe_line(line: str, images: frozenset[str] = NO_IMAGES, citations: Citations = ()) -> str:
    """One whole line, made safe. `images` are the keys that may be shown."""
    return _Scanner(line, images, more=False, citations=citations).scan()


def safe_line_start(line: str, images: frozenset[str] = NO_IMAGES) -> str:
    """The start of a line that may go on: as much as will stay the same whatever follows."""
    return _Scanner(line, images, more=True).scan()


class _Scanner:
    """Reads a line from left to right and writes its safe form."""

    def __init__(
        self, line: str, images: frozenset[str], *, more: bool, nested: bool = False, citations: Citations = ()
    ) -> None:
        self._line = line
        self._citations = citations
        self._images = images
        self._more = more
        self._nested = nested  # inside a link text: no further links, and something unknown follows
        self._at = 0
        self._out = ""
        self._pipe_in_code = False
        self._hosts: list[int] = []  # where hosts of bare addresses may begin in what was written: at most two
        self._emphasis = Emphasis()

    def scan(self) -> str:
        steps = {
            "\\": self._backslash,
            "`": self._backtick,
            "<": self._angle,
            "&": self._ampersand,
            "[": self._bracket,
            "]": self._closing_bracket,
            "!": self._exclamation,
            ":": self._colon,
            "@": self._at_sign,
            "*": self._marker,
            "~": self._marker,
        }
        try:
            while self._at < len(self._line):
                if ordinary := _ORDINARY.match(self._line, self._at):
                    self._write(ordinary.group(), ordinary.end())
                else:
                    steps[self._line[self._at]]()
        except _Undecided:
            pass
        return self._out

    def _write(self, text: str, at: int) -> None:
        self._out += text
        self._at = at

    def _peek(self, offset: int = 1) -> str:
        """The character further on, "" past the end of a whole line."""
        at = self._at + offset
        if at < len(self._line):
            return self._line[at]
        if self._more:
            raise _Undecided
        return ""

    def _angle(self) -> None:
        found = _BREAK.match(self._line, self._at)
        if found is None:
            if self._more and _MAYBE_BREAK.match(self._line, self._at):
                raise _Undecided
            self._write("&#60;", self._at + 1)
        elif self._nested:
            self._write(" ", found.end())
        elif self._line[found.end() :].strip(" \t"):
            self._write("<br>", found.end())
        elif self._more:
            raise _Undecided
        else:  # the line ends here anyway: two spaces make it a break for every reader, and the tag would make two
            self._write("  ", len(self._line))

    def _marker(self) -> None:
        run = _run(self._line, self._at)
        after = self._peek(len(run))
        before, behind = self._emphasis.spaces(run, self._out[-1:], after, lambda: self._ends_ahead(run))
        self._write(before + run + behind, self._at + len(run))

    def _ends_ahead(self, run: str) -> bool:
        """Whether a run like this one that may close follows in this line, near enough."""
        start = self._at + len(run)
        stop = start + MAX_EMPHASIS_CHARS
        for found in _ENDS[run[0]].finditer(self._line, start, stop):
            if self._more and found.end() == len(self._line):
                raise _Undecided
            if found.group() == run:
                return True
        if self._more and len(self._line) <= stop:
            raise _Undecided
        return False

    def _backslash(self) -> None:
        following = self._peek()
        if following and following in _ESCAPED_BY_ENTITY:
            self._write(_entity(following), self._at + 2)
        else:
            pair = following if following in ("\\", "*", "~") else ""
            self._write("\\" + pair, self._at + 1 + len(pair))

    def _ampersand(self) -> None:
        rest = self._line[self._at : self._at + 40]
        if ENTITY.match(rest):
            self._write("&#38;", self._at + 1)
            return
        at_end = _MAYBE_ENTITY.match(rest) is not None and self._at + len(rest) == len(self._line)
        if at_end and self._more:
            raise _Undecided
        self._write("&#38;" if at_end and self._nested else "&", self._at + 1)

    def _backtick(self) -> None:
        mark = _run(self._line, self._at)
        self._peek(len(mark))  # the run itself must be over
        end = self._span_end(self._at)
        if end is None:
            self._write(_entity("`") * len(mark), self._at + len(mark))
            return
        span = self._line[self._at : end]
        inner = span[len(mark) : -len(mark)]
        # A table splits cells at a pipe even inside code, and then pairs the backticks of the row anew.
        self._pipe_in_code = self._pipe_in_code or "|" in inner
        if any(special in inner for special in "<&![]") and (self._pipe_in_code or inner.endswith("\\")):
            quoted = _entity("`") * len(mark)
            self._write(quoted + _escape_all(inner) + quoted, end)
        else:
            self._write(mark + without_mentions(inner) + mark, end)

    def _span_end(self, start: int) -> int | None:
        """Where the code span that starts here ends, None if it does not end in this line."""
        mark = _run(self._line, start)
        at = start + len(mark)
        while (at := self._line.find("`", at, start + MAX_SPAN_CHARS + 1)) >= 0:
            run = _run(self._line, at)
            at += len(run)
            if self._more and at == len(self._line):
                raise _Undecided
            if len(run) == len(mark):
                return at
        if self._more and len(self._line) - start <= MAX_SPAN_CHARS:
            raise _Undecided
        return None

    def _bracket(self) -> None:
        link = None if self._nested else self._link(self._at)
        if link is None:
            self._open_bracket()
            return
        text, target, end = link
        if url := web_url(target):
            host = _escape_all(other_host(text, url))
            self._write(f"[{with_host(text, host)}]({url})", end)
        else:
            self._write(_joinable(text), end)

    def _open_bracket(self) -> None:
        """One of no link: of a citation that leads somewhere, or only itself."""
        found = _CITATION.match(self._line, self._at) if self._citations else None
        url = dict(self._citations).get(int(found[1]), "") if found else ""
        if found and url:
            self._write(f"[&#91;{found[1]}&#93;]({url})", found.end())
        else:
            self._write("[", self._at + 1)

    def _exclamation(self) -> None:
        if self._peek() != "[":
            self._write("!", self._at + 1)
            return
        image = self._link(self._at + 1)
        if image is None:
            self._write(_entity("!"), self._at + 1)
            return
        text, target, end = image
        if target in self._images and not self._nested:
            self._write(f"![{text}]({target})", end)
        else:
            self._write(_joinable(f"{IMAGE_MARK} {text}".rstrip()), end)

    def _closing_bracket(self) -> None:
        following = self._peek()
        if following and following in "(:":  # neither a link nor a link definition
            self._write("]" + _entity(following), self._at + 2)
        else:
            self._write("]", self._at + 1)

    def _colon(self) -> None:
        before = self._out[-40:].rstrip("\\").lower()
        scheme = _SCHEME.search(before)
        foreign = scheme is not None and scheme.group() not in ("http", "https")
        # A client may turn lark://… into a link by itself.
        is_foreign = foreign and self._peek() == "/" and self._peek(2) == "/"
        self._write(_entity(":") if is_foreign else ":", self._at + 1)
        if before.endswith(("http", "https")):
            self._hosts = [*filter(self._is_host, self._hosts), len(self._out)]

    def _at_sign(self) -> None:
        """`https://known.example@evil.example` leads to what follows the sign: a space ends the address before."""
        self._write(" @" if any(map(self._is_host, self._hosts)) else "@", self._at + 1)
        self._hosts = []

    def _is_host(self, start: int) -> bool:
        """Whether what was written from `start` on is the host of a bare address, or may be a user name before it."""
        since = _ENTITIES.sub("_", self._out[start:]).replace("\\", "")
        return since.startswith("//") and not _AFTER_HOST.search(since, 2)

    def _link(self, start: int) -> tuple[str, str, int] | None:
        """(safe text, target, end) of the link whose `[` is at `start`, None if it is none."""
        close = self._closing(start)
        if close is None:
            return None
        if self._more and close + 1 >= len(self._line):
            raise _Undecided
        if not self._line.startswith("(", close + 1):
            return None
        target = _TARGET.match(self._line, close + 1)
        if target is None or target.end() - close > MAX_TARGET_CHARS:
            if self._more and len(self._line) - close <= MAX_TARGET_CHARS:
                raise _Undecided
            return None
        text = _Scanner(self._line[start + 1 : close], self._images, more=False, nested=True).scan()
        return text, target["angled"] if target["angled"] is not None else target["bare"], target.end()

    def _closing(self, start: int) -> int | None:
        """Where the bracket at `start` closes in this line."""
        depth, at = 0, start
        while found := _BRACKETS.search(self._line, at):
            if found.start() - start > MAX_SPAN_CHARS:
                return None
            mark, at = found.group(), found.end()
            if mark[0] == "`":
                at = self._span_end(found.start()) or at
            elif mark == "[":
                depth += 1
                if depth > MAX_BRACKET_DEPTH:
                    return None
            elif mark == "]":
                depth -= 1
                if not depth:
                    return found.start()
        if self._more and len(self._line) - start <= MAX_SPAN_CHARS:
            raise _Undecided
        return None


def _run(line: str, at: int) -> str:
    """The backticks, asterisks or tildes that start here."""
    end = at
    while end < len(line) and line[end] == line[at]:
        end += 1
    return line[at:end]


def _entity(character: str) -> str:
    return f"&#{ord(character)};"


def _escape_all(text: str) -> str:
    return "".join(_entity(character) if character in "<&[]!`\\*_~:" else character for character in text)


def _joinable(text: str) -> str:
    """Text that lost its brackets: its ends must not form markup with what stands around it."""
    if text[:1] in ("(", ":"):
        text = _entity(text[0]) + text[1:]
    return text[:-1] + _entity("!") if text.endswith("!") else text
