"""Fences around quoted material in prompts: what is inside cannot close them, however it spells the tag. Pure.

A model reads `</PASSAGE>`, `＜/passage＞`, `&lt;/passage&gt;` and one with a zero-width space in it much alike, so that
a document may forge any of them. A tag of ours is looked for in a folded copy of the text (entities and escapes
decoded, compatibility forms and look-alike letters replaced, spaces and unseen characters dropped), and broken where it
stands in the text.
"""

import re
import unicodedata
from html import unescape

TAGS = ("passage", "attached", "earlier", "conversation")
"""The names of our fences."""

_OPENERS = "‹«〈《〈⟨⟪❬❮❰⧼˂≺⋖"
"""Read as the start of a tag only where a slash follows: books and quotations stand in some of them."""
_CLOSERS = "›»〉》〉⟩⟫❭❯❱⧽˃≻⋗"
_TOKEN = re.compile(
    r"&(?:amp;|#0*38;|#x0*26;)*#?\w{1,12};?|\\u(?:[0-9a-f]{4}|\{[0-9a-f]{1,6}\})|\\x[0-9a-f]{2}|%[0-9a-f]{2}|.",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPED = re.compile(r"(?:\\u|\\x|%)\{?([0-9a-f]+)\}?", re.IGNORECASE)
_SUSPECT = re.compile(rf"[<＜﹤&\\%{_OPENERS}]")
_LOOK_ALIKE = {
    **dict.fromkeys("аαᴀɑ", "a"),
    **dict.fromkeys("еᴇε", "e"),
    **dict.fromkeys("рρᴘ", "p"),
    **dict.fromkeys("ѕꜱ", "s"),
    **dict.fromkeys("ɡցɢ", "g"),
    **dict.fromkeys("тᴛτ", "t"),
    **dict.fromkeys("сᴄϲ", "c"),
    **dict.fromkeys("һʜ", "h"),
    **dict.fromkeys("ԁᴅ", "d"),
    **dict.fromkeys("іɪι", "i"),
    **dict.fromkeys("ӏʟ", "l"),
    **dict.fromkeys("гʀ", "r"),
    **dict.fromkeys(_OPENERS, "‹"),
    **dict.fromkeys("⁄∕⧸╱\\|", "/"),
}
_IN_ATTRIBUTE = str.maketrans(
    {
        **dict.fromkeys('"＂', "'"),
        **dict.fromkeys(f"<＜﹤{_OPENERS}", "‹"),
        **dict.fromkeys(f">＞﹥{_CLOSERS}", "›"),
    }
)
_TAG = re.compile(rf"(?:<(?P<between>[^\w<‹]{{0,4}})|‹[^\w<‹]{{0,3}}/[^\w<‹]{{0,3}})(?P<name>{'|'.join(TAGS)})")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")


def fenced(tag: str, text: str, attributes: str = "") -> str:
    """The text between a tag's lines, in which it cannot stand itself. `attributes` begin with a space."""
    return f"<{tag}{attributes}>\n{harmless(text)}\n</{tag}>"


def harmless(text: str) -> str:
    """The text with every tag of ours broken by a backslash (`<\\/passage`), and without hidden characters."""
    text = _UNSEEN.sub("", text)
    if not _SUSPECT.search(text):
        return text
    folded, places = _folded(text)
    written, end = "", 0
    for found in _TAG.finditer(folded):
        start, stop = places[found.start()][0], places[found.end() - 1][1]
        slash = "" if found["between"] is not None and "/" not in found["between"] else "/"
        written += f"{text[end:start]}<\\{slash}{found['name']}"
        end = stop
    return written + text[end:]


def attribute(text: str) -> str:
    """The text as the value of a tag's attribute: one line without quotation marks and angle brackets."""
    line = " ".join(harmless(_plain(text)).split())
    return line.translate(_IN_ATTRIBUTE)


def _folded(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A copy to look for tags in, and for each of its characters where that came from."""
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        for character in unicodedata.normalize("NFKC", _decoded(token.group())).casefold():
            if unicodedata.category(character)[0] not in "ZCM":
                folded.append(_LOOK_ALIKE.get(character, character))
                places.append(token.span())
    return "".join(folded), places


def _decoded(token: str) -> str:
    if escaped := _ESCAPED.fullmatch(token):
        code = int(escaped[1], 16)
        return chr(code) if code <= 0x10FFFF else token
    return _plain(token)


def _plain(text: str) -> str:
    """Without entities, also where they were encoded more than once."""
    while "&" in text and (decoded := unescape(text)) != text:
        text = decoded
    return text
