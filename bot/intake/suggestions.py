"""Questions on buttons: below an answer from the headings of its sources, in a welcome from the whole library. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.intake.heading_questions import plain, question_about
from bot.models import Answer, Source, Turn
from bot.repositories.chat_facts import Suggestion
from bot.texts import ZH, Texts, language_of
from rag.index.outline import Title

MOST = 3
SEPARATOR = " › "


def below(turn: Turn, answer: Answer, texts: Texts, asked: Iterable[str] = ()) -> list[Suggestion]:
    """Up to three questions about what the sources speak of beside what was asked, now and before (`asked`). Below the
    closest passages, too: one of these questions may be what was meant."""
    if answer.outcome not in ("answered", "hedged"):
        return []
    known = _known(turn, asked)
    now = f"{turn.question} {turn.standalone}"
    is_unsure = answer.outcome == "hedged"  # then what is shown goes first, otherwise what is not
    parts = [_part(source) for source in sorted(answer.sources, key=lambda each: each.cited is not is_unsure)]
    found = _questions([part for part in parts if not part.is_named_in(now)], texts)
    kept = [each for each in found if _same_form(each[0]) not in known]
    return [_suggestion(turn, answer, f"{number}", *each) for number, each in enumerate(kept[:MOST])]


def proposed(
    turn: Turn, answer: Answer, questions: Sequence[str], collection: str, asked: Iterable[str] = ()
) -> list[Suggestion]:
    """The model's questions as suggestions, without those that were asked already. Their ids are of their own: the
    buttons that stood on the card before them may still be pressed."""
    known = _known(turn, asked)
    fresh = [each for each in dict.fromkeys(questions) if _same_form(each) not in known]
    return [_suggestion(turn, answer, f"m{number}", each, collection) for number, each in enumerate(fresh[:MOST])]


def examples(titles: Sequence[Title], texts: Texts) -> list[tuple[str, str]]:
    """Up to three questions, each with its collection, from different documents where there are that many; documents
    in the reader's language first."""
    ordered = sorted(titles, key=lambda title: not _is_in(title.title, texts))
    own = sum(_is_in(title.title, texts) for title in titles)
    step = max(1, (own if own >= MOST else len(ordered)) // MOST)
    spread = [*ordered[: own or None : step], *ordered]
    found: dict[str, tuple[str, str]] = {}
    for title in spread:
        first = next((question for path in title.headings or ("",) if (question := _of_path(title.title, path))), "")
        if first and title.title not in found and first not in (question for question, _ in found.values()):
            found[title.title] = (first, title.collection)
    more = _questions([_Part(t.title, path, t.collection) for t in ordered for path in t.headings], texts)
    return list(dict.fromkeys((*found.values(), *more)))[:MOST]


@dataclass(frozen=True, slots=True)
class _Part:
    """What a question may be about."""

    title: str
    path: str
    collection: str

    def is_named_in(self, text: str) -> bool:
        """Whether a text names the heading itself."""
        name = _same_form(plain(self.path.split(SEPARATOR)[-1]))
        return bool(name) and name in _same_form(text)


def _part(source: Source) -> _Part:
    return _Part(source.title, source.heading_path, source.collection)


def _of_path(title: str, path: str) -> str:
    return question_about(title, [name for name in path.split(SEPARATOR) if name])


def _questions(parts: Iterable[_Part], texts: Texts) -> list[tuple[str, str]]:
    """Each question once, with the collection that it speaks of, one for a heading; those in the reader's language
    first."""
    found: dict[str, str] = {}
    for part in parts:
        if part.title and (question := _of_path(part.title, part.path)):
            found.setdefault(question, part.collection)
    return sorted(found.items(), key=lambda each: not _is_in(each[0], texts))


def _is_in(text: str, texts: Texts) -> bool:
    return (language_of(text) == "zh") == (texts is ZH)


def _known(turn: Turn, asked: Iterable[str]) -> set[str]:
    return {_same_form(each) for each in (turn.question, turn.standalone, *asked)} - {""}


def _same_form(text: str) -> str:
    """What two ways of writing one question have in common."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _suggestion(turn: Turn, answer: Answer, number: str, question: str, collection: str) -> Suggestion:
    where = (turn.app_id, turn.chat_id, turn.chat_type, turn.conversation, turn.id)
    return Suggestion(f"{answer.id}-{number}", *where, question, collection)
