"""Text to search terms, the same way for documents and questions: total on any string, and never query syntax.

Full width, case and traditional Chinese are folded first, the last by OpenCC's tables without its phrases: a character
needs the same image everywhere more than the right one, and a text keeps its length. (The only module that imports
opencc.) Chinese, Japanese and Korean runs become overlapping bigrams (no dictionary, two-character words are found);
everything else becomes words. An identifier or a name with signs (`application-dev.yaml`, `ERR_1042`, `C++`, `.NET`,
`--force`, `v2.3.1`) is kept whole *and* in its parts. Figures have terms beside these that are equal where the figures
are (`rag.text.figures`).

A sign belongs to a name where it touches it: before it as in `.env`, `--force`, `@channel`, `$HOME`, `*.xlsx`, `±5`,
behind it as in `C++17`, `F#`, `A+`. The name with its signs is a term of its own; what is left without them is a weaker
one, and a single letter that is left (the C of C++) is none in a document, for it is another name.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rag.text import stopwords
from rag.text.figures import Figure, date_terms, figure_terms, figures, time_terms

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
CJK = "々〇\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
MAX_TERM_CHARS = 64
LEAST_STEM_CHARS = 4
TAG_SIGNS = "#@"
"""Signs that make a tag or a mention of the characters behind them."""
_LETTER = rf"[^\W{CJK}]"
_JOINTS = r".\-/:@+&'’‐‑–−"
_FREE = rf"(?<!{_LETTER})(?<![.\-+@$/~%&:\\#])"
_BEFORE = (  # looks for a sign first: nearly everywhere there is none
    r"(?=[.*@#$€£/%±≥≤<>~+\-])"
    rf"(?:{_FREE}(?:\*\.|--?(?=[^\W\d_])|[.@#$€£/%](?={_LETTER})|[±≥≤<>~+\-](?=[0-9]))|(?<=/)\.(?={_LETTER}))"
)
_BEHIND = rf"(?:\+\+[0-9]*(?!{_LETTER}|\+)|[#♯](?![^\W\d{CJK}])[0-9]*|\+(?!{_LETTER}|\+))"
RUN = re.compile(
    rf"(?P<cjk>(?:(?=[{TAG_SIGNS}]){_FREE}.)?[{CJK}]+)"
    rf"|(?P<word>(?:{_BEFORE})?{_LETTER}+(?:[{_JOINTS}]{_LETTER}+)*{_BEHIND}?)"
)
"""Runs of a normalised text: Chinese, Japanese and Korean characters, or a word with the signs that belong to it."""
ONLY_CJK = re.compile(f"[{CJK}]+")
_SIGNED = re.compile(
    r"(?P<before>\*\.|--?|[.@#$€£/%±≥≤<>~+]|)(?P<body>\w.*?)(?P<behind>\+\+(?P<level>[0-9]*)|#(?P<number>[0-9]*)|\+|)"
)
_JOINT = re.compile(rf"[{_JOINTS}_]+")
_CHOICE = re.compile(r"[/&:@]")
_VERSION = re.compile(r"(?:v\.?)?([0-9]+(?:\.[0-9]+)+)")
_VERSION_INSIDE = re.compile(
    r"(?<![0-9.])v?([0-9]+(?:\.[0-9]+)+)(?!\.?[0-9]|[-.+]?(?:rc|alpha|beta|dev|pre|snapshot|[ab][0-9]))"
)
LEAST_JOINED = 6
"""Digits joined without their signs are a term from this many on: a telephone number or a date, and 3-5 is not 35."""
_ONE_FORM = str.maketrans({"’": "'", "‐": "-", "‑": "-", "–": "-", "−": "-", "♯": "#"})
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
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000))
_CONFIGURATIONS = ("t2s", "tw2s", "hk2s")  # the standard table first; the others add regional variants


def normalise(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones, case folded, traditional Chinese to simplified."""
    return simplified(unicodedata.normalize("NFKC", text).casefold())


def width(text: str) -> int:
    """Characters, an ASCII one counting half (rounded up): no text has more tokens, most have fewer."""
    ascii_chars = len(text.encode("ascii", "ignore"))
    return len(text) - ascii_chars // 2


def likely_tokens(text: str) -> int:
    """About how many tokens a text has: one for each CJK character, one for four others."""
    wide = sum(character > "\u2e7f" for character in text)
    return wide + (len(text) - wide + 3) // 4


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


def language_of(question: str) -> str | None:
    """`zh`, `en`, or None for what we have no pairs for: by what there is more of, characters or words."""
    if _KANA_OR_HANGUL.search(question):
        return None
    found = [(run, is_cjk) for run, _, _, is_cjk in runs(normalise(question))]
    characters = sum(len(run) for run, is_cjk in found if is_cjk)
    words = [run for run, is_cjk in found if not is_cjk]
    if characters == 0 and not all(word.isascii() for word in words):
        return None
    return "zh" if characters >= len(words) else "en"


@dataclass(frozen=True, slots=True)
class WordCut:
    """The terms of a word.

    Each of `exact` names the whole; `parts` are worth searching for themselves; `weak` say little without the whole;
    `hints` are only searched for, and are no terms of a document. `is_name` says that the parts do not make the whole.
    """

    exact: tuple[str, ...]
    parts: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    is_name: bool = False


def word_terms(run: str) -> tuple[str, ...]:
    """A word's terms in a document: its stem; for an identifier or a name itself and its parts."""
    return _known_word_terms(run) if len(run) <= MAX_TERM_CHARS else _word_terms(run)


def _word_terms(run: str) -> tuple[str, ...]:
    cut = cut_word(run)
    return tuple(dict.fromkeys((*cut.exact, *cut.parts, *cut.weak)))


def cut_word(run: str) -> WordCut:
    """The terms of a run of `RUN`'s words, by what they are worth."""
    cut = _cut(run.translate(_ONE_FORM))
    exact, parts, weak, hints = (_short(terms) for terms in (cut.exact, cut.parts, cut.weak, cut.hints))
    return WordCut(exact, parts, weak, hints, cut.is_name)


def _short(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term[:MAX_TERM_CHARS] for term in terms))


def _cut(run: str) -> WordCut:
    found = _SIGNED.fullmatch(run)
    if found is None or not (found["before"] or found["behind"]):
        return _cut_identifier(run)
    if found["before"]:
        return _cut_before(run, found["before"], _cut(run.removeprefix(found["before"])))
    return _cut_behind(run, found)


_known_word_terms = lru_cache(maxsize=16_384)(_word_terms)


def _cut_before(run: str, sign: str, body: WordCut) -> WordCut:
    """`--force`; what follows a slash is a path that is written without it as well."""
    inner = (*body.exact, *body.parts)
    if sign == "/":
        return WordCut((run,), inner, body.weak, body.hints, body.is_name)
    exact = (run, run[1:]) if sign == "*." else (run,)
    if _is_letter(body.exact[0]):
        return WordCut(exact, hints=inner, is_name=True)
    return WordCut(exact, (), (*inner, *body.weak), body.hints, is_name=True)


def _cut_behind(run: str, found: re.Match[str]) -> WordCut:
    """`C++17`: the name with its sign is a part of the name with its level. `C/C++` names two."""
    *others, name = _CHOICE.split(found["body"])
    sign, level = found["behind"], found["level"] or found["number"] or ""
    beside = [term for other in others if other for term in word_terms(other)]
    whole, bare = name + sign, _cut_identifier(name) if name else WordCut(())
    family = whole.removesuffix(level)
    parts = (*beside, *([whole] if others else []), *([family] if level else []))
    weak = () if _is_letter(name) else (*bare.exact, *bare.parts, *bare.weak)
    hints = (name,) if _is_letter(name) else bare.hints
    return WordCut((run,), parts, (*weak, *([level] if level else [])), hints, is_name=True)


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _cut_identifier(word: str) -> WordCut:
    """A plain word, or one with joints: whole, without them (wi-fi, wifi), and in its parts."""
    parts = [part for part in _JOINT.split(word) if part]
    if len(parts) < 2:
        return WordCut((_stem(parts[0]),) if parts else (word,))
    if all(part.isdigit() for part in parts) or _VERSION.fullmatch(word):
        return _cut_number(word, parts)
    joined = "".join(parts)
    letters = [part for part in parts if _is_letter(part)]
    is_contraction = "'" in word  # what's, the company's
    is_choice = bool(_CHOICE.search(word))
    weak = letters if is_choice else []
    inside = [match[1] for match in _VERSION_INSIDE.finditer(word)]
    strong = [*inside, *(_stem(part) for part in parts if part not in letters)]
    return WordCut((word, joined), tuple(strong), tuple(weak), is_name=bool(letters) and not is_contraction)


def _cut_number(word: str, parts: list[str]) -> WordCut:
    """2.3.1 is v2.3.1, and neither 231 nor 2.3; 2026-03 is 2026年3月; 10:00 is 十点."""
    version = _VERSION.fullmatch(word)
    exact = [word] if version is None else [word, version[1], f"v{version[1]}"][: 3 if word[0] == "v" else 2]
    if version is None and len("".join(parts)) >= LEAST_JOINED and not set(".:") & set(word):
        exact.append("".join(parts))
    numbers = [] if version is None else version[1].split(".")
    date = date_terms(word)
    return WordCut((*exact, *time_terms(word)), date, (*parts, *numbers), is_name=not date)


def _stem(word: str) -> str:
    """A plain English word without its ending; both sides do it, so that what is cut wrongly still meets itself."""
    if not (word.isascii() and word.isalpha()) or word.endswith("ss"):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= LEAST_STEM_CHARS:
            return word[: -len(ending)]
    return word[:-1] if word.endswith("s") and len(word) == LEAST_STEM_CHARS else word


def simplified(text: str) -> str:
    """The text with every traditional character replaced by its simplified one; of the same length."""
    if text.isascii() or not _traditional().search(
        text
    ):  # to look costs a tenth of translating, and most text has none
        return text
    return text.translate(_table())


@functools.cache
def _traditional() -> re.Pattern[str]:
    return re.compile(f"[{''.join(map(chr, _table()))}]")


@functools.cache
def _table() -> dict[int, str]:
    from opencc import OpenCC

    characters = [chr(code) for begin, end in _RANGES for code in range(begin, end)]
    joined = "\n".join(characters)
    image: dict[int, str] = {}
    for name in _CONFIGURATIONS:
        converted = OpenCC(name).convert(joined).split("\n")
        for old, new in zip(characters, converted, strict=True):
            if new != old and len(new) == 1:
                image.setdefault(ord(old), new)
    images = {ord(new) for new in image.values()}
    return {old: new for old, new in image.items() if old not in images}  # 么 is simplified, though 幺 once wrote it
