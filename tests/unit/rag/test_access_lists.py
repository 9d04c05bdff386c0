"""Who may read which document: the rule in a few lines, and a source of it that fails."""

import logging

import pytest

from rag.access_lists import UNCONTROLLED, AccessLists, NewestLists
from rag.scope import EVERYTHING, Scope

ANNA = frozenset({"user:anna", "department:sales"})
BEN = frozenset({"user:ben", "department:it"})
LISTS = AccessLists(
    {
        "wiki:both": frozenset({"user:anna", "department:it"}),
        "wiki:sales": frozenset({"department:sales"}),
        "wiki:empty": frozenset(),
        "a.md": frozenset({"user:anna"}),
    },
    controlled="wiki:",
    version="1",
)


@pytest.mark.parametrize(
    ("source", "seen_by"),
    [("wiki:both", "anna ben together"), ("wiki:sales", "anna"), ("wiki:empty", ""), ("wiki:unknown", "")],
)
def test_everybody_has_to_share_a_principal_with_the_readers(source: str, seen_by: str) -> None:
    audiences = {"anna": {ANNA}, "ben": {BEN}, "together": {ANNA, BEN}, "stranger": {frozenset[str]()}}
    seen = [name for name, audience in audiences.items() if LISTS.shows(frozenset(audience), source)]
    assert seen == seen_by.split()
    assert LISTS.shows(EVERYTHING.audience, source), "the owner asks for no rights"


def test_what_is_not_controlled_is_open_to_everybody_whatever_the_lists_say() -> None:
    assert LISTS.shows(frozenset({BEN}), "a.md") and LISTS.shows(frozenset({BEN}), "other.md")
    assert UNCONTROLLED.shows(frozenset({BEN}), "wiki:empty")
    everything = AccessLists({}, controlled="", version="1")
    assert not everything.shows(frozenset({BEN}), "a.md")


def test_scopes_together_are_for_the_readers_of_both() -> None:
    one, other = Scope(frozenset("ab"), frozenset({ANNA})), Scope(frozenset("bc"), frozenset({BEN}))
    assert one.within(other) == Scope(frozenset("b"), frozenset({ANNA, BEN}))
    assert one.within(EVERYTHING) == EVERYTHING.within(one) == one
    assert Scope(None, frozenset({ANNA})).within(other) == Scope(frozenset("bc"), frozenset({ANNA, BEN}))
    assert Scope.of("ab").within(Scope.of("b")) == Scope.of("b")


def test_a_source_that_fails_closes_what_is_controlled_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    given: list[AccessLists | Exception] = []

    def source() -> AccessLists:
        answer = given.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    newest = NewestLists(source)
    given[:] = [OSError("secret"), OSError(), LISTS, KeyError(), KeyError(), LISTS, OSError()]
    with caplog.at_level(logging.ERROR):
        unknown, again = newest(), newest()
    assert not unknown.shows(frozenset({ANNA}), "a.md"), "nobody knows yet what is controlled"
    assert unknown.shows(EVERYTHING.audience, "a.md")
    assert (again is unknown, len(caplog.records), "secret" in caplog.text) == (True, 1, False)
    assert newest() is LISTS
    closed = newest()
    assert not closed.shows(frozenset({ANNA}), "wiki:both") and closed.shows(frozenset({ANNA}), "a.md")
    assert newest() is closed and newest() is LISTS
    newest()
    assert len(caplog.records) == 3, "once for each time that it begins"
