"""The report in the terminal, as a picture and as a page."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from bot.cli.report import run_report
from bot.repositories.analytics import Analytics
from bot.repositories.chat_facts import ChatFacts
from bot.settings import BotSettings, Settings
from bot.storage.database import Database
from feishu.clock import SystemClock
from tests.support.clock import HandClock
from tests.support.seeded_store import reply, seed


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    database = Database(url)
    database.migrate()
    seed(database, time.time())
    database.close()
    return Settings(bot=BotSettings(database_url=url))


def test_it_prints_and_writes_a_picture_and_a_page(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png, page = tmp_path / "report.png", tmp_path / "report.html"
    asyncio.run(run_report(settings, 40, png, page))
    told = capsys.readouterr().out
    assert "240" in told and "What is missing" in told and "outdated" in told
    assert "hedged" in told and "no_evidence" in told and "cut off" in told and "length" in told
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "data:image/png;base64," in page.read_text("utf-8") and "<script" not in page.read_text("utf-8")


def test_what_owners_replied_stands_below_the_question(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def replied() -> None:
        database = Database(settings.bot.database_url)
        [gap, *_] = await Analytics(database, clock=SystemClock()).gaps(40)
        await reply(database, gap.members[0].turn_id, gap.question, "Open until <two>.", "ou_owner")
        database.close()

    asyncio.run(replied())
    asyncio.run(run_report(settings, 40, None, tmp_path / "x.html"))
    assert "↳ Open until <two>. (ou_owner," in capsys.readouterr().out
    assert "↳ Open until &lt;two&gt;. (ou_owner," in (tmp_path / "x.html").read_text("utf-8")


def test_what_people_wrote_about_the_bot_is_listed_the_newest_first_and_as_text(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def written() -> None:
        clock = HandClock(time.time() - 50 * 86_400)
        database = Database(settings.bot.database_url)
        ledger = ChatFacts(database, clock=clock)
        for words in ("Too old to count.", "The <b>travel</b> rules are out of date.", "[red]Very helpful."):
            await ledger.remark("cli", "oc", "ou_1", words)
            await clock.advance(20 * 86_400)
        database.close()

    asyncio.run(written())
    asyncio.run(run_report(settings, 40, None, tmp_path / "x.html"))
    printed = capsys.readouterr().out.partition("Written after /feedback")[2]
    page = (tmp_path / "x.html").read_text("utf-8").partition("Written after /feedback")[2]
    assert -1 < printed.find("[red]Very helpful.") < printed.find("The <b>travel</b> rules are out of date.")
    assert -1 < page.find("[red]Very helpful.") < page.find("The &lt;b&gt;travel&lt;/b&gt; rules are out of date.")
    assert "Too old" not in printed + page


def test_without_matplotlib_it_says_what_to_install(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends", None)
    asyncio.run(run_report(settings, 40, tmp_path / "x.png", tmp_path / "x.html"))
    assert "feishu-rag[plots]" in capsys.readouterr().out
    assert not (tmp_path / "x.png").exists()
    assert "What is missing" in (tmp_path / "x.html").read_text("utf-8")


def test_an_empty_store_has_an_empty_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = Settings(bot=BotSettings(database_url=f"sqlite:///{tmp_path / 'none.db'}"))
    asyncio.run(run_report(empty, 7, tmp_path / "x.png", None))
    assert capsys.readouterr().out.startswith("Nobody has asked anything in the last 7 days.\nwrote ")


def test_a_month_fits_a_screen_and_all_of_it_is_there_on_demand(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(run_report(settings, 60, None, None))
    short = capsys.readouterr().out
    asyncio.run(run_report(settings, 60, None, None, whole=True))
    whole = capsys.readouterr().out
    assert short.index("What is missing") < short.index("Last 60 days") and len(short.splitlines()) < 50
    assert len(whole.splitlines()) > 80 and "240" in short and "240" in whole
