"""What people do with groups: open them, add and remove people and bots, dissolve them (im-v1/chat, chat-members)."""

from typing import Any

from feishu.sandbox.push import Push
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.world import App, Chat, Person

CHAT_SCOPES = {"im:chat", "im:chat:readonly", "im:chat.members:read"}


class Groups:
    """Changes who is in which group. The bots in a group hear of it. Raises Impossible for what is not there."""

    def __init__(self, platform: Platform, push: Push) -> None:
        self._platform = platform
        self._push = push

    def open(self, chat_id: str, name: str, *people: str, apps: tuple[str, ...] | None = None, **more: Any) -> Chat:
        """A new group, with every bot in it unless `apps` names them; `more` are fields of `Chat`."""
        if chat_id in self._platform.world.chats:
            raise Impossible("there is a chat with this id")
        members = [self._person(each).open_id for each in people]
        bots = list(self._platform.world.apps if apps is None else apps)
        chat = Chat(chat_id, "group", name, members, bots, **more)
        self._platform.world.chats[chat_id] = chat
        self._redraw()
        return chat

    def add(self, chat_id: str, *people: str, operator: str = "") -> None:
        """People join."""
        chat = self._group(chat_id)
        new = [self._person(each) for each in people if each not in chat.people]
        chat.people += [person.open_id for person in new]
        self._tell(chat, "im.chat.member.user.added_v1", operator, new)

    def remove(self, chat_id: str, *people: str, operator: str = "") -> None:
        """People leave, or are removed by the operator."""
        self._take_out("im.chat.member.user.deleted_v1", chat_id, people, operator)

    def withdraw(self, chat_id: str, *people: str, operator: str = "") -> None:
        """The operator takes back the invitation of people who were just added."""
        self._take_out("im.chat.member.user.withdrawn_v1", chat_id, people, operator)

    def add_bot(self, chat_id: str, app_id: str, *, operator: str = "") -> None:
        """A bot joins, and hears of that."""
        chat, app = self._group(chat_id), self._platform.world.apps[app_id]
        if app_id not in chat.apps:
            chat.apps.append(app_id)
            self._send(app, "im.chat.member.bot.added_v1", self._body(chat, operator))
        self._redraw()

    def remove_bot(self, chat_id: str, app_id: str, *, operator: str = "") -> None:
        """A bot has to leave, and hears of that."""
        chat, app = self._group(chat_id), self._platform.world.apps[app_id]
        if app_id in chat.apps:
            chat.apps.remove(app_id)
            self._send(app, "im.chat.member.bot.deleted_v1", self._body(chat, operator))
        self._redraw()

    def disband(self, chat_id: str, *, operator: str = "", keep_history: bool = False) -> None:
        """The group is dissolved. Where its members keep what was said, no bot hears of it."""
        chat = self._group(chat_id)
        chat.dissolved, chat.history_kept = True, keep_history
        if keep_history:
            self._redraw()
        else:
            self._tell(chat, "im.chat.disbanded_v1", operator)

    def _take_out(self, event_type: str, chat_id: str, people: tuple[str, ...], operator: str) -> None:
        chat = self._group(chat_id)
        gone = [self._person(each) for each in people if each in chat.people]
        was_external = self._platform.world.is_external(chat)
        for person in gone:
            chat.people.remove(person.open_id)
        self._tell(chat, event_type, operator, gone, external=was_external)

    def _tell(
        self, chat: Chat, event_type: str, operator: str, people: list[Person] | None = None, **more: Any
    ) -> None:
        """To every bot in the group; with `people`, of those that it is about."""
        body = {**self._body(chat, operator), **more}
        if people is not None:
            about = [{"name": each.name, "tenant_key": each.tenant_key, "user_id": each.ids()} for each in people]
            body["users"] = about
        if people != []:
            for app_id in chat.apps:
                self._send(self._platform.world.apps[app_id], event_type, body)
        self._redraw()

    def _body(self, chat: Chat, operator: str) -> dict[str, Any]:
        """What every event of a group says. Without an operator its owner acts, or the first person in it."""
        world = self._platform.world
        actor = world.people.get(operator or chat.owner or next(iter(chat.people), ""))
        return {
            "chat_id": chat.chat_id,
            "operator_id": actor.ids() if actor else {"union_id": "", "user_id": None, "open_id": ""},
            "external": world.is_external(chat),
            "operator_tenant_key": actor.tenant_key if actor else chat.tenant_key,
            "name": chat.name,
            "i18n_names": {"zh_cn": chat.name, "en_us": chat.name, "ja_jp": chat.name},
        }

    def _send(self, app: App, event_type: str, body: dict[str, Any]) -> None:
        if self._push.is_started and app.scopes & CHAT_SCOPES:
            self._push.event(app, event_type, body)

    def _group(self, chat_id: str) -> Chat:
        chat = self._platform.world.chats.get(chat_id)
        if chat is None or chat.kind != "group" or chat.dissolved:
            raise Impossible("no such group")
        return chat

    def _person(self, open_id: str) -> Person:
        person = self._platform.world.people.get(open_id)
        if person is None or person.is_resigned:
            raise Impossible("no such person")
        return person

    def _redraw(self) -> None:
        self._platform.journal.publish("reload")
