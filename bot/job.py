"""A job as a value: what is accepted within which bounds, what it carries, what is claimed, and its lease.

What a job of each kind carries is a typed value; in the store it is a JSON object with the same names. Rows of earlier
versions still load: names that are missing have the value that was meant then, unknown ones are left out. A field that
jobs of an earlier version may lack therefore needs a default.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from bot.errors import BotError
from feishu.events.types import Mention, MessageReceived

JobKind = Literal[
    "answer",
    "regenerate",
    "continue",
    "redraw",
    "ask_reason",
    "welcome",
    "menu",
    "recalled",
    "ask_person",
    "refuse",
    "digest",
    "budget",
    "refresh",
    "rights",
    "more_sources",
    "ingest",
    "approval",
    "verified",
    "owner_digest",
    "obsolete",
]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "buried"]
OPEN_STATES = ("queued", "running")
ENDED_STATES = ("done", "failed", "cancelled", "buried")
WRITING_KINDS = ("answer", "regenerate", "continue")
"""The kinds that write an answer, and so can be stopped."""
PRESSED_KINDS = ("regenerate", "continue")
"""The kinds that write a further version because somebody pressed a button of the card."""
CARD_LINE = "card/"
"""Begins the line of jobs that change a card which was answered already, one after the other for each card."""
GivenUp = Literal["", "attempts", "crashes", "age"]
"""Why a job will not be tried any more: it failed too often, it ended the process each time, it waited for a day."""
MOST_KEYS = 2

Bound = Literal["too_many", "too_many_here", "too_many_waiting", "too_many_waiting_here"]
"""Which bound refused work: a person's or a chat's rate, a person's or a chat's number of open jobs."""
Addressing = Literal["", "mention", "owner", "reply", "silent"]
"""Why a message is for the bot: it is mentioned or alone with its asker; an owner answers it; it follows up on a card
without a mention; it was overheard where the bot speaks up if it is sure. "" in jobs of an earlier version."""


class LeaseLost(BotError):
    """Another worker owns the job now; this one must stop writing."""


class OverBound(BotError):
    """The work was not accepted: its person or its chat has started, or has waiting, as much as they may."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.bound = bound


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a person and a chat may start in a minute (sums of `NewJob.cost`), and how many of their jobs may be
    open at once; 0 is any number."""

    person_per_min: float = 0
    chat_per_min: float = 0
    person_waiting: int = 0
    chat_waiting: int = 0


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to accept. `keys` are the one or two ids of the platform that make it unique within the app, like
    `event:…`, `message:…`; `asker` is the person who started it, in the chat `chat_id`, whom it costs `cost` of what
    they may start in a minute (a question costs 1). With `bounds` it is refused beyond them."""

    app_id: str
    kind: JobKind
    conversation: str
    payload: Any
    """What `bot.job` has for the kind; stored as JSON."""
    keys: tuple[str, ...]
    turn_id: str = ""
    asker: str = ""
    chat_id: str = ""
    cost: float = 0.0
    bounds: Bounds | None = None


class Lease:
    """What this process knows of its hold on a job: sure of it until `sure_until` (monotonic seconds)."""

    __slots__ = ("_monotonic", "_renew", "sure_until")

    def __init__(self, renew: Callable[[], Awaitable[bool]], monotonic: Callable[[], float]) -> None:
        self._renew = renew
        self._monotonic = monotonic
        self.sure_until = 0.0

    async def confirm(self) -> None:
        """Cheap after a recent renewal; after a standstill it asks the store. Raises `LeaseLost`, `StoreError`."""
        if self._monotonic() >= self.sure_until and not await self._renew():
            raise LeaseLost("the lease ran out and another worker has the job")


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed or looked-up job. `waited_s` is its age at the claim, `is_resumed` whether it was claimed before,
    `taken_over` whether a lease of another worker had run out."""

    id: int
    app_id: str
    kind: JobKind
    conversation: str
    payload: dict[str, Any]
    state: JobState
    attempt: int
    fence: int
    turn_id: str
    stop_by: str
    reason: str
    created_at: float
    asker: str = ""
    chat_id: str = ""
    waited_s: float = 0.0
    is_resumed: bool = False
    taken_over: bool = False
    deferrals: int = 0
    """How often in a row it was put back without having failed."""
    given_up: GivenUp = ""
    alone: int = 0
    """Crashes in a row in which it was the only one running."""
    company: int = 0
    """The most jobs that may run in a process together with it, itself included; 0 is any number."""
    lease: Lease | None = field(default=None, compare=False, repr=False)

    async def confirm(self) -> None:
        """Call before an effect that the fence cannot guard, like a call to the platform. Raises `LeaseLost`."""
        if self.lease is not None:
            await self.lease.confirm()


@dataclass(frozen=True, slots=True)
class Payload:
    """What the kinds have in common: how they are read."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """From a job of the store. Raises KeyError for what cannot be done without, TypeError for another shape."""
        return cls.read(job.payload)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """From its JSON object. Raises like `of`."""
        given = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        if isinstance(given.get("message"), Mapping):
            given["message"] = message_from(given["message"])
        return cls(**given)


@dataclass(frozen=True, slots=True)
class AnswerPayload(Payload):
    """A question to answer. `undecided`: whether the bot is mentioned was not known when it was accepted. A question on
    a button follows `parent_turn`, and its words come from `collection`."""

    message: MessageReceived
    undecided: bool = False
    heard: Addressing = ""
    parent_turn: str = ""
    collection: str = ""


@dataclass(frozen=True, slots=True)
class PressedPayload(Payload):
    """Another version, because `by` pressed 🔄 on the card of `asker`."""

    by: str
    asker: str = ""
    chat_type: str = "group"


@dataclass(frozen=True, slots=True)
class ContinuePayload(PressedPayload):
    """The version `answer_id`, which was cut, goes on."""

    answer_id: str = ""


@dataclass(frozen=True, slots=True)
class RedrawPayload(Payload):
    """The card of the job's turn, as the store has it."""


@dataclass(frozen=True, slots=True)
class AskReasonPayload(Payload):
    """Why 👎, asked of `open_id` about an answer to `question`."""

    answer_id: str
    chat_id: str
    open_id: str
    question: str
    chat_type: str = "group"


@dataclass(frozen=True, slots=True)
class WelcomePayload(Payload):
    """A chat that the bot entered, or a private chat that `person` opened."""

    chat_id: str
    chat_type: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class MenuPayload(Payload):
    """An entry of the bot's menu, by the key that the console gives it."""

    open_id: str
    key: str


@dataclass(frozen=True, slots=True)
class RecalledPayload(Payload):
    """A message that was taken back."""

    message_id: str


@dataclass(frozen=True, slots=True)
class AskPersonPayload(Payload):
    """An answer whose question is passed on to the owners of the nearest documents."""

    answer_id: str
    chat_type: str = "group"


@dataclass(frozen=True, slots=True)
class RefusePayload(Payload):
    """A sentence that says why a message, or a menu's entry of `open_id`, was not accepted."""

    why: str
    message: MessageReceived | None = None
    open_id: str = ""
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class DigestPayload(Payload):
    """The weekly card; `key` names the chat and the week."""

    key: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class BudgetPayload(Payload):
    """What an admin, `open_id`, is told: in `month` (2026-05) the model has cost `spent` tokens of `budget`."""

    open_id: str
    month: str
    spent: int
    budget: int


@dataclass(frozen=True, slots=True)
class RefreshPayload(Payload):
    """A document on Feishu to read again, by its token and kind; without one all that the settings' links lead to are
    looked through."""

    token: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class IngestPayload(Payload):
    """All that the settings name is brought up to date, as the admin `by` asked for; with `again` these documents alone
    (collection and source), also where they did not change; with `rebuild` everything is read anew."""

    by: str = ""
    again: Sequence[Sequence[str]] = ()
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class RightsPayload(Payload):
    """A document on Feishu whose rights are read again, by its token; without one those of all documents."""

    token: str = ""


@dataclass(frozen=True, slots=True)
class MoreSourcesPayload(Payload):
    """An answer in a group, and its question as it was understood: what could its asker alone have been told? Once they
    `accepted`, the question is answered in private."""

    answer_id: str
    question: str
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalPayload(Payload):
    """An owner answered the question `gap_id` in a chat: they are offered to stand for that answer. With `write` they
    wish to answer it on a form."""

    gap_id: str
    open_id: str
    write: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedPayload(Payload):
    """Verified answers are looked through: who stands for one is asked whether it still holds."""


@dataclass(frozen=True, slots=True)
class OwnerDigestPayload(Payload):
    """The weekly card to the owner `open_id`; `key` names them and the week."""

    key: str
    open_id: str


@dataclass(frozen=True, slots=True)
class ObsoletePayload(Payload):
    """The admin `open_id` is told that an owner calls a document obsolete (a decision in the store)."""

    decision_id: str
    open_id: str


PAYLOADS: dict[JobKind, type[Payload]] = {
    "answer": AnswerPayload,
    "regenerate": PressedPayload,
    "continue": ContinuePayload,
    "redraw": RedrawPayload,
    "ask_reason": AskReasonPayload,
    "welcome": WelcomePayload,
    "menu": MenuPayload,
    "recalled": RecalledPayload,
    "ask_person": AskPersonPayload,
    "refuse": RefusePayload,
    "digest": DigestPayload,
    "budget": BudgetPayload,
    "refresh": RefreshPayload,
    "rights": RightsPayload,
    "more_sources": MoreSourcesPayload,
    "ingest": IngestPayload,
    "approval": ApprovalPayload,
    "verified": VerifiedPayload,
    "owner_digest": OwnerDigestPayload,
    "obsolete": ObsoletePayload,
}


def message_from(stored: Mapping[str, Any]) -> MessageReceived:
    """A message as it was accepted."""
    return MessageReceived(**{**stored, "mentions": tuple(Mention(**mention) for mention in stored["mentions"])})
