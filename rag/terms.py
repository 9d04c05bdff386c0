"""Text to search terms, the same way for documents and questions: total on any string, and never query syntax.

Chinese, Japanese and Korean runs become overlapping bigrams (no dictionary, two-character words are found); everything
else becomes words. An identifier (`application-dev.yaml`, `ERR_1042`, `v2.3`) is kept whole *and* in its parts.
"""

import re
import unicodedata
from collections.abc import Iterator

CJK = "々〇\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
MAX_TERM_CHARS = 64
_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|(?P<word>[^\W{CJK}]+(?:[.\-/:@+&'’][^\W{CJK}]+)*)")
_JOINT = re.compile(r"[._\-/:@+&'’]+")


def normalise(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def runs(normalised: str) -> Iterator[tuple[str, int, int, bool]]:
    """Maximal runs of a *normalised* text as (run, start, end, is_cjk)."""
    for match in _RUN.finditer(normalised):
        yield match.group(), match.start(), match.end(), match.lastgroup == "cjk"


def bigrams(run: str) -> list[str]:
    """Overlapping pairs; a run of one character gives that character."""
    return [run] if len(run) < 2 else [run[i : i + 2] for i in range(len(run) - 1)]


def word_terms(run: str) -> list[str]:
    """A word's terms: itself, and its parts when it is an identifier with joints."""
    parts = [part for part in _JOINT.split(run) if part]
    whole = [run] if len(parts) > 1 else []
    return [_singular(term)[:MAX_TERM_CHARS] for term in (*whole, *parts)]


def _singular(word: str) -> str:
    """Drop the plural s of plain words; both sides do it, so that an identifier still meets itself."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word.isascii() and word.isalpha():
        return word[:-1]
    return word


def terms(text: str) -> list[str]:
    """All terms of a text, in order, with repeats."""
    found: list[str] = []
    for run, _, _, is_cjk in runs(normalise(text)):
        found.extend(bigrams(run) if is_cjk else word_terms(run))
    return found


def characters(text: str) -> set[str]:
    """The single CJK characters of a text: the fallback for questions of one character, and weights for coverage."""
    return {char for run, _, _, is_cjk in runs(normalise(text)) if is_cjk for char in run}
