"""One place decides who may do what: each kind of deed against each rule."""

from datetime import datetime
from typing import get_args

import pytest

from bot.cards.buttons import ActionKind
from bot.handlers.card_actions import DEEDS
from bot.intake.policy import COSTS, SILENCED, Attempt, Deed, Policy, attempt_of, deed_of, is_begun, refusal_of
from bot.intake.refusals import refusal_key
from bot.job import Bounds, Job, JobKind, NewJob
from bot.settings.people import PeopleSettings
from bot.texts import EN, ZH
from feishu.events.types import MessageReceived

ALL: tuple[Deed, ...] = get_args(Deed)
ANN, BEN = "ou_ann", "ou_ben"
NOON = datetime(2026, 1, 5, 12, 0).timestamp()
NIGHT = datetime(2026, 1, 5, 23, 0).timestamp()


def refused(deed: Deed, at: float = NOON, *, who: str = BEN, chat_type: str = "group", **rules: object) -> str | None:
    """What Ben hears about the card of Ann, or about what he writes, in the chat `oc_1`."""
    return Policy(PeopleSettings(**rules)).refusal(Attempt(deed, who, "oc_1", chat_type, asker=ANN), at)  # type: ignore[arg-type]


@pytest.mark.parametrize("deed", ALL)
def test_without_rules_everybody_may_do_everything(deed: Deed) -> None:
    assert refused(deed) is None and refused(deed, chat_type="p2p") is None
    assert refused(deed, who="") is None


@pytest.mark.parametrize("deed", ALL)
@pytest.mark.parametrize("rule", [{"deny_people": [BEN]}, {"allow_people": [ANN]}], ids=["denied", "not allowed"])
def test_rules_on_people_bind_whatever_they_do(deed: Deed, rule: dict[str, list[str]]) -> None:
    assert refused(deed, chat_type="p2p", **rule) == "not_for_you"
    assert refused(deed, **rule) == (None if deed == "welcome" else "not_for_you"), "a group is welcomed for all"
    assert refused(deed, **rule, admins=[BEN]) is None
    assert refused(deed, who=ANN, **rule) is None


@pytest.mark.parametrize("deed", ALL)
def test_who_has_no_name_is_on_no_list_of_the_allowed(deed: Deed) -> None:
    assert refused(deed, who="", chat_type="p2p", allow_people=[ANN]) == "not_for_you"


@pytest.mark.parametrize("deed", ALL)
@pytest.mark.parametrize("rule", [{"deny_chats": ["oc_1"]}, {"allow_chats": ["oc_2"]}], ids=["denied", "not allowed"])
def test_rules_on_chats_bind_in_groups_whatever_is_done_there(deed: Deed, rule: dict[str, list[str]]) -> None:
    assert refused(deed, **rule) == "not_here"
    assert refused(deed, chat_type="p2p", **rule) is None
    assert refused(deed, **rule, admins=[BEN]) is None


@pytest.mark.parametrize("deed", ALL)
def test_quiet_hours_hold_what_would_be_written_into_a_group(deed: Deed) -> None:
    hours = {"quiet_hours": "22:00-07:30"}
    assert refused(deed, NIGHT, **hours) == ("quiet_hours" if deed in SILENCED else None)
    assert refused(deed, NIGHT, chat_type="p2p", **hours) is None
    assert refused(deed, NOON, **hours) is None
    assert refused(deed, NIGHT, who=ANN, admins=[ANN], **hours) is None


def test_votes_pages_and_stops_are_free_at_night() -> None:
    assert SILENCED.isdisjoint({"vote", "reaction", "reason", "show", "stop", "stop_command", "menu", "welcome"})


@pytest.mark.parametrize("deed", ALL)
def test_some_buttons_may_be_the_askers_alone(deed: Deed) -> None:
    rules = {"regenerate_by": "asker", "stop_by": "asker"}
    assert refused(deed, **rules) == ("not_yours" if deed in ("regenerate", "continue", "stop") else None)
    assert refused(deed, who=ANN, **rules) is None
    assert refused(deed, admins=[BEN], **rules) is None


def test_a_rule_on_people_comes_before_one_on_buttons() -> None:
    assert refused("stop", deny_people=[BEN], stop_by="asker") == "not_for_you"


def test_every_button_is_a_deed_and_every_refusal_has_its_words_in_both_languages() -> None:
    assert DEEDS.keys() == set(get_args(ActionKind))
    for why in ("not_for_you", "not_here", "quiet_hours", "not_yours", "too_many", "too_many_waiting"):
        assert getattr(ZH, f"refused_{why}") and getattr(EN, f"refused_{why}")


def test_what_makes_work_costs_and_nothing_else_is_free() -> None:
    assert set(ALL) - COSTS.keys() == {"stop", "welcome"}
    assert COSTS["regenerate"] == COSTS["continue"] == COSTS["suggestion"] == COSTS["question"] == 1.0
    assert COSTS["vote"] < COSTS["command"] < COSTS["question"] < COSTS["file"]


def priced(deed: Deed, who: str = BEN, chat_type: str = "group") -> NewJob:
    people = PeopleSettings(person_per_min=3, chat_per_min=9, person_waiting=2, chat_waiting=5, admins=[ANN])
    return Policy(people).priced(NewJob("cli", "answer", "oc_1", {}, ("k",)), Attempt(deed, who, "oc_1", chat_type))


def test_a_job_is_its_persons_and_its_chats_within_their_bounds() -> None:
    job = priced("question")
    assert (job.asker, job.chat_id, job.cost, job.bounds) == (BEN, "oc_1", 1.0, Bounds(3, 9, 2, 5))
    assert priced("file", chat_type="p2p").bounds == Bounds(3, 0, 2, 0), "in private the chat is the person"
    assert priced("question", who=ANN).bounds is None, "an admin waits for nobody"
    assert priced("question", who="").asker == "?", "who has no name shares one budget with the others"
    assert priced("stop").bounds is None


def message(**fields: object) -> MessageReceived:
    known: dict[str, object] = {
        "app_id": "a", "tenant_key": "t", "event_id": "e", "created_at": 1.0, "message_id": "om_1",
        "chat_id": "oc_1", "chat_type": "group", "thread_id": "", "root_id": "", "parent_id": "",
        "message_type": "text", "content": '{"text":"x"}', "mentions": (), "sender_open_id": BEN,
        "sender_type": "user",
    }  # fmt: skip
    return MessageReceived(**{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "fields", "heard", "deed"),
    [
        ("多久内要报销？", {}, "mention", "question"),
        ("/help", {}, "mention", "command"),
        ("谢谢", {}, "mention", "command"),
        ("/停止", {}, "mention", "stop_command"),
        ("/stop", {}, "reply", "stop_command"),
        ("是蓝色的。", {}, "owner", "owner_reply"),
        ("/help", {}, "silent", "overheard"),
        ("", {"message_type": "file", "chat_type": "p2p"}, "mention", "file"),
        ("", {"message_type": "file"}, "mention", "question"),
        ("", {"message_type": "image"}, "mention", "question"),
    ],
)
def test_a_message_is_told_by_what_it_says(text: str, fields: dict[str, object], heard: str, deed: Deed) -> None:
    assert deed_of(message(**fields), text, heard) == deed


def job(kind: JobKind, payload: dict[str, object], **fields: object) -> Job:
    known: dict[str, object] = {
        "id": 1, "app_id": "a", "conversation": "oc_1", "state": "running", "attempt": 1, "fence": 1, "turn_id": "t",
        "stop_by": "", "reason": "", "created_at": NOON, "asker": BEN, "chat_id": "oc_1",
    }  # fmt: skip
    return Job(**{**known, "kind": kind, "payload": payload, **fields})  # type: ignore[arg-type]


PRESSED = {"by": BEN, "asker": ANN, "chat_type": "group"}
ASKED = {"message": {name: getattr(message(), name) for name in MessageReceived.__slots__}}
STORED: list[tuple[JobKind, dict[str, object]]] = [
    ("answer", ASKED),
    ("regenerate", PRESSED),
    ("continue", {**PRESSED, "answer_id": "a"}),
    ("ask_person", {"answer_id": "a", "chat_type": "group"}),
    ("ask_reason", {"answer_id": "a", "chat_id": "oc_1", "chat_type": "group", "open_id": BEN, "question": "?"}),
    ("menu", {"open_id": BEN, "key": "help"}),
    ("welcome", {"chat_id": "oc_p", "chat_type": "p2p", "person": BEN}),
]


@pytest.mark.parametrize(("kind", "payload"), STORED, ids=[kind for kind, _ in STORED])
def test_what_waits_is_asked_again_by_the_rules_of_the_time_at_which_it_runs(
    kind: JobKind, payload: dict[str, object]
) -> None:
    assert refusal_of(job(kind, payload), Policy(PeopleSettings())) is None
    assert refusal_of(job(kind, payload), Policy(PeopleSettings(deny_people=[BEN]))) == "not_for_you"


def test_every_kind_of_job_is_somebodys_attempt_or_nobodys() -> None:
    nobodys = {kind for kind in get_args(JobKind) if kind not in dict(STORED)}
    assert nobodys == {
        "redraw", "recalled", "refuse", "digest", "budget", "refresh", "rights", "more_sources", "ingest", "approval",
        "verified", "owner_digest", "obsolete",
    }  # fmt: skip
    stored: dict[str, dict[str, object]] = {
        "redraw": {}, "recalled": {"message_id": "om_1"}, "refuse": {"why": "not_here"},
        "digest": {"key": "k", "chat_id": "oc_1"}, "refresh": {"token": "doxcn1"}, "rights": {"token": "doxcn1"},
        "more_sources": {"answer_id": "a", "question": "?"}, "ingest": {"by": "ou_admin"}, "verified": {},
        "budget": {"open_id": "ou_a", "month": "2026-05", "spent": 9, "budget": 9},
        "approval": {"gap_id": "t", "open_id": BEN},
        "owner_digest": {"key": "k", "open_id": BEN}, "obsolete": {"decision_id": "d", "open_id": BEN},
    }  # fmt: skip
    assert [attempt_of(job(kind, stored[kind])) for kind in sorted(nobodys)] == [None] * len(nobodys)


def test_what_was_asked_before_the_quiet_hours_is_answered_in_them() -> None:
    policy = Policy(PeopleSettings(quiet_hours="22:00-07:30"))
    assert refusal_of(job("answer", ASKED, created_at=NIGHT), policy) == "quiet_hours"
    assert refusal_of(job("answer", ASKED, created_at=NOON, waited_s=12 * 3600.0), policy) is None


def test_a_press_stored_by_the_last_version_is_asked_by_what_is_known_of_it() -> None:
    earlier = job("regenerate", {"by": BEN}, chat_id="")
    assert refusal_of(earlier, Policy(PeopleSettings(regenerate_by="asker", deny_chats=["oc_1"]))) is None
    assert refusal_of(earlier, Policy(PeopleSettings(deny_people=[BEN]))) == "not_for_you"


def test_a_card_that_is_open_has_to_be_closed_whoever_is_denied_meanwhile() -> None:
    assert is_begun(job("answer", ASKED)) and not is_begun(job("answer", ASKED, turn_id=""))
    assert is_begun(job("regenerate", PRESSED, is_resumed=True)) and not is_begun(job("regenerate", PRESSED))


def test_a_chats_refusal_is_said_once_for_all_and_a_persons_to_each() -> None:
    assert refusal_key("too_many_here", "oc_1", ANN) == refusal_key("too_many_here", "oc_1", BEN)
    assert refusal_key("too_many", "oc_1", ANN) != refusal_key("too_many", "oc_1", BEN)
    assert refusal_key("not_here", "oc_1", ANN) != refusal_key("not_here", "oc_1", BEN)
