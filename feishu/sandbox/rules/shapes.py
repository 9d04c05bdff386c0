"""Small checks that card properties are made of. Each takes a value, the walk over the card, and where it stands."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from feishu.sandbox.refusal import CardInvalid

PARSE_ERROR = 200621
MAX_ELEMENTS = 200
MAX_DEPTH = 5
_ELEMENT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}")
_PIXELS = re.compile(r"(-?\d{1,2})px( (-?\d{1,2})px){0,3}")


@dataclass(slots=True)
class Walk:
    """What is gathered while a card is read."""

    images: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    max_markdown_tables: int = 4
    ids: set[str] = field(default_factory=set)
    elements: int = 0
    tables: int = 0
    depth: int = 0
    form: str | None = None
    names: set[str] = field(default_factory=set)
    submits: int = 0


Check = Callable[[Any, Walk, str], None]


def wrong(where: str, why: str, rule: str = "card_schema") -> CardInvalid:
    """200621, the way the platform words it: what is wrong and its path from ROOT."""
    return CardInvalid(PARSE_ERROR, f"parse card json err, {why}, path: {where}", rule)


def anything(_value: Any, _walk: Walk, _where: str) -> None:
    """No rule known."""


def string(value: Any, _walk: Walk, where: str) -> None:
    if not isinstance(value, str):
        raise wrong(where, "string expected")


def boolean(value: Any, _walk: Walk, where: str) -> None:
    if not isinstance(value, bool):
        raise wrong(where, "bool expected")


def an_object(value: Any, _walk: Walk, where: str) -> None:
    if not isinstance(value, dict):
        raise wrong(where, "object expected")


def integer(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(value: Any, _walk: Walk, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise wrong(where, f"integer from {low} to {high} expected")

    return check


def one_of(*words: str) -> Check:
    """One of a list of words."""

    def check(value: Any, _walk: Walk, where: str) -> None:
        if value not in words:
            raise wrong(where, f"invalid value, one of {'/'.join(words)} expected")

    return check


def pixels(*words: str) -> Check:
    """`12px`, `4px 8px` (−99…99), or one of `words`."""

    def check(value: Any, _walk: Walk, where: str) -> None:
        if value not in words and not (isinstance(value, str) and _PIXELS.fullmatch(value)):
            raise wrong(where, "length in px expected")

    return check


def list_of(check: Check, *, most: int = 500, least: int = 0) -> Check:
    """A list whose items all pass."""

    def check_list(value: Any, walk: Walk, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise wrong(where, f"list of {least} to {most} items expected")
        for index, item in enumerate(value):
            check(item, walk, f"{where} -> [{index}]")

    return check_list


def fields(required: Iterable[str] = (), /, **known: Check) -> Check:
    """An object with exactly known properties: an unknown one is an error in schema 2.0 (breaking changes page)."""
    needed = tuple(required)

    def check(value: Any, walk: Walk, where: str) -> None:
        an_object(value, walk, where)
        check_fields(value, needed, known, walk, where)

    return check


def check_fields(value: Any, required: Iterable[str], known: Mapping[str, Check], walk: Walk, where: str) -> None:
    """Every property known and right, every required one there."""
    for name in value:
        if name not in known:
            raise wrong(where, f"unknown property, property: {name}", "unknown_property")
    for name in required:
        if name not in value:
            raise wrong(where, f"required property missing, property: {name}")
    for name, item in value.items():
        known[name](item, walk, f"{where} -> {name}")


def element_id(value: Any, walk: Walk, where: str) -> None:
    """Letters, digits, underscore; a letter first; at most 20; unique in the card."""
    if not isinstance(value, str) or not _ELEMENT_ID.fullmatch(value):
        raise CardInvalid(300301, f"invalid element_id, path: {where}", "element_id")
    if value in walk.ids:
        raise CardInvalid(300301, f"duplicate element_id {value}, path: {where}", "element_id")
    walk.ids.add(value)


def count_element(walk: Walk) -> None:
    """At most 200 elements and components, nested text objects included."""
    walk.elements += 1
    if walk.elements > MAX_ELEMENTS:
        raise CardInvalid(300305, "card element number exceeds 200", "card_elements")


def image_key(value: Any, walk: Walk, where: str) -> None:
    """Only keys of images uploaded to the platform."""
    if value not in walk.images:
        raise CardInvalid(200570, f"invalid image key, path: {where}", "image_key")
