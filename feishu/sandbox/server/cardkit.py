"""cardkit/v1: card entities, streamed text, settings, updates (open.feishu.cn: cardkit-v1)."""

from typing import Any

import orjson

from feishu.sandbox.refusal import CardInvalid, Refused, field_violation
from feishu.sandbox.rules.card_writes import admit, applied, follow_config, require_streaming
from feishu.sandbox.rules.layout import add_elements, delete_elements, element_of, patch_element, replace_element
from feishu.sandbox.rules.markdown import check_markdown
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.schema import CONFIG, MAX_CARD_BYTES
from feishu.sandbox.rules.shapes import Walk, fields
from feishu.sandbox.world import Card, Entity, compact

MAX_CONTENT_CHARS = 100_000


def create(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /cardkit/v1/cards."""
    if call.text("type") != "card_json":
        raise Refused(10002, "only type card_json is supported here", "parameters")
    card = _parse(call.text("data"))
    _check(platform, call, card)
    entity = Entity(platform.world.new_card_id(), call.app.app_id, card, platform.now())
    platform.world.entities[entity.card_id] = entity
    follow_config(platform, entity, card.get("config", {}), explicit=False)
    return {"data": {"card_id": entity.card_id}}


def stream_text(platform: Platform, call: Call) -> dict[str, Any]:
    """PUT …/elements/:element_id/content: the cumulative text of a markdown or plain_text element."""
    entity, again = admit(platform, call)
    if again:
        return {"data": {}}
    element_id, content = call.path["element_id"], call.text("content", most=MAX_CONTENT_CHARS)
    require_streaming(platform, entity)
    element = element_of(entity.card, element_id)
    if element is None:
        raise Refused(300313, f"not find elementID: {element_id}", "element_id")
    if element.get("tag") not in ("markdown", "plain_text"):
        raise Refused(300310, "the element is not a text element", "streamed_element")
    before = element["content"]
    element["content"] = content
    try:
        _check_frame(platform, call, entity, element)
    except CardInvalid as invalid:
        element["content"] = before
        raise invalid.by_cardkit() from None
    if before.strip() and not content.startswith(before):
        platform.note(
            "prefix_rewritten",
            "the new text does not continue the old one: shown at once, no typing",
            card_id=entity.card_id,
            before=before[-80:],
            after=content[-80:],
        )
    return applied(platform, call, entity, element_id, content)


def settings(platform: Platform, call: Call) -> dict[str, Any]:
    """PATCH …/settings: config (streaming_mode, summary …) and card_link."""
    entity, again = admit(platform, call)
    if again:
        return {"data": {}}
    wanted = _parse(call.text("settings", most=MAX_CONTENT_CHARS))
    _apply_settings(platform, entity, wanted)
    return applied(platform, call, entity)


def update(platform: Platform, call: Call) -> dict[str, Any]:
    """PUT /cardkit/v1/cards/:card_id: the whole card."""
    entity, again = admit(platform, call)
    if again:
        return {"data": {}}
    wrapper = call.body.get("card")
    if not isinstance(wrapper, dict) or wrapper.get("type") != "card_json" or not isinstance(wrapper.get("data"), str):
        raise field_violation("card")
    card = _parse(wrapper["data"])
    _check(platform, call, card)
    entity.card = card
    follow_config(platform, entity, card.get("config", {}), explicit=not platform.settings.put_closes_stream)
    return applied(platform, call, entity, content=_text_of(card))


def batch_update(platform: Platform, call: Call) -> dict[str, Any]:
    """POST …/batch_update: several actions under one sequence, all or nothing."""
    entity, again = admit(platform, call)
    if again:
        return {"data": {}}
    actions = _parse_list(call.text("actions"), "actions")
    trial: Card = orjson.loads(compact(entity.card))
    configs: list[dict[str, Any]] = []
    for action in actions:
        _act(trial, configs, action)
    _check(platform, call, trial)
    entity.card = trial
    for config in configs:
        _apply_settings(platform, entity, config)
    return applied(platform, call, entity)


def change_elements(platform: Platform, call: Call) -> dict[str, Any]:
    """The four element calls: add (POST), replace (PUT), patch (PATCH), delete (DELETE)."""
    entity, again = admit(platform, call)
    if again:
        return {"data": {}}
    trial: Card = orjson.loads(compact(entity.card))
    element_id = call.path.get("element_id", "")
    match call.name:
        case "element.create":
            new = _parse_list(call.text("elements"), "elements")
            add_elements(trial, call.text("type"), call.text("target_element_id", required=False), new)
        case "element.update":
            replace_element(trial, element_id, _parse(call.text("element")))
        case "element.patch":
            patch_element(trial, element_id, _parse(call.text("partial_element")))
        case _:
            delete_elements(trial, [element_id])
    _check(platform, call, trial)
    entity.card = trial
    return applied(platform, call, entity, element_id)


def id_convert(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /cardkit/v1/cards/id_convert: the entity behind a message."""
    message = platform.world.messages.get(call.text("message_id"))
    if message is None or message.card_id is None:
        raise Refused(200740, "card not found", "entity")
    return {"data": {"card_id": message.card_id}}


def _apply_settings(platform: Platform, entity: Entity, wanted: dict[str, Any]) -> None:
    try:
        fields((), config=CONFIG, card_link=lambda *_: None)(wanted, Walk(), "settings")
    except CardInvalid as invalid:
        raise Refused(300122, f"update card settings failed: {invalid.msg}", invalid.rule) from None
    config = wanted.get("config", {})
    entity.card["config"] = {**entity.card.get("config", {}), **config}
    if "card_link" in wanted:
        entity.card["card_link"] = wanted["card_link"]
    follow_config(platform, entity, config, explicit=True)


def _act(card: Card, configs: list[dict[str, Any]], action: Any) -> None:
    if not isinstance(action, dict) or not isinstance(action.get("params"), dict):
        raise Refused(10002, "invalid action", "parameters")
    params = action["params"]
    match action.get("action"):
        case "partial_update_setting":
            configs.append(params.get("settings", {}))
        case "add_elements":
            add_elements(
                card, params.get("type", "append"), params.get("target_element_id", ""), params.get("elements", [])
            )
        case "delete_elements":
            delete_elements(card, params.get("element_ids", []))
        case "partial_update_element":
            patch_element(card, params.get("element_id", ""), params.get("partial_element", {}))
        case "update_element":
            replace_element(card, params.get("element_id", ""), params.get("element", {}))
        case _:
            raise Refused(10002, "invalid action", "parameters")


def _check(platform: Platform, call: Call, card: Card) -> None:
    try:
        platform.check_card(card, call.app)
    except CardInvalid as invalid:
        raise invalid.by_cardkit() from None


def _check_frame(platform: Platform, call: Call, entity: Entity, element: dict[str, Any]) -> None:
    """A frame changes one text: the size of the card and the dialect are all that can have gone wrong."""
    if len(compact(entity.card).encode()) > MAX_CARD_BYTES:
        raise CardInvalid(200860, "card size exceeds 30 KB", "card_bytes")
    if element.get("tag") == "markdown":
        check_markdown(element["content"], platform.walk(call.app), f"element {call.path['element_id']}")


def _parse(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refused(200621, "parse card json err", "card_schema")
    return value


def _parse_list(text: str, name: str) -> list[Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, list) or not value:
        raise Refused(10002, f"{name} is not a JSON list", "parameters")
    return value


def _text_of(card: Card) -> str:
    elements = card.get("body", {}).get("elements", [])
    return "\n".join(e["content"] for e in elements if e.get("tag") == "markdown")
