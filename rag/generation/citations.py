"""Citations in a model's text, bound to the passages it was given: `[n]` beyond them is dropped as it streams by."""

import re

_WHOLE = re.compile(r" ?(?:\[\^?(\d{1,3}(?: ?[,，、] ?\d{1,3})*)\]|【(\d{1,3}(?: ?[,，、] ?\d{1,3})*)】)")
_START = re.compile(r" |(?: ?[\[【]\^?[\d,，、 ]{0,24})")
_NUMBER = re.compile(r"\d+")
_PLAIN = re.compile(r"[^ \[【`]*")


class CitationFilter:
    """Fed with pieces, gives text with valid citations only, each as `[n]`; the same text whatever the cuts were.

    `[1,2]`, `[^1]` and `【1】` become `[1][2]`, `[1]` and `[1]`. Inside code (backticks) brackets are left alone.
    `citations` holds the numbers used so far, in order of first use.
    """

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._held = ""
        self._ticks = 0  # backticks seen in a row
        self._code = 0  # how many backticks opened the code we are in; 0 outside
        self.citations: tuple[int, ...] = ()

    def feed(self, text: str) -> str:
        """The text that is certain now; what may be the start of a citation is kept back."""
        if not self._held and not self._ticks and not self._code and _PLAIN.fullmatch(text):
            return text  # nearly all pieces are such
        return "".join(self._take(character) for character in text)

    def finish(self) -> str:
        """What was kept back: it was no citation."""
        held, self._held = self._held, ""
        return held

    def _take(self, character: str) -> str:
        if self._is_code(character):
            return self.finish() + character
        grown = self._held + character
        if match := _WHOLE.fullmatch(grown):
            self._held = ""
            return self._bound(grown, match.group(1) or match.group(2))
        if _START.fullmatch(grown):
            self._held = grown
            return ""
        given = self.finish()
        if _START.fullmatch(character):
            self._held = character
            return given
        return given + character

    def _is_code(self, character: str) -> bool:
        """Follow code spans and fences; True for backticks and everything between them."""
        if character == "`":
            self._ticks += 1
            return True
        if self._ticks:
            if not self._code:
                self._code = self._ticks
            elif self._ticks >= self._code:
                self._code = 0
            self._ticks = 0
        if character == "\n" and self._code < 3:
            self._code = 0  # an inline span does not outlive its line
        return self._code > 0

    def _bound(self, written: str, numbers: str) -> str:
        valid = [number for number in map(int, _NUMBER.findall(numbers)) if 1 <= number <= self._passages]
        self.citations = tuple(dict.fromkeys((*self.citations, *valid)))
        marks = "".join(f"[{number}]" for number in dict.fromkeys(valid))
        return f" {marks}" if marks and written.startswith(" ") else marks
