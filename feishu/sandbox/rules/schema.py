"""Reads a whole card 2.0 the way the platform does, and refuses what it would refuse."""

from typing import Any

from feishu.sandbox.refusal import CardInvalid
from feishu.sandbox.rules.components import (
    COLUMN_SET,
    COMMON,
    CONTAINER,
    CONTAINERS,
    GONE,
    I18N,
    INTERACTIVE,
    LEAVES,
    TEXT,
    URLS,
    check_table,
    icon,
)
from feishu.sandbox.rules.markdown import check_markdown
from feishu.sandbox.rules.shapes import (
    MAX_DEPTH,
    Walk,
    an_object,
    anything,
    boolean,
    check_fields,
    count_element,
    element_id,
    fields,
    integer,
    list_of,
    one_of,
    pixels,
    string,
    wrong,
)
from feishu.sandbox.world import compact

MAX_CARD_BYTES = 30 * 1024
TEMPLATES = ("blue wathet turquoise green yellow orange red carmine violet purple indigo grey default").split()  # noqa: SIM905

PRINT_SPEED = fields(
    (), default=integer(1, 100_000), android=integer(1, 100_000), ios=integer(1, 100_000), pc=integer(1, 100_000)
)
CONFIG = fields(
    (),
    streaming_mode=boolean,
    streaming_config=fields(
        (), print_frequency_ms=PRINT_SPEED, print_step=PRINT_SPEED, print_strategy=one_of("fast", "delay")
    ),
    summary=fields((), content=string, i18n_content=I18N),
    locales=list_of(string),
    enable_forward=boolean,
    enable_forward_interaction=boolean,
    update_multi=boolean,
    width_mode=one_of("default", "compact", "fill"),
    use_custom_translation=boolean,
    style=an_object,
)
TEXT_TAG = fields(("tag", "text"), tag=one_of("text_tag"), text=TEXT, color=string, element_id=element_id)
HEADER = fields(
    ("title",),
    title=TEXT,
    subtitle=TEXT,
    template=one_of(*TEMPLATES),
    text_tag_list=list_of(TEXT_TAG, most=3),
    i18n_text_tag_list=I18N,
    icon=icon,
    padding=pixels(),
)
CARD_LINK = fields((), url=string, pc_url=string, ios_url=string, android_url=string)


def check_card(card: Any, walk: Walk) -> None:
    """Raise `CardInvalid` unless this is a card of schema 2.0 inside all limits."""
    if not isinstance(card, dict):
        raise wrong("ROOT", "object expected")
    if card.get("schema") != "2.0":
        raise CardInvalid(300303, "only card schema 2.0 is supported", "card_schema")
    # The size is what the card's JSON weighs in UTF-8.
    if len(compact(card).encode()) > MAX_CARD_BYTES:
        raise CardInvalid(200860, "card size exceeds 30 KB", "card_bytes")
    known = {"schema": string, "config": CONFIG, "card_link": CARD_LINK, "header": HEADER, "body": anything}
    check_fields(card, ("body",), known, walk, "ROOT")
    if card.get("config", {}).get("update_multi") is False:
        raise CardInvalid(300302, "update_multi must be true", "update_multi")
    body = card["body"]
    an_object(body, walk, "ROOT -> body")
    check_fields(body, ("elements",), {**CONTAINER, "elements": anything}, walk, "ROOT -> body")
    if not body["elements"]:
        raise CardInvalid(300307, "card has no elements", "card_schema")
    check_elements(body["elements"], walk, "ROOT -> body -> elements")


def check_elements(elements: Any, walk: Walk, where: str) -> None:
    """A list of components."""
    if not isinstance(elements, list):
        raise wrong(where, "list expected")
    for index, element in enumerate(elements):
        check_element(element, walk, f"{where} -> [{index}]")


def check_element(element: Any, walk: Walk, where: str) -> None:
    """One component with everything inside it."""
    an_object(element, walk, where)
    tag = element.get("tag")
    where = f"{where}(tag: {tag})"
    count_element(walk)
    if tag in GONE:
        raise CardInvalid(
            200861,
            f"cards of schema V2 no longer support this capability; unsupported tag {tag}, path: {where}",
            "gone_in_v2",
        )
    if tag in LEAVES:
        required, known = LEAVES[tag]
        check_fields(element, required, {**COMMON, **known}, walk, where)
        _check_leaf(tag, element, walk, where)
    elif tag == "column_set":
        check_fields(element, ("columns",), {**COMMON, **COLUMN_SET, "columns": anything}, walk, where)
        _check_inside(element["columns"], walk, f"{where} -> columns", only="column")
    elif tag == "form":
        _check_form(element, walk, where)
    elif tag in CONTAINERS:
        required, known = CONTAINERS[tag]
        check_fields(element, required, {**COMMON, **known, "elements": anything}, walk, where)
        _check_inside(element.get("elements", []), walk, f"{where} -> elements")
    else:
        raise wrong(where, f"unknown tag {tag}")


def _check_leaf(tag: str, element: dict[str, Any], walk: Walk, where: str) -> None:
    if tag == "markdown":
        check_markdown(element["content"], walk, where)
    elif tag == "table":
        if walk.depth:
            raise wrong(where, "table must be at the root of the card")
        check_table(element, walk, where)
    elif tag in INTERACTIVE and walk.form:
        _check_form_item(element, walk, where)


def _check_inside(children: Any, walk: Walk, where: str, only: str | None = None) -> None:
    if only and any(not isinstance(child, dict) or child.get("tag") != only for child in children):
        raise wrong(where, f"only {only} allowed here")
    walk.depth += 1
    # A column is part of its column_set, so the pair counts as one level.
    if walk.depth > MAX_DEPTH * 2 or (only is None and _levels(where) > MAX_DEPTH):
        raise CardInvalid(
            11310, f"element exceeds the limit: nesting deeper than {MAX_DEPTH}, path: {where}", "card_depth"
        )
    check_elements(children, walk, where)
    walk.depth -= 1


def _levels(where: str) -> int:
    return where.count("-> elements") - 1


def _check_form(form: dict[str, Any], walk: Walk, where: str) -> None:
    """At the root only, every control named once, one submit button at least."""
    if walk.depth:
        raise wrong(where, "form must be at the root of the card")
    required, known = CONTAINERS["form"]
    check_fields(form, required, {**COMMON, **known, "elements": anything}, walk, where)
    walk.form, walk.names, walk.submits = form["name"] or "?", set(), 0
    _check_inside(form["elements"], walk, f"{where} -> elements")
    if not walk.submits:
        raise wrong(where, "form needs a submit button")
    walk.form = None


def _check_form_item(element: dict[str, Any], walk: Walk, where: str) -> None:
    name = element.get("name", "")
    if not name or name in walk.names:
        raise CardInvalid(200530, f"form component needs its own non-empty name, path: {where}", "form_names")
    walk.names.add(name)
    submits = element.get("form_action_type") == "submit" or any(
        act.get("behavior") == "submit" for act in element.get("behaviors", [])
    )
    walk.submits += submits


__all__ = ["CONFIG", "MAX_CARD_BYTES", "URLS", "check_card", "check_element", "check_elements"]
