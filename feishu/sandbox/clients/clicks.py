"""A person presses something on a card: the callback, its three seconds, and what the client shows."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from feishu.sandbox.gateway import NotConnected
from feishu.sandbox.push import Push, masked
from feishu.sandbox.refusal import CardInvalid
from feishu.sandbox.rules.layout import every_object
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.world import TENANT_KEY, App, Card, Entity, Message

TOAST_TYPES = ("info", "success", "warning", "error")


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed, by whom. Named by `element_id`, `name`, `value` or `label` (its text); first match counts."""

    message_id: str
    operator: str
    element_id: str | None = None
    name: str | None = None
    value: dict[str, Any] | None = None
    label: str | None = None
    form_value: dict[str, Any] | None = None
    option: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the client shows: a toast, or its own error code (card-callback-communication, client ≥ 7.28)."""

    toast: dict[str, Any] | None = None
    error_code: int | None = None
    why: str = ""
    opened: str | None = None
    body: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return {"toast": self.toast, "error_code": self.error_code, "why": self.why, "opened": self.opened}


class Unpressable(ValueError):
    """There is nothing like that to press."""


class Clicks:
    """Turns presses into callbacks."""

    def __init__(self, platform: Platform, push: Push) -> None:
        self._platform = platform
        self._push = push

    async def press(self, press: Press) -> Shown:
        """Call back and apply the answer. Raises Unpressable."""
        message, card = self._card(press)
        target = find(card, press)
        if target is None or target.get("disabled") is True:
            raise Unpressable("no such control, or it is disabled")
        app = self._platform.world.apps[message.sender_id]
        behaviour = next((b for b in target.get("behaviors", []) if b.get("type") == "callback"), None)
        if behaviour is None and target.get("form_action_type") != "submit":
            url = next((b.get("default_url") for b in target.get("behaviors", []) if b.get("type") == "open_url"), None)
            return Shown(why="no callback configured on this control", opened=url)
        entity = self._platform.world.entities.get(message.card_id or "")
        if entity:
            entity.interactions += 1
        try:
            shown = await self._call_back(app, message, entity, self._event(press, message, target, behaviour or {}))
        finally:
            if entity:
                entity.interactions -= 1
                entity.interacting_until = self._platform.now() + self._platform.settings.interaction_s
        self._platform.journal.publish(
            "toast", message_id=message.message_id, operator=press.operator, **shown.as_json()
        )
        return shown

    def _card(self, press: Press) -> tuple[Message, Card]:
        message = self._platform.world.messages.get(press.message_id)
        card = None if message is None or message.recalled else self._platform.world.shown_card(message)
        if message is None or card is None:
            raise Unpressable("no card there")
        chat = self._platform.world.chats[message.chat_id]
        if press.operator not in chat.people or message.visible_to not in (None, press.operator):
            raise Unpressable("this person does not see the card")
        return message, card

    def _event(
        self, press: Press, message: Message, target: dict[str, Any], behaviour: dict[str, Any]
    ) -> dict[str, Any]:
        person = self._platform.world.people[press.operator]
        token = "c-" + secrets.token_hex(16)
        self._platform.world.update_tokens[token] = (message.message_id, self._platform.now(), 0)
        action: dict[str, Any] = {
            "value": behaviour.get("value", {}),
            "tag": target.get("tag"),
            "timezone": "Asia/Shanghai",
        }
        if target.get("name"):
            action["name"] = target["name"]
        if press.form_value is not None:
            action["form_value"] = press.form_value
        if press.option is not None:
            action["option"] = press.option
        return {
            "operator": {"tenant_key": person.tenant_key, "open_id": person.open_id, "union_id": person.union_id},
            "token": token,
            "action": action,
            "host": "im_message",
            "context": {"open_message_id": message.message_id, "open_chat_id": message.chat_id},
        }

    async def _call_back(self, app: App, message: Message, entity: Entity | None, event: dict[str, Any]) -> Shown:
        header = {
            "event_id": secrets.token_hex(16),
            "token": app.settings.verification_token,
            "create_time": str(int(self._platform.now() * 1_000_000)),
            "event_type": "card.action.trigger",
            "tenant_key": TENANT_KEY,
            "app_id": app.app_id,
        }
        envelope = {"schema": "2.0", "header": header, "event": event}
        began = time.perf_counter()
        shown = await self._exchange(app, envelope)
        if shown.error_code is None:
            shown = self._apply(app, message, entity, shown.body)
        self._platform.journal.add(
            "callback",
            "card.action.trigger",
            f"error {shown.error_code}: {shown.why}" if shown.error_code else "ok",
            ok=shown.error_code is None,
            seconds=time.perf_counter() - began,
            app_id=app.app_id,
            detail={"body": masked(envelope), "response": shown.body},
        )
        return shown

    async def _exchange(self, app: App, envelope: dict[str, Any]) -> Shown:
        """The way there and back: what the client shows when it goes wrong."""
        if app.transport == "websocket":
            return await self._exchange_by_connection(app, envelope)
        url = app.card_callback_url or app.webhook_url
        if not url or not app.is_on or not app.hears("card.action.trigger"):
            return Shown(error_code=200340, why="no callback URL configured, not subscribed, or not released")
        try:
            response = await self._push.post(app, url, envelope)
        except TimeoutError:
            return Shown(error_code=200341, why="no answer in time")
        except httpx.HTTPError as error:
            return Shown(error_code=200342, why=f"no connection ({type(error).__name__})")
        if response.status_code != 200:
            return Shown(error_code=200671, why=f"HTTP {response.status_code}")
        try:
            return _answer(response.json())
        except ValueError:
            return _answer(None)

    async def _exchange_by_connection(self, app: App, envelope: dict[str, Any]) -> Shown:
        """Which codes a client shows there is not documented: those of the webhook that mean the same."""
        try:
            answer = await self._push.gateway.deliver(app, envelope)
        except TimeoutError:
            return Shown(error_code=200341, why="no answer in time")
        except NotConnected as error:
            return Shown(error_code=200342, why=str(error))
        except ValueError:
            return _answer(None)
        if answer["code"] != 200:
            return Shown(error_code=200671, why=f"code {answer['code']}")
        return _answer(answer.get("data", {}))

    def _apply(self, app: App, message: Message, entity: Entity | None, body: dict[str, Any]) -> Shown:
        """Put the answered card in place, where that is allowed."""
        toast, card = body.get("toast"), body.get("card")
        if card is None:
            return Shown(toast=toast, body=body)
        if not isinstance(card, dict) or card.get("type") != "raw" or not isinstance(card.get("data"), dict):
            return self._refuse(200673, "card needs type raw and data as an object", body, app)
        if entity is not None:
            # While streaming that is documented; for entities at rest nothing is documented, so nothing is promised.
            streaming = "while streaming" if entity.streaming else "an entity is updated by CardKit"
            return self._refuse(200673, f"a callback response cannot update this card: {streaming}", body, app)
        data = card["data"]
        if data.get("schema") != (message.card or {}).get("schema"):
            return self._refuse(200830, "the schema of a card cannot change", body, app)
        try:
            self._platform.check_card(data, app)
        except CardInvalid as invalid:
            return self._refuse(200673, invalid.msg, body, app)
        message.card, message.updated_at = data, self._platform.now()
        self._platform.show(message)
        return Shown(toast=toast, body=body)

    def _refuse(self, code: int, why: str, body: dict[str, Any], app: App) -> Shown:
        self._platform.broken("callback_card", why, app_id=app.app_id)
        return Shown(error_code=code, why=why, body=body)


def find(card: Card, press: Press) -> dict[str, Any] | None:
    """The control that the press names."""
    for each in every_object(card.get("body") or card.get("elements")):
        if "behaviors" not in each and "form_action_type" not in each:
            continue
        values = [b.get("value") for b in each.get("behaviors", [])]
        text = (each.get("text") or {}).get("content")
        if (
            (press.element_id is not None and each.get("element_id") == press.element_id)
            or (press.name is not None and each.get("name") == press.name)
            or (press.value is not None and press.value in values)
            or (press.label is not None and text == press.label)
        ):
            return each
    return None


def _answer(body: Any) -> Shown:
    if not isinstance(body, dict) or not body.keys() <= {"toast", "card"} or not _toast_fits(body.get("toast")):
        return Shown(error_code=200672, why="the response body is not toast and/or card")
    return Shown(body=body)


def _toast_fits(toast: Any) -> bool:
    if toast is None:
        return True
    known = {"type", "content", "i18n"}
    return isinstance(toast, dict) and toast.keys() <= known and toast.get("type", "info") in TOAST_TYPES
