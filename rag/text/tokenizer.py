"""Text to search terms, the same way for documents and questions: total on any string, and never query syntax.

Chinese, Japanese and Korean runs become overlapping bigrams (no dictionary, two-character words are found); everything
else becomes words (`rag.text.words`). An identifier or a name with signs (`application-dev.yaml`, `ERR_1042`, `C++`,
`.NET`) is kept whole *and* in its parts. Figures have terms beside these that are equal where the figures are
(`rag.text.figures`).
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rag.text import stopwords
from rag.text.chinese import simplified
from rag.text.figures import Figure, figure_terms, figures
from rag.text.words import CJK as CJK
from rag.text.words import MAX_TERM_CHARS as MAX_TERM_CHARS
from rag.text.words import ONLY_CJK, RUN, cut_word
from rag.text.words import word_terms as word_terms

VERSION = 2
"""Of the rules by which text becomes terms; an index written by others is made anew by the next ingest."""
WEAK_SHARE = 0.3
"""What a part of a name counts that says little without the rest (the `net` of `.NET`), against the name as 1."""
SPELLING_SHARE = 0.25
"""What a pair inside 三十五 counts where its value is searched for too."""
MAX_QUERY_TERMS = 256
FIGURE_WEIGHT = 2.0
"""What a figure scores for each unit of its IDF, wherever it stands; a word in an average text scores 1 to 2.2."""
"""A question is searched for by its first terms only."""


def normalise(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones, case folded, traditional Chinese to simplified."""
    return simplified(unicodedata.normalize("NFKC", text).casefold())


def width(text: str) -> int:
    """Characters, an ASCII one counting half (rounded up): a safe estimate of tokens."""
    ascii_chars = len(text.encode("ascii", "ignore"))
    return len(text) - ascii_chars // 2


def runs(normalised: str) -> Iterator[tuple[str, int, int, bool]]:
    """Maximal runs of a *normalised* text as (run, start, end, is_cjk)."""
    for match in RUN.finditer(normalised):
        yield match.group(), match.start(), match.end(), match.lastgroup == "cjk"


def pieces(normalised: str) -> list[tuple[str, str]]:
    """The same runs as (CJK run, "") or ("", word), where places do not matter: half the time."""
    found: list[tuple[str, str]] = RUN.findall(normalised)
    return found


def bigrams(run: str) -> list[str]:
    """Overlapping pairs; a run of one character gives that character."""
    return [run] if len(run) < 2 else [run[i : i + 2] for i in range(len(run) - 1)]


class Cut(NamedTuple):
    """All that is searched of a text: terms of its runs in order, terms of its figures, its single CJK characters."""

    words: list[str]
    figures: list[str]
    characters: set[str]


def cut(text: str) -> Cut:
    """A text's terms, kind by kind, with repeats."""
    normalised = normalise(text)
    words: list[str] = []
    for cjk, word in pieces(normalised):
        words.extend(bigrams(cjk) if cjk else word_terms(word))
    return Cut(words, figure_terms(normalised), set("".join(ONLY_CJK.findall(normalised))))


def terms(text: str) -> list[str]:
    """All terms of a text: those of its runs in order, with repeats, then those of its figures."""
    found = cut(text)
    return found.words + found.figures


def characters(text: str) -> set[str]:
    """The single CJK characters of a text: the fallback for questions of one character, and weights for coverage."""
    return set("".join(ONLY_CJK.findall(normalise(text))))


def question_terms(question: str) -> dict[str, float]:
    """The terms to search for and their weights: what only asks is left out, a pair that half of it is counts half.

    Parts of a name with signs and the spelling of a figure weigh less than the name and the figure, so that what has
    them exactly comes first. A question of nothing else keeps all its terms.
    """
    normalised = normalise(question)
    asked = figures(normalised)
    spelled = spelled_places(asked)
    beside = frozenset(at for figure in asked for at in (figure.lead_at, figure.unit_at))
    weights: dict[str, float] = {}
    for run, start, end, is_cjk in runs(normalised):
        if is_cjk:
            found = _weighted_pairs(run, start, spelled | beside if len(run) == 1 else spelled)
        elif run in stopwords.ENGLISH:
            continue
        else:
            found = _weighted_word(run, SPELLING_SHARE if spelled.issuperset(range(start, end)) else 1.0)
        for term, weight in found:
            weights[term] = max(weight, weights.get(term, 0.0))
    weights.update(dict.fromkeys((term for figure in asked for term in figure.terms), 1.0))
    wanted = {term: weight for term, weight in weights.items() if weight > 0}
    return wanted or dict.fromkeys(terms(question), 1.0)


def lone_characters(wanted: Iterable[str]) -> list[str]:
    """Those terms of a question that are one CJK character."""
    return [term for term in wanted if len(term) == 1 and ONLY_CJK.fullmatch(term)]


def spelled_places(asked: list[Figure]) -> frozenset[int]:
    """Places in the text of the characters that only spell a figure."""
    return frozenset(at for figure in asked if figure.replaces for at in range(figure.start, figure.end))


def _weighted_pairs(run: str, start: int, spelled: frozenset[int]) -> Iterator[tuple[str, float]]:
    idle = idle_places(run)
    for at, pair in enumerate(bigrams(run)):
        places = range(at, at + len(pair))
        share = sum(place not in idle for place in places) / len(pair)
        yield pair, share * (1.0 if spelled.isdisjoint(range(start + at, start + at + len(pair))) else SPELLING_SHARE)


def _weighted_word(run: str, share: float) -> Iterator[tuple[str, float]]:
    word = cut_word(run)
    yield from ((term, share) for term in (*word.exact, *word.parts))
    yield from ((term, share * WEAK_SHARE) for term in (*word.weak, *word.hints))


def idle_places(run: str) -> frozenset[int]:
    """Places of the characters of a CJK run that belong to question words and particles."""
    return frozenset(at for match in stopwords.CHINESE.finditer(run) for at in range(*match.span()))


def embeddable(text: str) -> str:
    """Text as it is embedded, on both sides: compatibility forms to plain ones, traditional Chinese to simplified."""
    return simplified(unicodedata.normalize("NFKC", text))
