"""A model's answer as it grows: what shows of it, what it cites, and at the end whether it is one."""

from typing import Protocol

from rag.events import Grounding
from rag.generation.citations import CitationFilter
from rag.generation.continuation import ContinuationFilter
from rag.generation.refusal import MarkFilter, OpeningFilter
from rag.generation.refusal_phrases import says_no
from rag.generation.unwrapping import FenceFilter


class TextFilter(Protocol):
    """Fed with pieces, gives text; the same text whatever the cuts were."""

    def feed(self, text: str) -> str: ...

    def finish(self) -> str: ...


class AnswerText:
    """Thinking apart, a model's text goes through: the fence around all of it, the mark of a refusal, the beginning
    that may be one (or, where an answer goes on, what it says twice), and its citations. `text` is what came out."""

    def __init__(self, passages: int, so_far: str = "") -> None:
        self._passages = passages
        self._so_far = so_far
        self._mark = MarkFilter(ends=not so_far)
        if so_far:
            self._filters: tuple[TextFilter, ...] = (self._mark, ContinuationFilter(so_far))
        else:
            self._filters = (FenceFilter(), self._mark, OpeningFilter())
        self._citations = CitationFilter(passages)
        self.has_begun = False
        """Whether the model has written anything, shown or not."""
        self.is_refusal = False
        """Whether the whole says that the passages do not answer; known once it is finished."""
        self.text = so_far
        if so_far:
            self._citations.feed(so_far)
            self._citations.finish()

    def feed(self, text: str) -> str:
        """The text that a piece adds."""
        self.has_begun = self.has_begun or bool(text.strip())
        for each in self._filters:
            text = each.feed(text)
            if not text:
                return ""
        return self._grow(self._citations.feed(text))

    def finish(self) -> str:
        """The last text, and the verdict on all of it: nothing more of a refusal is shown."""
        last = ""
        for each in self._filters:
            last = each.feed(last) + each.finish()
        last = self._citations.feed(last) + self._citations.finish()
        whole = self.text + last
        if self._so_far:
            whole, self._citations = _bound(whole, self._passages)
        elif self._mark.is_first or (self._mark.seen and not self.citations) or says_no(whole):
            self.is_refusal = True
            return ""
        return self._grow(last)

    @property
    def says_something(self) -> bool:
        """Whether there is text, or a refusal; known once it is finished."""
        return self.is_refusal or bool(self.text.strip())

    @property
    def citations(self) -> tuple[int, ...]:
        """The passages that are cited, in order of first use."""
        return self._citations.citations

    @property
    def outcome(self) -> Grounding:
        """What stands behind the answer."""
        if self.is_refusal:
            return "no_evidence"
        return "answered" if self.citations else "hedged"

    def _grow(self, text: str) -> str:
        text = text if self.text else text.lstrip()
        self.text += text
        return text


def _bound(text: str, passages: int) -> tuple[str, CitationFilter]:
    """A whole text with its citations: one may stand across the place where the text was cut off."""
    citations = CitationFilter(passages)
    return citations.feed(text) + citations.finish(), citations
