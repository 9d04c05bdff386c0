"""Questions on buttons: below an answer from the headings of its sources, in a welcome from the whole library. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.models import Answer, Source, Turn
from bot.records.chat_ledger import Suggestion
from bot.texts import Texts
from rag.titles import Title

MOST = 3
HEADING_CHARS = 40

_NUMBERING = re.compile(r"^\s*(第?[一二三四五六七八九十百\d]+[、.．)）章节条]\s*)+(?:[.\d]+\s+)?")


def below(turn: Turn, answer: Answer, texts: Texts) -> list[Suggestion]:
    """Up to three questions about what the sources speak of beside what was asked."""
    if answer.outcome != "answered":
        return []
    parts = [_part(source) for source in answer.sources if not source.cited]
    parts += [_part(source) for source in answer.sources if source.cited]
    asked = f"{turn.question} {turn.standalone}"
    questions = _questions([part for part in parts if _plain(part.heading) not in asked], texts)
    where = (turn.app_id, turn.chat_id, turn.chat_type, turn.conversation, turn.id)
    return [
        Suggestion(f"{answer.id}-{number}", *where, question, collection)
        for number, (question, collection) in enumerate(questions[:MOST])
        if question != turn.question
    ]


def proposed(turn: Turn, answer: Answer, questions: Sequence[str], collection: str) -> list[Suggestion]:
    """The model's questions as suggestions."""
    where = (turn.app_id, turn.chat_id, turn.chat_type, turn.conversation, turn.id)
    return [
        Suggestion(f"{answer.id}-{number}", *where, question, collection)
        for number, question in enumerate(questions[:MOST])
        if question != turn.question
    ]


def examples(titles: Sequence[Title], texts: Texts) -> list[tuple[str, str]]:
    """Up to three questions, each with its collection, from different documents where there are that many."""
    step = max(1, len(titles) // MOST)
    spread = [*titles[::step], *titles]
    headings = (next((each for each in title.headings if _plain(each)), "") for title in spread)
    parts = [_Part(title.title, heading, title.collection) for title, heading in zip(spread, headings, strict=True)]
    return _questions(parts, texts)[:MOST]


@dataclass(frozen=True, slots=True)
class _Part:
    """What a question may be about."""

    title: str
    heading: str
    collection: str


def _part(source: Source) -> _Part:
    return _Part(source.title, source.heading_path.split(" › ")[-1], source.collection)


def _questions(parts: Iterable[_Part], texts: Texts) -> list[tuple[str, str]]:
    """Each question once, with the collection that it speaks of."""
    found: dict[str, str] = {}
    for part in parts:
        title, name = part.title, _plain(part.heading)
        if not title:
            continue
        if not name or name == title:
            found.setdefault(texts.suggest_title.format(title=title), part.collection)
        elif name.endswith(("?", "？")):
            found.setdefault(name, part.collection)
        else:
            found.setdefault(texts.suggest_about.format(title=title, heading=name), part.collection)
    return list(found.items())


def _plain(heading: str) -> str:
    return " ".join(_NUMBERING.sub("", heading).split())[:HEADING_CHARS]
