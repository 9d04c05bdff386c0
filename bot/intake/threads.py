"""What people said in a topic, in a merged forward, or in messages that reply to each other; to be summed up.

Only what stands in the chat where it is asked for: a topic of that chat, what was forwarded into it, messages of it.
Nothing of it is stored.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from bot.intake.bot_identity import Identity
from bot.intake.commands import parse_command
from bot.intake.forwarded import Item, as_message, fetched_items, file_name, is_our_card, unread_of, words_of
from bot.intake.user_names import UserNames
from bot.models import LeftOut, Turn
from bot.texts import Texts
from feishu.api.availability import is_outage
from feishu.api.messages import Messages
from feishu.errors import ApiError, FeishuError
from feishu.events.text import image_keys, text_of
from feishu.events.types import MessageReceived
from feishu.visible_text import visible_text

log = structlog.get_logger(__name__)

ThreadKind = Literal["topic", "forward", "replies"]
Unreadable = Literal["nowhere", "gone", "no_scope", "empty"]
MOST_PAGES = 20
MOST_MESSAGES = 200
"""Of a long topic the newest are read; up to `MOST_PAGES` the older ones are at least counted."""
MOST_ABOVE = 30
MOST_FETCHED = 10
"""Forwards and cards within a topic that are fetched one by one."""
MESSAGE_CHARS = 2_000
NAME_CHARS = 40
SCOPE_CODES = (99991672, 230027)


class ThreadUnreadable(Exception):
    """There is nothing to sum up; `why` says what stood in the way."""

    def __init__(self, why: Unreadable) -> None:
        super().__init__(why)
        self.why: Unreadable = why


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message: when (seconds since the epoch), by whom (a name that nobody else there has), and its words."""

    at: float
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, its oldest message first. `earlier` counts messages before them that are left out; with
    `earlier_at_least` there may be more of them. `left_out` is what in it is no words, or ours."""

    kind: ThreadKind
    said: tuple[Utterance, ...]
    earlier: int = 0
    earlier_at_least: bool = False
    left_out: tuple[LeftOut, ...] = ()

    @property
    def people(self) -> Counter[str]:
        """Who wrote how many of the messages."""
        return Counter(each.who for each in self.said)

    def newest(self, count: int) -> "Thread":
        """The same with no more than that many messages."""
        cut = max(0, len(self.said) - count)
        return replace(self, said=self.said[cut:], earlier=self.earlier + cut) if cut else self

    @property
    def not_read(self) -> tuple[LeftOut, ...]:
        """All that is missing, for the card."""
        if not self.earlier:
            return self.left_out
        what = "earlier_at_least" if self.earlier_at_least else "earlier"
        return (LeftOut(what, "too_many", count=self.earlier), *self.left_out)


@dataclass(frozen=True, slots=True)
class _Found:
    """Messages as the platform gives them, the oldest first."""

    kind: ThreadKind
    messages: tuple[MessageReceived, ...]
    is_cut: bool = False


class ThreadReader:
    """Reads the conversation that a `/summary` means. Raises `ThreadUnreadable`; of the platform's errors only those of
    an outage, to be tried again (`FeishuError`)."""

    def __init__(self, messages: Messages, names: UserNames, identity: Identity) -> None:
        self._messages = messages
        self._names = names
        self._identity = identity

    async def read(self, turn: Turn, wording: Texts) -> Thread:
        """The topic of the turn's question; outside of one what the question replies to."""
        try:
            found = await self._found(turn)
            return await self._thread(turn, found, wording)
        except FeishuError as error:
            if is_outage(error):
                raise
            lacks_scope = isinstance(error, ApiError) and error.code in SCOPE_CODES
            log.warning("thread_not_read", lacks_scope=lacks_scope, reason=str(error))
            raise ThreadUnreadable("no_scope" if lacks_scope else "gone") from error

    async def last_of_topic(self, turn: Turn, wording: Texts, count: int) -> tuple[Utterance, ...]:
        """The last messages before the turn's question in its topic; none where it stands in none, or where they
        cannot be read: they are a courtesy."""
        topic = _topic_of(turn)
        if not topic:
            return ()
        try:
            found = await self._topic(topic, pages=1)
            found = replace(found, messages=tuple(_before(found.messages, turn)))
            thread = await self._thread(turn, found, wording, most=count)
        except (FeishuError, ThreadUnreadable) as error:
            log.info("topic_not_read", reason=str(error))
            return ()
        return thread.said

    async def _found(self, turn: Turn) -> _Found:
        topic = _topic_of(turn)
        return await self._topic(topic) if topic else await self._above(turn)

    async def _topic(self, thread_id: str, *, pages: int = MOST_PAGES) -> _Found:
        found: dict[str, MessageReceived] = {}
        token = ""
        for _ in range(pages):
            reply = await self._messages.newest_of_thread(thread_id, page_token=token)
            for item in _items(reply.get("items")):
                found.setdefault(str(item.get("message_id")), _message(item))
            token = str(reply.get("page_token") or "") if reply.get("has_more") else ""
            if not token:
                break
        newest_first = sorted(found.values(), key=lambda each: each.created_at, reverse=True)
        return _Found("topic", tuple(newest_first[::-1]), is_cut=bool(token))

    async def _above(self, turn: Turn) -> _Found:
        """What the question replies to, what that replies to, and so on; the topic, where one of them is in one."""
        asked = await fetched_items(self._messages, turn.question_message_id)
        wanted = str(asked[0].get("parent_id") or "") if asked else ""
        if not wanted:
            raise ThreadUnreadable("nowhere" if asked else "gone")
        above: list[MessageReceived] = []
        while wanted and len(above) < MOST_ABOVE:
            item = next(iter(await fetched_items(self._messages, wanted)), {})
            message = _message(item)
            if item.get("deleted") or not message.message_type or message.chat_id != turn.chat_id:
                break
            if message.thread_id:
                return await self._topic(message.thread_id)
            above.append(message)
            wanted = message.parent_id
        if not above:
            raise ThreadUnreadable("gone")
        has_forward = any(each.message_type == "merge_forward" for each in above)
        if len(above) == 1 and not has_forward:
            raise ThreadUnreadable("nowhere")
        return _Found("forward" if len(above) == 1 else "replies", tuple(reversed(above)), is_cut=bool(wanted))

    async def _thread(self, turn: Turn, found: _Found, wording: Texts, most: int = MOST_MESSAGES) -> Thread:
        here = [each for each in found.messages if each.chat_id == turn.chat_id]
        theirs = [each for each in here if not self._is_ours(turn, each)]
        ours = sum(self._is_ours(turn, each) for each in _before(here, turn))
        spoken = [each for each in theirs if self._is_spoken(each) and each.message_id != turn.question_message_id]
        opened = await self._opened(spoken[-most:])
        whole = [each for each in opened if not (is_our_card(each) or self._is_ours(turn, each))]
        ours += len(opened) - len(whole)
        messages = whole[-most:]
        called = await self._called(messages, wording)
        said = [Utterance(each.created_at, called[each.sender_open_id], _words(each, wording)) for each in messages]
        heard = tuple(each for each in said if each.words)
        if not heard:
            raise ThreadUnreadable("empty")
        if found.kind == "replies" and len(heard) == 1:
            raise ThreadUnreadable("nowhere")
        left_out = unread_of(messages, why="words_only")
        if ours:
            left_out = (*left_out, LeftOut("ours", "not_summed_up", count=ours))
        earlier = len(spoken[:-most]) + len(whole[:-most])
        return Thread(found.kind, heard, earlier or int(found.is_cut), found.is_cut, left_out)

    def _is_spoken(self, message: MessageReceived) -> bool:
        """Whether somebody said something: not what was taken back, and no command to us."""
        if message.message_type in ("deleted", "system", ""):
            return False
        known = self._identity.known
        words = text_of(message, bot_open_id=known.open_id if known else "") if message.message_type == "text" else ""
        return not (words.startswith(("/", "／")) and parse_command(words))

    def _is_ours(self, turn: Turn, message: MessageReceived) -> bool:
        known = self._identity.known
        return message.sender_open_id in (turn.app_id, known.open_id if known else turn.app_id)

    async def _opened(self, messages: Sequence[MessageReceived]) -> list[MessageReceived]:
        """The messages, with what was forwarded in their place and cards as they are; the newest first get that."""
        opened: list[list[MessageReceived]] = []
        left = MOST_FETCHED
        for message in reversed(messages):
            is_closed = message.message_type in ("merge_forward", "interactive")
            if not is_closed or not left:
                opened.append([message])
                continue
            left -= 1
            opened.append(await self._fetched(message))
        return [each for some in reversed(opened) for each in some]

    async def _fetched(self, message: MessageReceived) -> list[MessageReceived]:
        """A forward's messages, or a card with its words; the message itself where it is gone."""
        try:
            items = await fetched_items(self._messages, message.message_id)
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("message_not_fetched", reason=str(error))
            return [message]
        if message.message_type == "interactive":
            return [_message(items[0])] if items else [message]
        parents = {str(item.get("upper_message_id") or "") for item in items}
        children = [_message(item) for item in items if item.get("upper_message_id")]
        return [each for each in children if each.message_id not in parents and self._is_spoken(each)]

    async def _called(self, messages: Iterable[MessageReceived], wording: Texts) -> dict[str, str]:
        """Sender → a name that no other has. Where the platform tells none, one by which somebody mentioned them."""
        mentioned = {each.open_id: each.name for message in messages for each in message.mentions if each.open_id}
        called: dict[str, str] = {}
        for message in messages:
            sender = message.sender_open_id
            if sender in called:
                continue
            is_person = message.sender_type == "user"
            name = (await self._names.of(sender) if is_person else "") or mentioned.get(sender, "")
            name = " ".join(visible_text(name).split())[:NAME_CHARS]
            if not name:
                name = (wording.thread_person if is_person else wording.thread_bot).format(number=len(called) + 1)
            called[sender] = f"{name} ({len(called) + 1})" if name in called.values() else name
        return called


def _before(messages: Sequence[MessageReceived], turn: Turn) -> Sequence[MessageReceived]:
    """Those before the turn's question; all where it is not among them."""
    ids = [each.message_id for each in messages]
    return messages[: ids.index(turn.question_message_id)] if turn.question_message_id in ids else messages


def _topic_of(turn: Turn) -> str:
    return turn.conversation.partition("/")[2]


def _items(found: object) -> list[Item]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _message(item: Item) -> MessageReceived:
    """One message as the API gives it, with its own time."""
    at = str(item.get("create_time") or "0")
    message = as_message(item)
    kind = "deleted" if item.get("deleted") else message.message_type
    return replace(message, created_at=int(at) / 1000 if at.isdecimal() else 0.0, message_type=kind)


def _words(message: MessageReceived, wording: Texts) -> str:
    """What a message says, with a mark for what in it is not read."""
    words = words_of(message)[:MESSAGE_CHARS]
    if message.message_type == "file":
        return wording.thread_file.format(name=file_name(message))
    if message.message_type == "image" or image_keys(message):
        return f"{words} {wording.thread_picture}".strip()
    return words or (wording.thread_other if message.message_type not in ("text", "post") else "")
