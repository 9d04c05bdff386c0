"""How strange a question's words are to the documents, whichever passage they stand in.

A passage that shares two everyday words with a question matches it a little, whatever it is about. Documents that a
question is about use its words more than other texts do. So each of its words and pairs of characters is asked how much
more of the documents' chunks hold it than of texts in general; the logarithms are averaged. Another word for the same
thing (`rag.text.synonyms`) counts instead where the documents say that. Few chunks prove little, so that both shares
are taken together until there are many more than `PRIOR_CHUNKS`.

It needs the term frequencies of what the asker may see, nothing else: any index has them.
"""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from rag.text import stopwords
from rag.text.frequent_pairs import FREQUENT
from rag.text.synonyms import Match, matches
from rag.text.tokenizer import MAX_QUERY_TERMS, bigrams, cut_word, idle_places, lone_characters, normalise, runs

Idf = Callable[[str], float]
FREQUENT_SHARE, RARE_SHARE, WORD_SHARE, CHARACTER_SHARE = 0.01, 0.0003, 0.001, 0.02
"""Of texts as long as a chunk that hold a common pair of characters, any other, a word in letters, a lone character."""
PRIOR_CHUNKS = 1000
LEAST, MOST = -0.7, 5.0
"""Half as common as elsewhere is as strange as not there at all; one word alone does not make a question familiar."""
SYNONYM_COST = 0.2
HOME = 0.2
"""From this mean on nothing is strange."""


@dataclass(frozen=True, slots=True)
class TermRarity:
    """Of terms among the chunks that may be seen: how many there are, and the inverse document frequencies in them."""

    chunks: int
    term_idf: Idf
    character_idf: Idf

    def familiarity(self, term: str) -> float:
        """The logarithm of how much more of these chunks hold a term than of texts in general."""
        is_character = bool(lone_characters([term]))
        idf = self.character_idf(term) if is_character else self.term_idf(term)
        holding = max(0.0, (self.chunks + 1) * math.exp(-idf) - 0.5)  # what BM25's idf was reckoned from
        elsewhere = CHARACTER_SHARE if is_character else _share_elsewhere(term)
        share = (holding + PRIOR_CHUNKS * elsewhere) / (self.chunks + PRIOR_CHUNKS)
        return min(max(math.log(share / elsewhere), LEAST), MOST)


def strangeness(question: str, rarity: TermRarity) -> float:
    """From 0, at home in the documents, to `HOME` - `LEAST`; 0 for a question of nothing but question words."""
    named = matches(question)
    found = [
        _familiarity(term, span, named, rarity) for term, span in islice(_words(question).items(), MAX_QUERY_TERMS)
    ]
    return max(0.0, HOME - statistics.fmean(found)) if found else 0.0


def _familiarity(term: str, span: tuple[int, int], named: list[Match], rarity: TermRarity) -> float:
    """Of a term, or of what else the documents may call what it is a part of."""
    forms = [form for match in named if span[0] < match.end and match.start < span[1] for form in match.others]
    others = [min(map(rarity.familiarity, form)) - SYNONYM_COST for form in forms]
    return max([rarity.familiarity(term), *others])


def _words(question: str) -> dict[str, tuple[int, int]]:
    """The words and pairs of characters that say what a question is about, and where each stands first."""
    found: dict[str, tuple[int, int]] = {}
    for run, start, end, is_cjk in runs(normalise(question)):
        if not is_cjk:
            word = cut_word(run)
            terms = () if run in stopwords.ENGLISH else word.parts or word.exact
            placed = [(term, (start, end)) for term in terms]
        else:
            placed = [(pair, (start + at, start + at + len(pair))) for at, pair in _telling_pairs(run)]
        for term, span in placed:
            found.setdefault(term, span)
    return found


def _telling_pairs(run: str) -> Iterator[tuple[int, str]]:
    """Without those that any question word has a part in."""
    idle = idle_places(run)
    for at, pair in enumerate(bigrams(run)):
        if idle.isdisjoint(range(at, at + len(pair))):
            yield at, pair


def _share_elsewhere(term: str) -> float:
    if len(term) == 2 and not term.isascii():
        return FREQUENT_SHARE if term in FREQUENT else RARE_SHARE
    return WORD_SHARE
