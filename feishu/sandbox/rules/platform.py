"""What every endpoint works on: the world, the rates, the journal, and who has to hear of a new message."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.journal import Journal
from feishu.sandbox.refusal import CardInvalid, Refused, field_violation
from feishu.sandbox.rules.rates import Rates
from feishu.sandbox.rules.rights import app_may_open
from feishu.sandbox.rules.schema import check_card
from feishu.sandbox.rules.shapes import Walk
from feishu.sandbox.settings import SandboxSettings
from feishu.sandbox.view import message_view
from feishu.sandbox.world import App, Card, Chat, Message, World


class Heard(Protocol):
    """Whether a bot hears of a message, and why (not)."""

    @property
    def delivered(self) -> bool: ...

    @property
    def why(self) -> str: ...


UPDATABLE_S = 14 * 24 * 3600.0


@dataclass(slots=True)
class Call:
    """One authenticated API call."""

    name: str
    app: App
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    files: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)

    def text(self, key: str, *, required: bool = True, most: int = 10_000_000) -> str:
        """A string from the body. Raises 99992402 when missing, of another type or too long."""
        value = self.body.get(key)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value) or len(value) > most:
            raise field_violation(f"{key} is required" if value is None else f"{key} is invalid")
        return value


@dataclass(slots=True)
class Platform:
    """The pieces that endpoints share. `on_message` is called once for each new message (the push side)."""

    settings: SandboxSettings
    world: World
    journal: Journal
    rates: Rates
    on_message: Callable[[Message], Sequence[Heard]] = lambda message: ()
    verdicts: dict[str, Sequence[Heard]] = field(default_factory=dict)
    uuids: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    documents: DocumentStore = field(default_factory=DocumentStore)

    def now(self) -> float:
        """Sandbox time, epoch seconds."""
        return self.world.now()

    def walk(self, app: App, chat: Chat | None = None) -> Walk:
        """What a card of this app may refer to."""
        members = [*self.world.people, *(other.open_id for other in self.world.apps.values())]
        return Walk(
            images=frozenset(key for key, upload in self.world.uploads.items() if upload.owner == app.app_id),
            members=frozenset(members if chat is None else self.world.members(chat)),
            max_markdown_tables=self.settings.max_markdown_tables,
        )

    def lets_in(self, app: App, token: str) -> bool:
        """Whether an app may read a document, a wiki page or a folder. What is not there it may: that is said then."""
        store = self.documents
        if token in store.hidden:
            return False
        is_let = store.bot_reads == "all" or token in store.managed or store.object_of(token) is None
        return is_let or app_may_open(self.world, store, app, token)

    def require(self, app: App, token: str, code: int, status: int = 403) -> None:
        """Refuse with the code when the app may not read this."""
        if not self.lets_in(app, token):
            raise Refused(code, "permission denied", None, status)

    def check_card(self, card: Any, app: App) -> None:
        """Raises CardInvalid."""
        check_card(card, self.walk(app))

    def show(self, message: Message) -> None:
        """Tell the page how a message looks now."""
        self.journal.publish("message", message=message_view(self.world, message))

    def deliver(self, message: Message) -> None:
        """A new message: everybody in the chat sees it, bots that may hear it get an event."""
        self.world.messages[message.message_id] = message
        verdicts = self.on_message(message)
        if message.sender_type == "user":
            self.verdicts[message.message_id] = verdicts
            message.delivery = "; ".join(each.why for each in verdicts if not each.delivered)
            self.note("delivery", "; ".join(each.why for each in verdicts), message_id=message.message_id)
        self.show(message)

    def broken(self, rule: str, what: str, *, app_id: str = "", **detail: Any) -> None:
        """A rule was broken."""
        self.journal.add("violation", rule, what, ok=False, app_id=app_id, detail=detail)

    def note(self, name: str, what: str, **detail: Any) -> None:
        """Something worth seeing that breaks no rule."""
        self.journal.add("note", name, what, detail=detail)


def card_or_refusal(platform: Platform, card: Card, app: App) -> None:
    """Check a card sent by message: problems come wrapped in 230099."""
    try:
        platform.check_card(card, app)
    except CardInvalid as invalid:
        raise invalid.by_message() from None


__all__ = ["UPDATABLE_S", "Call", "Platform", "Refused", "card_or_refusal"]
