"""Answers without a model: the best sentences of the passages, quoted with their numbers and typed out by and by."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from rag.clock import Clock
from rag.coverage import Coverage, present
from rag.documents import Passage
from rag.events import NO_MODEL_NOTES, AnswerEvent, Delta, Finished, Question
from rag.sentences import Sentence, sentences
from rag.terms import CJK

PIECE_CHARS = 3
MAX_QUOTES = 3
MAX_ITEMS = 10
NEW_SHARE = 0.15  # what a further sentence must add of the question to be quoted too
HEADING_SHARE = 0.35
FIGURE_BONUS = 0.15
RANK_COST = 0.015

_ASKS_FIGURE = re.compile(
    r"多久|多少|多长|多大|几|什么时候|何时|期限|how (?:long|many|much|often|soon)|when", re.IGNORECASE
)
_FIGURE = re.compile(r"\d|[一二三四五六七八九十百千两半][个天日月年周次元小]|每[天日月年周]")
_ASKS_STEPS = re.compile(r"怎么|如何|怎样|流程|步骤|咋|\bhow (?:do|to|can|should)\b|\bsteps?\b", re.IGNORECASE)
_CHINESE = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True)
class _Quote:
    sentence: Sentence
    passage: int  # index of the passage
    place: int  # index of the sentence in it
    score: float


class ExtractiveWriter:
    """Writes an answer out of passages alone. `coverage_of` gives the measure for a question."""

    def __init__(self, coverage_of: Callable[[str], Coverage], *, clock: Clock, pause_s: float) -> None:
        self._coverage_of = coverage_of
        self._clock = clock
        self._pause_s = pause_s

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncIterator[AnswerEvent]:
        """Deltas of a few characters, then Finished."""
        started_at = self._clock.monotonic()
        text, citations = compose(question.text, passages, self._coverage_of(question.text))
        for at in range(0, len(text), PIECE_CHARS):
            yield Delta(text[at : at + PIECE_CHARS])
            if self._pause_s:
                await self._clock.sleep(self._pause_s)
        yield Finished(text, True, citations, seconds=self._clock.monotonic() - started_at)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def compose(question: str, passages: Sequence[Passage], coverage: Coverage) -> tuple[str, tuple[int, ...]]:
    """The answer's text and the passage numbers it cites."""
    cut = [sentences(passage.chunk.text) for passage in passages]
    quotes = _ranked(question, passages, cut, coverage)
    if not quotes:
        return NO_MODEL_NOTES[_language(question)], ()
    lead = quotes[0]
    numbers = [lead.passage + 1]
    items = _items_after(lead, cut[lead.passage], question)
    if items:
        parts = [_listed(lead, items)]
    else:
        chosen = _chosen(quotes, coverage)
        numbers = [quote.passage + 1 for quote in chosen]
        parts = _quoted(chosen)
    return "\n\n".join([*parts, NO_MODEL_NOTES[_language(question)]]), tuple(dict.fromkeys(numbers))


def _ranked(question: str, passages: Sequence[Passage], cut: list[list[Sentence]], coverage: Coverage) -> list[_Quote]:
    quotes: list[_Quote] = []
    seen: set[str] = set()
    asks_figure = bool(_ASKS_FIGURE.search(question))
    for index, passage in enumerate(passages):
        path = passage.chunk.heading_path
        for place, sentence in enumerate(cut[index]):
            if sentence.text in seen:
                continue
            seen.add(sentence.text)
            own = coverage.of(sentence.text)
            score = (1 - HEADING_SHARE) * own + HEADING_SHARE * coverage.of(f"{path}\n{sentence.text}")
            if asks_figure and own > 0 and _FIGURE.search(sentence.text):
                score += FIGURE_BONUS
            if sentence.text.endswith(("？", "?")):
                score *= 0.5  # a question is no answer
            quotes.append(_Quote(sentence, index, place, score - RANK_COST * index))
    return sorted(quotes, key=lambda quote: -quote.score)


def _items_after(lead: _Quote, all_sentences: list[Sentence], question: str) -> list[Sentence]:
    """The list that answers: the one the lead introduces, or the steps of its passage for a how-question."""
    after = all_sentences[lead.place + 1 :]
    if lead.sentence.text.endswith((":", "：")):
        return _leading_items(after)[:MAX_ITEMS]
    steps = [sentence for sentence in all_sentences if sentence.step is not None]
    if _ASKS_STEPS.search(question) and len(steps) > 1:
        return steps[:MAX_ITEMS]
    return []


def _leading_items(candidates: list[Sentence]) -> list[Sentence]:
    items: list[Sentence] = []
    for sentence in candidates:
        if not sentence.is_item:
            break
        items.append(sentence)
    return items


def _chosen(quotes: list[_Quote], coverage: Coverage) -> list[_Quote]:
    """The lead, and further sentences only while each adds a good share of the question."""
    chosen = [quotes[0]]
    words, characters = present(quotes[0].sentence.text)
    for quote in quotes[1:]:
        if len(chosen) == MAX_QUOTES or quote.score < quotes[0].score / 2:
            break
        more_words, more_characters = present(quote.sentence.text)
        joined = words | more_words, characters | more_characters
        if coverage.of_terms(*joined) - coverage.of_terms(words, characters) >= NEW_SHARE:
            chosen.append(quote)
            words, characters = joined
    return chosen


def _listed(lead: _Quote, items: list[Sentence]) -> str:
    mark = f"[{lead.passage + 1}]"
    intro = [] if lead.sentence in items else [f"{lead.sentence.text} {mark}"]
    lines = [f"{item.step}. {item.text}" if item.step is not None else f"- {item.text}" for item in items]
    if not intro:
        lines[-1] += f" {mark}"
    return "\n".join(["\n\n".join(intro), "", *lines] if intro else lines)


def _quoted(chosen: list[_Quote]) -> list[str]:
    if len(chosen) == 1 or len({quote.passage for quote in chosen}) == 1:
        ordered = sorted(chosen, key=lambda quote: quote.place)
        return ["".join(_stopped(quote.sentence.text) for quote in ordered).rstrip() + f" [{chosen[0].passage + 1}]"]
    return [f"{_stopped(quote.sentence.text).rstrip()} [{quote.passage + 1}]" for quote in chosen]


def _stopped(text: str) -> str:
    """A sentence with its end mark, ready for the next."""
    if text.endswith(("。", "！", "？", "；", "：")):
        return text
    if text.endswith((".", "!", "?", ";", ":", "```", "~~~")):
        return text + " "
    return text + ("。" if _CHINESE.search(text) else ". ")


def _language(question: str) -> str:
    return "zh" if _CHINESE.search(question) else "en"
