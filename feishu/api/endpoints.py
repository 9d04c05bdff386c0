"""The platform's API calls we make: path, budget, and when a call may be sent a second time.

Budgets: standard tier, 50/s and 1000/min for each API, app and tenant (open.feishu.cn/document
api-call-guide/frequency-control). The limits of one chat, person, message or card are not here: see
`feishu.ratelimit.Lanes`, `feishu.streaming.stream.CardStream`.
"""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

from feishu.errors import InvalidRequest


class Retry(Enum):
    """Which failed calls the client itself sends again."""

    ALWAYS = "always"
    """Reading, idempotent, or guarded by a `uuid`: also when it is unknown whether the first one took effect."""
    NEVER = "never"
    """The caller must decide: a `sequence` is not used twice, and by then there is newer text."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API. `path` is a template with `{names}`; budgets are starts in any second and in any minute."""

    name: str
    method: str
    path: str
    retry: Retry
    per_second: int = 50
    per_minute: int = 1000
    authorised: bool = True
    of_accounts: bool = False
    """At the host of accounts (accounts.feishu.cn) instead of that of the API."""
    timeout_s: float | None = None
    """A shorter time-out than the settings', for calls that are soon worth nothing."""
    headers: tuple[tuple[str, str], ...] = ()

    def url_path(self, values: dict[str, str]) -> str:
        """The path with quoted values. Raises `InvalidRequest` for a value that cannot be one path segment."""
        for key, value in values.items():
            if not value or value in (".", ".."):
                raise InvalidRequest(99992402, f"{key} is empty", endpoint=self.name, http_status=0)
        return self.path.format(**{key: quote(value, safe="") for key, value in values.items()})


TENANT_TOKEN = Endpoint(
    "tenant_token", "POST", "/open-apis/auth/v3/tenant_access_token/internal", Retry.ALWAYS, authorised=False
)
# Whoever keeps a connection open has a pace of his own. The header is what the official SDKs send.
LONG_CONNECTION = Endpoint(
    "long_connection",
    "POST",
    "/callback/ws/endpoint",
    Retry.NEVER,
    authorised=False,
    headers=(("locale", "zh"),),
)
BOT_IDENTITY = Endpoint("bot_identity", "GET", "/open-apis/bot/v3/info", Retry.ALWAYS)

SCOPES = Endpoint("scopes", "GET", "/open-apis/application/v6/scopes", Retry.ALWAYS)
SLASH_COMMANDS = Endpoint("slash_commands", "GET", "/open-apis/application/v7/app_slash_commands", Retry.ALWAYS)
# A name is unique, so a second one is refused.
SLASH_COMMAND_ADD = Endpoint("slash_command_add", "POST", "/open-apis/application/v7/app_slash_commands", Retry.ALWAYS)
SLASH_COMMAND_CHANGE = Endpoint(
    "slash_command_change", "PATCH", "/open-apis/application/v7/app_slash_commands/{command_id}", Retry.ALWAYS
)
USERS = Endpoint("users", "GET", "/open-apis/contact/v3/users/batch", Retry.ALWAYS, timeout_s=3.0)

# `uuid` makes a message at most once within the hour, so a lost answer is asked for again.
REPLY = Endpoint("reply", "POST", "/open-apis/im/v1/messages/{message_id}/reply", Retry.ALWAYS)
SEND = Endpoint("send", "POST", "/open-apis/im/v1/messages", Retry.ALWAYS)
# A patch carries the whole card: twice is the same as once.
PATCH = Endpoint("patch_message", "PATCH", "/open-apis/im/v1/messages/{message_id}", Retry.ALWAYS)
FETCH = Endpoint("fetch_message", "GET", "/open-apis/im/v1/messages/{message_id}", Retry.ALWAYS)
LIST = Endpoint("list_messages", "GET", "/open-apis/im/v1/messages", Retry.ALWAYS)
RESOURCE = Endpoint(
    "message_resource",
    "GET",
    "/open-apis/im/v1/messages/{message_id}/resources/{file_key}",
    Retry.ALWAYS,
    timeout_s=60.0,
)
RECALL = Endpoint("recall_message", "DELETE", "/open-apis/im/v1/messages/{message_id}", Retry.ALWAYS)

# A second one would be a second card, and it guards nothing that matters.
SEND_EPHEMERAL = Endpoint("send_ephemeral", "POST", "/open-apis/ephemeral/v1/send", Retry.NEVER)

# A create whose answer was lost leaves an entity nobody has sent: it is invisible and expires by itself.
CARD_CREATE = Endpoint("card_create", "POST", "/open-apis/cardkit/v1/cards", Retry.ALWAYS)
# These three carry a sequence: CardStream sends them again, with a new one.
CARD_TEXT = Endpoint(
    "card_text",
    "PUT",
    "/open-apis/cardkit/v1/cards/{card_id}/elements/{element_id}/content",
    Retry.NEVER,
    timeout_s=4.0,
)
CARD_SETTINGS = Endpoint("card_settings", "PATCH", "/open-apis/cardkit/v1/cards/{card_id}/settings", Retry.NEVER)
CARD_UPDATE = Endpoint("card_update", "PUT", "/open-apis/cardkit/v1/cards/{card_id}", Retry.NEVER)

CHAT = Endpoint("chat", "GET", "/open-apis/im/v1/chats/{chat_id}", Retry.ALWAYS, timeout_s=3.0)
# Documents. Budgets of their own: 5 a second for documents, 100 a minute for the wiki, 20 a second for the drive.
WIKI_NODE = Endpoint("wiki_node", "GET", "/open-apis/wiki/v2/spaces/get_node", Retry.ALWAYS, per_minute=100)
SPACE_NODES = Endpoint("wiki_nodes", "GET", "/open-apis/wiki/v2/spaces/{space_id}/nodes", Retry.ALWAYS, per_minute=100)
DOCUMENT = Endpoint("document", "GET", "/open-apis/docx/v1/documents/{document_id}", Retry.ALWAYS, per_second=5)
DOCUMENT_BLOCKS = Endpoint(
    "document_blocks", "GET", "/open-apis/docx/v1/documents/{document_id}/blocks", Retry.ALWAYS, per_second=5
)
DOCUMENT_MARKDOWN = Endpoint("document_markdown", "GET", "/open-apis/docs/v1/content", Retry.ALWAYS, per_second=5)
FOLDER_FILES = Endpoint("folder_files", "GET", "/open-apis/drive/v1/files", Retry.ALWAYS, per_second=20)
FILE_METAS = Endpoint("file_metas", "POST", "/open-apis/drive/v1/metas/batch_query", Retry.ALWAYS)
FILE_SUBSCRIBE = Endpoint("file_subscribe", "POST", "/open-apis/drive/v1/files/{file_token}/subscribe", Retry.ALWAYS)
# Who may read what. Members are told without pages, and without those whom a document inherits from what is above it.
MEMBERS = Endpoint("document_members", "GET", "/open-apis/drive/v1/permissions/{token}/members", Retry.ALWAYS)
PUBLIC_SETTING = Endpoint("document_sharing", "GET", "/open-apis/drive/v2/permissions/{token}/public", Retry.ALWAYS)
SPACE = Endpoint("wiki_space", "GET", "/open-apis/wiki/v2/spaces/{space_id}", Retry.ALWAYS, per_minute=100)
SPACE_MEMBERS = Endpoint(
    "wiki_space_members", "GET", "/open-apis/wiki/v2/spaces/{space_id}/members", Retry.ALWAYS, per_minute=100
)
USER = Endpoint("user", "GET", "/open-apis/contact/v3/users/{user_id}", Retry.ALWAYS, timeout_s=5.0)
# Asked for its name, and the root for whether the app may see everybody. Its limit is not published.
DEPARTMENT = Endpoint(
    "department", "GET", "/open-apis/contact/v3/departments/{department_id}", Retry.ALWAYS, timeout_s=5.0
)
CONTACT_RANGE = Endpoint("contact_range", "GET", "/open-apis/contact/v3/scopes", Retry.ALWAYS, timeout_s=5.0)
# Its limit is not published; each department is asked for once in a long while.
DEPARTMENT_PARENTS = Endpoint(
    "department_parents", "GET", "/open-apis/contact/v3/departments/parent", Retry.ALWAYS, timeout_s=5.0
)
USER_GROUPS = Endpoint("user_groups", "GET", "/open-apis/contact/v3/group/member_belong", Retry.ALWAYS, timeout_s=5.0)
USER_GROUP = Endpoint("user_group", "GET", "/open-apis/contact/v3/group/{group_id}", Retry.ALWAYS, timeout_s=5.0)
CHAT_MEMBERS = Endpoint("chat_members", "GET", "/open-apis/im/v1/chats/{chat_id}/members", Retry.ALWAYS, timeout_s=5.0)
# Downloads have 5 a second and 10 000 a day. An export's file is there for ten minutes; a second one costs nothing.
FILE_DOWNLOAD = Endpoint(
    "file_download",
    "GET",
    "/open-apis/drive/v1/files/{file_token}/download",
    Retry.ALWAYS,
    per_second=5,
    timeout_s=120.0,
)
MEDIA_DOWNLOAD = Endpoint(
    "media_download",
    "GET",
    "/open-apis/drive/v1/medias/{file_token}/download",
    Retry.ALWAYS,
    per_second=5,
    timeout_s=120.0,
)
EXPORT_CREATE = Endpoint("export_create", "POST", "/open-apis/drive/v1/export_tasks", Retry.ALWAYS, per_minute=100)
EXPORT_STATE = Endpoint(
    "export_state", "GET", "/open-apis/drive/v1/export_tasks/{ticket}", Retry.ALWAYS, per_minute=100
)
EXPORT_DOWNLOAD = Endpoint(
    "export_download",
    "GET",
    "/open-apis/drive/v1/export_tasks/file/{file_token}/download",
    Retry.ALWAYS,
    per_minute=100,
    timeout_s=120.0,
)
SHEETS = Endpoint(
    "sheets", "GET", "/open-apis/sheets/v3/spreadsheets/{token}/sheets/query", Retry.ALWAYS, per_minute=100
)
SHEET_VALUES = Endpoint(
    "sheet_values", "GET", "/open-apis/sheets/v2/spreadsheets/{token}/values/{range}", Retry.ALWAYS, timeout_s=30.0
)
BITABLE = Endpoint("bitable", "GET", "/open-apis/bitable/v1/apps/{app_token}", Retry.ALWAYS, per_second=20)
BITABLE_TABLES = Endpoint(
    "bitable_tables", "GET", "/open-apis/bitable/v1/apps/{app_token}/tables", Retry.ALWAYS, per_second=20
)
BITABLE_FIELDS = Endpoint(
    "bitable_fields",
    "GET",
    "/open-apis/bitable/v1/apps/{app_token}/tables/{table_id}/fields",
    Retry.ALWAYS,
    per_second=20,
)
BITABLE_RECORDS = Endpoint(
    "bitable_records",
    "POST",
    "/open-apis/bitable/v1/apps/{app_token}/tables/{table_id}/records/search",
    Retry.ALWAYS,
    per_second=20,
    timeout_s=30.0,
)

ENDPOINTS = (
    TENANT_TOKEN,
    LONG_CONNECTION,
    BOT_IDENTITY,
    SCOPES,
    SLASH_COMMANDS,
    SLASH_COMMAND_ADD,
    SLASH_COMMAND_CHANGE,
    USERS,
    CHAT,
    REPLY,
    SEND,
    PATCH,
    FETCH,
    LIST,
    RESOURCE,
    RECALL,
    SEND_EPHEMERAL,
    CARD_CREATE,
    CARD_TEXT,
    CARD_SETTINGS,
    CARD_UPDATE,
    WIKI_NODE,
    SPACE_NODES,
    DOCUMENT,
    DOCUMENT_BLOCKS,
    DOCUMENT_MARKDOWN,
    FOLDER_FILES,
    FILE_METAS,
    FILE_SUBSCRIBE,
    MEMBERS,
    PUBLIC_SETTING,
    SPACE,
    SPACE_MEMBERS,
    USER,
    DEPARTMENT,
    CONTACT_RANGE,
    DEPARTMENT_PARENTS,
    USER_GROUPS,
    USER_GROUP,
    CHAT_MEMBERS,
    FILE_DOWNLOAD,
    MEDIA_DOWNLOAD,
    EXPORT_CREATE,
    EXPORT_STATE,
    EXPORT_DOWNLOAD,
    SHEETS,
    SHEET_VALUES,
    BITABLE,
    BITABLE_TABLES,
    BITABLE_FIELDS,
    BITABLE_RECORDS,
)
