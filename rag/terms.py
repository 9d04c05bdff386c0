"""Text to search terms, the same way for documents and questions: total on any string, and never query syntax.

Chinese, Japanese and Korean runs become overlapping bigrams (no dictionary, two-character words are found); everything
else becomes words. An identifier (`application-dev.yaml`, `ERR_1042`, `v2.3`) is kept whole *and* in its parts.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from rag import fillers
from rag.script import simplified

CJK = "々〇\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
MAX_TERM_CHARS = 64
LEAST_STEM_CHARS = 4
_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|(?P<word>[^\W{CJK}]+(?:[.\-/:@+&'’][^\W{CJK}]+)*)")
_ENDINGS = (
    "ations",
    "ation",
    "ating",
    "ated",
    "ates",
    "ate",
    "ings",
    "ing",
    "ions",
    "ion",
    "ies",
    "ed",
    "es",
    "s",
    "e",
    "y",
)
_JOINT = re.compile(r"[._\-/:@+&'’]+")


def normalise(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones, case folded, traditional Chinese to simplified."""
    return simplified(unicodedata.normalize("NFKC", text).casefold())


def width(text: str) -> int:
    """Characters, an ASCII one counting half (rounded up): a safe estimate of tokens."""
    ascii_chars = len(text.encode("ascii", "ignore"))
    return len(text) - ascii_chars // 2


def runs(normalised: str) -> Iterator[tuple[str, int, int, bool]]:
    """Maximal runs of a *normalised* text as (run, start, end, is_cjk)."""
    for match in _RUN.finditer(normalised):
        yield match.group(), match.start(), match.end(), match.lastgroup == "cjk"


def pieces(normalised: str) -> list[tuple[str, str]]:
    """The same runs as (CJK run, "") or ("", word), where places do not matter: half the time."""
    found: list[tuple[str, str]] = _RUN.findall(normalised)
    return found


def bigrams(run: str) -> list[str]:
    """Overlapping pairs; a run of one character gives that character."""
    return [run] if len(run) < 2 else [run[i : i + 2] for i in range(len(run) - 1)]


def word_terms(run: str) -> tuple[str, ...]:
    """A word's stem; for an identifier with joints itself, itself without them (wi-fi, wifi), and its parts."""
    return _known_word_terms(run) if len(run) <= MAX_TERM_CHARS else _word_terms(run)


def _word_terms(run: str) -> tuple[str, ...]:
    parts = [part for part in _JOINT.split(run) if part]
    whole = [run, "".join(parts)] if len(parts) > 1 else []
    return tuple(dict.fromkeys(term[:MAX_TERM_CHARS] for term in (*whole, *map(_stem, parts))))


_known_word_terms = lru_cache(maxsize=16_384)(_word_terms)


def _stem(word: str) -> str:
    """A plain English word without its ending; both sides do it, so that what is cut wrongly still meets itself."""
    if not (word.isascii() and word.isalpha()) or word.endswith("ss"):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= LEAST_STEM_CHARS:
            return word[: -len(ending)]
    return word[:-1] if word.endswith("s") and len(word) == LEAST_STEM_CHARS else word


def terms(text: str) -> list[str]:
    """All terms of a text, in order, with repeats."""
    found: list[str] = []
    for cjk, word in pieces(normalise(text)):
        found.extend(bigrams(cjk) if cjk else word_terms(word))
    return found


def characters(text: str) -> set[str]:
    """The single CJK characters of a text: the fallback for questions of one character, and weights for coverage."""
    return {char for cjk, _ in pieces(normalise(text)) for char in cjk}


def question_terms(question: str) -> dict[str, float]:
    """The terms to search for and their weights: what only asks is left out, a pair that half of it is counts half.

    A question of nothing else keeps all its terms.
    """
    weights: dict[str, float] = {}
    for run, _, _, is_cjk in runs(normalise(question)):
        if is_cjk:
            idle = idle_places(run)
            for at, pair in enumerate(bigrams(run)):
                share = sum(place not in idle for place in range(at, at + len(pair))) / len(pair)
                weights[pair] = max(share, weights.get(pair, 0.0))
        elif run not in fillers.ENGLISH:
            weights.update(dict.fromkeys(word_terms(run), 1.0))
    wanted = {term: weight for term, weight in weights.items() if weight > 0}
    return wanted or dict.fromkeys(terms(question), 1.0)


def idle_places(run: str) -> frozenset[int]:
    """Places of the characters of a CJK run that belong to question words and particles."""
    return frozenset(at for match in fillers.CHINESE.finditer(run) for at in range(*match.span()))
