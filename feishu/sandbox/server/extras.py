"""The smaller message endpoints: resources, uploads, reactions, ephemeral cards, delayed card updates."""

from typing import Any

from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform, card_or_refusal
from feishu.sandbox.rules.rates import EPHEMERAL_WINDOW, message_rate
from feishu.sandbox.server.messages import existing
from feishu.sandbox.world import Message, Upload, compact

MAX_IMAGE_BYTES = 10 * 1024 * 1024
MAX_FILE_BYTES = 30 * 1024 * 1024
UPDATE_TOKEN_S = 1800.0
UPDATE_TOKEN_USES = 2


def resource(platform: Platform, call: Call) -> Upload:
    """GET /im/v1/messages/:id/resources/:file_key?type=: the key has to belong to that message."""
    message = existing(platform, call, missing=230110)
    key = call.path["file_key"]
    if call.query.get("type") not in ("image", "file"):
        raise field_violation("type")
    upload = platform.world.uploads.get(key)
    if upload is None or f'"{key}"' not in message.content:
        raise Refused(234003, "File not in msg.", "resource")
    if message.message_type in ("interactive", "sticker", "merge_forward"):
        raise Refused(234043, "Unsupported message type.", "resource")
    return upload


def upload_image(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /im/v1/images (multipart)."""
    name, content, media_type = call.files.get("image", ("", b"", ""))
    if not content or len(content) > MAX_IMAGE_BYTES:
        raise Refused(234006 if content else 234010, "The file size is out of limits.", "upload")
    key = platform.world.new_id("img_v3_")
    platform.world.uploads[key] = Upload(key, "image", name, content, call.app.app_id, media_type)
    return {"data": {"image_key": key}}


def upload_file(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /im/v1/files (multipart)."""
    _, content, media_type = call.files.get("file", ("", b"", ""))
    if not content or len(content) > MAX_FILE_BYTES:
        raise Refused(234006 if content else 234010, "The file size is out of limits.", "upload")
    key = platform.world.new_id("file_v3_")
    name = str(call.body.get("file_name", "file"))
    platform.world.uploads[key] = Upload(key, "file", name, content, call.app.app_id, media_type)
    return {"data": {"file_key": key}}


def add_reaction(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /im/v1/messages/:id/reactions."""
    message = existing(platform, call, missing=231003)
    kind = (call.body.get("reaction_type") or {}).get("emoji_type")
    if not isinstance(kind, str) or not kind or kind.lower() == kind:
        raise Refused(231001, "reaction type is invalid.", "parameters")
    reaction = {
        "reaction_id": platform.world.new_id("re_"),
        "operator": {"operator_id": call.app.app_id, "operator_type": "app"},
        "reaction_type": {"emoji_type": kind},
        "action_time": str(int(platform.now() * 1000)),
    }
    message.reactions.append(reaction)
    platform.show(message)
    return {"data": reaction}


def remove_reaction(platform: Platform, call: Call) -> dict[str, Any]:
    """DELETE /im/v1/messages/:id/reactions/:reaction_id."""
    message = existing(platform, call, missing=231003)
    mine = [r for r in message.reactions if r["reaction_id"] == call.path["reaction_id"]]
    if not mine or mine[0]["operator"]["operator_id"] != call.app.app_id:
        raise Refused(231007, "The reaction does not belong to the operator.", "parameters")
    message.reactions.remove(mine[0])
    platform.show(message)
    return {"data": mine[0]}


def send_ephemeral(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /ephemeral/v1/send: a card only one member of a group sees."""
    chat = platform.world.chats.get(call.text("chat_id"))
    open_id = call.text("open_id")
    if chat is None or chat.kind != "group" or chat.topics or open_id not in chat.people:
        raise Refused(18053, "ephemeral cards go to one member of a normal group", "receive_id")
    if call.app.app_id not in chat.apps:
        raise Refused(10003, "bot not in chat", "membership")
    if call.text("msg_type") != "interactive" or not isinstance(call.body.get("card"), dict):
        raise field_violation("card")
    platform.rates.take(("ephemeral", chat.chat_id), EPHEMERAL_WINDOW, message_rate("chat_rate"))
    card = call.body["card"]
    if card.get("schema") == "2.0":
        card_or_refusal(platform, card, call.app)
    message_id = platform.world.new_id("om_")
    message = Message(message_id, chat.chat_id, call.app.app_id, "app", "interactive", compact(card), platform.now())
    message.card, message.visible_to = card, open_id
    platform.deliver(message)
    return {"data": {"message_id": message_id}}


def delete_ephemeral(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /ephemeral/v1/delete."""
    message = platform.world.messages.get(call.text("message_id"))
    if message is None or message.visible_to is None or message.sender_id != call.app.app_id:
        raise Refused(18054, "not an ephemeral card of this app", "parameters")
    message.recalled = True
    platform.show(message)
    return {"data": {}}


def delayed_update(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /interactive/v1/card/update: with the token of a callback, twice within 30 minutes."""
    token, card = call.text("token"), call.body.get("card")
    if token not in platform.world.update_tokens:
        raise Refused(300020, "invalid token", "update_token")
    message_id, at, uses = platform.world.update_tokens[token]
    if platform.now() - at > UPDATE_TOKEN_S:
        raise Refused(300030, "token expired", "update_token")
    if uses >= UPDATE_TOKEN_USES:
        raise Refused(300040, "token used up", "update_token")
    message = platform.world.messages[message_id]
    if message.recalled:
        raise Refused(200000, "the message was recalled", None)
    if message.sender_id != call.app.app_id:
        raise Refused(200310, "the card belongs to another app", "not_sender")
    if message.card_id or not isinstance(card, dict):
        raise Refused(11311, "card format", "card_schema")
    card_or_refusal(platform, card, call.app)
    platform.world.update_tokens[token] = (message_id, at, uses + 1)
    message.card, message.updated_at = card, platform.now()
    platform.show(message)
    return {"data": {}}
