"""The words of a received message: what a person wrote, with mentions resolved. Pure."""

import json
import re
from typing import Any

import orjson

from feishu.events.types import MessageReceived
from feishu.visible_text import visible_text

_PLACEHOLDER = re.compile(r"(@_(?:user_[0-9]+|all))([ \t]?)")
_LOCALES = ("zh_cn", "en_us", "ja_jp")
_AT_TAG = re.compile(
    r"<at\b[^<>]*?\b(?:user_id|id)\s*=\s*(?:\"(?P<a>[^\"<>]*)\"|'(?P<b>[^'<>]*)'|(?P<c>[^\s<>\"']+))[^<>]*>(?P<name>[^<>]*)</at>",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\((?P<key>img_[\w-]+)\)")
MAX_DEPTH = 12


def mentions_bot(message: MessageReceived, bot_open_id: str) -> bool:
    """Whether the bot itself is mentioned: by its own open_id, never by name, and never by `@_all`."""
    return bool(bot_open_id) and any(mention.open_id == bot_open_id for mention in message.mentions)


def mentions_all(message: MessageReceived) -> bool:
    """Whether everybody is mentioned; the platform sometimes leaves `@_all` out of the mentions."""
    if any(mention.key == "@_all" for mention in message.mentions) or "@_all" in message.content:
        return True
    markdown = message.content.replace('\\"', '"') if message.message_type == "post" else ""
    return any(_id_of(found) == "all" for found in _AT_TAG.finditer(markdown))


def text_of(message: MessageReceived, *, bot_open_id: str) -> str:
    """The plain text of a `text` or `post` message: the bot's own mention removed, other mentions as `@Name`.

    Empty for every other type, and when there is nothing to read.
    """
    content = content_of(message.content)
    if message.message_type == "text":
        text = _string(content.get("text"))
    elif message.message_type == "post":
        text = _post_text(content, bot_open_id)
    else:
        return ""
    return visible_text(_resolve_mentions(text, message, bot_open_id)).strip()


def image_keys(message: MessageReceived) -> tuple[str, ...]:
    """The keys of an image, or of the images in a rich text, each once."""
    if message.message_type not in ("image", "post"):
        return ()
    found: list[str] = []
    level: list[Any] = [content_of(message.content)]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                if isinstance(key := node.get("image_key"), str) and node.get("tag", "img") == "img":
                    found.append(key)
                if node.get("tag") == "md":
                    found += [image["key"] for image in _IMAGE.finditer(_string(node.get("text")))]
                inner += node.values()
            elif isinstance(node, list):
                inner += node
        level = inner
    return tuple(dict.fromkeys(found))


def content_of(raw: str) -> dict[str, Any]:
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


def _resolve_mentions(text: str, message: MessageReceived, bot_open_id: str) -> str:
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
    """Title and paragraphs of a rich text, with or without the locale level.

    `content_v2` holds the paragraphs as Markdown, next to a `content` that may lack them (openclaw-lark, post.ts; not
    documented). Where it says something it is the message.
    """
    post = _localised(content)
    written = [_paragraphs(post.get(key), bot_open_id) for key in ("content_v2", "content")]
    body = written[0] if _PLACEHOLDER.sub("", written[0]).strip() else written[1]
    return f"{_string(post.get('title'))}\n{body}".strip()


def _paragraphs(paragraphs: object, bot_open_id: str) -> str:
    if isinstance(paragraphs, str):
        return _markdown_text(paragraphs, bot_open_id)
    lines = []
    for paragraph in paragraphs if isinstance(paragraphs, list) else []:
        nodes = paragraph if isinstance(paragraph, list) else [paragraph]
        lines.append("".join(_node_text(node, bot_open_id) for node in nodes if isinstance(node, dict)))
    return "\n".join(lines)


def _localised(content: dict[str, Any]) -> dict[str, Any]:
    if _has_paragraphs(content):
        return content
    inner = content.get("post")
    content = inner if isinstance(inner, dict) else content
    candidates = [content.get(locale) for locale in _LOCALES] + list(content.values())
    for candidate in candidates:
        if isinstance(candidate, dict) and _has_paragraphs(candidate):
            return candidate
    return content


def _has_paragraphs(post: dict[str, Any]) -> bool:
    return isinstance(post.get("content"), list) or isinstance(post.get("content_v2"), list | str)


def _node_text(node: dict[str, Any], bot_open_id: str) -> str:
    tag = node.get("tag")
    text = _string(node.get("text"))
    if tag == "a":
        return text or _string(node.get("href"))
    if tag == "at":
        return _at_text(_string(node.get("user_id")), _string(node.get("user_name")), bot_open_id)
    if tag == "code_block":
        return f"\n```{_string(node.get('language')).lower()}\n{text.rstrip()}\n```\n"
    if tag == "md":
        return _markdown_text(text, bot_open_id)
    return text  # text and whatever else has words; img, media, emotion and hr have none


def _at_text(user_id: str, user_name: str, bot_open_id: str) -> str:
    if user_id.startswith("@_"):
        return user_id  # a placeholder, resolved with all the others
    if user_id == "all":
        return "@all"
    return "" if bot_open_id and user_id == bot_open_id else f"@{user_name or 'somebody'}"


def _markdown_text(text: str, bot_open_id: str) -> str:
    """Markdown as the platform gives it, its tags for mentions as names and without its images."""
    text = _AT_TAG.sub(lambda found: _at_text(_id_of(found), found["name"], bot_open_id), text)
    return _IMAGE.sub("", text)


def _id_of(found: re.Match[str]) -> str:
    return found["a"] or found["b"] or found["c"] or ""


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
