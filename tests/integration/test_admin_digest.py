"""The weekly card of a real bot in the sandbox's group."""

from datetime import datetime

from tests.integration.conftest import DEADLINE_S, GROUP, Stage, words


async def test_the_weekly_card_arrives_once(stage: Stage) -> None:
    now = datetime.now()
    due = {"BOT__DIGEST_WEEKDAY": str(now.isoweekday()), "BOT__DIGEST_HOUR": str(now.hour)}
    bot = await stage.bot(BOT__DIGEST_CHAT=GROUP, **due)

    def digests() -> list[str]:
        shown = (stage.sandbox.shown(message.message_id) for message in list(stage.sandbox.world.messages.values()))
        cards = [words(message["card"]) for message in shown if message["card"]]
        return [card for card in cards if "首字 p95" in card]

    await stage.sandbox.wait_for(lambda: digests() or None, DEADLINE_S)
    await bot.logged("job_ended", state="done")
    await bot.terminate()
    await stage.bot(BOT__DIGEST_CHAT=GROUP, **due)
    await stage.closed(await stage.ask("出差回来多久内要报销？"))
    assert len(digests()) == 1
