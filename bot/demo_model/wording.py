"""The scripted model's own words, in Chinese and in English, and the words by which it reads a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.intake.suggestions import plain
from rag.generation.follow_ups import leans
from rag.text.tokenizer import CJK

_CHINESE = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True)
class Wording:
    """What it says beside the passages' own sentences."""

    other_language: str
    """Before a quotation in another language than the question's."""
    perhaps: str
    """Where it is too unsure to claim anything."""
    alone: str
    """To a prompt without passages."""
    joined: str
    """A follow-up together with the question before it."""
    headings: tuple[str, str, str, str]
    """Of a summary: what it is about, who said what, decisions, open questions."""
    begun: str
    """What a conversation began with."""
    none: str
    not_said: str
    """Where no message answers a question."""
    open_to: str
    """An open question, its asker, and whoever took it on or was asked."""


ZH = Wording(
    other_language="这部分资料是英文的，原文如下：",
    perhaps="这一点可能写在《{title}》里，建议先看看“{heading}”这一节，再以原文为准。",
    alone="我是演示用的脚本模型，只会根据给出的资料回答。接入真正的大模型后，这里就由它来写。",
    joined="{earlier}，{question}",
    headings=("摘要", "谁说了什么", "决定", "待定"),
    begun="{who}先提出“{words}”，{count} 人参与讨论，最后由{last}说“{end}”。",
    none="无",
    not_said="这些消息里没有说到。",
    open_to="{words}（{who}问，{to}）",
)
EN = Wording(
    other_language="The document is in Chinese; in its words:",
    perhaps="This may be covered in “{title}”: please have a look at “{heading}” and go by what it says.",
    alone="I am the demo's scripted model and only answer from passages. With a real model configured, it writes here.",
    joined="{earlier}: {question}",
    headings=("Summary", "Who said what", "Decisions", "Open questions"),
    begun="{who} began with “{words}”; {count} people took part, and {last} closed with “{end}”.",
    none="None",
    not_said="These messages do not say.",
    open_to="{words} (asked by {who}; {to})",
)

DETAIL = re.compile(
    r"(?:请|麻烦)?(?:给我)?(?:详细|完整|全面|全部|所有)(?:地|的)?(?:说明|介绍|讲讲|说说|列出|解释|讲|说)?(?:一下)?"
    r"|\b(?:please\s+)?(?:tell me |explain |describe |list )?"
    r"(?:in (?:full )?detail|all (?:the )?details(?: of| on| about)?)\b",
    re.IGNORECASE,
)
"""Asks for a long answer; says nothing about what."""

_LEAD = re.compile(r"^\s*(?:那么|那|还有|另外|and|but|so|then)\s*[,，]?\s*", re.IGNORECASE)
_SHORT_CHARS = 2


def is_chinese(text: str) -> bool:
    """Whether a text holds a CJK character."""
    return _CHINESE.search(text) is not None


def wording(question: str) -> Wording:
    """In the question's language."""
    return ZH if is_chinese(question) else EN


def alone(question: str, earlier: str) -> str:
    """The question, joined with the earlier one where it leans on that."""
    if not earlier or not leans(question):
        return question
    joined = wording(question).joined
    said = joined.format(earlier=earlier.strip().rstrip("?？。.!！"), question=_LEAD.sub("", question).strip())
    return " ".join(said.split())


def named(path: Sequence[str]) -> str:
    """What a heading is about, without numbers: its last part, with the one above it where that says little."""
    parts = [plain(part) for part in path]
    is_short = len(parts) > 2 and len(parts[-1]) <= _SHORT_CHARS and is_chinese(parts[-1])
    return "".join(parts[-2:]) if is_short else parts[-1]
