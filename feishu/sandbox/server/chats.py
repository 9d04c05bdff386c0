"""The chats of a bot, what is known of one, and the people in it (im-v1/chat, im-v1/chat-members)."""

from typing import Any

from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.server.paging import page, sized
from feishu.sandbox.world import Chat

MOST_CHATS, MOST_MEMBERS = 100, 100
_ID_TYPES = ("open_id", "union_id", "user_id")


def listed(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /im/v1/chats: the groups that the bot is in, and those that were dissolved with their history kept."""
    _require_bot(call)
    size = sized(call, most=MOST_CHATS, usual=20, code=232001)
    groups = (chat for chat in platform.world.chats.values() if chat.kind == "group" and call.app.app_id in chat.apps)
    found = [_listed(platform, chat) for chat in groups if not chat.dissolved or chat.history_kept]
    return {"data": page(call, found, "items", size, code=232001)}


def chat_info(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /im/v1/chats/:chat_id."""
    chat = _chat(platform, call)
    told: dict[str, Any] = {"name": chat.name, "chat_mode": "topic" if chat.topics else chat.kind}
    told |= {"user_count": str(len(chat.people)), "bot_count": str(len(chat.apps))}
    told |= {"external": platform.world.is_external(chat), "tenant_key": chat.tenant_key, "chat_status": _status(chat)}
    if chat.kind == "p2p":
        return {"data": told}
    told |= {"group_message_type": "chat"} if not chat.topics else {}
    told |= {"owner_id": chat.owner, "owner_id_type": "open_id"} if chat.owner else {}
    told |= {"chat_type": "private", "chat_tag": chat.tag, "restricted_mode_setting": _restrictions(chat)}
    return {"data": told}


def members(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /im/v1/chats/:chat_id/members: bots are left out of each page after it was cut, so that it may be short."""
    chat = _chat(platform, call)
    if chat.dissolved:
        raise Refused(232009, "Your request specifies a chat which has already been dissolved.", None)
    id_type = call.query.get("member_id_type", "open_id")
    if id_type not in _ID_TYPES:
        raise Refused(232001, "Your request contains an invalid request parameter.", "parameters")
    size = sized(call, most=MOST_MEMBERS, usual=20, code=232001)
    found = page(call, [*chat.apps, *chat.people], "items", size, code=232001)
    people = [platform.world.people[each] for each in found["items"] if each in platform.world.people]
    found["items"] = [
        {
            "member_id_type": id_type,
            "member_id": str(getattr(person, id_type)),
            "name": person.name,
            "tenant_key": person.tenant_key,
        }
        for person in people
    ]
    return {"data": {**found, "member_total": len(chat.people)}}


def _require_bot(call: Call) -> None:
    if not call.app.is_on:
        raise Refused(232025, "Bot ability is not activated.", "bot")


def _chat(platform: Platform, call: Call) -> Chat:
    """The chat of the path, which the bot is in."""
    _require_bot(call)
    chat_id = call.path["chat_id"]
    if not chat_id.startswith("oc_"):
        raise Refused(232006, "Your request specifies a chat_id which is invalid.", "parameters")
    chat = platform.world.chats.get(chat_id)
    if chat is None or call.app.app_id not in chat.apps:
        raise Refused(232011, "Operator can NOT be out of the chat.", "membership")
    if platform.world.is_external(chat) and not call.app.settings.joins_external_chats:
        words = "The operator or invited bots does NOT have the authority to manage external chats without the scope."
        raise Refused(232033, words, None)
    return chat


def _status(chat: Chat) -> str:
    return "normal" if not chat.dissolved else "dissolved_save" if chat.history_kept else "dissolved"


def _listed(platform: Platform, chat: Chat) -> dict[str, Any]:
    told: dict[str, Any] = {"chat_id": chat.chat_id, "avatar": "", "name": chat.name, "description": ""}
    told |= {"owner_id": chat.owner, "owner_id_type": "open_id"} if chat.owner else {}
    return told | {
        "external": platform.world.is_external(chat),
        "tenant_key": chat.tenant_key,
        "chat_status": _status(chat),
    }


def _restrictions(chat: Chat) -> dict[str, Any]:
    """What the secret mode of a chat forbids."""
    names = ("screenshot", "download", "message")
    whom = "not_anyone" if chat.is_restricted else "all_members"
    return {"status": chat.is_restricted, **{f"{name}_has_permission_setting": whom for name in names}}
