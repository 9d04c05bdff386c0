"""The doctor on mirrored rights: off, half seen, old, closed; each with what to do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.doctor.findings import Finding
from bot.doctor.machine import check_store
from bot.doctor.rights import check_rights, stored_findings
from bot.repositories.document_rights import DocumentRights
from bot.settings import BotSettings, Settings
from bot.setup.checklist import checklist, needed_scopes
from bot.storage.database import Database
from feishu.documents.listing import Page
from feishu.documents.rights import Grant, Rights
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.organisation import ContactRange
from feishu.settings import FeishuSettings
from rag.settings import RagSettings
from tests.support.clock import AheadClock
from tests.support.rights_house import CARLA, HR, furnish

LINK = "https://sandbox.feishu.cn/wiki/settings/7300000000000000001"
OPEN = Rights((Grant("user:ou_1", "owner", "doc"),))


def whole(url: str = "", *, rights: str = "mirror", links: tuple[str, ...] = (LINK,), store: str = "") -> Settings:
    app = {"app_id": "cli_sandbox", "app_secret": SecretStr("s"), "base_url": url} if url else {}
    bot = {"access": {"rights": rights}} | ({"database_url": store} if store else {})
    return Settings(
        feishu=FeishuSettings.model_validate(app),
        rag=RagSettings(links=list(links)),
        bot=BotSettings.model_validate(bot),
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[Sandbox, str]]:
    sandbox = furnish(Sandbox(SandboxSettings(app_secret="s")))
    async with running(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    database.migrate()
    return database


async def keep(database: Database, found: dict[str, Rights], *, hours_ago: float = 0.0) -> None:
    """Stores rights as they were read then."""
    clock = AheadClock()
    clock.ahead_s = -hours_ago * 3600
    kept = DocumentRights(database, clock=clock, is_on=True, max_age_s=86_400)
    pages = {name: Page(name, "绝密", f"https://x/{name}", "", "docx") for name in found}
    await kept.keep({f"feishu:{name}": (pages[name], each) for name, each in found.items()})


def said(findings: list[Finding]) -> str:
    return "\n".join(f"{each.state} {each.detail} → {each.fix}" for each in findings)


async def test_links_without_rights_are_warned_of() -> None:
    [found] = await check_rights(whole(rights="off"))
    assert found.state == "warn" and "everybody who sees their collection sees every page" in found.detail
    assert "BOT__ACCESS__RIGHTS=mirror" in found.fix
    assert await check_rights(whole(links=())) == [] == await check_rights(whole(rights="off", links=()))
    [blind] = await check_rights(whole())
    assert blind.state == "fail" and "FEISHU__APP_ID" in blind.fix


async def test_a_contact_range_that_is_not_everybody_is_told(sandbox: tuple[Sandbox, str]) -> None:
    platform, url = sandbox
    [everybody] = await check_rights(whole(url), call_s=60)
    assert everybody.state == "ok"
    platform.office.show_to("cli_sandbox", ContactRange(frozenset({HR}), frozenset({CARLA}), frozenset()))
    [limited] = await check_rights(whole(url), call_s=60)
    assert limited.state == "warn" and "1 departments, 1 people, 0 user groups" in limited.detail
    assert "counts as a stranger" in limited.detail and "all members" in limited.fix
    platform.world.apps["cli_sandbox"].scopes -= {"contact:contact.base:readonly"}
    [blind] = await check_rights(whole(url), call_s=60)
    assert blind.state == "unknown" and "scope" in blind.fix


async def test_rights_that_were_never_read_or_are_too_old(database: Database) -> None:
    [never] = await stored_findings(database, whole())
    assert never.state == "fail" and "never read" in never.detail and "feishu-rag ingest" in never.fix
    assert await stored_findings(database, whole(rights="off")) == []
    await keep(database, {"one": OPEN})
    [fresh] = await stored_findings(database, whole())
    assert (fresh.state, fresh.detail.startswith("of 1 documents, read ")) == ("ok", True)
    await keep(database, {"one": OPEN}, hours_ago=3)
    [late] = await stored_findings(database, whole())
    assert late.state == "warn" and "read 3 hours ago, not every 30 minutes" in late.detail
    await keep(database, {"two": OPEN}, hours_ago=30)
    [old] = await stored_findings(database, whole())
    assert old.state == "fail" and "1 of 2 documents" in old.detail and "rights_max_age_h" in old.detail


async def test_closed_documents_come_with_the_reason_and_what_to_grant(database: Database) -> None:
    hidden, lost = (
        Rights(closed="members_hidden"),
        Rights(closed="scope_missing", missing_scope="docs:a or drive:drive"),
    )
    part = Rights(OPEN.grants, incomplete=("fldTop",))
    rights = {"a": hidden, "b": hidden, "c": lost, "d": Rights(), "e": Rights(closed="gone"), "f": part}
    await keep(database, rights | {"g": Rights(closed="advanced")})
    told = said(await stored_findings(database, whole()))
    assert "2 of 7 documents are closed to everybody: the app may not see their collaborators; like https://x/a" in told
    assert "to edit or manage, as the document's own setting demands" in told
    assert "grant docs:a at" in told and "no person, group or department is known" in told
    assert "advanced permissions" in told and "1 documents: who has a right from 1 pages" in told and "fldTop" in told
    assert "绝密" not in told, "an error shows no title"


async def test_the_check_of_the_store_brings_them(tmp_path: Path, database: Database) -> None:
    await keep(database, {"a": OPEN})
    found = await check_store(whole(store=f"sqlite:///{tmp_path / 'bot.db'}"))
    assert [each.state for each in found if each.name == "rights"] == ["ok"]


def test_init_lists_what_mirroring_needs() -> None:
    scopes = needed_scopes(whole())
    assert {"docs:permission.member:retrieve", "docs:permission.setting:read", "contact:group:readonly"} <= set(scopes)
    assert "im:chat.members:read" not in needed_scopes(whole(rights="off"))
    on, off = "\n".join(checklist(whole())), "\n".join(checklist(whole(rights="off")))
    assert "contact.scope.updated_v3" in on and "contact range" in on and "contact range" not in off
