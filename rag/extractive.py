"""Answers without a model: the best sentences of the passages, quoted with their numbers and typed out by and by."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence

from rag.clock import Clock
from rag.coverage import Coverage
from rag.documents import Passage
from rag.events import NO_MODEL_NOTES, AnswerEvent, Delta, Finished, Question
from rag.follow_ups import in_full, own_words
from rag.quotes import Quote, choose_quotes
from rag.sentences import Sentence
from rag.terms import CJK

PIECE_CHARS = 3
_CHINESE = re.compile(f"[{CJK}]")


class ExtractiveWriter:
    """Writes an answer out of passages alone. `coverage_of` gives the measure for a question."""

    def __init__(self, coverage_of: Callable[[str], Coverage], *, clock: Clock, pause_s: float) -> None:
        self._coverage_of = coverage_of
        self._clock = clock
        self._pause_s = pause_s

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Deltas of a few characters with a pause between, then Finished."""
        started_at = self._clock.monotonic()
        asked = question.text if own_words(question.text) else in_full(question)
        text, citations = compose(asked, passages, self._coverage_of(asked))
        for at in range(0, len(text), PIECE_CHARS):
            yield Delta(text[at : at + PIECE_CHARS])
            if self._pause_s:
                await self._clock.sleep(self._pause_s)
        yield Finished(text, "answered", citations, seconds=self._clock.monotonic() - started_at)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def compose(question: str, passages: Sequence[Passage], coverage: Coverage) -> tuple[str, tuple[int, ...]]:
    """The answer's text, closed by the line that says no model wrote it, and the passage numbers it cites."""
    quotes = choose_quotes(question, passages, coverage)
    paragraphs = [_paragraph(quote) for quote in quotes]
    note = NO_MODEL_NOTES["zh" if _CHINESE.search(question) else "en"]
    return "\n\n".join([*paragraphs, note]), tuple(dict.fromkeys(quote.number for quote in quotes))


def _paragraph(quote: Quote) -> str:
    """Sentences run on, list items and code on lines of their own; the passage's number at the end."""
    text, after_item = "", False
    for sentence in quote.sentences:
        if sentence.kind == "fence":
            text = f"{text.rstrip()}\n\n{sentence.text}\n"
        elif sentence.is_item and len(quote.sentences) > 1:
            text = f"{text.rstrip()}\n{_item(sentence)}"
        else:
            text += ("\n\n" if after_item else "") + _stopped(sentence.text)
        after_item = sentence.is_item and len(quote.sentences) > 1
    return f"{text.strip()}{chr(10) if text.endswith(('```' + chr(10), '~~~' + chr(10))) else ' '}[{quote.number}]"


def _item(sentence: Sentence) -> str:
    return f"{sentence.step}. {sentence.text}" if sentence.step is not None else f"- {sentence.text}"


def _stopped(text: str) -> str:
    """A sentence with its end mark, ready for the next."""
    if text.endswith(("。", "！", "？", "；", "：")):
        return text
    if text.endswith((".", "!", "?", ";", ":")):
        return text + " "
    return text + ("。" if _CHINESE.search(text) else ". ")
