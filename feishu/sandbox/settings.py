"""What a sandbox is made of: its apps, its people and how strictly it reads the uncertain rules."""

from dataclasses import dataclass, field
from typing import Literal

# Enough for a knowledge bot that answers in private chats and on mention. The sensitive `im:message.group_msg`
# (every group message) and `…include_bot:readonly` (mentions by bots) have to be asked for.
DEFAULT_SCOPES: tuple[str, ...] = (
    "im:message",
    "im:message:send_as_bot",
    "im:message.p2p_msg:readonly",
    "im:message.group_at_msg:readonly",
    "im:message.reactions:write_only",
    "im:resource",
    "im:chat:readonly",
    "cardkit:card:write",
    "contact:contact.base:readonly",
    "contact:user.base:readonly",
    "wiki:wiki:readonly",
    "drive:drive:readonly",
    "docx:document:readonly",
    "docs:document.content:read",
    "drive:drive.metadata:readonly",
    "bitable:app:readonly",
    "docs:document:export",
    "docs:event:subscribe",
    "application:app_slash_command:read",
    "application:app_slash_command:write",
    "docs:permission.member:retrieve",
    "docs:permission.setting:read",
    "docs:permission.member:auth",
    "im:chat.members:read",
    "contact:user.department:readonly",
    "contact:department.organize:readonly",
    "contact:department.base:readonly",
    "contact:group:readonly",
)

Transport = Literal["webhook", "websocket"]
EXAMPLES: tuple[str, ...] = ("出差回来多久内要报销？", "年假没休完可以留到明年吗？", "VPN 连不上怎么办？")
EXAMPLES_EN: tuple[str, ...] = (
    "How do I add a printer?",
    "Which errors does the Atlas API return?",
    "Who helps me find housing?",
)


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What the platform tells clients of long connections (seconds, whole numbers), and how many an app may have.

    `fragment_bytes`: larger events come in parts (the real size is not documented).
    """

    ping_interval_s: int = 120
    reconnect_count: int = -1
    reconnect_interval_s: int = 120
    reconnect_nonce_s: int = 30
    most: int = 50
    fragment_bytes: int = 65_536


@dataclass(frozen=True, slots=True)
class AppSettings:
    """One self-built app with its bot. Secrets never show in repr.

    `encrypt_key` may be empty, as in a console where none was set: what is pushed is then plain and unsigned.
    `activate_status` is 2 for a bot that is switched on and whose version is released. `subscriptions` are the events
    and callbacks that were added in the console; None is all of them. `joins_external_chats`: it may be in chats with
    people of other organisations.
    """

    app_id: str
    app_secret: str = field(repr=False)
    encrypt_key: str = field(repr=False)
    verification_token: str = field(repr=False)
    name: str = "知识库助手"
    webhook_url: str | None = None
    card_callback_url: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    activate_status: int = 2
    subscriptions: tuple[str, ...] | None = None
    transport: Transport = "webhook"
    joins_external_chats: bool = True


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The first app and the rules. Times in seconds; `redelivery_s` is multiplied by `time_scale`.

    Where the documents leave a rule open (fact sheet "open / uncertain"), a setting chooses the reading:
    `invalid_token_status`, `card_rate_code`, `put_closes_stream`, `uuid_repeat`, `max_markdown_tables`, `raw_card_in`
    (the key under which a fetched message holds its card's JSON; "" for none), `folder_members` (whether the members of
    folders can be listed), `owner_among_members` (whether the list of a document's members has its owner).
    """

    app_id: str = "cli_sandbox"
    app_secret: str = field(default="sandbox-secret", repr=False)
    encrypt_key: str = field(default="sandbox-encrypt-key", repr=False)
    verification_token: str = field(default="sandbox-verification-token", repr=False)
    webhook_url: str | None = None
    card_callback_url: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    bot_name: str = "知识库助手"
    activate_status: int = 2
    subscriptions: tuple[str, ...] | None = None
    more_apps: tuple[AppSettings, ...] = ()
    raw_card_in: Literal["", "user_card", "user_dsl", "json_card"] = "user_card"
    transport: Transport = "webhook"
    long_connection: ConnectionSettings = ConnectionSettings()
    examples: tuple[str, ...] = EXAMPLES
    examples_en: tuple[str, ...] = EXAMPLES_EN
    latency_s: float = 0.0
    redelivery_s: tuple[float, ...] = (15.0, 300.0, 3600.0, 21600.0)
    time_scale: float = 1.0
    push_timeout_s: float = 3.0
    verify_timeout_s: float = 1.0
    interaction_s: float = 0.0
    token_life_s: float = 7200.0
    invalid_token_status: Literal[200, 400] = 400
    card_rate_code: Literal[99991400, 230020] = 99991400
    put_closes_stream: bool = False
    uuid_repeat: Literal["first", "refused"] = "first"
    max_markdown_tables: int = 4
    joins_external_chats: bool = True
    folder_members: bool = False
    owner_among_members: bool = False

    def first_app(self) -> AppSettings:
        """The app that these settings describe directly."""
        return AppSettings(
            app_id=self.app_id,
            app_secret=self.app_secret,
            encrypt_key=self.encrypt_key,
            verification_token=self.verification_token,
            name=self.bot_name,
            webhook_url=self.webhook_url,
            card_callback_url=self.card_callback_url,
            scopes=self.scopes,
            activate_status=self.activate_status,
            subscriptions=self.subscriptions,
            transport=self.transport,
            joins_external_chats=self.joins_external_chats,
        )
