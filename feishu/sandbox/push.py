"""The platform's outgoing side: events to webhooks, encrypted and signed, or to long connections, and the redelivery
schedule of both."""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from feishu.events.crypto import encrypt, sign
from feishu.sandbox.clock import Time
from feishu.sandbox.gateway import Gateway, NotConnected
from feishu.sandbox.rules.contents import simplified
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.world import TENANT_KEY, App, Chat, Message, compact

P2P = "im:message.p2p_msg:readonly"
GROUP_AT = "im:message.group_at_msg:readonly"
GROUP_AT_BY_BOT = "im:message.group_at_msg.include_bot:readonly"
GROUP_ALL = "im:message.group_msg"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Does a bot hear of a message, and why (not)."""

    app: App
    delivered: bool
    why: str


class Push:
    """Posts to the apps' URLs, or sends over their connections. Owns its HTTP client and every task."""

    def __init__(self, platform: Platform, gateway: Gateway, clock: Time) -> None:
        self._platform = platform
        self._clock = clock
        self.gateway = gateway
        self._tasks: set[asyncio.Task[Any]] = set()
        self._http: httpx.AsyncClient | None = None
        self.events: dict[str, tuple[App, dict[str, Any]]] = {}

    async def start(self) -> None:
        """Opens both ways out. The bot's own proxy settings are none of the platform's business."""
        await self.gateway.start()
        self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False)

    async def stop(self) -> None:
        """Ends every delivery under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.gateway.stop()
        if self._http:
            await self._http.aclose()
            self._http = None

    @property
    def is_started(self) -> bool:
        """Whether there is a way out: a world that is only being prepared tells nobody."""
        return self._http is not None

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the request that caused it; ends with the sandbox."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def message(self, message: Message) -> list[Delivery]:
        """Tell the bots of the chat that may hear of a new message."""
        chat = self._platform.world.chats[message.chat_id]
        verdicts = [verdict(self._platform.world.apps[app_id], chat, message) for app_id in chat.apps]
        for each in verdicts:
            if each.delivered:
                self.event(each.app, "im.message.receive_v1", message_body(self._platform, chat, message))
        return verdicts

    def event(
        self,
        app: App,
        event_type: str,
        body: dict[str, Any],
        *,
        event_id: str | None = None,
        header: dict[str, Any] | None = None,
    ) -> str:
        """Start delivering an event, with what its header has besides; returns its id."""
        event_id = event_id or secrets.token_hex(16)
        envelope = {
            "schema": "2.0",
            "header": {
                "event_id": event_id,
                "token": app.settings.verification_token,
                "create_time": str(int(self._platform.now() * 1000)),
                "event_type": event_type,
                "tenant_key": TENANT_KEY,
                "app_id": app.app_id,
                **(header or {}),
            },
            "event": body,
        }
        self.events[event_id] = (app, envelope)
        if not app.hears(event_type):
            self._platform.note("subscription", f"{app.name} has not subscribed {event_type}")
            return event_id
        self.spawn(self._deliver(app, envelope))
        return event_id

    def again(self, event_id: str) -> None:
        """Send the same event once more. Raises KeyError for an unknown id."""
        app, envelope = self.events[event_id]
        self.spawn(self._attempt(app, envelope, 0))

    async def _deliver(self, app: App, envelope: dict[str, Any]) -> None:
        """Until a 200 comes: at once, then on the redelivery schedule."""
        waits = self._platform.settings.redelivery_s
        for attempt in range(len(waits) + 1):
            if await self._attempt(app, envelope, attempt):
                return
            if attempt < len(waits):
                await self._clock.sleep(waits[attempt] * self._platform.settings.time_scale)

    async def _attempt(self, app: App, envelope: dict[str, Any], attempt: int) -> bool:
        began, header = time.perf_counter(), envelope["header"]
        entry_fields: dict[str, Any] = {
            "app_id": app.app_id,
            "detail": {"attempt": attempt + 1, "body": masked(envelope)},
        }
        try:
            if app.transport == "websocket":
                code = (await self.gateway.deliver(app, envelope))["code"]
                outcome = "ok" if code == 200 else f"code {code}"
            elif app.webhook_url:
                status = (await self.post(app, app.webhook_url, envelope)).status_code
                outcome = "ok" if status == 200 else f"HTTP {status}"
            else:
                outcome = "no webhook URL configured"
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        except (NotConnected, ValueError) as error:
            outcome = str(error)
        except TimeoutError:
            outcome = f"no answer within {self._platform.settings.push_timeout_s:g} s"
        ok, seconds = outcome == "ok", time.perf_counter() - began
        self._platform.journal.add("event", header["event_type"], outcome, ok=ok, seconds=seconds, **entry_fields)
        return ok

    async def post(self, app: App, url: str, envelope: dict[str, Any], *, signed: bool = True) -> httpx.Response:
        """One encrypted POST within the platform's deadline (3 s in all). Raises TimeoutError, httpx.HTTPError."""
        if self._http is None:
            raise RuntimeError("the sandbox is not started")
        key, plain = app.settings.encrypt_key, orjson.dumps(envelope)
        body = orjson.dumps({"encrypt": encrypt(key, plain)}) if key else plain
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if signed and key:  # whether an app without a key gets headers that prove nothing is not documented
            timestamp, nonce = str(int(self._platform.now())), secrets.token_hex(8)
            headers |= {
                "X-Lark-Request-Timestamp": timestamp,
                "X-Lark-Request-Nonce": nonce,
                "X-Lark-Signature": sign(timestamp, nonce, key, body),
            }
        async with asyncio.timeout(self._platform.settings.push_timeout_s):
            return await self._http.post(url, content=body, headers=headers, timeout=None)

    async def verify_url(self, app: App, url: str) -> str | None:
        """What the console does when a URL is saved: encrypted, unsigned, one second. None when it passed."""
        challenge = secrets.token_hex(16)
        body = {"challenge": challenge, "token": app.settings.verification_token, "type": "url_verification"}
        failure: str | None = None
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._platform.settings.verify_timeout_s):
                response = await self.post(app, url, body, signed=False)
            if response.status_code != 200 or response.json().get("challenge") != challenge:
                failure = f"HTTP {response.status_code}, challenge not returned"
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            failure = type(error).__name__
        seconds = time.perf_counter() - began
        self._platform.journal.add(
            "event", "url_verification", failure or "ok", ok=failure is None, seconds=seconds, app_id=app.app_id
        )
        return failure


def verdict(app: App, chat: Chat, message: Message) -> Delivery:
    """Which scope lets this bot hear this message (im-v1/message/events/receive)."""
    if not app.is_on:
        return Delivery(app, False, "the bot is not switched on, or its version not released")
    if message.visible_to is not None:
        return Delivery(app, False, "an ephemeral card is nobody's event")
    if message.sender_id == app.app_id:
        return Delivery(app, False, "a bot never hears itself")
    mentioned = any(m["id"].get("open_id") == app.open_id for m in message.mentions)
    wanted: tuple[str, ...]
    if chat.kind == "p2p":
        wanted = (P2P,)
    elif GROUP_ALL in app.scopes:
        wanted = (GROUP_ALL,)
    elif not mentioned:
        return Delivery(app, False, f"{app.name} is not mentioned, and the app has no scope {GROUP_ALL}")
    else:
        wanted = (GROUP_AT_BY_BOT,) if message.sender_type == "app" else (GROUP_AT, GROUP_AT_BY_BOT)
    if not app.scopes.intersection(wanted):
        return Delivery(app, False, f"the app has no scope {' or '.join(wanted)}")
    return Delivery(app, True, "private chat" if chat.kind == "p2p" else "mentioned" if mentioned else GROUP_ALL)


def message_body(platform: Platform, chat: Chat, message: Message) -> dict[str, Any]:
    """The event object of im.message.receive_v1."""
    is_user = message.sender_type == "user"
    if is_user:
        sender_id = platform.world.people[message.sender_id].ids()
    else:
        sender_id = {"union_id": "", "user_id": None, "open_id": platform.world.apps[message.sender_id].open_id}
    inner: dict[str, Any] = {
        "message_id": message.message_id,
        "create_time": str(int(message.created_at * 1000)),
        "update_time": str(int(message.created_at * 1000)),
        "chat_id": chat.chat_id,
        "chat_type": chat.kind,
        "message_type": message.message_type,
        "content": _event_content(platform, message),
    }
    seen_parent = platform.world.seen_parent(message)
    places = {"root_id": message.root_id, "parent_id": seen_parent, "thread_id": message.thread_id}
    inner |= {key: value for key, value in places.items() if value}
    if message.mentions:
        inner["mentions"] = message.mentions
    tenant_key = platform.world.tenant_of(message.sender_id)
    sender = {"sender_id": sender_id, "sender_type": "user" if is_user else "bot", "tenant_key": tenant_key}
    return {"sender": sender, "message": inner}


def _event_content(platform: Platform, message: Message) -> str:
    card = platform.world.shown_card(message)
    return message.content if card is None else compact(simplified(card))


def masked(envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope without the Verification Token, for the inspector."""
    header = {**envelope["header"], "token": "•••"}
    return {**envelope, "header": header}


__all__ = ["Delivery", "Push", "message_body", "verdict"]
