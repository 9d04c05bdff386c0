"""An answer that a model wrapped whole in a Markdown fence, taken out of it as it streams: its text is no code.

A fence named `markdown` or `md` at the very start is unwrapped at once, so the answer streams as any other; if text
follows after its end, that text follows the unwrapped one. A fence without a name may as well hold code, which only its
end can tell: it is kept back until something follows it (then all of it stays as it was written), the answer is over
(then it was wrapped whole), or it is longer than `UNSURE_CHARS` (then it stays). Any other name is a block of code.

Inside, models open and close fences of code with as many signs as the outer one has. One with a language is told by it.
One without looks like the end of the outer fence: if another such line follows within `INNER_CHARS`, the two are taken
for an inner block, else the first one was the end.
"""

import re

NAMES = frozenset({"markdown", "md"})
UNSURE_CHARS = 2_000
INNER_CHARS = 1_000

_OPENING = re.compile(r"(?P<mark>`{3,}(?=[^`\n]*$)|~{3,}(?!~))(?P<info>[^\n]*)$", re.MULTILINE)
_MAYBE_OPENING = re.compile(r"(?:`{0,2}|~{0,2}|(?:`{3,}|~{3,})(?P<info>[^`~\n]*))")
_LEAD = r"[ \t>]*(?P<item>(?:[-*+]|\d{1,9}[.)])[ \t]+)?"
_FENCE = re.compile(_LEAD + r"(?P<mark>`{3,}(?=[^`\n]*$)|~{3,}(?=[^~\n]*$))(?P<info>[^\n]*)$", re.MULTILINE)
_MAYBE_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)]?)[ \t]*)?(?:`{0,2}|~{0,2}|`{3,}[^`]*|~{3,}[^~]*)")
_LANGUAGE = re.compile(r"\s*[A-Za-z{.]")
_ONLY_CITATIONS = re.compile(r"[\s\[\]【】\d,，、^]*")


class FenceFilter:
    """Fed with pieces of an answer's text, gives it without the fence around all of it; the same text whatever the cuts
    were. It belongs before the citations are bound, because those inside of code are left alone."""

    def __init__(self) -> None:
        self._written = ""  # what was kept back, as it was written
        self._unwrapped = ""  # the same without its fence, while that is not sure
        self._inside: _Inside | None = None
        self._named = False
        self._passes = False

    def feed(self, text: str) -> str:
        """The text that is certain now."""
        if self._passes:
            return text
        if self._inside is not None:
            return self._go_on(self._inside, text)
        self._written += text
        return self._begin()

    def finish(self) -> str:
        """What was kept back."""
        if self._passes:
            return ""
        if self._inside is None:
            opening = _OPENING.match(self._written.lstrip())
            return "" if opening and _wraps(opening["info"]) else self._written
        return self._unwrapped + self._inside.finish()

    def _begin(self) -> str:
        text = self._written.lstrip()
        opening = _OPENING.match(text) if "\n" in text else None
        if opening and _wraps(opening["info"]):
            indent = self._written[: -len(text)].rpartition("\n")[2]
            rest = text[opening.end() + 1 :]
            self._written = self._written[: len(self._written) - len(rest)]
            self._named = bool(opening["info"].strip())
            self._inside = _Inside(opening["mark"], len(indent))
            return self._go_on(self._inside, rest)
        maybe = None if opening else _MAYBE_OPENING.fullmatch(text)
        if maybe and any(name.startswith(_name(maybe["info"] or "")) for name in NAMES):
            return ""
        self._passes = True
        return self._written

    def _go_on(self, inside: "_Inside", text: str) -> str:
        shown = inside.take(text)
        if self._named:
            return shown
        self._written += text
        self._unwrapped += shown
        if inside.goes_on or len(self._written) > UNSURE_CHARS:
            self._passes = True
            return self._written
        return ""


class _Inside:
    """What stands in the outer fence, and after it."""

    def __init__(self, mark: str, indent: int) -> None:
        self._mark = mark
        self._indent = indent
        self._inner = ""  # the mark of an open fence within
        self._line = ""  # of the line being read, what was not given yet
        self._is_begun = False  # its start was given
        self._breaks = ""  # line ends not given yet: one before the closing fence is not the answer's
        self._given = False
        self._closing: str | None = None  # what the closing line holds beside its mark, once there was one
        self._after = ""  # what followed it
        self._is_over = False
        self.goes_on = False
        """Whether more than citations followed a line that may have been the end of the fence."""

    def take(self, text: str) -> str:
        """The text that is certain now."""
        given = ""
        while not self._is_over:
            if self._closing is None:
                given += self._lines(text)
            else:
                self._after += text
            if self._closing is None:
                return given
            self.goes_on = self.goes_on or not _ONLY_CITATIONS.fullmatch(self._closing + self._after)
            decided, rest = self._judge(at_end=False)
            given += decided
            if rest is None:
                return given
            text = rest
        return given + text

    def finish(self) -> str:
        """What was kept back. A fence that was never closed ends with the answer."""
        given = ""
        while not self._is_over:
            if self._closing is None:
                line, self._line = self._line, ""
                if line and not self._is_cut_mark(line):
                    given += self._whole(line)
            if self._closing is None:
                return given
            decided, rest = self._judge(at_end=True)
            given += decided + self._lines(rest or "")
        return given

    def _lines(self, text: str) -> str:
        """Reads on until the text or the fence ends; what follows the latter's line is left in `_after`."""
        given = ""
        *whole, self._line = (self._line + text).split("\n")
        for number, line in enumerate(whole):
            given += self._whole(line)
            if self._closing is not None:
                self._after = "\n".join([*whole[number + 1 :], self._line])
                self._line = ""
                return given
        if self._line and (self._is_begun or not _MAYBE_FENCE.fullmatch(self._line)):
            given += self._give(self._line)
            self._line, self._is_begun = "", True
        return given

    def _whole(self, line: str) -> str:
        """A whole line, or the rest of one."""
        fence = None if self._is_begun else _FENCE.fullmatch(line)
        if fence is not None and self._ends(fence):
            self._closing = fence["info"].strip()
            return ""
        if fence is not None:
            self._follow(fence)
        given = self._give(line)
        self._breaks, self._is_begun = self._breaks + "\n", False
        return given

    def _ends(self, fence: re.Match[str]) -> bool:
        mine = fence["mark"].startswith(self._mark) and not fence["item"]
        return mine and not self._inner and not _LANGUAGE.match(fence["info"])

    def _is_cut_mark(self, line: str) -> bool:
        signs = line.strip()
        return not self._inner and len(signs) < len(self._mark) and set(signs) == {self._mark[0]}

    def _follow(self, fence: re.Match[str]) -> None:
        """A fence within, as long as it could hide the end of the outer one."""
        if self._inner:
            if fence["mark"].startswith(self._inner) and not fence["info"].strip():
                self._inner = ""
        elif fence["mark"][0] != self._mark[0] or len(fence["mark"]) >= len(self._mark):
            self._inner = fence["mark"]

    def _give(self, text: str) -> str:
        if not self._is_begun:
            spaces = len(text) - len(text.lstrip(" \t"))
            text = text[min(spaces, self._indent) :]
        given, self._breaks = self._breaks + text, ""
        self._given = self._given or bool(given)
        return given

    def _judge(self, *, at_end: bool) -> tuple[str, str | None]:
        """Whether the closing line was the end, or opened a fence within: (text, what to read on with or None)."""
        after = self._after.lstrip()
        fence = next((each for each in _FENCE.finditer(after) if each["mark"].startswith(self._mark)), None)
        if fence is not None and ((not at_end and fence.end() == len(after)) or fence.end() > INNER_CHARS):
            fence = None  # its line may go on, or it is too far away
        if fence is None and not at_end and len(after) <= INNER_CHARS:
            return "", None
        if fence is None or self._closing or fence["info"].strip() or fence["item"]:
            rest = f"{self._closing}\n{self._after}".strip() if at_end else f"{self._closing}\n{self._after}".lstrip()
            self._is_over = True
            return ("\n\n" if self._given and rest else "") + rest, ""
        rest, self._after, self._closing = self._after, "", None
        opened = self._give(self._mark)
        self._breaks, self._inner = "\n", self._mark
        return opened, rest


def _name(info: str) -> str:
    return (info.split() or [""])[0].lower()


def _wraps(info: str) -> bool:
    return not info.strip() or _name(info) in NAMES
