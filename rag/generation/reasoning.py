"""Telling a model's thinking from its answer when both come as text: `<think> … </think>`, cut anywhere.

A tag is one only where models put it. An opening tag opens thinking before the answer has begun; later, or inside code,
it is text. A closing tag without an opening one ends thinking that began with the first character: some chat templates
put the opening tag into the prompt, so that it never comes back.

Nobody can know that before the closing tag is there, and no answer waits for one. So what was given as answer until
then is taken back (`unsaid`), once: whoever made the filter can remember it of the model and have the next filter
presume that the text begins with thinking.
"""

import re
from typing import Literal

OPEN, CLOSE = "<think>", "</think>"
PAIRS = {
    OPEN: CLOSE,
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
}
"""What DeepSeek and Qwen, prompts, Gemini, Seed, Magistral and Kimi-VL write."""
Part = tuple[Literal["answer", "thinking", "unsaid"], str]

_CLOSES = frozenset(PAIRS.values())
_TAGS = (*PAIRS, *_CLOSES)
_TAG = re.compile("|".join(map(re.escape, _TAGS)))
_BEGINNINGS = frozenset(tag[:length] for tag in _TAGS for length in range(1, len(tag)))
_LONGEST = max(map(len, _TAGS)) - 1
_PLAIN = re.compile(r"[^<\[◁]*")
_CODE = re.compile(r"`+|\n")
_PRESUMED = "?"


class ThinkFilter:
    """Fed with pieces, gives the same text whatever the cuts were; an unclosed tag thinks to the end.

    `presumed`: the text is taken for thinking from the first character until a closing tag comes.
    `lone_close` tells whether there was a closing tag without an opening one, None where that cannot be said.
    """

    def __init__(self, *, presumed: bool = False) -> None:
        self._held = ""
        self._inside = _PRESUMED if presumed else ""  # the opening tag of the thinking we are in
        self._said = ""  # the answer so far, or what was presumed to be thinking
        self._opens = 0  # opening tags that were text
        self._has_thought = False
        self.lone_close: bool | None = None

    def thinks_elsewhere(self) -> None:
        """The model gives its thinking in a field of its own, so that the text is not presumed to be any."""
        if self._inside == _PRESUMED and not self._said:
            self._inside = ""

    def feed(self, text: str) -> list[Part]:
        """The parts that are certain now; what may be the start of a tag is kept back."""
        if not self._held and _PLAIN.fullmatch(text):
            parts: list[Part] = []
            self._give(parts, text)
            return parts  # nearly all pieces are such
        self._held += text
        return self._parts(is_end=False)

    def finish(self, *, is_whole: bool = True) -> list[Part]:
        """What was kept back: it was no tag after all. Text that was only presumed to be thinking is the answer if
        the model came to its own end (`is_whole`)."""
        parts = self._parts(is_end=True)
        if self._inside == _PRESUMED and is_whole and self._said:
            self.lone_close = False
            parts.append(("answer", self._said))
        return parts

    def _parts(self, *, is_end: bool) -> list[Part]:
        parts: list[Part] = []
        while match := _TAG.search(self._held):
            if not is_end and match.end() == len(self._held) and self._may_be_quoted(match.start()):
                self._give(parts, self._held[: match.start()])
                self._held = match.group()
                return parts
            before, tag = self._held[: match.start()], match.group()
            is_quoted = self._may_be_quoted(match.start()) and self._held[match.end() :].startswith("`")
            self._held = self._held[match.end() :]
            self._meet(parts, before, tag, is_quoted)
        kept = 0 if is_end else self._possible_start()
        self._give(parts, self._held[: len(self._held) - kept])
        self._held = self._held[len(self._held) - kept :]
        return parts

    def _meet(self, parts: list[Part], before: str, tag: str, is_quoted: bool) -> None:
        """Text, and a tag after it."""
        if self._inside:
            self._meet_thinking(parts, before, tag, is_quoted)
        elif tag in PAIRS and not (self._said + before).strip():
            self._give(parts, before)
            self._said, self._inside = "", tag
        elif tag in PAIRS or in_code(self._said + before):
            self._opens += tag in PAIRS
            self._give(parts, before + tag)
        elif self._opens:
            self._opens -= 1
            self._give(parts, before + tag)
        elif not (self._said + before).strip():
            self._give(parts, before)
            self._said = ""
        elif self._has_thought:
            self._give(parts, before + tag)
        else:
            self.lone_close = True
            self._take_back(parts, before)

    def _meet_thinking(self, parts: list[Part], before: str, tag: str, is_quoted: bool) -> None:
        presumed = self._inside == _PRESUMED
        if presumed and tag in PAIRS and not (self._said + before).strip():
            self._give(parts, before)
            self._said, self._inside = "", tag
            return
        closes = tag in _CLOSES if presumed else tag == PAIRS[self._inside]
        self._give(parts, before if closes and not is_quoted else before + tag)
        if closes and not is_quoted:
            self._inside, self._said, self._has_thought = "", "", True
            self.lone_close = presumed or None

    def _take_back(self, parts: list[Part], before: str) -> None:
        """All text until now was thinking."""
        if self._said:
            parts[:] = [part for part in parts if part[0] != "answer"]
            given = self._said
            parts.append(("unsaid", given))
        if before:
            parts.append(("thinking", before))
        self._said, self._has_thought = "", True

    def _give(self, parts: list[Part], text: str) -> None:
        if not text:
            return
        if not self._inside or self._inside == _PRESUMED:
            self._said += text
        else:
            self._said = text[-1]
        parts.append(("thinking" if self._inside else "answer", text))

    def _may_be_quoted(self, at: int) -> bool:
        """Whether a tag at this place of what is held is thought about, in backticks."""
        return bool(self._inside) and (self._held[:at] or self._said)[-1:] == "`"

    def _possible_start(self) -> int:
        """Length of the end that a longer text might turn into a tag."""
        end = self._held[-_LONGEST:]
        return next((len(end) - at for at in range(len(end)) if end[at:] in _BEGINNINGS), 0)


def in_code(text: str) -> bool:
    """Whether a text ends inside a code span or a fence. A span does not outlive its line."""
    opened = 0
    for match in _CODE.finditer(text):
        mark = match.group()
        if mark == "\n":
            opened = 0 if opened < 3 else opened
        elif not opened:
            opened = len(mark)
        elif len(mark) >= opened:
            opened = 0
    return opened > 0
