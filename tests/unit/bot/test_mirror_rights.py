"""What a look at the rights of all documents forgets: what is gone, and nothing that it merely could not read."""

from typing import cast

import pytest

from bot.cancellation import StopSignal
from bot.documents.rights_reading import RightsFound
from bot.inbox.queue import Jobs
from bot.job import NewJob, RightsPayload
from bot.jobs import mirror_rights
from bot.jobs.mirror_rights import RightsHandler
from bot.models import ON_FEISHU
from bot.repositories.document_rights import DocumentRights
from bot.settings import BotSettings, Settings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.documents.listing import Page
from feishu.documents.rights import Grant, Rights
from feishu.settings import FeishuSettings
from rag.settings import RagSettings
from tests.support.clock import HandClock

OPEN = Rights((Grant("user:ou_a", "member", ""),))
BOTH = {f"{ON_FEISHU}{token}": (Page(token, token, "", ""), OPEN) for token in ("one", "two")}
ONE = dict(list(BOTH.items())[:1])


@pytest.mark.parametrize(
    ("looked", "left"),
    [
        (RightsFound(ONE), {"one"}),
        (RightsFound(ONE, failed=1), {"one", "two"}),
        (RightsFound(ONE, is_whole=False), {"one", "two"}),
        (RightsFound({}), set()),
    ],
    ids=["gone", "not readable this time", "not listed this time", "all gone"],
)
async def test_only_what_is_gone_is_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch, looked: RightsFound, left: set[str]
) -> None:
    async def look(_settings: Settings, _client: FeishuClient) -> RightsFound:
        return looked

    monkeypatch.setattr(mirror_rights, "rights_of_links", look)
    clock = HandClock()
    settings = Settings(
        feishu=FeishuSettings(app_id="cli", app_secret="s"),  # type: ignore[arg-type]
        rag=RagSettings(links=["https://acme.feishu.cn/docx/one"]),
        bot=BotSettings.model_validate({"access": {"rights": "mirror"}}),
    )
    kept = DocumentRights(database, clock=clock, is_on=True, max_age_s=3_600)
    await kept.keep(BOTH)
    jobs = Jobs(database, lease_s=15, clock=clock)
    handler = RightsHandler(settings, cast(FeishuClient, None), kept, jobs, clock)
    await jobs.accept(NewJob("cli", "rights", "rights", RightsPayload(), ("rights:1",)))
    job = await jobs.claim()
    assert job is not None
    assert (await handler.run(job, StopSignal())).state == "done"
    assert {each.source.removeprefix(ON_FEISHU) for each in await kept.all()} == left
    assert kept.lists().readers.keys() == {f"{ON_FEISHU}{token}" for token in left}
