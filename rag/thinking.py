"""Telling a model's thinking from its answer when both come as text: `<think> … </think>`, cut anywhere."""

from typing import Literal

OPEN, CLOSE = "<think>", "</think>"
Part = tuple[Literal["answer", "thinking"], str]


class ThinkFilter:
    """Fed with pieces, gives the same parts whatever the cuts were. Tags go; an unclosed one thinks to the end."""

    def __init__(self) -> None:
        self._held = ""
        self._thinks = False

    def feed(self, text: str) -> list[Part]:
        """The parts that are certain now; what may be the start of a tag is kept back."""
        self._held += text
        parts: list[Part] = []
        while True:
            at, tag = self._next_tag()
            if at < 0:
                break
            self._give(parts, at)
            self._held = self._held[len(tag) :]
            self._thinks = tag == OPEN
        self._give(parts, len(self._held) - self._possible_start())
        return parts

    def finish(self) -> list[Part]:
        """What was kept back: it was no tag after all."""
        parts: list[Part] = []
        self._give(parts, len(self._held))
        return parts

    def _give(self, parts: list[Part], length: int) -> None:
        if length > 0:
            parts.append(("thinking" if self._thinks else "answer", self._held[:length]))
            self._held = self._held[length:]

    def _next_tag(self) -> tuple[int, str]:
        """Place and name of the first tag: a closing tag without an opening one is dropped too."""
        places = [(self._held.find(tag), tag) for tag in (OPEN, CLOSE)]
        return min((place for place in places if place[0] >= 0), default=(-1, ""))

    def _possible_start(self) -> int:
        """Length of the end that a longer text might turn into a tag."""
        longest = min(len(CLOSE) - 1, len(self._held))
        for length in range(longest, 0, -1):
            end = self._held[-length:]
            if OPEN.startswith(end) or CLOSE.startswith(end):
                return length
        return 0
