"""`feishu-rag ask` with the eyes of a person or a group, where rights are mirrored."""

import pytest

from bot.cli.ask import run_ask
from bot.ingestion import ingest_all
from bot.settings import Settings
from feishu.sandbox.sharing import Member
from tests.integration.conftest import GROUP, Stage
from tests.integration.test_mirrored_rights import ABOUT_OPEN, ABOUT_SECRET, House, tells
from tests.support.feishu_content import settings_of
from tests.support.rights_house import CARLA, DAN, EVE, STAFF


@pytest.fixture
async def settings(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("COLUMNS", "300")
    house = House(stage)
    house.sandbox.rights.grant(house.secret.node_token, Member("chat", GROUP))
    found = settings_of(stage, {**house.how, "BOT__DATABASE_URL": f"sqlite:///{stage.folder / 'bot.db'}"})
    await ingest_all(found)
    return found


Said = pytest.CaptureFixture[str]


async def test_each_sees_what_they_may_open(settings: Settings, capsys: Said) -> None:
    for chat, person, may, count in (
        ("", CARLA, True, 2),
        ("", DAN, False, 1),
        (GROUP, "", True, 2),
        (STAFF, "", False, 0),
    ):
        assert await run_ask(settings, ABOUT_SECRET, as_chat=chat, as_person=person)
        out, err = capsys.readouterr()
        assert tells(out) is may, (chat, person)
        assert f"Of 2 documents on Feishu that anybody may open, {count} may be opened there." in err
    assert await run_ask(settings, ABOUT_OPEN, as_person=DAN)
    assert "七点" in capsys.readouterr().out
    assert await run_ask(settings, ABOUT_SECRET)
    out, err = capsys.readouterr()
    assert tells(out) and "whoever may open" in err


async def test_strangers_and_unread_rights_are_told(settings: Settings, stage: Stage, capsys: Said) -> None:
    await run_ask(settings, ABOUT_SECRET, as_person=EVE)
    out, err = capsys.readouterr()
    assert not tells(out) and f"Not known, and so closed: user:{EVE}" in err
    await run_ask(settings, ABOUT_SECRET, as_chat="oc_elsewhere")
    out, err = capsys.readouterr()
    assert not tells(out) and "Not known, and so closed: chat:oc_elsewhere" in err
    bot = settings.bot.model_copy(update={"database_url": f"sqlite:///{stage.folder / 'other.db'}"})
    await run_ask(settings.model_copy(update={"bot": bot}), ABOUT_SECRET, as_person=CARLA)
    out, err = capsys.readouterr()
    assert not tells(out) and "No rights are stored" in err


async def test_a_platform_that_cannot_be_asked_is_no_answer(settings: Settings, stage: Stage, capsys: Said) -> None:
    app = settings.feishu.model_copy(update={"app_id": ""})
    assert not await run_ask(settings.model_copy(update={"feishu": app}), ABOUT_SECRET, as_person=CARLA)
    assert "set FEISHU__APP_ID" in capsys.readouterr().err
    stage.sandbox.faults.plan("user.get", code=1, status=500, times=None)
    assert not await run_ask(settings, ABOUT_SECRET, as_person=CARLA)
    out, err = capsys.readouterr()
    assert out == "" and "the platform does not tell who reads there" in err and not tells(err)
