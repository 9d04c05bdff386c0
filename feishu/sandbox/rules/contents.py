"""What a message may hold: sizes, kinds, raw cards and card entities, mentions; and the reduced form of a card."""

import re
from typing import Any

import orjson

from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.markdown import mentions as card_mentions
from feishu.sandbox.rules.platform import UPDATABLE_S, Call, Platform, card_or_refusal
from feishu.sandbox.world import Card, Chat, Message, World, compact

MAX_TEXT_BYTES = 150 * 1024
MAX_CARD_BYTES = 30 * 1024
MAX_EDITS = 20
NOT_SIMPLIFIED = "请升级至最新版本客户端，以查看内容"
_TEXT_AT = re.compile(r"<at\s+user_id\s*=\s*[\"']?([^\s\"'>]+)[\"']?\s*>(.*?)</at>", re.DOTALL)


def check_size(kind: str, content: str) -> None:
    """Text up to 150 KB, everything else up to 30 KB of content: 230025."""
    limit = MAX_TEXT_BYTES if kind == "text" else MAX_CARD_BYTES
    if len(content.encode()) > limit:
        raise Refused(230025, "The length of the message content reaches its limit.", "message_bytes")


def content_json(content: str) -> dict[str, Any]:
    """The content as an object: 230001 when it is none."""
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid content", "parameters")
    return parsed


def check_plain(platform: Platform, call: Call, kind: str, parsed: dict[str, Any]) -> None:
    """What text, post, image and file messages need."""
    if kind == "text" and not (isinstance(parsed.get("text"), str) and parsed["text"]):
        raise Refused(230001, "text is empty", "parameters")
    if kind == "post":
        locale = next(iter(parsed.values()), None)
        if not isinstance(locale, dict) or not isinstance(locale.get("content"), list):
            raise Refused(230001, "post needs a locale with content", "parameters")
    if kind in ("image", "file"):
        upload = platform.world.uploads.get(str(parsed.get(f"{kind}_key")))
        if upload is None or upload.owner != call.app.app_id:
            raise Refused(230017, "The bot is not the owner of the resource", "resource_owner")


def attach_card(platform: Platform, call: Call, chat: Chat, message: Message, parsed: dict[str, Any]) -> None:
    """Put the card of an interactive message in place: an entity, or raw JSON."""
    if parsed.get("type") == "card":
        _attach_entity(platform, call, message, parsed)
    else:
        check_raw_card(platform, call, message.content, parsed)
        message.card = parsed
    card = platform.world.shown_card(message)
    mentioned = list(dict.fromkeys(card_mentions(compact(card).replace('\\"', '"'))))
    message.mentions = [_mention(platform.world, number, member) for number, member in enumerate(mentioned, 1)]
    if "all" in mentioned and not chat.at_all_allowed:
        raise Refused(230099, "ErrCode: 11235; ErrMsg: at all is not permitted in this chat; ", "at_all")


def _attach_entity(platform: Platform, call: Call, message: Message, parsed: dict[str, Any]) -> None:
    card_id = (parsed.get("data") or {}).get("card_id")
    entity = platform.world.entities.get(str(card_id))
    if entity is None:
        raise Refused(230099, "Failed to create card content, ext=ErrCode: 200740; ErrMsg: card not found; ", "entity")
    if entity.app_id != call.app.app_id:
        raise Refused(230099, "Failed to create card content, ext=ErrCode: 300311; ErrMsg: not owner; ", "entity")
    if entity.message_id is not None:
        text = "Failed to create card content, ext=ErrCode: 200220; ErrMsg: a card entity can be sent once only; "
        raise Refused(230099, text, "entity_sent_twice")
    if platform.now() - entity.created_at > UPDATABLE_S:
        raise Refused(230099, "Failed to create card content, ext=ErrCode: 200750; ErrMsg: card expired; ", None)
    message.card_id = entity.card_id


def card_json(content: str) -> Card:
    """A raw card as an object: 230099 with 200621 when it is none."""
    try:
        card = orjson.loads(content)
    except orjson.JSONDecodeError:
        card = None
    if not isinstance(card, dict):
        raise Refused(
            230099, "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err; ", "card_schema"
        )
    return card


def check_raw_card(platform: Platform, call: Call, content: str, card: Card) -> None:
    """Size, then schema 2.0 in full; of 1.0 only that it has elements."""
    check_size("interactive", content)
    if card.get("schema") == "2.0":
        card_or_refusal(platform, card, call.app)
    elif not isinstance(card.get("elements") or card.get("i18n_elements"), list | dict):
        # This is also what a card entity sent without its {"type": "card", "data": …} wrapper gets.
        raise Refused(
            230099, "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err; ", "card_schema"
        )


def updatable(card: Card) -> bool:
    """Is `update_multi` on? The default is on in 2.0 and off in 1.0."""
    return bool((card.get("config") or {}).get("update_multi", card.get("schema") == "2.0"))


def simplified(card: Card) -> dict[str, Any]:
    """The reduced form in which other readers get a card; of schema 2.0 the advice to update the client."""
    if card.get("schema") == "2.0":
        return {"title": None, "elements": [[{"tag": "text", "text": NOT_SIMPLIFIED}]]}
    title = ((card.get("header") or {}).get("title") or {}).get("content", "")
    elements = card.get("elements", [])
    lines = [[{"tag": "text", "text": e["content"]}] for e in elements if isinstance(e.get("content"), str)]
    return {"title": title, "elements": lines}


def text_mentions(world: World, content: str) -> list[dict[str, Any]]:
    """Mentions inside `<at user_id="…">` of a text sent by an app."""
    found = _TEXT_AT.findall(content.replace('\\"', '"'))
    return [_mention(world, number, member, name) for number, (member, name) in enumerate(found, 1)]


def _mention(world: World, number: int, member: str, name: str = "") -> dict[str, Any]:
    kind = "bot" if world.app_by_bot(member) else "user"
    ids = {"open_id": "" if member == "all" else member}
    return {"key": f"@_user_{number}", "id": ids, "mentioned_type": kind, "name": name or world.name_of(member)}
