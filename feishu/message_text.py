"""The words of a received message: what a person wrote, with mentions resolved. Pure."""

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from feishu.visible import visible_text

if TYPE_CHECKING:
    from feishu.events import MessageReceived

_PLACEHOLDER = re.compile(r"(@_(?:user_[0-9]+|all))([ \t]?)")
_LOCALES = ("zh_cn", "en_us", "ja_jp")


def mentions_bot(message: "MessageReceived", bot_open_id: str) -> bool:
    """Whether the bot itself is mentioned: by its own open_id, never by name, and never by `@_all`."""
    return bool(bot_open_id) and any(mention.open_id == bot_open_id for mention in message.mentions)


def mentions_all(message: "MessageReceived") -> bool:
    """Whether everybody is mentioned; the platform sometimes leaves `@_all` out of the mentions."""
    return any(mention.key == "@_all" for mention in message.mentions) or "@_all" in message.content


def text_of(message: "MessageReceived", *, bot_open_id: str) -> str:
    """The plain text of a `text` or `post` message: the bot's own mention removed, other mentions as `@Name`.

    Empty for every other type, and when there is nothing to read.
    """
    content = _content(message.content)
    if message.message_type == "text":
        text = _string(content.get("text"))
    elif message.message_type == "post":
        text = _post_text(content, bot_open_id)
    else:
        return ""
    return _resolve_mentions(text, message, bot_open_id).strip()


def plain_content(message_type: str, raw: str) -> str:
    """The words of any text or post content, as it is fetched; mentions keep their placeholders."""
    content = _content(raw)
    if message_type == "post":
        return _post_text(content, "")
    return _string(content.get("text")) if message_type == "text" else ""


def _content(raw: str) -> dict[str, Any]:
    """The content object; lone surrogates (which clients do send) are replaced, since nothing downstream takes them."""
    found: object
    try:
        found = orjson.loads(raw)
    except ValueError:
        try:
            found = json.loads(raw)
            found = orjson.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return {}
    return found if isinstance(found, dict) else {}


def _resolve_mentions(text: str, message: "MessageReceived", bot_open_id: str) -> str:
    mentions = {mention.key: mention for mention in message.mentions}

    def name(match: re.Match[str]) -> str:
        placeholder, space = match.groups()
        # "@_user_1" directly followed by typed digits reads like "@_user_12": the longest key that exists is meant.
        for end in range(len(placeholder), len("@_user_"), -1):
            if mention := mentions.get(placeholder[:end]):
                if bot_open_id and mention.open_id == bot_open_id:
                    return placeholder[end:] + space if end < len(placeholder) else ""
                return f"@{mention.name or 'somebody'}{placeholder[end:]}{space}"
        if placeholder == "@_all":
            named = mentions.get("@_all")
            return f"@{named.name if named and named.name else 'all'}{space}"
        return placeholder + space

    return _PLACEHOLDER.sub(name, text)


def _post_text(content: dict[str, Any], bot_open_id: str) -> str:
    """Title and paragraphs of a rich text, with or without the locale level."""
    post = _localised(content)
    paragraphs = post.get("content")
    lines = [_string(post.get("title"))]
    for paragraph in paragraphs if isinstance(paragraphs, list) else []:
        nodes = paragraph if isinstance(paragraph, list) else [paragraph]
        lines.append("".join(_node_text(node, bot_open_id) for node in nodes if isinstance(node, dict)))
    return "\n".join(lines).strip()


def _localised(content: dict[str, Any]) -> dict[str, Any]:
    if isinstance(content.get("content"), list):
        return content
    inner = content.get("post")
    content = inner if isinstance(inner, dict) else content
    candidates = [content.get(locale) for locale in _LOCALES] + list(content.values())
    for candidate in candidates:
        if isinstance(candidate, dict) and isinstance(candidate.get("content"), list):
            return candidate
    return content


def _node_text(node: dict[str, Any], bot_open_id: str) -> str:
    tag = node.get("tag")
    text = _string(node.get("text"))
    if tag == "a":
        return text or _string(node.get("href"))
    if tag == "at":
        return _at_text(_string(node.get("user_id")), _string(node.get("user_name")), bot_open_id)
    if tag == "code_block":
        return f"\n```{_string(node.get('language')).lower()}\n{text.rstrip()}\n```\n"
    return text  # text, md and whatever else has words; img, media, emotion and hr have none


def _at_text(user_id: str, user_name: str, bot_open_id: str) -> str:
    if user_id.startswith("@_"):
        return user_id  # a placeholder, resolved with all the others
    if user_id == "all":
        return "@all"
    return "" if bot_open_id and user_id == bot_open_id else f"@{user_name or 'somebody'}"


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
