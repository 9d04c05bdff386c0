"""Answers without a model: the best sentences where they surely answer, else the nearest passages, claiming nothing.

Both are typed out by and by, each quotation with its passage's number.
"""

import asyncio
import logging
import math
import re
from collections.abc import AsyncGenerator, Callable, Sequence

from rag.clock import Clock
from rag.documents import Passage
from rag.errors import EmbeddingFailed
from rag.events import CLOSEST, NO_MODEL_NOTES, AnswerEvent, Delta, Finished, Grounding, Question
from rag.generation.follow_ups import in_full, own_words
from rag.generation.sentence_selection import Chosen, Nearness, Quote, choose_quotes
from rag.retrieval.coverage import Coverage
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope
from rag.text.markdown import Block, Sentence, blocks, fence_after, sentences
from rag.text.tokenizer import CJK

PIECE_CHARS = 3
MOST_PIECES = 60
"""However long a quotation is, nobody waits long for what is known at once."""
SHOWN_PASSAGES = 3
SHOWN_CHARS = 600
SURE = 0.85
"""Probability from which a quotation is called an answer. Measured by benchmarks/quoting.py: nine of ten are right."""
WORDS = (1.3, 2.2, 2.0, 0.5), -3.1
DENSE = (1.6, 1.9, 3.4, 0.5, 0.6), -2.9
"""Weights of `readings`, and the bias, by words alone and with embeddings: fitted by benchmarks/quoting.py on one half
of its questions and judged on the other."""
_CHINESE = re.compile(f"[{CJK}]")
logger = logging.getLogger(__name__)


class ExtractiveGenerator:
    """Writes an answer out of what one search found. `coverage_of` gives the measure for a question and what its asker
    may see; `nearness` is None where there is no embedding model."""

    def __init__(
        self,
        finding: SearchResult,
        coverage_of: Callable[[str, Scope], Coverage],
        nearness: Nearness | None,
        *,
        clock: Clock,
        pause_s: float,
    ) -> None:
        self._finding = finding
        self._coverage_of = coverage_of
        self._nearness = nearness
        self._clock = clock
        self._pause_s = pause_s

    async def write(self, question: Question, passages: Sequence[Passage]) -> AsyncGenerator[AnswerEvent]:
        """Deltas with a pause between, larger ones of a longer text, then Finished: `answered` or `hedged`."""
        started_at = self._clock.monotonic()
        asked = question.text if own_words(question.text) else in_full(question)
        chosen = await asyncio.to_thread(self._chosen, asked, question.scope, passages)
        is_sure = self._finding.may_be_quoted and probability(self._finding, chosen, passages) >= SURE
        compose = quotation if is_sure else closest
        text, citations = compose(asked, passages, chosen)
        outcome: Grounding = "answered" if is_sure else "hedged"
        async for delta in typed(text, self._clock, self._pause_s):
            yield delta
        yield Finished(text, outcome, citations, seconds=self._clock.monotonic() - started_at)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _chosen(self, question: str, scope: Scope, passages: Sequence[Passage]) -> Chosen:
        coverage = self._coverage_of(question, scope)
        try:
            return choose_quotes(question, passages, coverage, self._nearness)
        except EmbeddingFailed as error:
            logger.warning("Quoting by words only, the embedding failed: %s", error)
            return choose_quotes(question, passages, coverage)


async def typed(text: str, clock: Clock, pause_s: float) -> AsyncGenerator[Delta]:
    """A text by and by, with a pause after each piece."""
    step = max(PIECE_CHARS, math.ceil(len(text) / MOST_PIECES))
    for at in range(0, len(text), step):
        yield Delta(text[at : at + step])
        if pause_s:
            await clock.sleep(pause_s)


def probability(finding: SearchResult, chosen: Chosen, passages: Sequence[Passage]) -> float:
    """That the quotation answers, 0 to 1; 0 for none."""
    read = readings(finding, chosen, passages)
    if not read:
        return 0.0
    weights, bias = DENSE if len(read) == len(DENSE[0]) else WORDS
    value = bias + sum(weight * reading for weight, reading in zip(weights, read, strict=True))
    return 1 / (1 + math.exp(-value))


def readings(finding: SearchResult, chosen: Chosen, passages: Sequence[Passage]) -> tuple[float, ...]:
    """What the probability is made of: the confidence in the search, how much of the question the leading sentence
    covers, how far it is above those of other passages, whether its passage leads the search by words and, where
    vectors had a say, theirs. Nothing for no quotation."""
    if not chosen.quotes:
        return ()
    lead = passages[chosen.quotes[0].number - 1]
    read = (finding.confidence, chosen.coverage, chosen.margin, float(lead.lexical_rank == 1))
    return (*read, float(lead.dense_rank == 1)) if chosen.by_meaning else read


def quotation(question: str, _passages: Sequence[Passage], chosen: Chosen) -> tuple[str, tuple[int, ...]]:
    """The answer's text, closed by the line that says no model wrote it, and the passage numbers it cites."""
    paragraphs = [_paragraph(quote) for quote in chosen.quotes]
    return "\n\n".join([*paragraphs, NO_MODEL_NOTES[_language(question)]]), chosen.passages


def closest(question: str, passages: Sequence[Passage], chosen: Chosen) -> tuple[str, tuple[int, ...]]:
    """The nearest passages under their headings, and their numbers: those that would be quoted, then the best found."""
    numbers = tuple(dict.fromkeys((*chosen.passages, *range(1, len(passages) + 1))))[:SHOWN_PASSAGES]
    leads = {quote.number: quote.sentences[0].text for quote in reversed(chosen.quotes)}
    shown = [_shown(number, passages[number - 1], leads.get(number, "")) for number in numbers]
    language = _language(question)
    return "\n\n".join([f"**{CLOSEST[language]}**", *shown, NO_MODEL_NOTES[language]]), numbers


def _shown(number: int, passage: Passage, lead: str) -> str:
    """A passage under its heading path: all of it, or the blocks around the sentence that leads."""
    return f"**{passage.chunk.heading_path}** [{number}]\n\n{_closed(_cut(passage.chunk.text.strip(), lead))}"


def _closed(text: str) -> str:
    """With its last code fence closed, where the passage's or our own cut left it open."""
    fence = ""
    for line in text.split("\n"):
        fence = fence_after(fence, line)
    return f"{text}\n{fence}" if fence else text


def _cut(text: str, lead: str) -> str:
    """At most about `SHOWN_CHARS` characters, whole paragraphs, with the one that holds the leading sentence."""
    if len(text) <= SHOWN_CHARS:
        return text
    parts = [part.strip("\n") for block in blocks(text, 0, len(text)) for part in _parts(text, block) if part.strip()]
    start = next((at for at, part in enumerate(parts) if any(each.text == lead for each in sentences(part))), 0)
    kept, length = [parts[start]], len(parts[start])
    for part in parts[start + 1 :]:
        length += len(part)
        if length > SHOWN_CHARS:
            break
        kept.append(part)
    shown = "\n\n".join(kept)
    return ("…\n\n" if start else "") + shown + ("\n\n…" if start + len(kept) < len(parts) else "")


def _parts(text: str, block: Block) -> list[str]:
    """The paragraphs of prose; tables and code are whole."""
    body = text[block.start : block.end]
    return body.split("\n\n") if block.kind == "prose" else [body]


def _language(question: str) -> str:
    return "zh" if _CHINESE.search(question) else "en"


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
