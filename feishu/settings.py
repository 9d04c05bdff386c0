"""What the platform side needs to know about the app. Read from configuration by `bot.settings`."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

PLATFORM_HOSTS = ("open.feishu.cn", "open.larksuite.com")
ACCOUNTS_URLS = {
    "https://open.feishu.cn": "https://accounts.feishu.cn",
    "https://open.larksuite.com": "https://accounts.larksuite.com",
}
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine: a sandbox, with which a proxy of the environment has no business."""
    return (urlsplit(url).hostname or "") in LOOPBACK_HOSTS


class FeishuSettings(BaseModel):
    """The Feishu (or Lark) app."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    app_id: str = Field("", description="App ID (cli_…); console: Credentials & Basic Info")
    app_secret: SecretStr = Field(SecretStr(""), description="App Secret; console: Credentials & Basic Info")
    encrypt_key: SecretStr = Field(
        SecretStr(""), description="Encrypt Key; console: Events & Callbacks, Encryption Strategy"
    )
    verification_token: SecretStr = Field(SecretStr(""), description="Verification Token; console: the same page")
    base_url: str = Field("https://open.feishu.cn", description="Feishu, Lark, or a loopback sandbox")
    public_url: str = Field(
        "", description="Where the platform reaches the public door, like https://bot.example.com; doctor tries it"
    )
    transport: Literal["webhook", "websocket"] = Field(
        "webhook",
        description="How events arrive: at a public address (webhook), or over a long connection that the bot opens "
        "itself (websocket: no public address, no Encrypt Key, no Verification Token; self-built apps only)",
    )
    legacy_card_callback: bool = Field(
        False, description="Also accept SHA-1 signed card.action.trigger_v1 callbacks (webhook only)"
    )
    timeout_s: float = Field(10.0, gt=0, le=60, description="Time-out of one API call, seconds")
    debt_s: float = Field(
        120.0, ge=0, description="Seconds a card may stay unwritable before its answer goes out as a new message"
    )
    frame_interval_s: float = Field(0.2, ge=0.15, le=5, description="Least time between starts of two card updates")
    budget_share: float = Field(
        0.0, ge=0, le=1, description="Part of the app's call budget for this process; 0: replicas share it equally"
    )
    subscribe: bool = Field(
        True, description="Let ingest ask the platform to report edits of the documents that the app manages"
    )
    close_by_put: bool = Field(
        False, description="Close a streamed card with one call instead of two; not yet seen on a real tenant"
    )

    @property
    def accounts_url(self) -> str:
        """Where people log in; a sandbox is its own."""
        return ACCOUNTS_URLS.get(self.base_url, self.base_url)

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        is_whole = parts.scheme in ("http", "https") and parts.hostname
        if value and (not is_whole or parts.username or parts.password or parts.query or parts.fragment):
            raise ValueError("must be a web address without a query, like https://bot.example.com")
        return value.rstrip("/")

    @field_validator("base_url")
    @classmethod
    def _known_host(cls, value: str) -> str:
        parts = urlsplit(value)
        host = parts.hostname or ""
        if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
            raise ValueError("must be scheme and host only, like https://open.feishu.cn")
        if parts.scheme == "https" and host in PLATFORM_HOSTS and parts.port in (None, 443):
            return f"https://{host}"
        if parts.scheme in ("http", "https") and host in LOOPBACK_HOSTS:
            return value.rstrip("/")
        raise ValueError(f"must be https://{' or https://'.join(PLATFORM_HOSTS)}, or a loopback address")
