"""What the documents are missing: unanswered questions that mean the same, put together, ready to hand to an owner."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.texts import language_of

LIKE = 0.4
LIKE_MARKS = 0.75
LEAST_MARKS = 5
MOST_QUESTIONS = 5_000
KEY_CHARS = 256
# Words that most questions share say nothing about what is asked.
_FILLERS = re.compile(
    r"请问|一下|怎么样|怎么|如何|什么|哪里|哪些|哪个|多少|多久|可以|能不能|是否|吗|呢|啊|的|了|是|"
    r"\b(?:how|what|where|which|when|who|why|can|could|do|does|is|are|the|a|an|to|of|for|i|my|we|please)\b"
)
_MARKUP = re.compile(r"(https?://[^\s<>()\[\]`|]+)|([\\`*_{}\[\]<>#|])")
_NOISE = re.compile(r"[\W_]+")


_DRAFT_ZH = """\
# {title}

> 草稿：{people} 人问过 {times} 次，现有资料没有答案。补全后删去这一段和「相近的资料」，放进知识文件夹并重新 ingest。

## 大家的问法

{asked}

## 回答

{answer}

## 相近的资料

{nearest}
"""
_DRAFT_EN = """\
# {title}

> Draft: {people} people asked {times} times, and the documents do not say. Complete it, delete this paragraph and
> "Nearest documents", put the file into the knowledge folder and ingest again.

## How people ask

{asked}

## Answer

{answer}

## Nearest documents

{nearest}
"""
_EMPTY_ZH = "（请写明适用范围、步骤或标准、负责人、生效日期。）"
_EMPTY_EN = "(Whom it applies to, steps or rules, who is responsible, since when.)"
_REPLIED_ZH = "（以上是负责人在聊天里的回复。请核对，补上适用范围、负责人、生效日期，再删去这一句。）"
_REPLIED_EN = (
    "(What an owner replied in the chat. Check it, add whom it applies to, who is responsible and since when, and\n"
    "delete this sentence.)"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an owner answered in a chat (`by`: open id)."""

    text: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One question that the documents did not answer, with the titles and sources that came nearest, and what owners
    replied to it."""

    question: str
    asker: str
    at: float
    turn_id: str
    nearest: tuple[tuple[str, str], ...] = ()
    replies: tuple[Reply, ...] = ()


@dataclass(slots=True)
class Gap:
    """Questions that ask for the same thing; the first one stands for all."""

    key: str
    members: list[Unanswered] = field(default_factory=list)
    terms: list[frozenset[str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def question(self) -> str:
        return self.members[0].question

    @property
    def first_at(self) -> float:
        return min(member.at for member in self.members)

    @property
    def last_at(self) -> float:
        return max(member.at for member in self.members)

    def nearest(self) -> list[tuple[str, str]]:
        """Titles and sources of the nearest documents, without repetition."""
        return list(dict.fromkeys(pair for member in self.members for pair in member.nearest))[:5]

    def replies(self) -> list[Reply]:
        """What owners replied to any of the questions, oldest first."""
        return sorted((reply for member in self.members for reply in member.replies), key=lambda reply: reply.at)


def gaps_of(unanswered: Iterable[Unanswered]) -> list[Gap]:
    """Clusters, those that most people ask first. A question joins the first cluster that holds one like it."""
    found: list[Gap] = []
    for one in sorted(unanswered, key=lambda one: one.at)[-MOST_QUESTIONS:]:
        terms = bigrams(one.question)
        gap = next((gap for gap in found if any(is_alike(terms, other) for other in gap.terms)), None)
        if gap is None:
            gap = Gap(normalised(one.question)[:KEY_CHARS])
            found.append(gap)
        gap.members.append(one)
        if terms not in gap.terms and len(gap.terms) < 20:
            gap.terms.append(terms)
    return sorted(
        found, key=lambda gap: (-len({member.asker for member in gap.members}), -len(gap.members), -gap.last_at)
    )


def normalised(text: str) -> str:
    """Lower case, without marks and fillers; the text itself where nothing else is left."""
    plain = _NOISE.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()
    return " ".join(_FILLERS.sub(" ", plain).split()) or plain or text


def bigrams(text: str) -> frozenset[str]:
    """Words of Latin script, and pairs of neighbouring characters elsewhere."""
    terms: set[str] = set()
    for run in re.findall(r"[a-z0-9]+|[^\sa-z0-9]+", normalised(text)):
        if run[0].isascii():
            terms.add(run)
        else:
            terms.update(run[at : at + 2] for at in range(max(1, len(run) - 1)))
    return frozenset(terms)


def is_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Many terms in common; or nearly all characters, which finds the same words in another order."""
    if likeness(one, other) >= LIKE:
        return True
    marks, others = _marks(one), _marks(other)
    return min(len(marks), len(others)) >= LEAST_MARKS and likeness(marks, others) >= LIKE_MARKS


def _marks(terms: frozenset[str]) -> frozenset[str]:
    return frozenset(mark for term in terms for mark in ([term] if term[0].isascii() else term))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard: how much of all terms both have."""
    return len(one & other) / len(one | other) if one and other else 0.0


def draft(gap: Gap) -> str:
    """A Markdown page that an owner only has to complete, and that can be put into the knowledge folder then. It
    begins with what owners replied."""
    is_chinese = language_of(gap.question) == "zh"
    return (_DRAFT_ZH if is_chinese else _DRAFT_EN).format(
        title=_line(gap.question),
        people=len({member.asker for member in gap.members}),
        times=len(gap.members),
        answer=_answer(gap.replies(), is_chinese=is_chinese),
        asked="\n".join(f"- {_line(question)}" for question in _different(gap.members)),
        nearest="\n".join(f"- {_line(title)} (`{source}`)" for title, source in gap.nearest()) or "-",
    )


def _different(members: Sequence[Unanswered]) -> list[str]:
    return list(dict.fromkeys(member.question for member in members))[:20]


def _answer(replies: Sequence[Reply], *, is_chinese: bool) -> str:
    if not replies:
        return _EMPTY_ZH if is_chinese else _EMPTY_EN
    said = dict.fromkeys(reply.text for reply in replies)
    told = ["\n".join(_line(line) for line in text.splitlines()).strip() for text in said]
    return "\n\n".join([*told, _REPLIED_ZH if is_chinese else _REPLIED_EN])


def _line(text: str) -> str:
    """People's words as one line that is no markup of ours; addresses stay as they are."""
    line = _MARKUP.sub(lambda found: found[1] or f"\\{found[2]}", " ".join(text.split()))
    return f"\\{line}" if line and not line.strip("=-") else line
