"""What people do in their clients: write, react, recall."""

import re
from typing import Any

from feishu.sandbox.platform import Heard, Platform
from feishu.sandbox.push import Push
from feishu.sandbox.world import Chat, Message, World, compact


class Impossible(ValueError):
    """A person cannot do that: unknown chat, not a member, no such message."""


class Hands:
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
        """Post a message as a person. Names written as `@Name` become mentions; `mention` adds open ids in front.

        `in_thread` opens a topic under `reply_to`. `content` is the raw content string for any other kind (or for
        odd text contents). Raises Impossible.
        """
        world = self._platform.world
        chat = self._chat(chat_id, sender)
        ahead = [*mention, *([world.apps[chat.apps[0]].open_id] if mention_bot and chat.apps else [])]
        text, mentions = marked(world, chat, text, ahead)
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
        if reply_to:
            parent = world.messages.get(reply_to)
            if parent is None or parent.chat_id != chat_id:
                raise Impossible("no such message to reply to")
            message.parent_id, message.root_id = reply_to, parent.root_id or reply_to
            if in_thread and not parent.thread_id:
                parent.thread_id = world.new_id("omt_")
            message.thread_id = parent.thread_id
        self._platform.deliver(message)
        return message, list(self._platform.verdicts.pop(message.message_id, ()))

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


def marked(world: World, chat: Chat, text: str, ahead: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """Text with placeholders `@_user_1` for mentions, and the mentions (im-v1/message/events/receive)."""
    text = "".join(f"@{world.name_of(member)} " for member in ahead) + text
    names = {world.name_of(member): member for member in world.members(chat)}
    mentions: list[dict[str, Any]] = []

    def placeholder(found: "re.Match[str]") -> str:
        member = names[found[1]]
        known = next((m for m in mentions if m["id"]["open_id"] == member), None)
        if known is None:
            key = f"@_user_{len(mentions) + 1}"
            person = world.people.get(member)
            ids = {"open_id": member, "union_id": person.union_id if person else "", "user_id": None}
            kind = "user" if person else "bot"
            known = {"key": key, "id": ids, "mentioned_type": kind, "name": found[1], "tenant_key": "sandbox_tenant"}
            mentions.append(known)
        return str(known["key"])

    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(f"@({pattern})", placeholder, text).replace("@所有人", "@_all"), mentions
