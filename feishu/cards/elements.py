"""Constructors of Card JSON 2.0. Pure: they take text and give dictionaries, and know nothing of answers or votes.

Only documented properties are ever written, since 2.0 refuses a card with an unknown one; properties that are not asked
for are left out. Structure: open.feishu.cn/document feishu-cards/card-json-v2-structure and its component pages.
"""

from collections.abc import Sequence
from typing import Any, Literal

from feishu.encoding import to_bytes, to_text
from feishu.visible_text import visible_text

Card = dict[str, Any]
Element = dict[str, Any]

MAX_CARD_BYTES = 30 * 1024
"""Of the serialised card; above it the platform answers 200860."""
MAX_ELEMENTS = 200

ButtonType = Literal[
    "default", "primary", "danger", "text", "primary_text", "danger_text", "primary_filled", "danger_filled", "laser"
]
Size = Literal["tiny", "small", "medium", "large"]
TextSize = Literal["normal", "notation", "heading"]


def card(
    elements: Sequence[Element],
    *,
    header: dict[str, Any] | None = None,
    summary: str = "",
    streaming: bool = False,
    streaming_config: dict[str, Any] | None = None,
    width_mode: Literal["", "compact", "fill"] = "",
    enable_forward: bool | None = None,
) -> Card:
    """A whole card. `summary` is the preview in the chat list; `streaming` opens it for `CardKit.stream_text`."""
    config: dict[str, Any] = {"update_multi": True}
    if streaming:
        config["streaming_mode"] = True
        config |= {"streaming_config": streaming_config} if streaming_config else {}
    config |= _given(
        summary={"content": visible_text(summary)} if summary else None,
        width_mode=width_mode or None,
        enable_forward=enable_forward,
    )
    return {"schema": "2.0", "config": config} | _given(header=header) | {"body": {"elements": list(elements)}}


def streaming_config(
    *, print_frequency_ms: int = 70, print_step: int = 1, strategy: Literal["fast", "delay"] = "fast"
) -> dict[str, Any]:
    """How the client types: `print_step` characters each `print_frequency_ms`; `fast` shows what is late at once."""
    return {
        "print_frequency_ms": {"default": print_frequency_ms},
        "print_step": {"default": print_step},
        "print_strategy": strategy,
    }


def header(title: str, *, subtitle: str = "", template: str = "") -> dict[str, Any]:
    """The head of a card; both texts are plain, so nothing in them is markup."""
    return {"title": plain_text(title)} | _given(
        subtitle=plain_text(subtitle) if subtitle else None, template=template or None
    )


def plain_text(content: str) -> dict[str, Any]:
    """A text object without any markup: the safe place for what people wrote. Nothing in it is hidden."""
    return {"tag": "plain_text", "content": visible_text(content)}


def markdown(text: str, *, element_id: str = "", size: TextSize = "normal", icon: str = "") -> Element:
    """Markdown. Foreign text goes through `feishu.cards.markdown.safe_markdown` first."""
    return {"tag": "markdown", "content": text} | _given(
        element_id=element_id or None,
        text_size=None if size == "normal" else size,
        icon=_icon(icon) if icon else None,
    )


def plain(text: str, *, element_id: str = "", size: TextSize = "normal", color: str = "") -> Element:
    """A paragraph without markup."""
    body = plain_text(text) | _given(text_size=None if size == "normal" else size, text_color=color or None)
    return {"tag": "div", "text": body} | _given(element_id=element_id or None)


def note(text: str, *, element_id: str = "") -> Element:
    """Small grey text: what `note` was before 2.0."""
    return plain(text, element_id=element_id, size="notation", color="grey")


def hr(*, element_id: str = "") -> Element:
    """A dividing line."""
    return {"tag": "hr"} | _given(element_id=element_id or None)


def img(img_key: str, *, alt: str = "", element_id: str = "") -> Element:
    """An uploaded image."""
    return {"tag": "img", "img_key": img_key, "alt": plain_text(alt)} | _given(element_id=element_id or None)


def column_set(
    columns: Sequence[Element],
    *,
    element_id: str = "",
    flex_mode: Literal["none", "stretch", "flow", "bisect", "trisect"] = "none",
    horizontal_spacing: str = "8px",
) -> Element:
    """Columns side by side."""
    return {
        "tag": "column_set",
        "flex_mode": flex_mode,
        "horizontal_spacing": horizontal_spacing,
        "columns": list(columns),
    } | _given(element_id=element_id or None)


def column(
    elements: Sequence[Element],
    *,
    width: str = "auto",
    weight: int | None = None,
    vertical_align: Literal["", "top", "center", "bottom"] = "",
) -> Element:
    """One column; `weight` counts when `width` is `weighted`."""
    return {"tag": "column", "width": width, "elements": list(elements)} | _given(
        weight=weight, vertical_align=vertical_align or None
    )


def button(
    text: str,
    *,
    value: dict[str, Any] | None = None,
    url: str = "",
    element_id: str = "",
    type: ButtonType = "default",
    size: Size | None = None,
    disabled: bool = False,
    confirm: dict[str, Any] | None = None,
    name: str = "",
    submit: bool = False,
) -> Element:
    """A button that calls back with `value`, opens `url`, or both. In a form it needs a `name`; `submit` sends it."""
    behaviors: list[dict[str, Any]] = []
    if value is not None:
        behaviors.append({"type": "callback", "value": value})
    if url:
        behaviors.append({"type": "open_url", "default_url": url})
    return {"tag": "button", "text": plain_text(text), "type": type} | _given(
        element_id=element_id or None,
        name=name or None,
        size=size,
        disabled=disabled or None,
        confirm=confirm,
        form_action_type="submit" if submit else None,
        behaviors=behaviors or None,
    )


def confirm(title: str, text: str) -> dict[str, Any]:
    """The question a button asks before it acts."""
    return {"title": plain_text(title), "text": plain_text(text)}


def collapsible_panel(
    title: str,
    elements: Sequence[Element],
    *,
    element_id: str = "",
    expanded: bool = False,
    border: bool = True,
) -> Element:
    """A panel that opens and closes on the client. `title` is plain text."""
    icon = _icon("down-small-ccm_outlined") | {"size": "16px 16px"}
    head = {"title": plain_text(title), "icon": icon, "icon_position": "right", "icon_expanded_angle": -180}
    return {"tag": "collapsible_panel", "expanded": expanded, "header": head, "elements": list(elements)} | _given(
        element_id=element_id or None, border={"color": "grey", "corner_radius": "5px"} if border else None
    )


def form(name: str, elements: Sequence[Element], *, element_id: str = "") -> Element:
    """A form: at the root of the card only, every interactive child with a name, one button with `submit`."""
    return {"tag": "form", "name": name, "elements": list(elements)} | _given(element_id=element_id or None)


def input_(
    name: str,
    *,
    placeholder: str = "",
    required: bool = False,
    max_length: int | None = None,
    multiline: bool = False,
    label: str = "",
    value: str = "",
    element_id: str = "",
) -> Element:
    """A text field of a form; `value` stands in it from the start."""
    return {"tag": "input", "name": name} | _given(
        element_id=element_id or None,
        input_type="multiline_text" if multiline else None,
        required=required or None,
        max_length=max_length,
        placeholder=plain_text(placeholder) if placeholder else None,
        label=plain_text(label) if label else None,
        label_position="top" if label else None,
        default_value=visible_text(value) if value else None,
    )


def select(
    name: str,
    options: Sequence[tuple[str, str]],
    *,
    placeholder: str = "",
    required: bool = False,
    chosen: str = "",
    element_id: str = "",
) -> Element:
    """A choice of one; `options` are (text, value), `chosen` is the value that it begins with."""
    return {
        "tag": "select_static",
        "name": name,
        "options": [{"text": plain_text(text), "value": value} for text, value in options],
    } | _given(
        element_id=element_id or None,
        required=required or None,
        placeholder=plain_text(placeholder) if placeholder else None,
        initial_option=chosen or None,
    )


def card_json(card: Card) -> str:
    """The card as the JSON string that messages and CardKit want."""
    return to_text(card)


def card_bytes(card: Card) -> int:
    """The size the platform measures: UTF-8 bytes of the serialised card."""
    return len(to_bytes(card))


def _icon(token: str) -> dict[str, Any]:
    return {"tag": "standard_icon", "token": token}


def _given(**properties: Any) -> dict[str, Any]:
    """Those that were given: an absent property is left out, never null."""
    return {key: value for key, value in properties.items() if value is not None}
