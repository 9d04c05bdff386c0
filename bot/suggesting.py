"""Questions on buttons: below an answer from the headings of its sources, in a welcome from the whole library. Pure."""

import re
from collections.abc import Iterable, Sequence

from bot.chat_ledger import Suggestion
from bot.conversations import Answer, Turn
from bot.texts import Texts
from rag.titles import Title

MOST = 3
HEADING_CHARS = 40

_NUMBERING = re.compile(r"^\s*(第?[一二三四五六七八九十百\d]+[、.．)）章节条]\s*)+(?:[.\d]+\s+)?")


def below(turn: Turn, answer: Answer, texts: Texts) -> list[Suggestion]:
    """Up to three questions about what the sources speak of beside what was asked."""
    if answer.outcome != "completed":
        return []
    pairs = [(source.title, source.heading_path.split(" › ")[-1]) for source in answer.sources if not source.cited]
    pairs += [(source.title, source.heading_path.split(" › ")[-1]) for source in answer.sources if source.cited]
    asked = f"{turn.question} {turn.standalone}"
    questions = _questions([(title, heading) for title, heading in pairs if _plain(heading) not in asked], texts)
    return [
        Suggestion(f"{answer.id}-{number}", turn.app_id, turn.chat_id, turn.chat_type, turn.conversation, turn.id, each)
        for number, each in enumerate(questions[:MOST])
        if each != turn.question
    ]


def examples(titles: Sequence[Title], texts: Texts) -> list[str]:
    """Up to three questions that the documents answer, from different documents where there are that many."""
    step = max(1, len(titles) // MOST)
    spread = [*titles[::step], *titles]
    pairs = [(title.title, next((each for each in title.headings if _plain(each)), "")) for title in spread]
    return _questions(pairs, texts)[:MOST]


def _questions(pairs: Iterable[tuple[str, str]], texts: Texts) -> list[str]:
    found: dict[str, None] = {}
    for title, heading in pairs:
        name = _plain(heading)
        if not title:
            continue
        if not name or name == title:
            found.setdefault(texts.suggest_title.format(title=title))
        elif name.endswith(("?", "？")):
            found.setdefault(name)
        else:
            found.setdefault(texts.suggest_about.format(title=title, heading=name))
    return list(found)


def _plain(heading: str) -> str:
    return " ".join(_NUMBERING.sub("", heading).split())[:HEADING_CHARS]
