"""The doctor finds what is wrong, says how to put it right, and never falls ill itself."""

import io
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

import bot.doctor
from bot.doctor import Finding, as_json, exit_code, render, unreadable
from bot.doctor.machine import KEPT_FROM, check_reading
from bot.doctor.models import check_pictures
from bot.errors import SettingsError
from bot.permissions import FEATURES
from bot.settings import BotSettings, Settings
from feishu.api.client import BotIdentity, FeishuClient
from feishu.errors import ApiError, BadReply, CredentialsRejected, Forbidden, RateLimited, Timeout, Unreachable
from feishu.settings import FeishuSettings
from rag.errors import ReadersUnavailable
from rag.ingestion.readers import Readers
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings, ReadingSettings
from tests.support.model_server import refused_address

SECRET = "hunter2-the-app-secret"
examine = partial(bot.doctor.examine, limit_s=120.0)  # what it says is asked here, not how soon


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    documents = tmp_path / "knowledge"
    documents.mkdir()
    (documents / "a.md").write_text("# 报销\n出差回来 30 天内报销。\n", "utf-8")
    return Settings(
        feishu=FeishuSettings(
            app_id="cli_a",
            app_secret=SecretStr(SECRET),
            encrypt_key=SecretStr("encrypt-key"),
            verification_token=SecretStr("verification-token"),
            base_url="http://127.0.0.1:1",
        ),
        rag=RagSettings(
            knowledge=[documents], index_dir=tmp_path / "index", embedding=EmbeddingSettings(provider="none")
        ),
        bot=BotSettings(port=0, web_port=0, database_url=f"sqlite:///{tmp_path}/bot.db"),
    )


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the platform answers to the identity call: the last item, an error when it is one. All is granted."""
    script: list[Any] = [BotIdentity("ou_bot", "小助手", True)]

    async def bot_identity(_client: FeishuClient) -> BotIdentity:
        answer = script[-1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def granted_scopes(_client: FeishuClient) -> frozenset[str]:
        return frozenset(name for feature in FEATURES for name in feature.least)

    monkeypatch.setattr(FeishuClient, "bot_identity", bot_identity)
    monkeypatch.setattr(FeishuClient, "granted_scopes", granted_scopes)
    monkeypatch.setattr(Readers, "isolation", lambda _readers: dict.fromkeys((*KEPT_FROM, "user"), True))
    yield script


def found(findings: list[Finding], name: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.name == name]
    return finding


def with_rag(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update={"rag": settings.rag.model_copy(update=changes)})


def with_bot(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update={"bot": settings.bot.model_copy(update=changes)})


async def test_a_whole_bot_is_well(settings: Settings) -> None:
    from rag.ingestion.pipeline import ingest

    ingest(settings.rag)
    findings = await examine(with_rag(settings, llm=LlmSettings(provider="extractive")))
    unseen = [finding.name for finding in findings if finding.state != "ok"]
    assert unseen == ["webhook", "events"] and exit_code(findings) == 2, (
        "no event came yet, and the address is not known"
    )
    names = ["settings", "token", "bot", "scopes", "webhook", "knowledge", "documents", "index", "embedding", "model"]
    names += ["reading", "store", "events", "fallbacks", "disk", "public port", "web port", "versions"]
    assert [finding.name for finding in findings] == names


@pytest.mark.parametrize(
    ("error", "name", "words"),
    [
        (CredentialsRejected(10003, "invalid app_id", endpoint="tenant_token"), "token", "FEISHU__APP_ID"),
        (CredentialsRejected(10014, "app disabled", endpoint="tenant_token"), "token", "the app is disabled"),
        (CredentialsRejected(10015, "wrong app secret", endpoint="tenant_token"), "token", "FEISHU__APP_SECRET"),
        (CredentialsRejected(10099, "new code", endpoint="tenant_token"), "token", "FEISHU__APP_SECRET"),
        (Forbidden(99991401, "ip", endpoint="tenant_token"), "token", "IP list"),
        (Forbidden(99991403, "quota", endpoint="bot_identity"), "bot", "quota"),
        (Forbidden(99991672, "scope", endpoint="bot_identity"), "bot", "scope"),
        (RateLimited(99991400, "slow", endpoint="tenant_token"), "token", "in a minute"),
        (ApiError(424242, "what", endpoint="bot_identity"), "bot", "look the code up"),
        (Timeout("no answer within 5 s", endpoint="tenant_token"), "token", "firewall"),
        (Unreachable("ConnectError", endpoint="tenant_token"), "token", "firewall"),
        (BadReply("HTTP 200 without the platform's JSON", endpoint="tenant_token"), "token", "login page"),
    ],
    ids=lambda value: str(getattr(value, "code", type(value).__name__)) if isinstance(value, Exception) else None,
)
async def test_a_refusal_is_explained(
    settings: Settings, answers: list[Any], error: Exception, name: str, words: str
) -> None:
    answers.append(error)
    finding = found(await examine(settings), name)
    assert finding.state == "fail"
    assert words in finding.fix


async def test_a_bot_that_is_not_released_fails(settings: Settings, answers: list[Any]) -> None:
    answers.append(BotIdentity("ou_bot", "小助手", False))
    finding = found(await examine(settings), "bot")
    assert finding.state == "fail"
    assert "release" in finding.fix


async def test_missing_credentials_are_listed_and_nothing_is_called(settings: Settings, answers: list[Any]) -> None:
    answers.append(AssertionError("called"))
    findings = await examine(settings.model_copy(update={"feishu": FeishuSettings()}))
    assert len([finding for finding in findings if finding.name == "settings" and finding.state == "fail"]) == 4
    assert found(findings, "token").state == "unknown"


async def test_no_index_is_a_failure_with_its_command(settings: Settings) -> None:
    finding = found(await examine(settings), "index")
    assert (finding.state, finding.fix) == ("fail", "feishu-rag ingest")


async def test_folders_that_are_absent_or_empty_fail(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folders, words in (
        ([tmp_path / "nowhere"], "is not there"),
        ([tmp_path / "empty"], "hold no document"),
        ([], "no folder"),
    ):
        finding = found(await examine(with_rag(settings, knowledge=folders)), "knowledge")
        assert finding.state == "fail"
        assert words in finding.detail


async def test_quoting_without_a_model_is_a_warning_unless_chosen(settings: Settings) -> None:
    assert found(await examine(settings), "model").state == "warn"
    chosen = with_rag(settings, llm=LlmSettings(provider="extractive"))
    assert found(await examine(chosen), "model").state == "ok"


async def test_a_setting_that_cannot_work_is_named(settings: Settings) -> None:
    broken = with_rag(settings, llm=LlmSettings(provider="openai"))
    findings = await examine(broken)
    assert "RAG__LLM__MODEL" in found(findings, "library").fix and "RAG__LLM__MODEL" in found(findings, "model").fix


async def test_a_model_that_cannot_be_reached_fails(settings: Settings) -> None:
    with refused_address() as address:
        llm = LlmSettings(provider="openai", model="m", base_url=address)
        finding = found(await examine(with_rag(settings, llm=llm)), "model")
    assert finding.state == "fail"
    assert "RAG__LLM__BASE_URL" in finding.fix


async def test_a_port_that_somebody_else_has_is_a_failure(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        findings = await examine(with_bot(settings, host="127.0.0.1", port=taken.getsockname()[1]))
    assert found(findings, "public port").state == "fail" and "BOT__PORT" in found(findings, "public port").fix
    assert found(findings, "web port").state == "ok"


@pytest.mark.parametrize(
    "url", ["sqlite:///{0}/a-file/bot.db", "sqlite:///{0}", "postgresql://u:hunter2-pw@127.0.0.1:1/x"]
)
async def test_a_store_that_cannot_be_written_fails(settings: Settings, tmp_path: Path, url: str) -> None:
    (tmp_path / "a-file").write_text("")
    finding = found(await examine(with_bot(settings, database_url=url.format(tmp_path))), "store")
    assert finding.state == "fail"
    assert "BOT__DATABASE_URL" in finding.fix
    assert "hunter2-pw" not in finding.detail


async def test_no_finding_shows_a_secret(settings: Settings, answers: list[Any]) -> None:
    answers.append(ApiError(1, f"refused {SECRET}", endpoint="tenant_token"))
    assert SECRET not in str(await examine(settings))


async def test_a_check_that_falls_ill_is_a_finding(settings: Settings, answers: list[Any]) -> None:
    answers.append(ZeroDivisionError("odd"))
    findings = await examine(settings)
    assert "ZeroDivisionError" in found(findings, "platform").detail
    assert found(findings, "store").state == "ok"


async def test_a_check_that_hangs_is_a_finding(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def hang(_settings: Settings) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(bot.doctor, "check_settings", hang)
    findings = await examine(settings, limit_s=1.0)
    hung = found(findings, "settings")
    assert "not looked at: no result within" in hung.detail and hung.state == "unknown" and "--timeout" in hung.fix


def test_settings_that_cannot_be_read_are_findings() -> None:
    one = SettingsError("bot.port", "config.yaml line 2", "like 8", what="must be a whole number")
    findings = unreadable(
        SettingsError.joined([one, SettingsError("x", "", "did you mean y?", what="is not a setting")])
    )
    assert findings[0] == Finding("settings", "fail", "config.yaml line 2 bot.port must be a whole number", "like 8")
    assert findings[1].fix == "did you mean y?"


async def test_nothing_hangs_on_a_platform_that_never_answers(settings: Settings, answers: list[Any]) -> None:
    """Every other part is told all the same, and this one is named."""
    answers.append(Timeout("no answer within 3 s", endpoint="tenant_token"))
    findings = await examine(settings)
    assert found(findings, "token").state == "fail" and found(findings, "scopes").state == "unknown"
    assert found(findings, "store").state == "ok"


async def test_scopes_that_cannot_be_read_are_not_green(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_client: FeishuClient) -> frozenset[str]:
        raise Forbidden(99991672, "scope", endpoint="scopes")

    monkeypatch.setattr(FeishuClient, "granted_scopes", refuse)
    finding = found(await examine(settings), "scopes")
    assert finding.state == "unknown" and "/app/cli_a/auth" in finding.fix


def test_findings_are_given_to_programs_with_their_exit_code() -> None:
    told = as_json([Finding("a", "fail", "bad", "mend it")])
    assert told == {"exit_code": 1, "findings": [{"name": "a", "state": "fail", "detail": "bad", "fix": "mend it"}]}


def test_only_failures_change_the_exit_code() -> None:
    assert exit_code([Finding("a", "ok", ""), Finding("b", "warn", "")]) == 0
    assert exit_code([Finding("a", "fail", "")]) == 1
    assert exit_code([Finding("a", "unknown", "")]) == 2
    assert exit_code([Finding("a", "unknown", ""), Finding("b", "fail", "")]) == 1
    assert exit_code([]) == 0


def test_the_table_shows_everything_and_reads_no_markup() -> None:
    output = io.StringIO()
    fix = "pip install 'feishu-rag[bge]'"
    Console(file=output, width=200).print(render([Finding("embedding", "warn", "[red]no[/red] model", fix)]))
    for words in ("!", "embedding", "[red]no[/red] model", fix):
        assert words in output.getvalue()


async def test_pictures_that_nobody_can_see_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def seeing(**llm: Any) -> Settings:
        rag = settings.rag.model_copy(update={"llm": LlmSettings(vision=True, **llm)})
        return settings.model_copy(update={"rag": rag})

    model = {"provider": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "qwen-vl"}
    alone = [each for each in await check_pictures(seeing()) if each.name == "pictures"]
    assert [each.state for each in alone] == ["warn"] and "no model" in alone[0].detail
    found = [each for each in await check_pictures(seeing(**model)) if each.name == "pictures"]
    assert [each.state for each in found] == ["ok"] and "qwen-vl" in found[0].detail
    monkeypatch.setattr("rag.ingestion.readers.pictures.can_show", lambda: False)
    bare = [each for each in await check_pictures(seeing(**model)) if each.name == "pictures"]
    assert [each.state for each in bare] == ["warn"] and "feishu-rag[vision]" in bare[0].fix


async def test_it_says_plainly_what_the_reading_process_is_kept_from(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (all_held,) = await check_reading(settings)
    assert all_held.state == "ok" and "user of its own; it is kept from the network" in all_held.detail
    held = {"network": True, "environment": False, "files": False, "programs": True, "user": False}
    monkeypatch.setattr(Readers, "isolation", lambda _readers: held)
    (some,) = await check_reading(settings)
    assert (
        some.state == "warn" and "runs as the bot's user; it is kept from the network, other programs;" in some.detail
    )
    assert some.detail.endswith("not from the bot's environment, the bot's files") and "Landlock" in some.fix
    (off,) = await check_reading(with_rag(settings, reading=ReadingSettings(isolate=False)))
    assert off.state == "warn" and "rag.reading.isolate: true" in off.fix


async def test_a_reading_process_that_cannot_start_is_a_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_readers: Readers) -> dict[str, bool]:
        raise ReadersUnavailable("The process that reads files ended")

    monkeypatch.setattr(Readers, "isolation", ended)
    (finding,) = await check_reading(settings)
    assert finding.state == "fail" and "ended" in finding.detail
