"""How much of a question a text speaks to: the IDF-weighted share of its terms, from 0 to 1.

Without a dictionary a Chinese bigram may straddle two words (差回 in 出差回来), and such a pair is in no document.
So the weight sits on the characters: one counts as covered when a bigram that holds it is in the text,
less when only the character itself is; question words and particles weigh nothing; a word weighs as two characters.
A figure is covered by its equals (35 by 三十五) and a name by itself with its signs (C# not by C++). What only another
word for the same thing covers (`rag.text.synonyms`) counts a little less.
This is the default measure of evidence, and how sentences are picked from passages.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from rag.text import stopwords
from rag.text.figures import Figure, figures
from rag.text.synonyms import matches
from rag.text.tokenizer import TAG_SIGNS, bigrams, cut, cut_word, idle_places, normalise, runs, spelled_places

LONE_CHARACTER_SHARE = 0.4
SYNONYM_SHARE = 0.8
WORD_WEIGHT = 2.0

Idf = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class _Unit:
    """One weighted piece of the question, at `span` in it: covered by any of `by`, in part by all terms of another word
    for it, or by `partly`."""

    weight: float
    by: frozenset[str]
    partly: str = ""
    partly_share: float = LONE_CHARACTER_SHARE
    span: tuple[int, int] = (0, 0)
    others: tuple[frozenset[str], ...] = ()


class Coverage:
    """A question made ready to be held against many texts."""

    def __init__(self, question: str, *, term_idf: Idf, character_idf: Idf) -> None:
        self._units = _units(question, term_idf, character_idf)
        self._total = sum(unit.weight for unit in self._units)

    def __bool__(self) -> bool:
        """False when the question holds nothing that could be looked for."""
        return self._total > 0

    @property
    def weight(self) -> float:
        """The weight of the whole question, a sum of inverse document frequencies."""
        return self._total

    def of_key(self, found: frozenset[str], found_characters: frozenset[str]) -> float:
        """The share of the question's rarest words alone, the heavier half of its weight."""
        heaviest = sorted(self._units, key=lambda unit: -unit.weight)
        key: list[_Unit] = []
        weight = 0.0
        for unit in heaviest:
            if weight < self._total / 2:
                key.append(unit)
                weight += unit.weight
        return _covered(key, found, found_characters) / weight if weight else 0.0

    def of(self, text: str) -> float:
        """The share, 0 to 1."""
        return self.of_terms(*present(text))

    def of_terms(self, found: frozenset[str], found_characters: frozenset[str]) -> float:
        """The share for a text already cut by `present`."""
        return _covered(self._units, found, found_characters) / self._total if self._total else 0.0


def _covered(units: Sequence[_Unit], found: frozenset[str], found_characters: frozenset[str]) -> float:
    covered = 0.0
    for unit in units:
        if not unit.by.isdisjoint(found):
            covered += unit.weight
        elif any(other <= found for other in unit.others):
            covered += unit.weight * SYNONYM_SHARE
        elif unit.partly and (unit.partly in found_characters or unit.partly in found):
            covered += unit.weight * unit.partly_share
    return covered


class Words(NamedTuple):
    """A text as it is measured: how often each term stands in it, its figures, both of these, its single CJK characters
    and the number of its terms."""

    counts: Mapping[str, int]
    figures: frozenset[str]
    found: frozenset[str]
    characters: frozenset[str]
    length: int


@lru_cache(maxsize=512)
def words_of(text: str) -> Words:
    """A text cut once for every question that it is held against."""
    cut_text = cut(text)
    counts = Counter(cut_text.words)
    figures = frozenset(cut_text.figures)
    return Words(counts, figures, figures.union(counts), frozenset(cut_text.characters), len(cut_text.words))


def present(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """A text's terms and single characters, as `Coverage.of_terms` wants them."""
    words = words_of(text)
    return words.found, words.characters


def _units(question: str, term_idf: Idf, character_idf: Idf) -> list[_Unit]:
    normalised = normalise(question)
    asked = figures(normalised)
    spelled = spelled_places(asked)
    counting = {figure.unit_at: figure for figure in asked}
    by_end = {figure.end: figure for figure in asked}
    units: dict[str, _Unit] = {}
    for figure in asked:
        if figure.replaces:
            spelled_out = _of_figure(figure, normalised, term_idf, character_idf)
            units.setdefault(figure.terms[0], replace(spelled_out, span=(figure.start, figure.end)))
    for run, start, end, is_cjk in runs(normalised):
        if is_cjk:
            found = _of_characters(run, start, spelled, counting, character_idf)
        elif spelled.issuperset(range(start, end)):
            continue
        else:
            found = [
                (name, replace(unit, span=(start, end))) for name, unit in _of_word(run, by_end.get(end), term_idf)
            ]
        for unit_name, unit in found:
            units.setdefault(unit_name, unit)
    return _with_synonyms(list(units.values()), normalised)


def _with_synonyms(units: list[_Unit], normalised: str) -> list[_Unit]:
    """The units, each with the other words for the concept that it is a part of."""
    named = matches(normalised)
    return [
        next(
            (
                replace(unit, others=match.others)
                for match in named
                if match.start <= unit.span[0] and unit.span[1] <= match.end
            ),
            unit,
        )
        for unit in units
    ]


def _of_figure(figure: Figure, normalised: str, term_idf: Idf, character_idf: Idf) -> _Unit:
    """A spelled figure: one character weighs as it would alone, a longer one as a word."""
    if figure.end - figure.start == 1:
        return _Unit(character_idf(normalised[figure.start]), frozenset(figure.terms))
    return _Unit(term_idf(figure.terms[0]) * WORD_WEIGHT, frozenset(figure.terms))


def _of_characters(
    run: str, start: int, spelled: frozenset[int], counting: dict[int, Figure], idf: Idf
) -> list[tuple[str, _Unit]]:
    idle = idle_places(run)
    pairs = bigrams(run)
    found = []
    for at, character in enumerate(run):
        if at in idle or start + at in spelled or character in TAG_SIGNS:
            continue
        counted = counting.get(start + at)
        by = [*pairs[max(0, at - 1) : at + 1], *(counted.terms[-1:] if counted is not None else ())]
        share = LONE_CHARACTER_SHARE if len(run) > 1 else 1.0
        span = (start + at, start + at + 1)
        found.append((character, _Unit(idf(character), frozenset(by), character, share, span)))
    return found


def _of_word(run: str, counted: Figure | None, idf: Idf) -> list[tuple[str, _Unit]]:
    if run in stopwords.ENGLISH:
        return []
    word = cut_word(run)
    if counted is not None:
        return [_of_counted(run, counted, idf)]
    if word.is_name:
        partly = next((term for term in (*word.parts, *word.weak) if len(term) > 1 and not term.isdigit()), "")
        return [(word.exact[0], _Unit(idf(word.exact[0]) * WORD_WEIGHT, frozenset(word.exact), partly))]
    whole = frozenset(word.exact)  # each part counts, and the whole stands for all of them
    return [(part, _Unit(idf(part) * WORD_WEIGHT, whole | {part})) for part in word.parts or word.exact]


def _of_counted(run: str, counted: Figure, idf: Idf) -> tuple[str, _Unit]:
    """A number in digits with what it counts: it is covered by itself, but 80% only in part by 80."""
    if counted.terms[0].endswith(("%", "‰")):
        return counted.terms[0], _Unit(idf(counted.terms[0]) * WORD_WEIGHT, frozenset(counted.terms), run)
    return run, _Unit(idf(run) * WORD_WEIGHT, frozenset((run, *counted.terms)))
