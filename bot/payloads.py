"""What a job of each kind carries, as typed values. In the store they are JSON objects with the same names.

Rows of earlier versions still load: names that are missing have the value that was meant then, unknown ones are left
out. A field that jobs of an earlier version may lack therefore needs a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from bot.job import Job, JobKind
from feishu.events.types import Mention, MessageReceived

Addressing = Literal["", "mention", "owner", "reply", "silent"]
"""Why a message is for the bot: it is mentioned or alone with its asker; an owner answers it; it follows up on a card
without a mention; it was overheard where the bot speaks up if it is sure. "" in jobs of an earlier version."""


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
class RefreshPayload(Payload):
    """A document on Feishu to read again, by its token and kind; without one all that the settings' links lead to are
    looked through."""

    token: str = ""
    kind: str = ""


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
    "refresh": RefreshPayload,
}


def message_from(stored: Mapping[str, Any]) -> MessageReceived:
    """A message as it was accepted."""
    return MessageReceived(**{**stored, "mentions": tuple(Mention(**mention) for mention in stored["mentions"])})
