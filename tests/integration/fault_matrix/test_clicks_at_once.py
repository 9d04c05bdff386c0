"""Clicks that come so close together that what they cause meets on one card."""

import asyncio

import pytest

from bot.jobs.answer_card import CardLocks
from tests.integration.conftest import BOB, answer_text, words
from tests.support.scene import ANSWER, LAST, Scene


async def voted_and_regenerated(scene: Scene) -> str:
    """A vote whose redrawing takes its time on the way, and a new version meanwhile; gives the question's id once the
    bot has nothing left to do."""
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    slow = scene.sandbox.faults.plan(LAST, delay_s=3.0)
    await scene.press(card, "up", BOB)
    await scene.until(lambda: slow.hits)
    await scene.press(card, "regenerate")
    await scene.idle()
    return asked


async def test_a_new_version_begins_after_the_redrawing_that_is_under_way(scene: Scene) -> None:
    asked = await voted_and_regenerated(scene)
    (card,) = scene.replies(asked)
    assert answer_text(card) == ANSWER and "2/2" in words(card["card"])
    scene.assert_lawful()


async def test_an_older_card_drawn_by_another_replica_does_not_stay_on_a_newer_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CardLocks, "of", lambda _self, _turn_id: asyncio.Lock())
    asked = await voted_and_regenerated(scene)
    (card,) = scene.replies(asked)
    assert answer_text(card) == ANSWER and "2/2" in words(card["card"])
