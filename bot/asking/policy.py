"""Which messages become work, and whom the bot refuses: kindly, once, then silently."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.settings.people import PeopleSettings
from feishu.events import MessageReceived, mentions_bot
from feishu.message_text import mentions_all


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
Refusal = Literal["not_for_you", "not_here", "quiet_hours", "too_many", "too_many_here"]


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


def refuse_by_list(message: MessageReceived, people: PeopleSettings) -> Refusal | None:
    """Whom the lists exclude. Lists of chats speak of groups."""
    who, is_group = message.sender_open_id, message.chat_type != "p2p"
    if who in people.admins:
        return None
    if who in people.deny_people or (people.allow_people and who not in people.allow_people):
        return "not_for_you"
    if not is_group:
        return None
    where = message.chat_id
    if where in people.deny_chats or (people.allow_chats and where not in people.allow_chats):
        return "not_here"
    return None


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
