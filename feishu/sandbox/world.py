"""The state of the platform: apps, people, chats, messages, card entities, tokens. No rules here."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from feishu.sandbox.organisation import ROOT, ContactRange, Organisation
from feishu.sandbox.settings import AppSettings, SandboxSettings, Transport

TENANT_KEY = "sandbox_tenant"
PENDING = "authorization_pending"
Card = dict[str, Any]


@dataclass(slots=True)
class App:
    """A registered app and its bot."""

    settings: AppSettings
    open_id: str
    webhook_url: str | None
    card_callback_url: str | None
    scopes: set[str]
    transport: Transport
    contact_range: ContactRange | None = None
    """What it may see of the organisation; None is all."""

    @property
    def app_id(self) -> str:
        return self.settings.app_id

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def is_on(self) -> bool:
        """Whether its bot is switched on and released."""
        return self.settings.activate_status == 2

    def hears(self, event_type: str) -> bool:
        """Whether an event or callback was added in the console."""
        return self.settings.subscriptions is None or event_type in self.settings.subscriptions


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a Feishu client. Ids are the same for every app here (on the platform each app sees its own).

    `departments` are those that they are in directly. Whoever is of another tenant comes from outside.
    """

    open_id: str
    name: str
    user_id: str
    union_id: str
    tenant_key: str = TENANT_KEY
    departments: tuple[str, ...] = (ROOT,)
    is_resigned: bool = False

    @property
    def is_external(self) -> bool:
        """Of another organisation."""
        return self.tenant_key != TENANT_KEY

    def ids(self) -> dict[str, str | None]:
        """As events name people; the user id needs a scope that nobody asks for."""
        return {"union_id": self.union_id, "user_id": None, "open_id": self.open_id}


@dataclass(slots=True)
class Chat:
    """A group, or the private chat of one person with one bot. In a group of `topics` each message opens a topic.

    `is_restricted`: in secret mode nothing may be copied, forwarded or downloaded. Whoever dissolves a group may let
    its members keep what was said (`history_kept`).
    """

    chat_id: str
    kind: Literal["group", "p2p"]
    name: str
    people: list[str]
    apps: list[str]
    at_all_allowed: bool = False
    dissolved: bool = False
    topics: bool = False
    tenant_key: str = TENANT_KEY
    tag: str = "inner"
    is_restricted: bool = False
    history_kept: bool = False
    owner: str = ""


@dataclass(slots=True)
class Frame:
    """One accepted write to a card entity."""

    at: float
    operation: str
    sequence: int
    element_id: str = ""
    content: str = ""


@dataclass(slots=True)
class Entity:
    """A CardKit card entity. Times in epoch seconds."""

    card_id: str
    app_id: str
    card: Card
    created_at: float
    sequence: int = 0
    streaming: bool = False
    streaming_opened_at: float = 0.0
    timed_out: bool = False
    told_timeout: bool = False
    message_id: str | None = None
    interacting_until: float = 0.0
    interactions: int = 0
    uuids: dict[str, str] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)


@dataclass(slots=True)
class Message:
    """A message. `content` is the JSON string as sent; `card` the raw card as now shown (entities keep their own)."""

    message_id: str
    chat_id: str
    sender_id: str
    sender_type: Literal["user", "app"]
    message_type: str
    content: str
    created_at: float
    root_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    mentions: list[dict[str, Any]] = field(default_factory=list)
    card: Card | None = None
    card_id: str | None = None
    visible_to: str | None = None
    recalled: bool = False
    updated_at: float = 0.0
    edits: int = 0
    reactions: list[dict[str, Any]] = field(default_factory=list)
    delivery: str = ""
    forwarded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """An image or a file somebody uploaded; `owner` is an app id or an open id."""

    key: str
    kind: Literal["image", "file"]
    name: str
    content: bytes
    owner: str
    media_type: str = "application/octet-stream"


@dataclass(slots=True)
class Token:
    """A tenant access token."""

    value: str
    app_id: str
    expires_at: float


class World:
    """Everything that exists, by id."""

    def __init__(self, settings: SandboxSettings, now: Callable[[], float]) -> None:
        self.settings = settings
        self.now = now
        self._numbers = itertools.count(1)
        self.apps: dict[str, App] = {}
        self.people: dict[str, Person] = {}
        self.organisation = Organisation()
        self.chats: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        self.entities: dict[str, Entity] = {}
        self.uploads: dict[str, Upload] = {}
        self.tokens: dict[str, Token] = {}
        self.registrations: dict[str, AppSettings | str] = {}
        """Links that make an app: the app once it is made, until then the flow's error."""
        self.slash_commands: dict[str, dict[str, dict[str, Any]]] = {}
        self.update_tokens: dict[str, tuple[str, float, int]] = {}
        for open_id, name in (("ou_linxiaoman", "林小满"), ("ou_zhouming", "周明")):
            self.people[open_id] = Person(open_id, name, open_id[3:], "on_" + open_id[3:])
        self.chats["oc_product"] = Chat("oc_product", "group", "产品研发群", list(self.people), [])
        self.chats["oc_newcomers"] = Chat(
            "oc_newcomers", "group", "新人答疑（话题群）", list(self.people), [], topics=True
        )
        for app in (settings.first_app(), *settings.more_apps):
            self.register(app)

    def register(self, settings: AppSettings) -> App:
        """Install an app: its bot joins the groups and gets a private chat with each person."""
        open_id = f"ou_bot_{settings.app_id.removeprefix('cli_')}"
        urls = settings.webhook_url, settings.card_callback_url
        app = App(settings, open_id, *urls, set(settings.scopes), settings.transport)
        self.apps[app.app_id] = app
        for chat in self.chats.values():
            if chat.kind == "group":
                chat.apps.append(app.app_id)
        for person in self.people.values():
            self.private_chat(app, person.open_id)
        return app

    def private_chat(self, app: App, open_id: str) -> Chat:
        """The private chat of a person and a bot, made when there is none."""
        chat_id = f"oc_p2p_{app.app_id.removeprefix('cli_')}_{open_id.removeprefix('ou_')}"
        if chat_id not in self.chats:
            self.chats[chat_id] = Chat(chat_id, "p2p", app.name, [open_id], [app.app_id])
        return self.chats[chat_id]

    def new_id(self, prefix: str) -> str:
        """A fresh id like `om_0000000012`."""
        return f"{prefix}{next(self._numbers):010d}"

    def new_card_id(self) -> str:
        """Digits only, at most 20 (cardkit-v1/card/create)."""
        return f"7{next(self._numbers):018d}"

    def app_by_bot(self, open_id: str) -> App | None:
        """The app whose bot has this open id."""
        return next((app for app in self.apps.values() if app.open_id == open_id), None)

    def name_of(self, member_id: str) -> str:
        """Display name of a person (open id), bot (open id) or app (app id)."""
        if member_id in self.people:
            return self.people[member_id].name
        app = self.apps.get(member_id) or self.app_by_bot(member_id)
        return app.name if app else member_id

    def tenant_of(self, member_id: str) -> str:
        """The tenant of a person; bots belong to the tenant that installed them."""
        return self.people[member_id].tenant_key if member_id in self.people else TENANT_KEY

    def is_external(self, chat: Chat) -> bool:
        """Whether people of another organisation are in a chat."""
        return any(self.tenant_of(each) != chat.tenant_key for each in chat.people)

    def put_below(self, message: Message, parent: Message, *, in_thread: bool) -> None:
        """Make a message a reply. A reply to a message of a topic always goes into the topic."""
        message.parent_id, message.root_id = parent.message_id, parent.root_id or parent.message_id
        if in_thread or parent.thread_id:
            parent.thread_id = parent.thread_id or self.new_id("omt_")
            message.thread_id = parent.thread_id

    def seen_parent(self, message: Message) -> str:
        """`parent_id` as the API tells it: inside of a topic that is always its root (im-v1/message/intro)."""
        return message.root_id if message.thread_id else message.parent_id

    def shown_card(self, message: Message) -> Card | None:
        """The card as a person sees it now."""
        return self.entities[message.card_id].card if message.card_id else message.card

    def members(self, chat: Chat) -> list[str]:
        """Open ids of the people and bots in a chat."""
        return [*chat.people, *(self.apps[app_id].open_id for app_id in chat.apps)]


def compact(value: Any) -> str:
    """JSON as short as it gets, with non-ASCII kept: what sizes are measured on."""
    return orjson.dumps(value).decode()
