"""What a model writes when it goes on with an answer that was cut off, without what it says twice.

Told to go on where the text stops, models still announce it ("Continuing:"), and repeat the last words.
"""

MIN_OVERLAP = 8
MIN_RESTART = 3
"""Characters of an unfinished clause that are taken for repeated when all of them come again."""
MAX_OVERLAP = 600
_ENDS = "。！？!?\n；;，,、：:"
_PREAMBLES = tuple(
    word + sign
    for word in (
        *(
            "继续",
            "繼續",
            "继续回答",
            "繼續回答",
            "接上文",
            "接着上文",
            "接著上文",
            "续上文",
            "續上文",
            "接上",
            "好的，继续",
        ),
        *(
            "以下是后续内容",
            "以下是後續內容",
            "以下继续",
            "以下繼續",
            "（继续）",
            "（接上文）",
            "(继续)",
            "(接上文)",
            "（繼續）",
        ),
        *("continuing", "continued", "continuation", "(continued)", "(continuing)", "here is the continuation"),
        *(
            "here's the continuation",
            "sure, continuing",
            "continuing from where i left off",
            "to continue",
            "...",
            "……",
            "…",
        ),
    )
    for sign in (("",) if not word[0].isalnum() else (":", "：", "...", "……", "…", "\n"))
)
_LONGEST_PREAMBLE = max(map(len, _PREAMBLES)) + 4


class ContinuationFilter:
    """Fed with the continuation, gives it without preamble and without what it repeats of the end of `so_far`."""

    def __init__(self, so_far: str) -> None:
        self._tail = so_far[-MAX_OVERLAP:]
        self._held = ""
        self._skipped = False  # whether a preamble was taken off
        self._between = ""  # what may stand between a preamble and the text
        self._whole = 0  # length of the longest beginning of what is held that is the tail's end
        self._is_open = False

    def feed(self, text: str) -> str:
        """The text that is certainly new."""
        if self._is_open:
            return text
        for at, character in enumerate(text):
            self._held += character
            if not self._may_repeat():
                self._is_open = True
                return self._new() + text[at + 1 :]
        return ""

    def finish(self) -> str:
        """What was kept back, if it is no repetition."""
        if self._is_open:
            return ""
        self._is_open = True
        self._may_repeat()
        return self._new()

    def _may_repeat(self) -> bool:
        """Whether what is held may still be a preamble, or be repeated."""
        if not self._skipped:
            said = self._held.lstrip().lower().lstrip("*").replace("**", "")
            found = max((word for word in _PREAMBLES if said.startswith(word)), key=len, default="")
            if any(word.startswith(said) and word != said for word in _PREAMBLES) or not said:
                return len(self._held) <= _LONGEST_PREAMBLE
            self._skipped = True
            if found:
                self._between = "： :\n" + "*" * self._held.lstrip().startswith("*")
                self._held = self._held[self._held.lower().find(found) + len(found) :]
        self._held = self._held.lstrip(self._between) if self._between else self._held
        return self._overlaps()

    def _overlaps(self) -> bool:
        repeated = self._held.lstrip()
        if not repeated:
            return True
        tail = self._tail.rstrip()
        places = [at for at in range(len(tail)) if tail.startswith(repeated[: len(tail) - at], at)]
        whole = [len(tail) - at for at in places if len(tail) - at <= len(repeated)]
        self._whole = max((each for each in whole if self._counts(tail, each)), default=0)
        return any(len(tail) - at > len(repeated) for at in places)

    def _counts(self, tail: str, length: int) -> bool:
        """Whether an overlap of this length is a repetition and no chance."""
        if length >= MIN_OVERLAP:
            return True
        return length >= MIN_RESTART and (length == len(tail) or tail[-length - 1] in _ENDS)

    def _new(self) -> str:
        held, self._held = self._held, ""
        return held.lstrip()[self._whole :] if self._whole else held
