"""What the packages of the bot hand each other about a question: a turn, its answers, their sources, a card's state.

A turn is one question and its card; an answer is one version of its reply.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from rag.events import Verification
from rag.scope import DEFAULT_COLLECTION, DOCUMENT

AnswerOutcome = Literal["open", "answered", "hedged", "no_evidence", "stopped", "failed"]
CONTINUABLE = ("length", "broken", "overloaded")
"""The endings (`rag.events.Ending`) of a text that a model can go on with."""
UNSUPPORTED = ("no_evidence", "hedged")
"""Outcomes behind which no source stands."""
ON_FEISHU = "feishu:"
"""What the sources of documents on Feishu begin with; the document's own token follows."""
ShownAs = Literal["", "whole", "plain", "moved", "withheld"]
"""What its card shows of an answer: not known yet (or as designed), as designed, without markup, that it stands in a
message below, that it may not be shown."""


def behind(collection: str, source: str) -> tuple[str, ...]:
    """What decides who may see words of a document: its collection, and itself where it can have rights of its own."""
    return (collection, f"{DOCUMENT}{source}") if source.startswith(ON_FEISHU) else (collection,)


def joined(names: Iterable[str]) -> str:
    """What is behind something (`behind`) as one text, for the store; `separated` takes it apart."""
    return "\n".join(sorted(names))


def separated(names: str) -> list[str]:
    """What `joined` put together; of an earlier version the name of a collection."""
    return names.split("\n") if names else []


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was quoted or forwarded and not read. `what` and `why` name texts (`left_<what>`, `why_<why>` of
    `bot.texts`); `name` is that of a file, `count` how many of the kind."""

    what: str
    why: str
    name: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, where it was asked, and the card that answers it (ids are "" until they are known)."""

    id: str
    app_id: str
    conversation: str
    chat_id: str
    chat_type: str
    question_message_id: str
    asker: str
    question: str
    card_id: str = ""
    card_message_id: str = ""
    sequence: int = 0
    shown_answer: str = ""
    reason_asked: str = ""
    parent_turn: str = ""
    standalone: str = ""
    read_text: str = ""
    recalled: bool = False
    created_at: float = 0.0
    card_at: float = 0.0
    unread: bool = False
    """Whether pictures or a file of the question are still to be read; `question` is what is known of it."""
    left_out: tuple[LeftOut, ...] = ()


def quoted_by(message_id: str) -> str:
    """The conversation under which a file is kept that a group's question quotes: nobody's, and no other question's."""
    return f"quoted/{message_id}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a card's source line shows, frozen with the answer so that a re-ingest cannot change its past."""

    number: int
    title: str
    heading_path: str
    snippet: str
    source: str
    link: str | None
    cited: bool
    collection: str = DEFAULT_COLLECTION
    edited_at: int = 0
    """When its document was last edited, epoch seconds; 0 for unknown."""
    opens: str | None = None
    """The link that opens at the place; None without a link, and in what earlier versions stored."""
    place_kind: str = ""
    """`rag.documents.PlaceKind`, with the place's name; "" for a document without places."""
    place_name: str = ""
    quote: str = ""
    """The sentence that the answer leans on, between its neighbours."""
    before: str = ""
    after: str = ""

    @property
    def best_link(self) -> str | None:
        """Where to go from here: to the place, or to the document."""
        return self.opens or self.link


_IS_CITED = attrgetter("cited")


@dataclass(frozen=True, slots=True)
class Answer:
    """One version of a turn's reply. `notice` is what the card says about its end, beside the text."""

    id: str
    turn_id: str
    version: int
    outcome: AnswerOutcome
    text: str = ""
    notice: str = ""
    reasoning: str = ""
    sources: tuple[Source, ...] = ()
    model: str = ""
    usage: dict[str, int] | None = None
    first_token_s: float | None = None
    seconds: float | None = None
    created_at: float = 0.0
    concluded_at: float | None = None
    sent_apart: bool = False
    shown_as: ShownAs = ""
    leaned_on: tuple[str, ...] = ()
    """What is behind the history with which it was written (`behind`), or the collections whose headings a greeting
    names."""
    confidence: float | None = None
    level: str = ""
    """`rag.events.Level`; "" where nothing was retrieved."""
    is_calibrated: bool = False
    """Whether the confidence may be shown as a percentage."""
    ending: str = ""
    """`rag.events.Ending`: how its text was cut off, if it was."""
    verified: Verification | None = None
    """Who stands for it; None for what was found in the documents."""

    @property
    def can_continue(self) -> bool:
        """Whether its text was cut where a model can go on: not by a content filter, and not while it is written."""
        return bool(self.text) and self.outcome not in ("open", "no_evidence") and self.ending in CONTINUABLE

    @property
    def on_card(self) -> tuple[Source, ...]:
        """The sources that its card names: the cited ones; or, where none stands behind the answer, the nearest."""
        return self.sources if self.outcome in UNSUPPORTED else tuple(filter(_IS_CITED, self.sources))

    @property
    def behind(self) -> frozenset[str]:
        """Every collection, and every document with rights of its own, that something in it may come from."""
        of_sources = (each for source in self.sources for each in behind(source.collection, source.source))
        return frozenset((*self.leaned_on, *of_sources))


@dataclass(frozen=True, slots=True)
class CardState:
    """All that a closed card shows: one version of the answer, its place among the others, and everybody's votes."""

    turn: Turn
    answer: Answer
    versions: tuple[str, ...]
    """Ids of the concluded answers, oldest first."""
    up: int = 0
    down: int = 0
    leaned_on: frozenset[str] = frozenset()
    """Collections behind the history of any version, and so perhaps behind how the question was understood."""
    suggestions: tuple[tuple[str, str], ...] = ()
    """Id and words of the questions that could be asked next."""
    has_owners: bool = False
    """Whether there is a person to ask where the documents do not know."""
    wants_mention: bool = False
    """Whether a follow-up is only heard when it mentions the bot."""

    @property
    def position(self) -> int:
        """Of the shown version, from 1."""
        return self.versions.index(self.answer.id) + 1 if self.answer.id in self.versions else len(self.versions)

    @property
    def asks_reason(self) -> bool:
        """Whether the card itself asks why 👎 (private chats only: a group's card is everybody's)."""
        return self.turn.reason_asked == self.answer.id
