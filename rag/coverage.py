"""How much of a question a text speaks to: the IDF-weighted share of its terms, from 0 to 1.

Without a dictionary a Chinese bigram may straddle two words (差回 in 出差回来), and such a pair is in no document.
So the weight sits on the characters: one counts as covered when a bigram that holds it is in the text,
less when only the character itself is; question words and particles weigh nothing; a word weighs as two characters.
This is the default measure of evidence, and how sentences are picked from passages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag import fillers
from rag.terms import bigrams, idle_places, normalise, pieces, runs, word_terms

LONE_CHARACTER_SHARE = 0.4
WORD_WEIGHT = 2.0

Idf = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class _Unit:
    """One weighted piece of the question: covered by any of `by`, or in part by `partly`."""

    weight: float
    by: frozenset[str]
    partly: str = ""
    partly_share: float = LONE_CHARACTER_SHARE


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
        elif unit.partly and unit.partly in found_characters:
            covered += unit.weight * unit.partly_share
    return covered


@lru_cache(maxsize=256)
def present(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """A text's terms and single characters, as `Coverage.of_terms` wants them."""
    found: set[str] = set()
    found_characters: set[str] = set()
    for cjk, word in pieces(normalise(text)):
        if cjk:
            found.update(bigrams(cjk))
            found_characters.update(cjk)
        else:
            found.update(word_terms(word))
    return frozenset(found), frozenset(found_characters)


def _units(question: str, term_idf: Idf, character_idf: Idf) -> list[_Unit]:
    units: dict[str, _Unit] = {}
    for run, _, _, is_cjk in runs(normalise(question)):
        for unit_name, unit in _of_characters(run, character_idf) if is_cjk else _of_word(run, term_idf):
            units.setdefault(unit_name, unit)
    return list(units.values())


def _of_characters(run: str, idf: Idf) -> list[tuple[str, _Unit]]:
    idle = idle_places(run)
    pairs = bigrams(run)
    found = []
    for at, character in enumerate(run):
        if at not in idle:
            by = pairs[max(0, at - 1) : at + 1]
            share = LONE_CHARACTER_SHARE if len(run) > 1 else 1.0
            found.append((character, _Unit(idf(character), frozenset(by), character, share)))
    return found


def _of_word(run: str, idf: Idf) -> list[tuple[str, _Unit]]:
    if run in fillers.ENGLISH:
        return []
    names = word_terms(run)
    if len(names) == 1:
        return [(names[0], _Unit(idf(names[0]) * WORD_WEIGHT, frozenset(names)))]
    whole, parts = frozenset(names[:2]), names[2:]  # each part counts, and the whole stands for all of them
    return [(part, _Unit(idf(part) * WORD_WEIGHT, whole | {part})) for part in parts]
