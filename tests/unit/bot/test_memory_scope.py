"""What a conversation remembers under rules: nothing from closed collections, and no card of another chat."""

from dataclasses import replace

import orjson
from sqlalchemy import insert

from bot.access.rules import Access
from bot.cards.progress import Completed, Progress, Stopped, conclude, ended
from bot.models import Answer, Source, Turn
from bot.repositories.history import ChatHistory
from bot.repositories.turns import turn_values
from bot.settings.access import AccessSettings
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.storage.tables import answers, turns
from bot.texts import ZH
from rag.scope import EVERYTHING, Scope
from rag.settings import RagSettings
from tests.support.clock import HandClock

NOW = 1_000_000.0
ASKED = Turn("now", "app", "oc_here", "oc_here", "group", "om_now", "ou_b", "那呢？", created_at=NOW)


async def tell(
    database: Database,
    turn_id: str,
    collection: str,
    *,
    chat: str = "oc_here",
    leaned_on: tuple[str, ...] = (),
    other_version: tuple[str, ...] = (),
    standalone: str = "",
) -> None:
    """A turn with its shown answer, from one collection; `other_version` is what another version leaned on."""
    turn = Turn(turn_id, "app", chat, chat, "group", f"om_{turn_id}", "ou_a", f"问{turn_id}", created_at=NOW - 60)
    turn = replace(turn, shown_answer=f"{turn_id}-1", standalone=standalone)
    source = Source(1, "题", "", "", "x.md", None, True, collection)
    rows = [("1", [source], leaned_on, "answered")]
    if other_version:
        rows.append(("2", [], other_version, "answered"))

    def work(connection: object) -> None:
        connection.execute(insert(turns).values(**turn_values(turn)))  # type: ignore[attr-defined]
        for number, sources, leans, outcome in rows:
            values = {"id": f"{turn_id}-{number}", "turn_id": turn_id, "version": int(number), "outcome": outcome}
            values |= {"text": f"答{turn_id}", "sources": orjson.dumps(sources).decode(), "created_at": NOW - 60}
            values |= {"leaned_on": orjson.dumps(leans).decode(), "job_id": hash((turn_id, number)) % 10**9}
            connection.execute(insert(answers).values(**values))  # type: ignore[attr-defined]

    await database.write(work)


async def remembered(database: Database, scope: Scope, *, parent: str = "") -> set[str]:
    memory = ChatHistory(database, PeopleSettings(), Access(AccessSettings(), RagSettings()), clock=HandClock(NOW))
    before = await memory.before(replace(ASKED, parent_turn=parent), scope)
    assert all(scope.shows(each.behind) for each in before)
    return {each.turn_id for each in before}


async def test_what_came_from_closed_collections_is_forgotten_also_by_a_detour(database: Database) -> None:
    await tell(database, "open", "open")
    await tell(database, "closed", "hr")
    await tell(database, "leaning", "open", leaned_on=("hr",))
    await tell(database, "understood", "open", other_version=("hr",), standalone="秘密的问题")
    assert await remembered(database, Scope.of({"open"})) == {"open"}
    assert await remembered(database, Scope.of({"open", "hr"})) == {"open", "closed", "leaning", "understood"}
    assert len(await remembered(database, EVERYTHING)) == 4
    assert await remembered(database, Scope.of(())) == set()


async def test_a_reply_carries_a_card_of_its_own_chat_that_may_be_seen_and_no_other(database: Database) -> None:
    await tell(database, "here", "open")
    await tell(database, "closed", "hr")
    await tell(database, "elsewhere", "open", chat="oc_hr")
    assert "elsewhere" not in await remembered(database, EVERYTHING, parent="elsewhere")
    assert await remembered(database, Scope.of({"open"}), parent="closed") == {"here"}
    assert await remembered(database, Scope.of({"hr"}), parent="closed") == {"closed"}


def test_what_is_kept_of_a_broken_off_answer_keeps_the_collections_behind_it() -> None:
    before = Answer("a", "t", 1, "open", text="写到一半", leaned_on=("hr",))

    def concluded(progress: Progress, outcome: Completed | Stopped) -> Answer:
        ending = ended(progress, outcome)
        return conclude(before, ending, ZH, seconds=None, first_token_s=None, leaned_on=["open"])

    stopped = concluded(Progress(), Stopped("ou_a"))
    assert (stopped.text, stopped.leaned_on) == ("写到一半", ("hr", "open"))
    anew = concluded(Progress(text="重新写的"), Completed())
    assert (anew.text, anew.leaned_on) == ("重新写的", ("open",))
