"""A code, or no answer, at a moment of the card's life: what passes leaves the whole answer on one closed card."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.conftest import answer_text, words
from tests.support.model_server import Reply
from tests.support.plays import PLAYING_S, Played, Plays
from tests.support.scene import ANSWER, CLOSE, CREATE, FRAME, HTML, LAST, QUESTION, REPLY, Scene

PLAYS = Plays()
MIDDLE = {"skip": 2}


@dataclass(frozen=True)
class Row:
    """A fault, and how often it hits."""

    endpoint: str
    how: dict[str, Any]

    def __str__(self) -> str:
        words = [
            self.endpoint,
            *(f"{key}={value}" for key, value in self.how.items() if key not in ("headers", "html")),
        ]
        return " ".join([*words, "html"] if "html" in self.how else words)


def rows(endpoint: str, *hows: dict[str, Any], **common: Any) -> list[Row]:
    return [Row(endpoint, common | how) for how in hows]


OUTAGES: tuple[dict[str, Any], ...] = (
    {"status": 502, "html": HTML},
    {"status": 500, "code": 2200},
    {"drop": True},
    {"drop": True, "applied": True},
)
RATE = {"code": 99991400, "status": 429, "headers": {"x-ogw-ratelimit-reset": "1"}}

PASSING = [
    # no usable answer, twice, at each step
    *rows(CREATE, *OUTAGES, times=2),
    *rows(REPLY, *OUTAGES, times=2),
    *rows(FRAME, *OUTAGES, times=2, **MIDDLE),
    *rows(CLOSE, *OUTAGES, times=2),
    *rows(LAST, *OUTAGES, times=2),
    # time-outs: the call has taken effect, its answer comes too late
    *(Row(endpoint, {"late_s": 2.5}) for endpoint in (CREATE, REPLY, CLOSE, LAST)),
    Row(FRAME, {"late_s": 2.5, **MIDDLE}),
    # rates
    *(Row(endpoint, RATE) for endpoint in (CREATE, REPLY, FRAME, CLOSE, LAST)),
    *(Row(endpoint, {"code": 230020}) for endpoint in (REPLY, FRAME, CLOSE, LAST)),
    # somebody clicks, somebody else wrote, the platform stumbles
    *(Row(endpoint, {"code": 200810, "times": 2}) for endpoint in (FRAME, CLOSE, LAST)),
    *(Row(endpoint, {"code": 300317}) for endpoint in (FRAME, CLOSE, LAST)),
    # the call has taken effect, and something in between has delivered it twice: the second one's refusal is heard
    *(Row(endpoint, {"code": 300317, "applied": True}) for endpoint in (FRAME, CLOSE, LAST)),
    *(Row(FRAME, {"code": code, **MIDDLE}) for code in (300120, 123456)),
    *(Row(LAST, {"code": code}) for code in (300120, 300121, 123456)),
    Row(CLOSE, {"code": 300122}),
    # the stream is over, or the text is not taken: the end brings it
    *(Row(FRAME, {"code": code, **MIDDLE}) for code in (200850, 300309, 200510)),
    Row(FRAME, {"code": 200850, "times": None, **MIDDLE}),
    *(
        Row(FRAME, {"code": code, **MIDDLE})
        for code in (11310, 200570, 200860, 300305, 300313, 300310, 10002, 99992402, 230022, 230028)
    ),
    # the preview is refused: better closed without it
    Row(CLOSE, {"code": 230022}),
    # tokens
    *(Row(endpoint, {"revoke_token": True}) for endpoint in (CREATE, REPLY, CLOSE, LAST)),
    Row(FRAME, {"revoke_token": True, **MIDDLE}),
    Row(FRAME, {"code": 99991663, "status": 200, **MIDDLE}),
]


@PLAYS.of(*PASSING)
async def what_passes_leaves_the_whole_answer_on_one_closed_card(scene: Scene, row: Row) -> None:
    fault = scene.sandbox.faults.plan(row.endpoint, **row.how)
    await scene.start(feishu={"timeout_s": 1.5})
    card = await scene.answered_whole(await scene.ask())
    assert fault.hits, "the row was really played"
    assert QUESTION in words(card["card"])
    assert scene.counted() == {}, "no other way was needed"


# Long after the call that takes its place, also on a machine that has much else to do.
LATE_S = 10.0
LATE = [Row(CREATE, {"delay_s": LATE_S}), Row(CLOSE, {"delay_s": LATE_S}), Row(LAST, {"delay_s": LATE_S})]


@PLAYS.of(*LATE, Row(FRAME, {"delay_s": LATE_S, **MIDDLE}))
async def what_arrives_after_it_was_given_up_changes_nothing(scene: Scene, row: Row) -> None:
    """The call that took its place is there already: the platform refuses the late one, nobody hears of that, no number
    is skipped for it, and what stands on the card stays."""
    scene.sandbox.faults.plan(row.endpoint, **row.how)
    await scene.start(feishu={"timeout_s": 4.0})
    asked = await scene.ask()
    closed = await scene.closed(asked)
    late = row.endpoint in (FRAME, CLOSE, LAST)
    await scene.until(lambda: not late or scene.sandbox.violations)
    assert [(entry.name, entry.code) for entry in scene.sandbox.violations] == [("sequence", 0)] * late
    assert scene.sandbox.shown(closed["message_id"])["card"] == closed["card"]
    assert answer_text(closed) == ANSWER
    numbers = [entry.sequence for entry in scene.sandbox.calls() if entry.sequence is not None]
    assert max(numbers) < 1000, "a refusal that nobody heard is no reason to leap"
    assert scene.counted() == {}


async def however_the_documents_are_read_the_answer_arrives(scene: Scene, by_put: bool) -> None:
    await scene.start(feishu={"close_by_put": by_put})
    await scene.answered_whole(await scene.ask())
    assert len(scene.sandbox.calls(CLOSE)) == (0 if by_put else 1)


READINGS: list[dict[str, Any]] = [
    {},
    {"card_rate_code": 230020},
    {"invalid_token_status": 200},
    {"put_closes_stream": True},
    {"uuid_repeat": "refused"},
    {"latency_s": 0.1},
]
for by_put in (False, True):
    for reading in READINGS:
        PLAYS.add(however_the_documents_are_read_the_answer_arrives, (by_put,), reading)


@PLAYS.of(uuid_repeat="refused")
async def a_card_whose_message_id_never_arrived_is_written_and_can_be_regenerated(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, drop=True, applied=True)
    await scene.start()
    asked = await scene.ask()
    card = await scene.answered_whole(asked)
    await scene.press(card, "regenerate")
    await scene.until(lambda: "第 2 版" in words(scene.cards(asked)[0]["card"]))
    await scene.answered_whole(asked)


async def test_a_stream_that_the_platform_ended_after_ten_minutes_goes_on(scene: Scene) -> None:
    scene.model.script(Reply(ANSWER, delay_s=0.03))
    await scene.start()
    asked = await scene.ask()
    await scene.growing(asked)
    scene.sandbox.advance(601)
    await scene.growing(asked, chars=40)
    card = await scene.answered_whole(asked)
    opened = [entry for entry in scene.sandbox.calls(CLOSE) if "true" in str(entry.detail["request"])]
    assert opened and answer_text(card) == ANSWER


@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
