"""Documents that say the same sentence with different figures: 10 days here, 15 days there. Pure.

Precise rather than complete: a sentence counts only where its words are the same, and where nothing says that both may
be right, like two editions of one document, a sentence about its own document, or one that a document repeats with
other figures.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.documents import Chunk
from rag.text.figures import figures
from rag.text.markdown import Sentence, sentences
from rag.text.numerals import digit, number, plain
from rag.text.tokenizer import normalise

LEAST_CHARS = 8
"""Of a sentence without its figures; an ASCII character counts half. Shorter ones (共 3 页) speak of anything."""
MOST_CHARS = 400
MOST_SENTENCES = 300_000
MOST_VALUES = 3
"""With more different figures than this, a sentence is a form that each document fills in for itself."""
MOST_DOCUMENTS = 20
"""So is a sentence of more documents than this; and their pairs would be very many."""
MOST_OF_TWO = 5
"""Two documents with more such sentences are one form filled in twice, like the guides to two offices."""
MASK = "\x00"

_UNIT = r"(?:[kmgt]i?b|ms|min|h|s|px|v|kg|km|cm|mm|m|g|ml|l|%|rmb|cny|usd)?"
_DIGITS = re.compile(rf"(?<![a-z0-9_.\-/:])[0-9]+(?:[.,:/\-][0-9]+)*(?={_UNIT}(?![a-z0-9_]))")
_SIGNS = re.compile(rf"[^\w{MASK}%‰°¥$€<>≤≥+\-]+|_")
_LOOSE = re.compile(r"(?<![a-z0-9]) | (?![a-z0-9])")
_SECTION = re.compile(
    rf"第{MASK}[章节条款项页步部分期版]|[图表附] ?{MASK}|(?:step|figure|table|chapter|section|page) ?{MASK}"
)
_OF_ITSELF = re.compile(
    r"本(?:文|规定|制度|办法|手册|文档|指南|规范|细则|政策|流程|通知|标准|页|版|章|节)|版本|修订|更新于|更新日期|发布日期|生效日期|"
    r"施行|"
    r"\bth(?:is|ese) (?:document|page|policy|guide|handbook|manual|version|release|section)\b|"
    r"\bversion\b|\breleased?\b|\bupdated\b|\bsince\b"
)
_EDITION = re.compile(r"[0-9]+|版本?|修订|v(?=[0-9])|\b(?:version|rev|old|new|draft|copy|final)\b|[旧新副草]|\W|_")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a document as it is read, and its figures in plain digits."""

    collection: str
    source: str
    title: str
    sentence: str
    values: tuple[str, ...]

    @property
    def document(self) -> tuple[str, str]:
        """Collection and source."""
        return self.collection, self.source


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two documents that say the same with different figures; `key` are the words that they share."""

    key: str
    one: Statement
    other: Statement


@dataclass
class Disagreements:
    """Takes documents one by one, and gives what they disagree about."""

    _said: dict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    _count: int = 0

    def add(self, chunks: Sequence[Chunk]) -> None:
        """All of one document; what is beyond `MOST_SENTENCES` in all is left out."""
        seen: set[str] = set()
        for chunk in chunks:
            for sentence in sentences(chunk.text):
                told = " ".join(sentence.text.split())
                if self._count >= MOST_SENTENCES or told in seen or not _is_statement(sentence):
                    continue
                seen.add(told)
                key, values = masked(told)
                if values and is_telling(key):
                    self._count += 1
                    said = Statement(chunk.collection, chunk.source, chunk.title, told, values)
                    self._said[key].append(said)

    def found(self) -> list[Disagreement]:
        """Each pair once, in the order of their sources."""
        pairs = list(self._pairs())
        of_two = Counter((each.one.document, each.other.document) for each in pairs)
        kept = [each for each in pairs if of_two[each.one.document, each.other.document] <= MOST_OF_TWO]
        return sorted(kept, key=lambda each: (each.one.document, each.other.document, each.key))

    def _pairs(self) -> Iterator[Disagreement]:
        for key, all_said in self._said.items():
            of_document: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
            for said in all_said:
                of_document[said.document].add(said.values)
            values = set[tuple[str, ...]]().union(*of_document.values())
            is_form = len(values) > MOST_VALUES or any(len(each) > 1 for each in of_document.values())
            if len(values) > 1 and not is_form and len(of_document) <= MOST_DOCUMENTS:
                firsts = sorted({said.document: said for said in all_said}.values(), key=lambda said: said.document)
                yield from _differing(key, firsts)


def disagreements(documents: Iterable[Sequence[Chunk]]) -> list[Disagreement]:
    """What documents disagree about; each comes with its chunks."""
    found = Disagreements()
    for chunks in documents:
        found.add(chunks)
    return found.found()


def masked(sentence: str) -> tuple[str, tuple[str, ...]]:
    """The words of a sentence with a mark in the place of each figure, and the figures in plain digits: 15 and 十五 are
    the same. Signs and white space do not count."""
    text = normalise(sentence)
    spans = {(each.start, each.end) for each in figures(text)} | {found.span() for found in _DIGITS.finditer(text)}
    parts: list[str] = []
    values: list[str] = []
    at = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start < at:
            continue
        parts += [text[at:start], MASK]
        values.append(_value(text[start:end]))
        at = end
    words = _SIGNS.sub(" ", "".join([*parts, text[at:]]))
    return _LOOSE.sub("", words), tuple(values)


def is_telling(key: str) -> bool:
    """Whether a sentence has words enough to speak of the same thing wherever it stands, and not of its document."""
    chars = sum(0.5 if each.isascii() else 1.0 for each in key if each.isalnum())
    return chars >= LEAST_CHARS and not _OF_ITSELF.search(key) and not _SECTION.search(key)


def is_edition(one: Statement, other: Statement) -> bool:
    """Whether two documents are editions of one: their titles or file names differ in a number or a word for that."""
    titles = _edition_of(one.title), _edition_of(other.title)
    names = _edition_of(_stem(one.source)), _edition_of(_stem(other.source))
    return bool(titles[0] and titles[0] == titles[1]) or bool(names[0] and names[0] == names[1])


def _differing(key: str, said: Sequence[Statement]) -> Iterator[Disagreement]:
    for number_, one in enumerate(said):
        for other in said[number_ + 1 :]:
            if one.values != other.values and not is_edition(one, other):
                yield Disagreement(key, one, other)


def _is_statement(sentence: Sentence) -> bool:
    asks = sentence.text.rstrip().endswith(("?", "？", ":", "："))
    return sentence.kind != "fence" and len(sentence.text) <= MOST_CHARS and not asks


def _value(figure: str) -> str:
    bare = figure.replace(" ", "")
    if len(bare) == 1 and not bare.isascii():
        return digit(bare) or bare
    return (number(bare) or bare) if not bare.isdigit() else plain(bare)


def _edition_of(name: str) -> str:
    return _EDITION.sub("", normalise(name))


def _stem(source: str) -> str:
    name = source.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0] if "." in name else name
