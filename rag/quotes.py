"""Which sentences of the passages answer a question best, by coverage and a few habits of questions and handbooks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.coverage import Coverage, present
from rag.documents import Passage
from rag.sentences import Sentence, sentences
from rag.terms import CJK, normalise

MAX_ITEMS = 10
MAX_SECTION_CHARS = 260
SECTION_SHARE = 0.75  # a heading path that covers this much of the question names the section that answers it
NEW_SHARE = 0.2  # what a second sentence must add of the question to be quoted too
OTHER_NEW_SHARE = 0.3  # the same for one of another passage, which may be about something else
OTHER_LANGUAGE = 0.6  # what a sentence in a language that the question is not in counts for
FIGURE_BONUS = 0.2
RANK_COST = 0.015

_ASKS_FIGURE = re.compile(
    r"多久|多少|多长|多大|几|什么时候|何时|期限|上限|额度|\bhow (?:long|many|much|often|soon)\b|\bwhen\b"
    r"|\b(?:limit|rate|price|fee|cost|quota|allowance|deadline)s?\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d|[一二三四五六七八九十百千两半][个天日月年周次元小]|每[天日月年周]")
_ASKS_STEPS = re.compile(r"怎么|如何|怎样|流程|步骤|\bhow (?:do|to|can|should)\b|\bsteps?\b", re.IGNORECASE)
_NUMBERING = re.compile(r"^[\s\d.]*(?:[一二三四五六七八九十]+、)?\s*|[(（][^)）]*[)）]\s*$")
_CHINESE = re.compile(f"[{CJK}]")
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
    placed: float
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
    table = _figures_of_named_section(question, passages, cut, coverage) if asks_figure else None
    if table is not None and lead.own < SECTION_SHARE:
        more = _elsewhere(table, ranked, coverage)
        return [table, *([] if more is None else [Quote(more.passage + 1, (more.sentence,))])]
    listed = _list_around(lead, ranked, cut[lead.passage], question, coverage)
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
    is_chinese = bool(_CHINESE.search(question))
    for index, passage in enumerate(passages):
        for place, sentence in enumerate(cut[index]):
            if sentence.text not in seen:
                seen.add(sentence.text)
                own = coverage.of(sentence.text)
                placed = coverage.of(f"{passage.chunk.heading_path}\n{sentence.text}")
                score = _score(sentence, own, placed, asks_figure) - RANK_COST * index
                if bool(_CHINESE.search(sentence.text)) != is_chinese and sentence.kind == "prose":
                    score *= OTHER_LANGUAGE
                found.append(_Candidate(sentence, index, place, own, placed, score))
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


def _figures_of_named_section(
    question: str, passages: Sequence[Passage], cut: list[list[Sentence]], coverage: Coverage
) -> Quote | None:
    """The table of the first passage whose own heading stands in the question as it is."""
    asked_terms, asked = present(question)[0], normalise(question)
    for index, passage in enumerate(passages):
        rows = [sentence for sentence in cut[index] if sentence.kind == "table"]
        name = _NUMBERING.sub("", passage.chunk.headings[-1]) if passage.chunk.headings else ""
        terms = present(name)[0]
        is_named = normalise(name) in asked if _CHINESE.search(name) else terms <= asked_terms
        if rows and terms and is_named and any(_FIGURE.search(row.text) for row in rows):
            return Quote(index + 1, tuple(_rows_asked_for(rows, question, coverage)))
    return None


def _rows_asked_for(rows: list[Sentence], question: str, coverage: Coverage) -> list[Sentence]:
    """Rows whose first cell the question names, as it stands or in part; all of the table when it names none."""
    asked = normalise(question)
    named = [row for row in rows if row.key and normalise(row.key) in asked]
    named = named or [row for row in rows if coverage.of(row.key) > NEW_SHARE / 2]
    return (named or rows)[:MAX_ITEMS]


def _elsewhere(quote: Quote, ranked: list[_Candidate], coverage: Coverage) -> _Candidate | None:
    """A sentence of another passage that speaks of what a table leaves open."""
    words, characters = present("\n".join(sentence.text for sentence in quote.sentences))
    covered = coverage.of_terms(words, characters)
    for candidate in ranked[:5]:
        more = present(candidate.sentence.text)
        adds = coverage.of_terms(words | more[0], characters | more[1]) - covered
        if candidate.passage != quote.number - 1 and adds >= OTHER_NEW_SHARE:
            return candidate
    return None


def _is_table_of_figures(lead: _Candidate, section: list[Sentence]) -> bool:
    """Whether a figure is better sought in the section's table than in a lead that says little of the question."""
    return lead.own < SECTION_SHARE and any(sentence.kind == "table" for sentence in section)


def _opening(all_sentences: list[Sentence]) -> tuple[Sentence, ...]:
    """The section from its start, as far as a short answer goes."""
    taken: list[Sentence] = []
    length = 0
    for sentence in all_sentences[: MAX_ITEMS + 1]:
        length += len(sentence.text)
        announced = bool(taken) and taken[-1].text.endswith((":", "："))
        if taken and length > (2 * MAX_SECTION_CHARS if announced else MAX_SECTION_CHARS):
            break
        taken.append(sentence)
    return tuple(taken)


def _list_around(
    lead: _Candidate, ranked: list[_Candidate], all_sentences: list[Sentence], question: str, coverage: Coverage
) -> list[Sentence]:
    """The list that answers: what the lead announces, the steps of its passage, or the rows that are asked for."""
    if lead.sentence.text.endswith((":", "：")):
        return [lead.sentence, *_items(all_sentences[lead.place + 1 :])][:MAX_ITEMS]
    steps = [sentence for sentence in all_sentences if sentence.step is not None]
    if _ASKS_STEPS.search(question) and len(steps) > 1:
        return steps[:MAX_ITEMS]
    if lead.sentence.kind != "table":
        return []
    table = [sentence for sentence in all_sentences if sentence.block == lead.sentence.block]
    if len(table) > MAX_ITEMS:  # too long to be shown whole: those that say most of the question
        rows = [candidate for candidate in ranked if candidate.sentence in table and candidate.own >= lead.own]
        table = [row.sentence for row in sorted(rows, key=lambda row: row.place)]
    rows_asked_for = _rows_asked_for(table, question, coverage)
    return rows_asked_for if len(rows_asked_for) > 1 else []


def _items(candidates: list[Sentence]) -> list[Sentence]:
    items: list[Sentence] = []
    for sentence in candidates:
        if not sentence.is_item:
            break
        items.append(sentence)
    return items


def _second(lead: _Candidate, ranked: list[_Candidate], coverage: Coverage) -> _Candidate | None:
    """A further sentence, when it adds a good share of the question that the lead in its place leaves open."""
    words, characters = present(lead.sentence.text)
    for candidate in ranked[1:]:
        if candidate.score < lead.score * 0.7:
            return None
        more_words, more_characters = present(candidate.sentence.text)
        both = coverage.of_terms(words | more_words, characters | more_characters)
        is_beside = candidate.passage == lead.passage
        # Of another passage it must add to what the lead's headings say already.
        adds = both - lead.own if is_beside else both - lead.placed
        if adds >= NEW_SHARE if is_beside else adds >= OTHER_NEW_SHARE and candidate.placed >= lead.placed * 0.9:
            return candidate
    return None
