"""What a request asks of the model, read from the prompts as `rag.generation.prompts` renders them.

Passages are read as the fences that stand in one row, numbered from 1: their text cannot close a fence, and a fence
that a question brings along does not stand in that row. Prompts of a team's own are read by the same fences.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.documents import Chunk, Passage
from rag.generation.prompts import (
    ABOUT,
    ANSWER,
    ASKED_BY_MATERIAL,
    ATTACHED,
    CONDENSE,
    CONTRACT,
    GO_ON,
    PICTURE,
    SUGGEST,
    SUMMARY,
)

_FENCE = re.compile(r'<passage number="(?P<number>\d+)" title="(?P<title>[^"<>\n]*)">\n(?P<text>.*?)\n</passage>', re.S)
_LABEL = re.compile(r"(?:question|问题|问)\s*[:：]\s*", re.IGNORECASE)
_EXCHANGE = re.compile(r"^Q: (.*?)\nA: ", re.MULTILINE | re.DOTALL)
_EXCERPT = re.compile(r"^- (?P<path>.+?): ", re.MULTILINE)
_SPEAKER = re.compile(r"^[^:：\n?？]{1,20}[:：]\s")
_MESSAGE = re.compile(
    r"^\[(?P<at>\d\d-\d\d \d\d:\d\d)\] (?P<who>[^:\n]{1,60}): (?P<words>.*(?:\n {4}.*)*)", re.MULTILINE
)
_BETWEEN = "\n\n"
_BEFORE_QUESTION = ANSWER.partition("{passages}")[2].partition("{question}")[0]


@dataclass(frozen=True, slots=True)
class Answering:
    """A question to answer from passages. `earlier` is the question before it, "" without one; `so_far` the beginning
    of an answer that was cut off."""

    question: str
    passages: tuple[Passage, ...]
    earlier: str = ""
    so_far: str = ""


@dataclass(frozen=True, slots=True)
class Condensing:
    """A question to make stand alone, after an earlier one."""

    question: str
    earlier: str


@dataclass(frozen=True, slots=True)
class Suggesting:
    """Heading paths to ask about next, each with ` > ` between its parts."""

    question: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """One message of a conversation."""

    at: str
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class Summarising:
    """A conversation to sum up, or to answer a question from."""

    said: tuple[ThreadMessage, ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Looking:
    """Pictures to describe."""


@dataclass(frozen=True, slots=True)
class Chatting:
    """Anything else: a prompt without passages."""

    text: str


Asked = Answering | Condensing | Suggesting | Summarising | Looking | Chatting


def read_messages(messages: Sequence[Mapping[str, Any]]) -> Asked:
    """What the messages (`role`, `content` as a text or as parts) ask for."""
    said = [(str(message.get("role", "")), content_of(message)) for message in messages]
    users = [text for role, text in said if role == "user"]
    last = users[-1] if users else ""
    if said and said[-1] == ("user", GO_ON) and len(said) > 2:
        so_far, asked = said[-2][1], _answering(said[:-2])
        return Chatting(last) if asked is None else Answering(asked.question, asked.passages, asked.earlier, so_far)
    if (condensing := _between(CONDENSE, last)) is not None:
        history, question = condensing
        return Condensing(question, _last_of(history))
    if (suggesting := _between(SUGGEST, last)) is not None:
        excerpts, question = suggesting
        return Suggesting(_with_material(question), tuple(match["path"] for match in _EXCERPT.finditer(excerpts)))
    if (summarising := _between(SUMMARY, last)) is not None:
        return _summarising(*summarising)
    if last.startswith(PICTURE):
        return Looking()
    return _answering(said) or Chatting(last)


def _summarising(fence: str, wish: str) -> Summarising:
    said = [ThreadMessage(*found.group("at", "who", "words")) for found in _MESSAGE.finditer(fence)]
    about = ABOUT.partition("{question}")[0]
    return Summarising(tuple(said), wish.removeprefix(about).strip() if wish.startswith(about) else "")


def content_of(message: Mapping[str, Any]) -> str:
    """A message's words, where the content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict) and "text" in part)


def _answering(said: Sequence[tuple[str, str]]) -> Answering | None:
    """The last message as a prompt with passages; None when it holds none."""
    if not said or said[-1][0] != "user":
        return None
    prompt = said[-1][1].removesuffix(CONTRACT).rstrip()
    start, end, passages = _passages(prompt)
    if not passages:
        return None
    earlier = next((text for role, text in reversed(said[:-1]) if role == "user"), "")
    return Answering(_with_material(_question(prompt[:start], prompt[end:])), passages, _SPEAKER.sub("", earlier))


def _passages(prompt: str) -> tuple[int, int, tuple[Passage, ...]]:
    """Where the row of fences starts and ends, and what is in it."""
    first = _FENCE.search(prompt)
    if first is None or first["number"] != "1":
        return 0, 0, ()
    found, end = [_passage(0, first)], first.end()
    while (match := _FENCE.match(prompt, end + len(_BETWEEN))) is not None:
        if prompt[end : match.start()] != _BETWEEN or match["number"] != str(len(found) + 1):
            break
        found.append(_passage(len(found), match))
        end = match.end()
    return first.start(), end, tuple(found)


def _passage(at: int, match: re.Match[str]) -> Passage:
    return Passage(Chunk(at, "", match["title"], (), match["text"], 0, len(match["text"])), score=0.0)


def _question(before: str, after: str) -> str:
    """The question of a prompt: behind the passages, or, in a team's own wording, behind a label on either side."""
    if after.startswith(_BEFORE_QUESTION):
        return after[len(_BEFORE_QUESTION) :].strip()
    for side in (after, before):
        if label := _LABEL.search(side):
            return side[label.end() :].strip()
    return (after.strip() or before.strip()).strip()


def _with_material(question: str) -> str:
    """The question and what came with it, without the fence."""
    asked, mark, fence = question.partition(ATTACHED)
    if not mark:
        return question
    material = fence.strip().removeprefix("<attached>").removesuffix("</attached>").strip()
    return material if asked.strip() == ASKED_BY_MATERIAL else f"{asked.strip()}\n{material}"


def _between(template: str, prompt: str) -> tuple[str, str] | None:
    """What fills the two gaps of a built-in template that ends with its `{question}`; None for another prompt."""
    head, _, rest = template.partition("{")
    middle = rest.partition("}")[2].removesuffix("{question}")
    if not prompt.startswith(head) or middle not in prompt:
        return None
    filled, _, question = prompt[len(head) :].rpartition(middle)
    return filled, question.strip()


def _last_of(history: str) -> str:
    questions = _EXCHANGE.findall(history + "\nA: ")
    return _SPEAKER.sub("", questions[-1]).strip() if questions else ""
