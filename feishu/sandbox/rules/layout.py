"""Finding and changing elements inside a card."""

from collections.abc import Iterator
from typing import Any

from feishu.sandbox.refusal import Refused
from feishu.sandbox.world import Card

Element = dict[str, Any]


def every_object(value: Any) -> Iterator[Element]:
    """Each object of a card, outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from every_object(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_object(inner)


def element_of(card: Card, element_id: str) -> Element | None:
    """The element with this id, wherever it is."""
    return next((each for each in every_object(card.get("body")) if each.get("element_id") == element_id), None)


def home_of(card: Card, element_id: str, code: int) -> tuple[list[Any], int]:
    """The list that holds an element and its place in it. Raises `code` when there is none."""
    for owner in every_object(card.get("body")):
        for inner in owner.values():
            if isinstance(inner, list):
                for index, each in enumerate(inner):
                    if isinstance(each, dict) and each.get("element_id") == element_id:
                        return inner, index
    raise Refused(code, f"not find elementID: {element_id}", "element_id")


def add_elements(card: Card, how: str, target: str, new: Any) -> None:
    """insert_before, insert_after a target, or append (to a container when a target is given)."""
    if not isinstance(new, list):
        raise Refused(300315, "elements is not a list", "parameters")
    if how == "append":
        owner = element_of(card, target) if target else card["body"]
        if owner is None or not isinstance(owner.get("elements"), list):
            raise Refused(300315, f"not a container: {target}", "element_id")
        owner["elements"].extend(new)
    elif how in ("insert_before", "insert_after"):
        siblings, index = home_of(card, target, 300315)
        index += how == "insert_after"
        siblings[index:index] = new
    else:
        raise Refused(10002, "invalid type", "parameters")


def delete_elements(card: Card, element_ids: list[str]) -> None:
    """Remove each."""
    for element_id in element_ids:
        siblings, index = home_of(card, element_id, 300314)
        del siblings[index]


def replace_element(card: Card, element_id: str, element: Element) -> None:
    """Put another element in its place."""
    siblings, index = home_of(card, element_id, 300121)
    siblings[index] = element


def patch_element(card: Card, element_id: str, partial: Element) -> None:
    """Merge properties; the tag cannot change."""
    element = element_of(card, element_id)
    if element is None:
        raise Refused(300313, f"not find elementID: {element_id}", "element_id")
    if partial.get("tag", element.get("tag")) != element.get("tag"):
        raise Refused(300312, "the tag of an element cannot change", "element_tag")
    element.update(partial)
