"""Which sentences of the passages answer a question best, where no model writes: by meaning and by words.

With an embedding model the nearness of heading and sentence to the question ranks, and the share of the question that
the words cover decides between the near ones; without one the words rank alone. What belongs together is quoted
together: the list that a sentence announces, the steps of a procedure, the rows of a table that the question names.
Each rule here earns its place in benchmarks/quoting.py, which prints what is lost without it.
"""

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.documents import Passage
from rag.retrieval.coverage import Coverage, present
from rag.text.markdown import Sentence, sentences
from rag.text.tokenizer import CJK, normalise

MAX_ITEMS = 10
NEW_SHARE = 0.2  # what a second sentence must add of the question to be quoted too
OTHER_NEW_SHARE = 0.3  # the same for one of another passage, which may be about something else
OTHER_LANGUAGE = 0.6  # what a sentence in a language that the question is not in counts for, by words
FIGURE_BONUS = 0.2
QUESTION_SHARE = 0.6  # what a sentence that asks counts for: a question is no answer
CODE_SHARE = 0.5  # what a block of code counts for
MEANING_WEIGHT = 0.15  # of a standard deviation of nearness, against the whole question covered by words
MOST_COMPARED = 64  # sentences whose meaning is compared: those that words and passages put first

_ASKS_FIGURE = re.compile(
    r"多久|多少|多长|多大|几|什么时候|何时|期限|上限|额度|\bhow (?:long|many|much|often|soon)\b|\bwhen\b"
    r"|\b(?:limit|rate|price|fee|cost|quota|allowance|deadline)s?\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d|[一二三四五六七八九十百千两半][个天日月年周次元小]|每[天日月年周]")
_CHINESE = re.compile(f"[{CJK}]")

Nearness = Callable[[str, Sequence[str]], Sequence[float]]
"""How near texts are in meaning to a question: cosines, in their order. Raises EmbeddingFailed."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Sentences of one passage, in its order. `number` counts passages from 1."""

    number: int
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The quotes, the best first. `coverage` is the share of the question that the leading sentence covers in its
    place, `margin` how far its score is above the best of another passage."""

    quotes: tuple[Quote, ...]
    coverage: float = 0.0
    margin: float = 0.0
    by_meaning: bool = False
    """Whether vectors had a say."""

    @property
    def passages(self) -> tuple[int, ...]:
        """The numbers of the passages quoted, the leading one first."""
        return tuple(dict.fromkeys(quote.number for quote in self.quotes))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence, with the share of the question that it covers alone (`own`) and under its headings (`placed`)."""

    sentence: Sentence
    passage: int
    place: int
    text: str
    own: float
    placed: float
    score: float


def choose_quotes(
    question: str, passages: Sequence[Passage], coverage: Coverage, nearness: Nearness | None = None
) -> Chosen:
    """One or two quotes; none when the passages hold no sentence."""
    cut = [sentences(passage.chunk.text) for passage in passages]
    ranked = _by_meaning(question, _by_words(question, passages, cut, coverage), nearness)
    if not ranked:
        return Chosen(())
    lead = ranked[0]
    other = next((candidate.score for candidate in ranked if candidate.passage != lead.passage), 0.0)
    quotes = _around(lead, ranked, cut[lead.passage], question, coverage)
    return Chosen(tuple(quotes), lead.placed, lead.score - other, nearness is not None)


def _around(
    lead: _Candidate, ranked: list[_Candidate], beside: list[Sentence], question: str, coverage: Coverage
) -> list[Quote]:
    """The leading sentence with what belongs to it."""
    listed = _list_around(lead, ranked, beside, question, coverage)
    if listed:
        return [Quote(lead.passage + 1, tuple(listed))]
    second = _second(lead, ranked, coverage)
    if second is None:
        return [Quote(lead.passage + 1, (lead.sentence,))]
    if second.passage == lead.passage:
        pair = sorted((lead, second), key=lambda candidate: candidate.place)
        return [Quote(lead.passage + 1, tuple(candidate.sentence for candidate in pair))]
    return [Quote(one.passage + 1, (one.sentence,)) for one in (lead, second)]


def _by_words(
    question: str, passages: Sequence[Passage], cut: list[list[Sentence]], coverage: Coverage
) -> list[_Candidate]:
    found: dict[str, _Candidate] = {}
    asks_figure = bool(_ASKS_FIGURE.search(question))
    is_chinese = bool(_CHINESE.search(question))
    for index, passage in enumerate(passages):
        for place, sentence in enumerate(cut[index]):
            if sentence.text in found:
                continue
            text = f"{passage.chunk.heading_path}\n{sentence.text}"
            own, placed = coverage.of(sentence.text), coverage.of(text)
            score = _score(sentence, own, placed, asks_figure)
            if bool(_CHINESE.search(sentence.text)) != is_chinese and sentence.kind == "prose":
                score *= OTHER_LANGUAGE
            found[sentence.text] = _Candidate(sentence, index, place, text, own, placed, score)
    return sorted(found.values(), key=lambda candidate: -candidate.score)


def _score(sentence: Sentence, own: float, placed: float, asks_figure: bool) -> float:
    score = (own + placed) / 2
    if asks_figure and placed >= 0.5 and _FIGURE.search(sentence.text):
        score += FIGURE_BONUS
    if sentence.text.endswith(("？", "?")):
        score *= QUESTION_SHARE
    return score * CODE_SHARE if sentence.kind == "fence" else score


def _by_meaning(question: str, ranked: list[_Candidate], nearness: Nearness | None) -> list[_Candidate]:
    """The candidates with their nearness in the score, as a multiple of its standard deviation among them."""
    if nearness is None or len(ranked) < 2:
        return ranked
    compared = _compared(ranked)
    cosines = nearness(question, [candidate.text for candidate in compared])
    mean, deviation = statistics.fmean(cosines), statistics.pstdev(cosines)
    if deviation == 0.0:
        return ranked
    scored = [
        (candidate.score + MEANING_WEIGHT * (cosine - mean) / deviation, at, candidate)
        for at, (candidate, cosine) in enumerate(zip(compared, cosines, strict=True))
    ]
    best_first = sorted(scored, key=lambda item: (-item[0], item[1]))
    return [replace(candidate, score=score) for score, _, candidate in best_first]


def _compared(ranked: list[_Candidate]) -> list[_Candidate]:
    """What words put first, and the sentences of the first passages, whatever their words."""
    first = sorted(ranked, key=lambda candidate: (candidate.passage, candidate.place))
    half = MOST_COMPARED // 2
    chosen = dict.fromkeys((*ranked[:half], *first))
    return list(chosen)[:MOST_COMPARED]


def _list_around(
    lead: _Candidate, ranked: list[_Candidate], all_sentences: list[Sentence], question: str, coverage: Coverage
) -> list[Sentence]:
    """The list that answers: what the lead announces, the steps that it is one of, or the rows that are asked for."""
    if lead.sentence.text.endswith((":", "：")) and (announced := _announced(all_sentences[lead.place + 1 :])):
        return [lead.sentence, *announced][:MAX_ITEMS]
    if lead.sentence.step is not None:
        steps = [one for one in all_sentences if one.step is not None and one.block == lead.sentence.block]
        return steps[:MAX_ITEMS] if len(steps) > 1 else []
    if lead.sentence.kind != "table":
        return []
    table = [sentence for sentence in all_sentences if sentence.block == lead.sentence.block]
    if len(table) > MAX_ITEMS:  # too long to be shown whole: those that say most of the question
        rows = [candidate for candidate in ranked if candidate.sentence in table and candidate.own >= lead.own]
        table = [row.sentence for row in sorted(rows, key=lambda row: row.place)]
    rows_asked_for = _rows_asked_for(table, lead.sentence, question, coverage)
    return rows_asked_for if len(rows_asked_for) > 1 else []


def _rows_asked_for(table: list[Sentence], lead: Sentence, question: str, coverage: Coverage) -> list[Sentence]:
    """Rows whose first cell the question names, as it stands or in part; all of the table when it names none."""
    asked = normalise(question)
    named = [row for row in table if row.key and normalise(row.key) in asked]
    named = named or [row for row in table if coverage.of(row.key) > NEW_SHARE / 2]
    chosen = named or table
    return chosen[:MAX_ITEMS] if lead in chosen[:MAX_ITEMS] else [lead]


def _announced(following: list[Sentence]) -> list[Sentence]:
    """The list, or the code, that comes next."""
    if following and following[0].kind == "fence":
        return following[:1]
    items: list[Sentence] = []
    for sentence in following:
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
