"""What people do in their clients: write, edit, forward, react, recall; and what other apps' bots write."""

import base64
import gzip
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feishu.sandbox.push import Push
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.rules.contents import MAX_EDITS, text_mentions
from feishu.sandbox.rules.platform import Heard, Platform
from feishu.sandbox.settings import AppSettings
from feishu.sandbox.world import PENDING, Card, Chat, Message, World, compact


class PeopleActions:
    """The people's side of the platform."""

    def __init__(self, platform: Platform, push: Push) -> None:
        self._platform = platform
        self._push = push

    def write(
        self,
        chat_id: str,
        sender: str,
        text: str = "",
        *,
        mention_bot: bool = False,
        mention: tuple[str, ...] = (),
        reply_to: str | None = None,
        in_thread: bool = False,
        kind: str = "text",
        content: str | None = None,
    ) -> tuple[Message, list[Heard]]:
        """Post a message as a person. Names written as `@Name` become mentions (in a rich text, too); `mention` adds
        open ids in front of a text.

        `in_thread` opens a topic under `reply_to`. `content` is the raw content string for any other kind (or for
        odd text contents). Raises Impossible.
        """
        world = self._platform.world
        chat = self._chat(chat_id, sender)
        ahead = [*mention, *([world.apps[chat.apps[0]].open_id] if mention_bot and chat.apps else [])]
        text, mentions = marked(world, chat, text, ahead)
        if kind == "post" and content is not None:
            content, mentions = marked_post(world, chat, content)
        message = Message(
            world.new_id("om_"),
            chat_id,
            sender,
            "user",
            kind,
            compact({"text": text}) if content is None else content,
            self._platform.now(),
            mentions=mentions,
        )
        if kind == "interactive":  # somebody's card, sent on
            message.card = card_in(message.content)
        if reply_to:
            parent = world.messages.get(reply_to)
            if parent is None or parent.chat_id != chat_id:
                raise Impossible("no such message to reply to")
            began = parent.thread_id
            world.put_below(message, parent, in_thread=in_thread)
            if parent.thread_id != began:
                self._platform.show(parent)
        elif chat.topics:
            message.thread_id = world.new_id("omt_")
        self._platform.deliver(message)
        return message, list(self._platform.verdicts.pop(message.message_id, ()))

    def forward(self, chat_id: str, sender: str, message_ids: tuple[str, ...]) -> tuple[Message, list[Heard]]:
        """Several messages as one merged forward, from chats this person is in. Raises Impossible."""
        world = self._platform.world
        chat = self._chat(chat_id, sender)
        found = [world.messages.get(each) for each in message_ids]
        if not found or not all(each and not each.recalled and self._chat(each.chat_id, sender) for each in found):
            raise Impossible("these messages cannot be forwarded")
        fixed = compact({"content": "Merged and Forwarded Message"})
        now, message_id = self._platform.now(), world.new_id("om_")
        message = Message(message_id, chat_id, sender, "user", "merge_forward", fixed, now, forwarded=message_ids)
        message.thread_id = world.new_id("omt_") if chat.topics else ""
        self._platform.deliver(message)
        return message, list(self._platform.verdicts.pop(message.message_id, ()))

    def edit(self, message_id: str, operator: str, *, text: str = "", content: str | None = None) -> None:
        """Change the words of one's own text or post. The platform has no event for that: no bot hears of it."""
        message = self._own(message_id, operator)
        world, chat = self._platform.world, self._platform.world.chats[message.chat_id]
        if message.recalled or message.message_type not in ("text", "post") or message.edits >= MAX_EDITS:
            raise Impossible("this message cannot be edited")
        if message.message_type == "post":
            if content is None:
                raise Impossible("a rich text needs content")
            message.content, message.mentions = marked_post(world, chat, content)
        else:
            text, message.mentions = marked(world, chat, text, [])
            message.content = compact({"text": text})
        message.edits, message.updated_at = message.edits + 1, self._platform.now()
        self._platform.show(message)
        self._platform.note("edited", "the platform has no event for edits", message_id=message_id)

    def recall(self, message_id: str, operator: str) -> None:
        """Take one's own message back."""
        message = self._own(message_id, operator)
        message.recalled = True
        self._platform.show(message)
        body = {
            "message_id": message_id,
            "chat_id": message.chat_id,
            "recall_time": str(int(self._platform.now() * 1000)),
            "recall_type": "message_owner",
        }
        self._tell(message, "im.message.recalled_v1", body)

    def react(self, message_id: str, operator: str, emoji: str, *, remove: bool = False) -> None:
        """Add or remove an emoji reaction."""
        message = self._platform.world.messages.get(message_id)
        if message is None:
            raise Impossible("no such message")
        self._chat(message.chat_id, operator)
        mine = [
            r
            for r in message.reactions
            if r["operator"]["operator_id"] == operator and r["reaction_type"]["emoji_type"] == emoji
        ]
        if remove:
            message.reactions = [r for r in message.reactions if r not in mine]
        elif not mine:
            message.reactions.append(
                {
                    "reaction_id": self._platform.world.new_id("re_"),
                    "operator": {"operator_id": operator, "operator_type": "user"},
                    "reaction_type": {"emoji_type": emoji},
                    "action_time": str(int(self._platform.now() * 1000)),
                }
            )
        self._platform.show(message)
        body = {
            "message_id": message_id,
            "reaction_type": {"emoji_type": emoji},
            "operator_type": "user",
            "user_id": {
                "open_id": operator,
                "union_id": self._platform.world.people[operator].union_id,
                "user_id": None,
            },
            "action_time": str(int(self._platform.now() * 1000)),
        }
        self._tell(message, f"im.message.reaction.{'deleted' if remove else 'created'}_v1", body)

    def _tell(self, message: Message, event_type: str, body: dict[str, Any]) -> None:
        for app_id in self._platform.world.chats[message.chat_id].apps:
            self._push.event(self._platform.world.apps[app_id], event_type, body)

    def _chat(self, chat_id: str, person: str) -> Chat:
        chat = self._platform.world.chats.get(chat_id)
        if chat is None or person not in chat.people:
            raise Impossible("no such chat for this person")
        return chat

    def _own(self, message_id: str, operator: str) -> Message:
        message = self._platform.world.messages.get(message_id)
        if message is None or message.sender_id != operator:
            raise Impossible("not this person's message")
        return message


def write_as_bot(
    platform: Platform, app_id: str, chat_id: str, content: str, *, kind: str = "text", reply_to: str = ""
) -> Message:
    """Post a message as an app's bot, without its token: as a bot does whose program nobody here has. A text mentions
    by `<at user_id="ou_…"></at>`; the content of a card is its JSON. Raises KeyError for an unknown app or message."""
    world = platform.world
    app = world.apps[app_id]
    message = Message(world.new_id("om_"), chat_id, app.app_id, "app", kind, content, platform.now())
    if kind == "interactive":
        message.card = card_in(content)
    else:
        message.mentions = text_mentions(world, content)
    if reply_to:
        world.put_below(message, world.messages[reply_to], in_thread=False)
    platform.deliver(message)
    return message


def card_in(content: str) -> Card | None:
    """The card of a message's content, None where it holds none."""
    try:
        card = orjson.loads(content)
    except ValueError:
        return None
    return card if isinstance(card, dict) and {"elements", "body"} & card.keys() else None


def marked(world: World, chat: Chat, text: str, ahead: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """Text with placeholders `@_user_1` for mentions, and the mentions (im-v1/message/events/receive)."""
    text = "".join(f"@{world.name_of(member)} " for member in ahead) + text
    mentions: list[dict[str, Any]] = []
    parts = (_mentioned(world, part, mentions) for part in _split(world, chat, text))
    return "".join(parts).replace("@所有人", "@_all"), mentions


def marked_post(world: World, chat: Chat, content: str) -> tuple[str, list[dict[str, Any]]]:
    """A rich text whose text nodes have `at` nodes in place of `@Name`; content that is no rich text stays as it is."""
    try:
        post = orjson.loads(content)
        written = {
            key: [list(paragraph) for paragraph in post[key]] for key in ("content", "content_v2") if key in post
        }
    except (ValueError, TypeError, KeyError):
        return content, []
    mentions: list[dict[str, Any]] = []
    for key, paragraphs in written.items():
        post[key] = [[run for node in each for run in _runs(world, chat, node, mentions)] for each in paragraphs]
    return compact(post), mentions


def _runs(world: World, chat: Chat, node: Any, mentions: list[dict[str, Any]]) -> list[Any]:
    if not isinstance(node, dict) or node.get("tag") not in ("text", "md") or not isinstance(node.get("text"), str):
        return [node]
    if node["tag"] == "md":
        parts = [(part, _mentioned(world, part, mentions)) for part in _split(world, chat, node["text"])]
        tags = [f'<at user_id="{key}">{world.name_of(part[1:])}</at>' if part != key else part for part, key in parts]
        return [{**node, "text": "".join(tags)}]
    runs: list[Any] = []
    for part in _split(world, chat, node["text"]):
        if part.startswith("\0"):
            placeholder = _mentioned(world, part, mentions)
            runs.append({"tag": "at", "user_id": placeholder, "user_name": world.name_of(part[1:])})
        elif part:
            runs.append({**node, "text": part})
    return runs


def _split(world: World, chat: Chat, text: str) -> list[str]:
    """Text cut at `@Name`; a mention is a part of NUL and the member's id."""
    names = {world.name_of(member): member for member in world.members(chat)}
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    parts = re.split(f"@({pattern})", text.replace("\0", ""))
    return [("\0" + names[part] if index % 2 else part) for index, part in enumerate(parts)]


def _mentioned(world: World, part: str, mentions: list[dict[str, Any]]) -> str:
    """The placeholder of a mention, which is noted; other parts as they are."""
    if not part.startswith("\0"):
        return part
    member = part[1:]
    known = next((m for m in mentions if m["id"]["open_id"] == member), None)
    if known is None:
        key = f"@_user_{len(mentions) + 1}"
        person = world.people.get(member)
        ids = {"open_id": member, "union_id": person.union_id if person else "", "user_id": None}
        kind, name = "user" if person else "bot", world.name_of(member)
        known = {"key": key, "id": ids, "mentioned_type": kind, "name": name, "tenant_key": world.tenant_of(member)}
        mentions.append(known)
    return str(known["key"])


def confirm_app(world: World, link: str) -> AppSettings:
    """Makes the app with the name, scopes, events and callbacks that the link asks for. Raises KeyError for a link that
    is none, or is used up."""
    query = parse_qs(urlsplit(link).query)
    device = query["user_code"][0]
    if world.registrations[device] != PENDING:
        raise KeyError(device)
    packed = query["addons"][0]
    wanted = orjson.loads(gzip.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))
    made = AppSettings(
        app_id=f"cli_{secrets.token_hex(8)}",
        app_secret=secrets.token_urlsafe(16),
        encrypt_key="",
        verification_token=secrets.token_urlsafe(16),
        name=query["name"][0],
        scopes=tuple(wanted["scopes"]["tenant"]),
        subscriptions=(*wanted["events"]["items"]["tenant"], *wanted["callbacks"]["items"]),
    )
    world.register(made)
    world.registrations[device] = made
    return made


def refuse_app(world: World, link: str) -> None:
    """The person says no."""
    world.registrations[parse_qs(urlsplit(link).query)["user_code"][0]] = "access_denied"
