"""Who reads an answer, asked of the local platform: what is not known closes, and knowledge has an age."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.access import audience
from bot.access.audience import Audiences
from bot.settings.access import AccessSettings
from feishu.api.client import FeishuClient
from feishu.errors import FeishuError
from feishu.events.types import PeopleChanged
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.organisation import ContactRange
from feishu.settings import FeishuSettings
from rag.access_lists import AccessLists
from rag.scope import Principal
from tests.support.clock import HandClock
from tests.support.rights_house import ALICE, CARLA, DAN, EVE, HR, LEADERS, LEAF, OTHER, STAFF, furnish

READERS = frozenset({"department:x", "group:x", f"chat:{STAFF}"})
"""Principals of every kind, so that all of them are looked up."""


@dataclass
class People:
    """A house, and what one app knows of the people in it."""

    sandbox: Sandbox
    audiences: Audiences
    clock: HandClock

    async def of(self, person: str) -> frozenset[Principal]:
        """The principals of somebody in private."""
        await self.audiences.know("", "p2p", person)
        [found] = self.audiences.of("", "p2p", person)
        return found

    def calls(self, name: str) -> int:
        return len(self.sandbox.calls(name))


@pytest.fixture
async def people() -> AsyncIterator[People]:
    sandbox = furnish(Sandbox(SandboxSettings()))
    async with running(sandbox) as url:
        app = sandbox.settings
        settings = FeishuSettings.model_validate({"app_id": app.app_id, "app_secret": app.app_secret, "base_url": url})
        client, clock = FeishuClient(settings), HandClock()
        lists = AccessLists({"feishu:a": READERS}, controlled="feishu:", version="1")
        yield People(sandbox, Audiences(client, AccessSettings(), lambda: lists, clock), clock)
        await client.aclose()


async def test_a_colleague_is_all_that_rights_can_be_given_to(people: People) -> None:
    found = await people.of(CARLA)
    assert found >= {"anyone", "tenant", f"user:{CARLA}", f"department:{HR}", f"department:{LEAF}", "department:0"}
    assert f"chat:{STAFF}" in found and f"department:{OTHER}" not in found
    assert f"group:{LEADERS}" in await people.of(DAN)


async def test_somebody_from_outside_is_nothing_inside(people: People) -> None:
    assert await people.of(EVE) == {"outside:anyone", f"outside:user:{EVE}", f"outside:chat:{STAFF}"}


async def test_who_left_the_company_is_nobody(people: People) -> None:
    assert "tenant" in await people.of(DAN)
    people.sandbox.office.resign(DAN)
    people.audiences.heard(PeopleChanged("cli", "t", "e", 0.0, open_id=DAN))
    assert await people.of(DAN) == frozenset()


async def test_whom_the_app_may_not_see_is_taken_for_somebody_from_outside(people: People) -> None:
    app = people.sandbox.settings.app_id
    people.sandbox.office.show_to(app, ContactRange(departments=frozenset({OTHER})))
    assert "tenant" not in await people.of(CARLA)
    assert f"user:{CARLA}" in people.audiences.unresolved


async def test_what_was_never_asked_or_is_too_old_stands_for_nothing(people: People) -> None:
    assert people.audiences.of("", "p2p", ALICE) == audience.NOBODY
    await people.of(ALICE)
    await people.clock.advance(31 * 60)
    assert people.audiences.of("", "p2p", ALICE) == audience.NOBODY


async def test_people_are_asked_about_once_in_their_time_and_again_after_a_change(people: People) -> None:
    await people.of(ALICE)
    await people.of(ALICE)
    assert people.calls("user.get") == 1
    people.audiences.heard(PeopleChanged("cli", "t", "e", 0.0, open_id=ALICE))
    await people.of(ALICE)
    await people.clock.advance(16 * 60)
    await people.of(ALICE)
    assert people.calls("user.get") == 3


async def test_a_group_is_all_its_members_each_by_themselves(people: People) -> None:
    await people.audiences.know(STAFF, "group", CARLA)
    members = people.audiences.of(STAFF, "group", CARLA)
    assert len(members) == 2
    assert any(f"department:{LEAF}" in each for each in members), "Carla"
    assert any("tenant" not in each and f"outside:chat:{STAFF}" in each for each in members), "Eve"


async def test_of_a_very_large_group_only_what_all_have_counts(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "MOST_MEMBERS", 1)
    await people.audiences.know("oc_product", "group", ALICE)
    assert people.audiences.of("oc_product", "group", ALICE) == {frozenset({"anyone", "tenant", "chat:oc_product"})}
    await people.audiences.know(STAFF, "group", CARLA)
    assert any("tenant" not in each for each in people.audiences.of(STAFF, "group", CARLA)), "Eve is from outside"
    assert not any(
        principal.startswith("user:") for each in people.audiences.of(STAFF, "group", CARLA) for principal in each
    )


async def test_a_group_that_the_bot_cannot_look_into_may_read_what_anybody_may(people: People) -> None:
    people.sandbox.groups.remove_bot(STAFF, people.sandbox.settings.app_id)
    await people.audiences.know(STAFF, "group", CARLA)
    assert people.audiences.of(STAFF, "group", CARLA) == {frozenset({"outside:anyone", f"outside:chat:{STAFF}"})}
    assert f"chat:{STAFF}" in people.audiences.unresolved


async def test_an_outage_is_raised_and_nothing_is_made_up(people: People) -> None:
    people.sandbox.faults.plan("user.get", times=20, status=500)
    with pytest.raises(FeishuError):
        await people.audiences.know("", "p2p", ALICE)
    assert people.audiences.of("", "p2p", ALICE) == audience.NOBODY


async def test_what_was_asked_before_a_change_is_asked_again(people: People) -> None:
    """The answer that is on its way when somebody leaves is that of before."""
    people.sandbox.faults.plan("chat.members", times=1, late_s=0.5)
    looking = asyncio.create_task(people.audiences.know("oc_product", "group", ALICE))
    await people.sandbox.wait_for(lambda: people.calls("chat.members") == 1, 60)
    people.audiences.heard(PeopleChanged("cli", "t", "e", 0.0, chat_id="oc_product"))
    await looking
    assert people.calls("chat.members") >= 2
