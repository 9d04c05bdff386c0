"""Which messages become work, and the one place that decides who may do what, whatever it is done with: a message, a
command, a button, a form, a reaction, an entry of the menu.

`refusal` goes by lists, hours and presses, and asks nothing and nobody. How much a person may do is counted where work
is stored (`bot.inbox.acceptance`); what each deed costs stands here. A stored job is asked about again
when it runs (`refusal_of`), by the rules of that time.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.intake.commands import parse_command
from bot.job import (
    PAYLOADS,
    PRESSED_KINDS,
    AnswerPayload,
    AskPersonPayload,
    AskReasonPayload,
    Bound,
    Bounds,
    ContinuePayload,
    Job,
    MenuPayload,
    NewJob,
    PressedPayload,
    WelcomePayload,
)
from bot.settings.people import PeopleSettings
from feishu.events.text import mentions_all, mentions_bot
from feishu.events.types import MessageReceived

Forbidden = Literal["not_for_you", "not_here", "quiet_hours", "not_yours"]
Refusal = Forbidden | Bound
Deed = Literal[
    "question",
    "overheard",
    "command",
    "stop_command",
    "owner_reply",
    "file",
    "suggestion",
    "regenerate",
    "continue",
    "person",
    "menu",
    "vote",
    "reaction",
    "reason",
    "show",
    "stop",
    "approve",
    "welcome",
]
"""What somebody does: writes (`overheard` is a message of silent mode), sends a file, presses, reacts, opens a chat."""
COSTS: dict[Deed, float] = {
    "question": 1.0,
    "suggestion": 1.0,
    "regenerate": 1.0,
    "continue": 1.0,
    "file": 2.0,  # a download, a process that reads it, an index
    "command": 0.5,
    "stop_command": 0.5,
    "owner_reply": 0.5,
    "menu": 0.5,
    "person": 0.5,
    "vote": 0.2,
    "reaction": 0.2,
    "reason": 0.2,
    "show": 0.2,
    "approve": 0.2,
    "overheard": 0.1,  # a search
}
"""Of what a person may start in a minute, by its work for us and for the platform. What is not here is free, and never
refused for being too much: ⏹ makes less work, and a welcome comes once."""
SILENCED: frozenset[Deed] = frozenset(
    {"question", "overheard", "command", "owner_reply", "suggestion", "regenerate", "continue", "person"}
)
"""What makes us write something into a group, and so waits for the end of the quiet hours."""
NAMELESS = "?"
"""Stands for whoever the platform does not name: together they may do as much as one person."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """It becomes a job. `undecided`: our own open_id is not known yet, so the worker has to look at the mentions."""

    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A group's message without a mention of us: for us only when it replies to us, or in silent mode."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """It does not; `why` is a metric label."""

    why: str


Verdict = Admitted | Unaddressed | Ignored


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `person` is about to do in a chat; `asker` is who asked the question of the card that is pressed. `person`
    is "" where the platform does not say who it is; any `chat_type` but p2p is a group."""

    deed: Deed
    person: str
    chat_id: str
    chat_type: str
    asker: str = ""


class Policy:
    """Decides by the settings of this run. Pure."""

    def __init__(self, people: PeopleSettings) -> None:
        self._people = people

    def refusal(self, attempt: Attempt, at: float) -> Forbidden | None:
        """Why an attempt made at this time (seconds since the epoch) comes to nothing; None where it may be."""
        if attempt.person in self._people.admins:
            return None
        if refused := self._by_lists(attempt):
            return refused
        if not may_press(attempt.deed, attempt.person, attempt.asker, self._people):
            return "not_yours"
        is_late = attempt.deed in SILENCED and attempt.chat_type != "p2p"
        if is_late and is_quiet(self._people.quiet_hours, datetime.fromtimestamp(at)):
            return "quiet_hours"
        return None

    def priced(self, job: NewJob, attempt: Attempt) -> NewJob:
        """The job that an attempt makes: whose it is, what it costs, and within which bounds it is accepted."""
        return replace(
            job,
            asker=attempt.person or NAMELESS,
            chat_id=attempt.chat_id,
            cost=COSTS.get(attempt.deed, 0.0),
            bounds=self._bounds(attempt),
        )

    def _bounds(self, attempt: Attempt) -> Bounds | None:
        people = self._people
        if attempt.person in people.admins or attempt.deed not in COSTS:
            return None
        if attempt.chat_type == "p2p":  # there the chat is the person
            return Bounds(person_per_min=people.person_per_min, person_waiting=people.person_waiting)
        return Bounds(people.person_per_min, people.chat_per_min, people.person_waiting, people.chat_waiting)

    def _by_lists(self, attempt: Attempt) -> Forbidden | None:
        """Whom the lists exclude. Lists of chats speak of groups; a group is welcomed whoever added us to it."""
        people, who, is_group = self._people, attempt.person, attempt.chat_type != "p2p"
        is_shut_out = who in people.deny_people or (people.allow_people and who not in people.allow_people)
        if is_shut_out and not (is_group and attempt.deed == "welcome"):
            return "not_for_you"
        if not is_group:
            return None
        where = attempt.chat_id
        if where in people.deny_chats or (people.allow_chats and where not in people.allow_chats):
            return "not_here"
        return None


def judge(message: MessageReceived, *, bot_open_id: str | None, answer_at_all: bool = False) -> Verdict:
    """Decides without I/O. Other bots' messages are delivered where the app has a scope with `include_bot`; none of
    them gets an answer, whomever it mentions, so that two bots cannot keep each other talking. Ours neither, whatever
    the platform calls its sender."""
    if message.sender_type != "user" or (bot_open_id and message.sender_open_id == bot_open_id):
        return Ignored("not_a_person")
    if message.chat_type == "p2p":
        return Admitted()
    if answer_at_all and mentions_all(message):
        return Admitted()
    if message.mentions and bot_open_id is None:
        return Admitted(undecided=True)
    if bot_open_id is not None and mentions_bot(message, bot_open_id):
        return Admitted()
    return Unaddressed()


def deed_of(message: MessageReceived, text: str, heard: str) -> Deed:
    """What somebody does who writes this; `text` is without the mention of us, `heard` why it is for us."""
    if heard == "silent":
        return "overheard"
    if (command := parse_command(text)) and command.kind != "summary":
        return "stop_command" if command.kind == "stop" else "command"
    if heard == "owner":
        return "owner_reply"
    return "file" if message.message_type == "file" and message.chat_type == "p2p" else "question"


def is_quiet(hours: str, now: datetime) -> bool:
    """Whether `now` lies within hours like 22:00-07:30."""
    found = re.fullmatch(r"(\d+):(\d+)-(\d+):(\d+)", hours)
    if not found:
        return False
    numbers = [int(number) for number in found.groups()]
    begin, end, at = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3], now.hour * 60 + now.minute
    return begin <= at < end if begin <= end else at >= begin or at < end


def may_press(kind: str, presser: str, asker: str, people: PeopleSettings) -> bool:
    """Who may regenerate or continue and who may stop; every other button is everybody's."""
    writes = people.regenerate_by
    rule = {"regenerate": writes, "continue": writes, "stop": people.stop_by}.get(kind, "everyone")
    return rule == "everyone" or presser == asker or presser in people.admins


def refusal_of(job: Job, policy: Policy) -> Forbidden | None:
    """Why a job may not be done, by the rules of now and the hour at which it was accepted."""
    attempt = attempt_of(job)
    return policy.refusal(attempt, job.created_at) if attempt else None


def attempt_of(job: Job) -> Attempt | None:
    """None for work that nobody has to be allowed: a redraw, a recall, a refusal, the weekly card, a look at documents;
    and where the last version stored too little of it."""
    payload = PAYLOADS[job.kind].of(job)
    match payload:
        case AnswerPayload(message=message):
            return Attempt("question", message.sender_open_id, message.chat_id, message.chat_type)
        case PressedPayload(by=by):
            deed: Deed = "continue" if isinstance(payload, ContinuePayload) else "regenerate"
            return Attempt(deed, by, job.chat_id, payload.chat_type, payload.asker or by)
        case AskPersonPayload():
            return Attempt("person", job.asker, job.chat_id, payload.chat_type) if job.asker else None
        case AskReasonPayload():
            return Attempt("reason", payload.open_id, payload.chat_id, payload.chat_type)
        case WelcomePayload():
            return Attempt("welcome", payload.person, payload.chat_id, payload.chat_type)
        case MenuPayload():
            return Attempt("menu", payload.open_id, "", "p2p")
        case _:
            return None


def is_begun(job: Job) -> bool:
    """Whether there is a card by now that the job has to close, whatever becomes of it."""
    return job.is_resumed if job.kind in PRESSED_KINDS else bool(job.turn_id)
