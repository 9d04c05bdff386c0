"""The world as JSON for the page and for tests."""

import json
from typing import Any

from feishu.sandbox.organisation import Department
from feishu.sandbox.world import Entity, Message, Person, World

STREAMING_SUMMARY = "[生成中...]"
KINDS = {
    "image": "[图片]",
    "file": "[文件]",
    "audio": "[语音]",
    "media": "[视频]",
    "sticker": "[表情]",
    "interactive": "[卡片]",
    "merge_forward": "[聊天记录]",
}


def message_view(world: World, message: Message) -> dict[str, Any]:
    """One message as a person sees it; cards as they are now."""
    entity = world.entities.get(message.card_id or "")
    card = None if message.recalled else world.shown_card(message)
    return {
        "message_id": message.message_id,
        "chat_id": message.chat_id,
        "sender": {
            "id": message.sender_id,
            "type": message.sender_type,
            "name": world.name_of(message.sender_id),
        },
        "kind": message.message_type,
        "content": "" if message.recalled else message.content,
        "text": "" if message.recalled else plain_text(message),
        "mentions": message.mentions,
        "created_at": message.created_at,
        "parent_id": message.parent_id,
        "root_id": message.root_id,
        "thread_id": message.thread_id,
        "recalled": message.recalled,
        "edited": bool(message.edits),
        "visible_to": message.visible_to,
        "reactions": message.reactions,
        "forwarded": [] if message.recalled else forwarded(world, message),
        "delivery": message.delivery,
        "card": card,
        "card_id": message.card_id,
        "streaming": bool(entity and entity.streaming),
        "timed_out": bool(entity and entity.timed_out),
        "sequence": entity.sequence if entity else None,
        "summary": summary_of(world, message),
    }


def person_view(person: Person, scopes: set[str]) -> dict[str, Any]:
    """A person as an app gets them told (contact-v3/user): names and departments have scopes of their own."""
    gone = person.is_resigned
    status = {"is_frozen": False, "is_resigned": gone, "is_activated": not gone, "is_exited": False, "is_unjoin": False}
    shown: dict[str, Any] = {"open_id": person.open_id, "union_id": person.union_id, "status": status}
    if "contact:user.base:readonly" in scopes:
        shown["name"] = person.name
    if "contact:user.department:readonly" in scopes:
        shown["department_ids"] = list(person.departments)
    return shown


def person_card(world: World, person: Person) -> dict[str, Any]:
    """A person as the page shows them: who they are, and where they work."""
    known = world.organisation.departments
    names = [known[each].name for each in person.departments if each in known]
    shown = {"open_id": person.open_id, "name": person.name, "external": person.is_external}
    return shown | {"works_at": person.tenant_key if person.is_external else "、".join(names)}


def department_view(department: Department) -> dict[str, Any]:
    """A department as an app gets it told (contact-v3/department)."""
    return {
        "name": department.name,
        "parent_department_id": department.parent,
        "department_id": department.custom_id or department.open_department_id.removeprefix("od-"),
        "open_department_id": department.open_department_id,
        "status": {"is_deleted": False},
    }


def forwarded(world: World, message: Message) -> list[dict[str, str]]:
    """Who said what in a merged forward."""
    found = (world.messages[each] for each in message.forwarded)
    return [{"name": world.name_of(each.sender_id), "text": summary_of(world, each)} for each in found]


def summary_of(world: World, message: Message) -> str:
    """The line in the chat list."""
    if message.recalled:
        return "撤回了一条消息"
    card = world.shown_card(message)
    if card is None:
        return plain_text(message)
    config = card.get("config") or {}
    if content := (config.get("summary") or {}).get("content"):
        return str(content)
    entity = world.entities.get(message.card_id or "")
    if entity and entity.streaming:
        return STREAMING_SUMMARY
    title = ((card.get("header") or {}).get("title") or {}).get("content")
    return str(title or KINDS["interactive"])


def plain_text(message: Message) -> str:
    """A person's view of a text or post, mentions resolved; a word for the other kinds."""
    try:
        content = json.loads(message.content)
    except ValueError:
        return message.content
    text = content.get("text") if isinstance(content, dict) else None
    if message.message_type == "post" and isinstance(content, dict):
        text = post_text(content)
    if not isinstance(text, str):
        return KINDS.get(message.message_type, f"[{message.message_type}]")
    for mention in sorted(message.mentions, key=lambda item: -len(item["key"])):
        text = text.replace(mention["key"], "@" + mention["name"])
    return text


def post_text(content: dict[str, Any]) -> str:
    """Title and runs of a rich text message, with or without locale level."""
    if "content" not in content:
        content = next((value for value in content.values() if isinstance(value, dict)), {})
    lines = [str(content["title"])] if content.get("title") else []
    for line in content.get("content") or []:
        runs = [_run_text(run) for run in line if isinstance(run, dict)]
        lines.append("".join(str(run) for run in runs))
    return "\n".join(lines)


def _run_text(run: dict[str, Any]) -> str:
    name = run.get("user_name")
    return str(run.get("text") or (f"@{name}" if name else ""))


def entity_view(entity: Entity) -> dict[str, Any]:
    """A card entity with its history of accepted writes."""
    frames = [
        {"at": f.at, "operation": f.operation, "sequence": f.sequence, "element_id": f.element_id, "content": f.content}
        for f in entity.frames
    ]
    return {
        "card_id": entity.card_id,
        "message_id": entity.message_id,
        "card": entity.card,
        "sequence": entity.sequence,
        "streaming": entity.streaming,
        "timed_out": entity.timed_out,
        "frames": frames,
    }


def state_view(world: World) -> dict[str, Any]:
    """Everything the page needs to draw itself."""
    return {
        "now": world.now(),
        "people": [person_card(world, p) for p in world.people.values() if not p.is_resigned],
        "bots": [{"open_id": a.open_id, "app_id": a.app_id, "name": a.name} for a in world.apps.values()],
        "chats": [
            {
                "chat_id": c.chat_id,
                "kind": c.kind,
                "name": c.name,
                "topics": c.topics,
                "people": c.people,
                "external": world.is_external(c),
                "dissolved": c.dissolved,
                "bots": [world.apps[app_id].open_id for app_id in c.apps],
            }
            for c in world.chats.values()
        ],
        "messages": [message_view(world, m) for m in world.messages.values()],
        "examples": {"zh": list(world.settings.examples), "en": list(world.settings.examples_en)},
    }
