"""The sandbox: one object that holds the platform, with Python access for tests. Its web server:
`feishu.sandbox.server.app`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from feishu.sandbox.clients.clicks import Clicks, Press, Shown
from feishu.sandbox.clients.groups import Groups
from feishu.sandbox.clients.office import Office
from feishu.sandbox.clients.people import PeopleActions, write_as_bot
from feishu.sandbox.clients.shares import Shares
from feishu.sandbox.clock import SandboxClock
from feishu.sandbox.faults import Faults
from feishu.sandbox.gateway import Gateway
from feishu.sandbox.journal import Entry, Journal
from feishu.sandbox.push import Push
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.rules.card_writes import close_expired
from feishu.sandbox.rules.platform import Heard, Platform
from feishu.sandbox.rules.rates import Rates
from feishu.sandbox.settings import AppSettings, SandboxSettings, Transport
from feishu.sandbox.view import message_view
from feishu.sandbox.world import App, Message, World


@dataclass(frozen=True, slots=True)
class Said:
    """A message a person posted. `delivered`: did any bot hear it; `why` in words."""

    message_id: str
    delivered: bool
    why: str


class Sandbox:
    """A local Feishu open platform. Use it inside `server.running(sandbox)`."""

    def __init__(self, settings: SandboxSettings | None = None, *, clock: SandboxClock | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.clock = clock or SandboxClock()
        self.world = World(self.settings, self.clock.time)
        self.journal = Journal(self.clock.time)
        self.faults = Faults()
        self.platform = Platform(self.settings, self.world, self.journal, Rates(self.clock.time))
        self.gateway = Gateway(self.platform, self.faults)
        self.push = Push(self.platform, self.gateway, self.clock)
        self.platform.on_message = self.push.message
        self.hands = PeopleActions(self.platform, self.push)
        self.clicks = Clicks(self.platform, self.push)
        self.office = Office(self.platform, self.push)
        self.groups = Groups(self.platform, self.push)
        self.rights = Shares(self.platform, self.push)
        self.platform.documents.on_change = self._document_changed

    async def start(self) -> None:
        """Opens the outgoing HTTP client and watches for streams that run out."""
        await self.push.start()
        self.push.spawn(self._watch_streams())

    async def stop(self) -> None:
        """Ends every task and stream."""
        self.journal.hang_up()
        await self.push.stop()

    async def _watch_streams(self) -> None:
        while True:
            await self.clock.sleep(5.0)
            close_expired(self.platform)

    def _document_changed(self, token: str, kind: str, change: str) -> None:
        """Tells the apps that subscribed to a document (drive-v1 event/list). One that was opened by no loop, as in a
        test that prepares documents, tells nobody."""
        person = {"open_id": "ou_zhouming", "union_id": "on_zhouming", "user_id": "zhouming"}
        body: dict[str, Any] = {"file_token": token, "file_type": kind}
        body |= (
            {"operator_id_list": [person], "subscriber_id_list": []} if change == "edit" else {"operator_id": person}
        )
        for app_id in self.platform.documents.subscribed.get(token, ()):
            self.push.event(self.world.apps[app_id], f"drive.file.{change}_v1", body)

    def set_webhook(self, url: str | None, *, app_id: str | None = None, card_callback_url: str | None = None) -> None:
        """Where the app hears events, and callbacks unless it has another URL for them."""
        app = self.world.apps[app_id or self.settings.app_id]
        app.webhook_url, app.card_callback_url, app.transport = url, card_callback_url, "webhook"

    def set_transport(self, transport: Transport, *, app_id: str | None = None) -> None:
        """How the app's events travel. As in the console, the long connection can only be chosen while a client is
        connected. Raises Impossible."""
        app = self.world.apps[app_id or self.settings.app_id]
        if transport == "websocket" and not self.gateway.connections_of(app):
            raise Impossible("no client of the app is connected: start it, then choose the long connection")
        app.transport = transport

    def reset_secret(self, secret: str, *, app_id: str | None = None) -> None:
        """A new App Secret: no token and no ticket are given for the old one any more."""
        app = self.world.apps[app_id or self.settings.app_id]
        app.settings = replace(app.settings, app_secret=secret)

    def register(self, settings: AppSettings) -> App:
        """Install another app: its bot joins the group."""
        return self.world.register(settings)

    @property
    def log(self) -> Iterable[Entry]:
        """Every journal entry, oldest first."""
        return tuple(self.journal.entries)

    @property
    def violations(self) -> list[Entry]:
        """Platform rules that an app broke."""
        return self.journal.of("violation")

    def calls(self, name: str | None = None) -> list[Entry]:
        """API calls served, oldest first."""
        return self.journal.of("api", name)

    def advance(self, seconds: float) -> None:
        """Move the clock and let what is due happen."""
        self.clock.advance(seconds)
        close_expired(self.platform)

    async def say(self, chat_id: str, sender: str, text: str = "", **how: Any) -> Said:
        """Post as a person; see `PeopleActions.write`."""
        return _said(*self.hands.write(chat_id, sender, text, **how))

    async def forward(self, chat_id: str, sender: str, message_ids: Iterable[str]) -> Said:
        """Send a merged forward as a person; see `PeopleActions.forward`."""
        return _said(*self.hands.forward(chat_id, sender, tuple(message_ids)))

    def bot_says(self, app_id: str, chat_id: str, content: str, *, kind: str = "text", reply_to: str = "") -> Message:
        """Post as another app's bot; see `people.write_as_bot`."""
        return write_as_bot(self.platform, app_id, chat_id, content, kind=kind, reply_to=reply_to)

    async def click(self, message_id: str, operator: str, **what: Any) -> Shown:
        """Press something as a person; see `Press`. Returns what the client shows."""
        return await self.clicks.press(Press(message_id, operator, **what))

    async def wait_for(self, predicate: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        """The first truthy value of `predicate`, tried after every change. Raises TimeoutError."""
        return await self.journal.wait_for(predicate, timeout_s)

    def messages_in(self, chat_id: str) -> list[Message]:
        """Messages of a chat, oldest first."""
        return [m for m in self.world.messages.values() if m.chat_id == chat_id]

    def shown(self, message_id: str) -> dict[str, Any]:
        """One message as a person sees it now (the same JSON as in /sandbox/state)."""
        return message_view(self.world, self.world.messages[message_id])


def _said(message: Message, verdicts: list[Heard]) -> Said:
    why = "; ".join(each.why for each in verdicts) or "no bot in this chat"
    return Said(message.message_id, any(each.delivered for each in verdicts), why)
