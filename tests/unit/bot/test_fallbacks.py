"""Ways that were not the usual one: counted by day, for everybody who has the store, and told by the doctor."""

from bot.doctor.fallbacks import fallback_findings
from bot.observability.metrics import Metrics
from bot.repositories.fallbacks import WAYS, DeliveryFallbacks, Fallback
from bot.storage.database import Database
from feishu.errors import CardRejected, Forbidden, Timeout
from tests.support.clock import HandClock

DAY_S = 86_400.0


def rejected(code: int, inner: int) -> CardRejected:
    error = CardRejected(code, "no")
    error.sub_code = inner
    return error


async def test_ways_are_counted_by_their_code(database: Database) -> None:
    metrics = Metrics()
    fallbacks = DeliveryFallbacks(metrics, database)
    for _ in range(2):
        await fallbacks.note("repaired", rejected(230099, 11310))
    await fallbacks.note("raw_card", Timeout("slow"))
    await DeliveryFallbacks(Metrics(), database).note("raw_card", Forbidden(99991672, "scope"))  # another replica
    counted = await fallbacks.of_days(7)
    assert counted[0] == Fallback("repaired", 11310, 2)
    assert set(counted[1:]) == {Fallback("raw_card", 0, 1), Fallback("raw_card", 99991672, 1)}
    assert b'feishu_rag_fallbacks_total{way="repaired"} 2.0' in metrics.render()


async def test_days_pass_and_are_forgotten(database: Database) -> None:
    clock = HandClock()
    fallbacks = DeliveryFallbacks(None, database, clock=clock)
    await fallbacks.note("withheld")
    await clock.advance(3 * DAY_S)
    await fallbacks.note("withheld")
    assert await fallbacks.of_days(7) == [Fallback("withheld", 0, 2)]
    assert await fallbacks.of_days(2) == [Fallback("withheld", 0, 1)]
    await clock.advance(40 * DAY_S)
    await fallbacks.note("unsaid")
    assert await fallbacks.of_days(90) == [Fallback("unsaid", 0, 1)]


async def test_a_store_that_fails_keeps_no_answer_back(database: Database) -> None:
    metrics = Metrics()
    database.close()
    await DeliveryFallbacks(metrics, database).note("plain_text")
    assert b'way="plain_text"} 1.0' in metrics.render()


async def test_the_doctor_tells_each_way_and_what_to_do(database: Database) -> None:
    (nothing,) = await fallback_findings(database)
    assert (nothing.state, nothing.fix) == ("ok", "")
    fallbacks = DeliveryFallbacks(None, database)
    for way in WAYS:
        await fallbacks.note(way, CardRejected(230028, "dlp"))
    findings = await fallback_findings(database)
    assert {found.name for found in findings} == {f"fallback {way}" for way in WAYS}
    assert all("230028 (1)" in found.detail for found in findings)
    assert all(bool(found.fix) == (found.state == "warn") for found in findings)


async def test_a_missing_scope_is_told_by_its_name(database: Database) -> None:
    await DeliveryFallbacks(None, database).note("raw_card", Forbidden(99991672, "scope"))
    (found,) = await fallback_findings(database)
    assert found.state == "warn" and "cardkit:card:write" in found.fix
