"""Words, identifiers and names with signs (C++, C#, .NET, --force, v2.3.1) to terms.

A sign belongs to a name where it touches it: before it as in `.env`, `--force`, `@channel`, `$HOME`, `*.xlsx`, `±5`,
behind it as in `C++17`, `F#`, `A+`. The name with its signs is a term of its own; what is left without them is a weaker
one, and a single letter that is left (the C of C++) is none in a document, for it is another name.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.text.figures import date_terms, time_terms

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
