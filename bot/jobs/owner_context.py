"""What the owners of documents are told with a question: what it leaned on, what was said before it, what is near."""

from collections.abc import Iterable, Iterator
from typing import Literal

from bot.access.rules import FILES, Access
from bot.cards.buttons import one_line
from bot.cards.progress import snippet_of
from bot.intake.bot_identity import GROUP_SCOPE, Identity
from bot.intake.threads import ThreadReader
from bot.models import Answer, Source, Turn, behind
from bot.repositories.history import ChatHistory
from bot.texts import Texts, language_of, texts
from rag.generation.follow_ups import leans
from rag.scope import Scope

QUESTION_CHARS = 500
LINE_CHARS = 120
MOST_TURNS = 3
MOST_MESSAGES = 5
MOST_DOCUMENTS = 3


class OwnerContext:
    """Puts it in words, for readers who may see what `scope` shows. Raises `StoreError`."""

    def __init__(
        self,
        identity: Identity,
        memory: ChatHistory,
        threads: ThreadReader,
        access: Access,
        *,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._identity = identity
        self._memory = memory
        self._threads = threads
        self._access = access
        self._language = language

    async def words(self, turn: Turn, answer: Answer, scope: Scope) -> str:
        """The question, its context, and how to answer it."""
        wording = self.wording(turn)
        understood = turn.standalone if self.shows(scope, answer) else ""
        parts = [wording.person_asked.format(question=(understood or turn.question)[:QUESTION_CHARS])]
        if understood:
            parts.append(wording.person_understood_from.format(question=one_line(turn.question, LINE_CHARS)))
        parts += _listed(wording.person_before, await self._turns_before(turn, scope))
        parts += _listed(wording.person_topic, await self._said_before(turn, wording))
        near = list(dict.fromkeys(_document(each) for each in self._near(answer, scope)))[:MOST_DOCUMENTS]
        parts += _listed(wording.person_documents, near) or [wording.person_documents_none]
        return "\n".join([*parts, self._how(turn, wording)])

    def shows(self, scope: Scope, answer: Answer) -> bool:
        """Whether an owner may see what stands behind an answer: never a file that its asker sent."""
        return FILES not in answer.behind and self._access.shows(scope, answer.behind)

    def wording(self, turn: Turn) -> Texts:
        """In the language of the question."""
        return texts(language_of(turn.question, preferred=self._language))

    async def _turns_before(self, turn: Turn, scope: Scope) -> list[str]:
        """Those that the question leaned on."""
        if not (turn.standalone or turn.parent_turn or leans(turn.question)):
            return []
        before = [each for each in await self._memory.before(turn, scope) if FILES not in each.behind][-MOST_TURNS:]
        return [
            " — ".join(filter(None, (one_line(each.question, LINE_CHARS), snippet_of(each.answer)[:LINE_CHARS])))
            for each in before
        ]

    async def _said_before(self, turn: Turn, wording: Texts) -> list[str]:
        """In the question's topic. A private chat's stays there: its owner-to-be is not in it."""
        if turn.chat_type == "p2p":
            return []
        said = await self._threads.last_of_topic(turn, wording, MOST_MESSAGES)
        return [f"{each.who}: {one_line(each.words, LINE_CHARS)}" for each in said]

    def _near(self, answer: Answer, scope: Scope) -> Iterator[Source]:
        for source in answer.sources:
            is_file = source.collection == FILES
            if not is_file and self._access.shows(scope, behind(source.collection, source.source)):
                yield source

    def _how(self, turn: Turn, wording: Texts) -> str:
        hears_all = turn.chat_type == "p2p" or GROUP_SCOPE in (self._identity.scopes or ())
        return wording.person_reply if hears_all else wording.person_reply_mention


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"• {line}" for line in lines]
    return [title, *found] if found else []


def _document(source: Source) -> str:
    named = " › ".join(filter(None, (source.title, source.heading_path)))
    return " ".join(filter(None, (one_line(named, LINE_CHARS), source.best_link)))
