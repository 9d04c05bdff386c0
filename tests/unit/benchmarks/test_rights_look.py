"""The benchmark of a look through rights, on few pages."""

from benchmarks.rights_look import look


async def test_a_look_keeps_to_the_platforms_limits() -> None:
    figures = await look(60)
    assert (figures["pages"], figures["failed"], figures["refused"]) == (60, 0, 0)
    assert figures["calls"]["document_members"] == 2 * figures["calls"]["document_sharing"] == 120
    assert figures["minutes"] > 0
