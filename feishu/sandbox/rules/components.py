"""The properties of each card 2.0 component (open.feishu.cn: card JSON 2.0 structure and component pages)."""

from typing import Any

from feishu.sandbox.refusal import CardInvalid
from feishu.sandbox.rules.shapes import (
    Check,
    Walk,
    an_object,
    anything,
    boolean,
    count_element,
    element_id,
    fields,
    image_key,
    integer,
    list_of,
    one_of,
    pixels,
    string,
    wrong,
)

MARGIN = pixels()
SPACING = pixels("small", "medium", "large", "extra_large")
ALIGN = one_of("left", "center", "right")
VERTICAL = one_of("top", "center", "bottom")
WIDTH = pixels("default", "fill", "auto", "weighted")
I18N = an_object


def wide_pixels(value: Any, walk: Walk, where: str) -> None:
    """A width: a keyword or up to four digits of px."""
    if not (isinstance(value, str) and value.endswith("px") and value[:-2].isdigit()):
        WIDTH(value, walk, where)


def _text(*tags: str) -> Check:
    inner = fields(
        ("tag", "content"),
        tag=one_of(*tags),
        content=string,
        i18n_content=I18N,
        text_size=string,
        text_color=string,
        text_align=ALIGN,
        lines=integer(1, 100),
        element_id=element_id,
        icon=anything,
    )

    def check(value: Any, walk: Walk, where: str) -> None:
        count_element(walk)
        inner(value, walk, where)

    return check


PLAIN = _text("plain_text")
TEXT = _text("plain_text", "lark_md")
TITLE = _text("plain_text", "lark_md", "markdown")


def icon(value: Any, walk: Walk, where: str) -> None:
    """A library icon or an uploaded one."""
    an_object(value, walk, where)
    if value.get("tag") == "custom_icon":
        fields(("img_key",), tag=string, img_key=image_key, size=string)(value, walk, where)
    else:
        fields(("tag", "token"), tag=one_of("standard_icon"), token=string, color=string, size=string)(
            value, walk, where
        )


CONFIRM = fields(("title",), title=PLAIN, text=PLAIN)
URLS: dict[str, Check] = dict.fromkeys(("default_url", "pc_url", "ios_url", "android_url"), string)


def behaviour(value: Any, walk: Walk, where: str) -> None:
    """What a press does: call back with a value, or open a page."""
    an_object(value, walk, where)
    match value.get("type"):
        case "callback":
            # The platform also takes strings; SDKs only support objects, so nothing else is accepted here.
            fields(("value",), type=string, value=an_object)(value, walk, where)
        case "open_url":
            fields((), type=string, **URLS)(value, walk, where)
        case "form_action":
            fields(("behavior",), type=string, behavior=one_of("submit", "reset"))(value, walk, where)
        case _:
            raise wrong(where, "invalid behavior type")


BEHAVIORS = list_of(behaviour, most=5)
COMMON: dict[str, Check] = {"tag": string, "element_id": element_id, "margin": MARGIN}
INPUT_LIKE: dict[str, Check] = {
    "name": string,
    "required": boolean,
    "disabled": boolean,
    "placeholder": PLAIN,
    "width": wide_pixels,
    "behaviors": BEHAVIORS,
    "confirm": CONFIRM,
}
CONTAINER: dict[str, Check] = {
    "padding": MARGIN,
    "direction": one_of("vertical", "horizontal"),
    "vertical_spacing": SPACING,
    "horizontal_spacing": SPACING,
    "horizontal_align": ALIGN,
    "vertical_align": VERTICAL,
}
OPTION = fields(("text", "value"), text=PLAIN, value=string, icon=icon)
BUTTON_TYPES = (
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
)


def _angle(value: Any, _walk: Walk, where: str) -> None:
    if value not in (-180, -90, 90, 180):
        raise wrong(where, "invalid icon_expanded_angle")


PANEL_HEADER = fields(
    ("title",),
    title=TITLE,
    background_color=string,
    vertical_align=VERTICAL,
    padding=MARGIN,
    position=one_of("top", "bottom"),
    width=wide_pixels,
    icon=icon,
    icon_position=one_of("left", "right", "follow_text"),
    icon_expanded_angle=_angle,
)
COLUMN_KIND = one_of("text", "lark_md", "markdown", "options", "number", "persons", "date")
TABLE_COLUMN = fields(
    ("name", "data_type"),
    name=string,
    display_name=string,
    data_type=COLUMN_KIND,
    width=anything,
    vertical_align=VERTICAL,
    horizontal_align=ALIGN,
    format=an_object,
    date_format=string,
)

# tag → (required, known properties besides the common ones). `elements` and `columns` are walked by the schema.
LEAVES: dict[str, tuple[tuple[str, ...], dict[str, Check]]] = {
    "markdown": (
        ("content",),
        {"content": string, "i18n_content": I18N, "text_size": string, "text_align": ALIGN, "icon": icon},
    ),
    "div": ((), {"text": TEXT, "icon": icon, "width": wide_pixels}),
    "hr": ((), {}),
    "img": (
        ("img_key", "alt"),
        {
            "img_key": image_key,
            "alt": PLAIN,
            "title": TEXT,
            "scale_type": one_of("crop_center", "crop_top", "fit_horizontal"),
            "size": string,
            "corner_radius": string,
            "transparent": boolean,
            "preview": boolean,
        },
    ),
    "button": (
        (),
        {
            "text": PLAIN,
            "type": one_of(*BUTTON_TYPES),
            "size": one_of("tiny", "small", "medium", "large"),
            "width": wide_pixels,
            "icon": icon,
            "hover_tips": PLAIN,
            "disabled": boolean,
            "disabled_tips": PLAIN,
            "confirm": CONFIRM,
            "behaviors": BEHAVIORS,
            "name": string,
            "required": boolean,
            "form_action_type": one_of("submit", "reset"),
        },
    ),
    "input": (
        (),
        {
            **INPUT_LIKE,
            "default_value": string,
            "max_length": integer(1, 1000),
            "input_type": one_of("text", "multiline_text", "password"),
            "show_icon": boolean,
            "rows": integer(1, 100),
            "auto_resize": boolean,
            "max_rows": integer(1, 100),
            "label": PLAIN,
            "label_position": one_of("top", "left"),
        },
    ),
    "select_static": (
        ("options",),
        {
            **INPUT_LIKE,
            "type": one_of("default", "text"),
            "options": list_of(OPTION, most=100),
            "initial_index": integer(0, 100),
            "initial_option": string,
        },
    ),
    "multi_select_static": (
        ("options",),
        {
            **INPUT_LIKE,
            "type": one_of("default", "text"),
            "options": list_of(OPTION, most=100),
            "selected_values": list_of(string),
        },
    ),
    "table": (
        ("columns", "rows"),
        {
            "page_size": integer(1, 10),
            "row_height": string,
            "row_max_height": string,
            "freeze_first_column": boolean,
            "header_style": an_object,
            "columns": list_of(TABLE_COLUMN, most=50, least=1),
            "rows": list_of(an_object, most=5000),
        },
    ),
}

CONTAINERS: dict[str, tuple[tuple[str, ...], dict[str, Check]]] = {
    "collapsible_panel": (
        ("header", "elements"),
        {
            **CONTAINER,
            "expanded": boolean,
            "background_color": string,
            "header": PANEL_HEADER,
            "border": fields((), color=string, corner_radius=string),
        },
    ),
    "form": (("name", "elements"), {**CONTAINER, "name": string}),
    "interactive_container": (
        ("elements",),
        {
            **CONTAINER,
            "width": wide_pixels,
            "height": string,
            "background_style": string,
            "has_border": boolean,
            "border_color": string,
            "corner_radius": string,
            "behaviors": BEHAVIORS,
            "disabled": boolean,
            "disabled_tips": PLAIN,
            "hover_tips": PLAIN,
            "confirm": CONFIRM,
        },
    ),
    "column": (
        (),
        {
            **CONTAINER,
            "width": wide_pixels,
            "weight": integer(1, 5),
            "background_style": string,
            "action": anything,
        },
    ),
}
COLUMN_SET: dict[str, Check] = {
    "flex_mode": one_of("none", "stretch", "flow", "bisect", "trisect"),
    "background_style": string,
    "horizontal_spacing": SPACING,
    "horizontal_align": ALIGN,
    "action": anything,
}
INTERACTIVE = frozenset({"input", "select_static", "multi_select_static", "button"})
GONE = frozenset({"action", "note"})


def check_table(value: dict[str, Any], walk: Walk, where: str) -> None:
    """At most five a card, at the root only; rows use the columns that are declared."""
    walk.tables += 1
    if walk.tables > 5:
        raise CardInvalid(11310, f"card table number over limit, path: {where}", "card_tables")
    names = {column["name"] for column in value["columns"]}
    for index, row in enumerate(value["rows"]):
        if not row.keys() <= names:
            raise CardInvalid(
                200914, f"table row has unknown columns, path: {where} -> rows -> [{index}]", "table_rows"
            )
