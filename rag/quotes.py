"""Which sentences of the passages answer a question best, by coverage and a few habits of questions and handbooks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.coverage import Coverage, present
from rag.documents import Passage
from rag.sentences import Sentence, sentences

MAX_ITEMS = 10
MAX_SECTION_CHARS = 260
SECTION_SHARE = 0.75  # a heading path that covers this much of the question names the section that answers it
NEW_SHARE = 0.2  # what a second sentence must add of the question to be quoted too
FIGURE_BONUS = 0.2
RANK_COST = 0.015

_ASKS_FIGURE = re.compile(
    r"多久|多少|多长|多大|几|什么时候|何时|期限|\bhow (?:long|many|much|often|soon)\b|\bwhen\b", re.IGNORECASE
)
_FIGURE = re.compile(r"\d|[一二三四五六七八九十百千两半][个天日月年周次元小]|每[天日月年周]")
_ASKS_STEPS = re.compile(r"怎么|如何|怎样|流程|步骤|\bhow (?:do|to|can|should)\b|\bsteps?\b", re.IGNORECASE)
_POINTS_ELSEWHERE = re.compile(r"(?:详见|参见|参阅|见(?:附|下|《))|\bsee (?:the|also)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quote:
    """Sentences of one passage, in its order. `number` counts passages from 1."""

    number: int
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    sentence: Sentence
    passage: int
    place: int
    own: float
    score: float


def choose_quotes(question: str, passages: Sequence[Passage], coverage: Coverage) -> list[Quote]:
    """One or two quotes, the best first; none when the passages hold no sentence."""
    cut = [sentences(passage.chunk.text) for passage in passages]
    ranked = _ranked(question, passages, cut, coverage)
    if not ranked:
        return []
    lead = ranked[0]
    asks_figure = bool(_ASKS_FIGURE.search(question))
    section = _answering_section(question, passages, cut, coverage)
    if section is not None and (not asks_figure or _is_table_of_figures(lead, cut[section])):
        return [Quote(section + 1, _opening(cut[section]))]
    listed = _list_around(lead, ranked, cut[lead.passage], question)
    if listed:
        return [Quote(lead.passage + 1, tuple(listed))]
    second = _second(lead, ranked, coverage)
    if second is None:
        return [Quote(lead.passage + 1, (lead.sentence,))]
    if second.passage == lead.passage:
        pair = sorted((lead, second), key=lambda candidate: candidate.place)
        return [Quote(lead.passage + 1, tuple(candidate.sentence for candidate in pair))]
    return [Quote(candidate.passage + 1, (candidate.sentence,)) for candidate in (lead, second)]


def _ranked(
    question: str, passages: Sequence[Passage], cut: list[list[Sentence]], coverage: Coverage
) -> list[_Candidate]:
    found: list[_Candidate] = []
    seen: set[str] = set()
    asks_figure = bool(_ASKS_FIGURE.search(question))
    for index, passage in enumerate(passages):
        for place, sentence in enumerate(cut[index]):
            if sentence.text not in seen:
                seen.add(sentence.text)
                own = coverage.of(sentence.text)
                placed = coverage.of(f"{passage.chunk.heading_path}\n{sentence.text}")
                score = _score(sentence, own, placed, asks_figure) - RANK_COST * index
                found.append(_Candidate(sentence, index, place, own, score))
    return sorted(found, key=lambda candidate: -candidate.score)


def _score(sentence: Sentence, own: float, placed: float, asks_figure: bool) -> float:
    score = (own + placed) / 2
    if asks_figure and placed >= 0.5 and _FIGURE.search(sentence.text):
        score += FIGURE_BONUS
    if sentence.text.endswith(("？", "?")) or _POINTS_ELSEWHERE.search(sentence.text):
        score *= 0.6  # a question, or a pointer elsewhere, is no answer
    return score * 0.5 if sentence.kind == "fence" else score


def _answering_section(
    question: str, passages: Sequence[Passage], cut: list[list[Sentence]], coverage: Coverage
) -> int | None:
    """The first passage whose own heading asks the question, so that all of it answers; steps for how."""
    found: list[int] = []
    for index, passage in enumerate(passages):
        headings = passage.chunk.headings
        speaks = bool(headings) and coverage.of(headings[-1]) >= SECTION_SHARE / 2
        if cut[index] and speaks and coverage.of(passage.chunk.heading_path) >= SECTION_SHARE:
            found.append(index)
    if _ASKS_STEPS.search(question):
        found.sort(key=lambda index: not any(sentence.step for sentence in cut[index]))
    return found[0] if found else None


def _is_table_of_figures(lead: _Candidate, section: list[Sentence]) -> bool:
    """Whether a figure is better sought in the section's table than in a lead that says little of the question."""
    return lead.own < SECTION_SHARE and any(sentence.kind == "table" for sentence in section)


def _opening(all_sentences: list[Sentence]) -> tuple[Sentence, ...]:
    """The section from its start, as far as a short answer goes."""
    taken: list[Sentence] = []
    length = 0
    for sentence in all_sentences[: MAX_ITEMS + 1]:
        length += len(sentence.text)
        if taken and length > MAX_SECTION_CHARS:
            break
        taken.append(sentence)
    return tuple(taken)


def _list_around(
    lead: _Candidate, ranked: list[_Candidate], all_sentences: list[Sentence], question: str
) -> list[Sentence]:
    """The list that answers: what the lead announces, the steps of its passage, or a table whose rows are even."""
    if lead.sentence.text.endswith((":", "：")):
        return [lead.sentence, *_items(all_sentences[lead.place + 1 :])][:MAX_ITEMS]
    steps = [sentence for sentence in all_sentences if sentence.step is not None]
    if _ASKS_STEPS.search(question) and len(steps) > 1:
        return steps[:MAX_ITEMS]
    if lead.sentence.kind != "table":
        return []
    rows = [
        candidate
        for candidate in ranked
        if (candidate.passage, candidate.sentence.block) == (lead.passage, lead.sentence.block)
    ]
    even = [row for row in rows if row.own >= lead.own]
    if len(even) < 2:
        return []
    return [row.sentence for row in sorted(even, key=lambda row: row.place)][:MAX_ITEMS]


def _items(candidates: list[Sentence]) -> list[Sentence]:
    items: list[Sentence] = []
    for sentence in candidates:
        if not sentence.is_item:
            break
        items.append(sentence)
    return items


def _second(lead: _Candidate, ranked: list[_Candidate], coverage: Coverage) -> _Candidate | None:
    """A further sentence, when it adds a good share of the question that the lead leaves open."""
    words, characters = present(lead.sentence.text)
    for candidate in ranked[1:]:
        if candidate.score < lead.score * 0.7:
            return None
        more_words, more_characters = present(candidate.sentence.text)
        if coverage.of_terms(words | more_words, characters | more_characters) - lead.own >= NEW_SHARE:
            return candidate
    return None
