"""Who sees which collections, by the rules and the kind of chat."""

import pytest

from bot.access.rules import FILES, Access
from bot.errors import SettingsError
from bot.settings import load_settings
from bot.settings.access import AccessSettings
from rag.events import Exchange, Question
from rag.scope import EVERYTHING, Scope
from rag.settings import CollectionSettings, RagSettings

RAG = RagSettings(
    collections={"handbook": CollectionSettings(public=True), "hr": CollectionSettings(), "it": CollectionSettings()}
)
RULES = AccessSettings(
    chats={"oc_hr": ["hr", "handbook"], "oc_nothing": [], "oc_private": ["it", "handbook"]},
    people={"ou_boss": ["hr", "it"], "ou_nobody": []},
)


@pytest.mark.parametrize(
    ("chat", "kind", "person", "seen"),
    [
        ("oc_hr", "group", "ou_nobody", {"hr", "handbook"}),
        ("oc_other", "group", "ou_boss", {"handbook"}),
        ("oc_other", "topic_group", "ou_boss", {"handbook"}),
        ("oc_nothing", "group", "ou_boss", set()),
        ("oc_new", "p2p", "ou_boss", {"hr", "it", FILES}),
        ("oc_new", "p2p", "ou_nobody", {FILES}),
        ("oc_new", "p2p", "ou_somebody", {"handbook", FILES}),
        ("oc_private", "p2p", "ou_somebody", {"it", "handbook", FILES}),
        ("oc_private", "p2p", "ou_boss", {"it", FILES}),
        ("", "", "", {"handbook"}),
    ],
)
def test_rules(chat: str, kind: str, person: str, seen: set[str]) -> None:
    assert Access(RULES, RAG).in_chat(chat, kind, person) == Scope.of(seen)


def test_without_collections_everything_is_seen() -> None:
    access = Access(AccessSettings(), RagSettings())
    assert access.in_chat("oc_x", "group", "ou_x") == access.in_chat("oc_x", "p2p", "ou_x") == EVERYTHING
    assert access.of_key(None, is_admin=False) == EVERYTHING
    assert access.of_key(frozenset(), is_admin=True) == Scope.of(())


def test_keys_have_their_own_collections_or_see_the_public_ones() -> None:
    access = Access(RULES, RAG)
    assert access.of_key(frozenset({"hr"}), is_admin=False) == Scope.of({"hr"})
    assert access.of_key(None, is_admin=False) == Scope.of({"handbook"})
    assert access.of_key(None, is_admin=True) == EVERYTHING


def test_documents_without_a_collection_are_seen_where_default_is() -> None:
    closed = Access(AccessSettings(chats={"oc_a": ["default"]}), RAG)
    assert closed.in_chat("oc_a", "group", "").shows(["default"])
    assert not closed.in_chat("oc_b", "group", "").shows(["default"])
    named = RagSettings(collections={"hr": CollectionSettings(), "default": CollectionSettings(public=True)})
    assert Access(AccessSettings(), named).in_chat("oc_b", "group", "") == Scope.of({"default"})


def test_a_question_has_a_scope_and_no_history_from_outside_of_it() -> None:
    with pytest.raises(TypeError, match="scope"):
        Question("x")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="outside"):
        Question("x", Scope.of({"hr"}), (Exchange("q", "a", frozenset({"it"})),))
    assert Question("x", EVERYTHING, (Exchange("q", "a", frozenset({"it"})),)).leans_on == {"it"}


def test_an_empty_scope_shows_nothing_and_scopes_meet() -> None:
    assert not Scope.of(()).shows(["a"]) and Scope.of(()).shows([])
    assert Scope.of("ab").within(Scope.of("bc")) == Scope.of("b")
    assert EVERYTHING.within(Scope.of("a")) == Scope.of("a").within(EVERYTHING) == Scope.of("a")


def test_unknown_collections_are_told_with_the_known_ones() -> None:
    environ = {
        "RAG__COLLECTIONS": '{"hr": {"folders": []}}',
        "BOT__ACCESS__CHATS": '{"oc_a": ["hr", "hrr"]}',
        "BOT__ACCESS__PEOPLE": '{"ou_b": ["finance"]}',
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environ=environ, env_file=None)
    told = str(caught.value)
    assert "bot.access.chats.oc_a names hrr, which is no collection; rag.collections has: default, hr" in told
    assert "bot.access.people.ou_b names finance" in told and "BOT__ACCESS__CHATS" in told


def test_rules_without_collections_are_refused_because_they_would_hide_nothing() -> None:
    with pytest.raises(SettingsError, match=r"bot\.access\.chats has rules.*set rag\.collections"):
        load_settings(None, environ={"BOT__ACCESS__CHATS": '{"oc_a": []}'}, env_file=None)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BOT__ACCESS__CHATS", '{"ou_a": ["default"]}', "must name chats by their id (oc_…)"),
        ("BOT__ACCESS__PEOPLE", '{"oc_a": ["default"]}', "must name people by their open id (ou_…)"),
        ("BOT__ACCESS__CHATS", '{"oc_a": "default"}', "must be a list"),
        ("RAG__COLLECTIONS", '{"@files": {}}', "do not begin with @"),
    ],
)
def test_rules_of_the_wrong_form_are_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings(None, environ={name: value}, env_file=None)
    assert told in str(caught.value)


def test_a_question_in_a_group_sees_the_file_that_it_quotes_and_nothing_else_more() -> None:
    access = Access(RULES, RAG)
    assert access.of_turn("oc_hr", "group", "ou_boss") == Scope.of({"hr", "handbook", FILES})
    assert access.of_turn("oc_new", "p2p", "ou_boss") == access.in_chat("oc_new", "p2p", "ou_boss")
    assert not access.in_chat("oc_hr", "group", "ou_boss").shows([FILES]), "a digest tells nothing of private files"
    assert Access(AccessSettings(), RagSettings()).of_turn("oc_x", "group", "ou_x") == EVERYTHING
