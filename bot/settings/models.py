"""What the bot's own section holds, and the value that holds all three sections."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.access import AccessSettings
from bot.settings.people import PeopleSettings
from feishu.settings import FeishuSettings
from rag.scope import DEFAULT_COLLECTION
from rag.settings import RagSettings

KEY_HASH = re.compile(r"[0-9a-f]{64}")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(?::\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](?::\d{1,5})?")


class ApiKey(BaseModel):
    """One key of the web door and what its bearer may do."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    hash: SecretStr
    name: str = Field("key", pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    rate_per_min: int = Field(0, ge=0, le=100_000)
    collections: list[str] | None = None
    admin: bool = False
    person: str = Field("", pattern=r"^(?:ou_[A-Za-z0-9_-]{1,60})?$")
    """An open id: the key is this person's own. It sees what they may see in private, and its questions are theirs."""

    @field_validator("name")
    @classmethod
    def _no_person(cls, name: str) -> str:
        """What is asked with a person's key is theirs, by their open id: no other key may be called so."""
        if name.startswith("ou_"):
            raise ValueError("must not begin with ou_, like a person's id; name the person as person")
        return name

    @field_validator("hash")
    @classmethod
    def _hashed(cls, value: SecretStr) -> SecretStr:
        if not KEY_HASH.fullmatch(value.get_secret_value()):
            raise ValueError(_HASH_WANTED)
        return value


_HASH_WANTED = "must hold SHA-256 hashes: 64 lower-case hex digits, as printf %s KEY | sha256sum prints"


class BotSettings(BaseModel):
    """The bot itself: its two doors, its store and its workers."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    host: str = Field("0.0.0.0", min_length=1, description="Address of the public door (/feishu/*, /health, /ready)")  # noqa: S104  # behind a proxy or in a container it must be reachable
    port: int = Field(8000, ge=0, le=65535, description="Port of the public door; 0 takes a free one")
    api_keys: list[SecretStr | ApiKey] = Field(
        default_factory=list,
        description="SHA-256 (64 hex digits) of each key that may use the web door (and /admin); or as JSON objects "
        '{"hash": "…", "name": "wiki", "rate_per_min": 60, "collections": ["default"], "admin": false}; with '
        '"person": "ou_…" it is the key of one person and sees what they may see in private',
    )
    cors_origins: list[str] = Field(
        default_factory=list,
        description="Web sites whose pages may call the API from a browser, like https://wiki.example.com",
    )
    web_host: str = Field(
        "127.0.0.1", min_length=1, description="Address of the web door; loopback unless api_keys is set"
    )
    web_port: int = Field(
        8001, ge=0, le=65535, validate_default=True, description="Port of the web door (chat page, /metrics, /docs)"
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses or networks (10.0.0.0/8) of your reverse proxies, whose X-Forwarded-For is believed",
    )
    web_url: str = Field(
        "", description="Where people reach the web door, like https://kb.example.com; needed for login with Feishu"
    )
    admins: list[str] = Field(
        default_factory=list, description="Open ids (ou_…) of people who may open /admin after login with Feishu"
    )
    admin_tenant: str = Field(
        "", description="Key of the organisation (tenant_key) that the admins belong to; others are refused at login"
    )
    otel_endpoint: str = Field(
        "", description="OTLP/HTTP address that gets traces, like http://127.0.0.1:4318; needs the extra otel"
    )
    refresh_min: float = Field(
        60.0,
        ge=0,
        le=10_080,
        description="Minutes after which the running bot looks whether documents on Feishu changed, and reads those "
        "again; 0: never, only ingest does. What the platform reports as edited is read at once",
    )
    digest_chat: str = Field("", description="Chat (oc_…) that gets a card about the week; none when empty")
    digest_weekday: int = Field(1, ge=1, le=7, description="Day of the weekly card; 1 is Monday")
    digest_hour: int = Field(9, ge=0, le=23, description="Hour of the weekly card, in this machine's time")
    monthly_tokens: int = Field(
        0,
        ge=0,
        description="Tokens that the language model may cost in a calendar month; at 80 % and at 100 % the admins are "
        "told in private, and nothing is stopped; 0: no budget",
    )
    web_answers: int = Field(
        256, ge=1, le=10_000, description="Answers that the web door writes at the same time; further ones wait"
    )
    web_wait_s: float = Field(
        10.0, ge=0, le=300, description="Seconds that a question on the web waits for its turn before it gets 429"
    )
    web_stall_s: float = Field(
        60.0, gt=0, le=3600, description="Seconds that a stream waits for a reader who takes nothing, then it is closed"
    )
    web_files: bool = Field(
        True,
        description="Whether the web door gives the files behind its sources to whoever may see their collections",
    )
    database_url: str = Field(
        "sqlite:///data/bot.db",
        repr=False,
        description="sqlite:///FILE or postgresql://USER@HOST/NAME; one with a password only from the environment",
    )
    workers: int = Field(64, ge=1, le=256, description="Answers written at the same time")
    drain_s: float = Field(20.0, ge=0, le=600, description="Seconds that running answers get to finish at shutdown")
    lease_s: float = Field(8.0, ge=3, le=600, description="Seconds without a sign of life before a job is taken over")
    max_attempts: int = Field(5, ge=1, le=100, description="Times a job is tried before it is given up with a reason")
    retention_h: float = Field(
        72.0, ge=48, description="Hours that handled events are remembered; the platform redelivers for 7"
    )
    retention_days: float = Field(
        365.0, ge=0, description="Days that questions, answers and votes are kept; 0: for ever"
    )
    people: PeopleSettings = PeopleSettings()
    access: AccessSettings = AccessSettings()
    language: Literal["auto", "zh", "en"] = Field(
        "auto", description="Language of the bot's own words; auto follows the question"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")
    log_format: Literal["auto", "json", "console"] = Field("auto", description="auto: console on a terminal, else json")

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("api_keys")
    @classmethod
    def _hashed(cls, keys: list[SecretStr | ApiKey]) -> list[SecretStr | ApiKey]:
        if not all(KEY_HASH.fullmatch(key.get_secret_value()) for key in keys if isinstance(key, SecretStr)):
            raise ValueError(_HASH_WANTED)
        names = [key.name for key in keys if isinstance(key, ApiKey)]
        if len(set(names)) < len(names):
            raise ValueError("each key needs a name of its own")
        return keys

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        if not all(ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("must hold origins without a path, like https://wiki.example.com (no *)")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError("must hold addresses or networks, like 10.0.0.5 or 10.0.0.0/8") from None
        return proxies

    @field_validator("web_url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        if url and not ORIGIN.fullmatch(url):
            raise ValueError("must be an address without a path, like https://kb.example.com")
        return url

    @property
    def has_login(self) -> bool:
        """Whether login with Feishu is set up as a whole."""
        return bool(self.web_url and self.admins and self.admin_tenant)

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies` as networks."""
        return tuple(ip_network(proxy, strict=False) for proxy in self.trusted_proxies)

    def keys(self) -> list[ApiKey]:
        """All keys in their long form; one written as a bare hash may open /admin."""
        return [
            key if isinstance(key, ApiKey) else ApiKey(hash=key, name=f"key{number}", admin=True)
            for number, key in enumerate(self.api_keys, start=1)
        ]

    @field_validator("web_host")
    @classmethod
    def _closed_without_keys(cls, host: str, seen: ValidationInfo) -> str:
        if not is_loopback(host) and not seen.data.get("api_keys"):
            raise ValueError("would open the web door to the network without keys; use 127.0.0.1 or set BOT__API_KEYS")
        return host

    @field_validator("web_port")
    @classmethod
    def _two_doors(cls, port: int, seen: ValidationInfo) -> int:
        if port and port == seen.data.get("port"):
            raise ValueError("must differ from bot.port: the web door is not the public door")
        return port

    @field_validator("database_url")
    @classmethod
    def _known_store(cls, url: str) -> str:
        scheme, separator, rest = url.partition("://")
        if scheme in ("postgresql", "postgresql+psycopg") and separator and rest:
            return url
        if scheme != "sqlite" or not separator:
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if rest.partition("?")[0] in ("", "/", "/:memory:"):
            raise ValueError(
                "must name a file, like sqlite:///data/bot.db: what is only in memory is lost at a restart"
            )
        if not rest.startswith("/"):
            raise ValueError("needs three slashes before a file (sqlite:///data/bot.db), four before an absolute path")
        return url


class Origins(dict[tuple[str, ...], str]):
    """Where values stand. Equal to any other: settings are compared by their values."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


class Settings(BaseSettings):
    """Everything. Made by `load_settings`; built directly (tests, the demo) it reads no file and no environment."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_nested_delimiter="__",
        case_sensitive=False,
    )

    _origins: Origins = PrivateAttr(default_factory=Origins)

    feishu: FeishuSettings = Field(default_factory=FeishuSettings)
    rag: RagSettings = Field(default_factory=RagSettings)
    bot: BotSettings = Field(default_factory=BotSettings)

    @property
    def origins(self) -> Origins:
        """Where each given value stands, by its place, like "config.yaml line 4"; empty for settings built directly."""
        return self._origins

    def links(self) -> Iterator[tuple[str, str]]:
        """Each link to Feishu that is to be in the index, after its collection."""
        yield from ((DEFAULT_COLLECTION, link) for link in self.rag.links)
        for name, collection in self.rag.collections.items():
            yield from ((name, link) for link in collection.links)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `bot.settings` merges the sources itself and so knows where each value came from."""
        return (init_settings,)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
