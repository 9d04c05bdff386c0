"""What people set wrong when they install the bot: the doctor names each rightly, with its fix, blames nothing else,
and ends with a code that is not zero. Real calls to the sandbox platform and a model's server."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import Finding, examine, exit_code, unreadable
from bot.doctor.waiting import wait_for_event
from bot.errors import SettingsError
from bot.public_app import listening_app
from bot.server import Door
from bot.settings import Settings, load_settings
from feishu.clock import SystemClock
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.settings import DEFAULT_SCOPES
from rag.ingestion.pipeline import ingest
from tests.integration.conftest import ALICE, GROUP
from tests.integration.test_inbox_disk import LIKE_OTHERS
from tests.support.bot_process import REPOSITORY, SECRETS
from tests.support.model_server import ModelServer, Reply
from tests.support.model_server import running as model_running

PATIENT_S = 120.0
"""These tests ask what the doctor says, not how soon."""
WIKI = "https://example.feishu.cn/wiki/wikcnSandbox"


@dataclass
class Scene:
    """A folder with documents and an index, a model's server, the platform's settings and ours. All of it is well."""

    folder: Path
    model: ModelServer
    patch: pytest.MonkeyPatch
    stack: ExitStack
    env: dict[str, str] = field(default_factory=dict)
    config: str = ""
    platform: SandboxSettings = field(default_factory=SandboxSettings)
    faults: dict[str, Any] = field(default_factory=dict)

    @property
    def documents(self) -> Path:
        return self.folder / "knowledge"

    def settings(self) -> Settings:
        """By the ways that an installation has: a file and variables. Raises `SettingsError`."""
        (self.folder / "config.yaml").write_text(self.config, "utf-8")
        return load_settings(self.folder / "config.yaml", environ=self.env, env_file=None)

    def free_port(self) -> str:
        """Nobody listens there, and nobody else can take it until the test ends."""
        unused = self.stack.enter_context(socket.socket())
        unused.bind(("127.0.0.1", 0))
        return str(unused.getsockname()[1])

    def with_embeddings(self) -> None:
        """An index with vectors of an endpoint."""
        self.env |= {"RAG__EMBEDDING__PROVIDER": "openai", "RAG__EMBEDDING__BASE_URL": self.model.base_url}
        ingest(self.settings().rag, rebuild=True)

    def without_scopes(self, *names: str) -> None:
        self.platform = replace(self.platform, scopes=tuple(each for each in DEFAULT_SCOPES if each not in names))


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with model_running() as model, ExitStack() as stack:
        model.listed = [{"id": "test-model", "max_model_len": 32_768}]
        scene = Scene(tmp_path, model, monkeypatch, stack)
        scene.documents.mkdir()
        (scene.documents / "leave.md").write_text("# 年假\n年假五天，可以跨年休。\n", "utf-8")
        scene.env = {
            **SECRETS,
            "RAG__EMBEDDING__PROVIDER": "none",
            "RAG__LLM__BASE_URL": model.base_url,
            "RAG__LLM__MODEL": "test-model",
            "BOT__HOST": "127.0.0.1",
            "BOT__PORT": "0",
            "BOT__WEB_PORT": "0",
        }
        ingest(scene.settings().rag)
        yield scene


async def examined(scene: Scene) -> list[Finding]:
    """What the doctor finds, with the sandbox as the platform."""
    sandbox = Sandbox(scene.platform)
    if scene.faults:
        sandbox.faults.plan(**scene.faults)
    async with running(sandbox) as url:
        scene.env = {"FEISHU__BASE_URL": url, **scene.env}
        try:
            settings = scene.settings()
        except SettingsError as error:
            return unreadable(error)
        return await examine(settings, limit_s=PATIENT_S)


def failed(findings: list[Finding]) -> dict[str, str]:
    """Each part that fails, with all that is said of it."""
    told: dict[str, str] = {}
    for finding in findings:
        if finding.state == "fail":
            assert finding.fix, finding
            told[finding.name] = f"{told.get(finding.name, '')}{finding.detail} → {finding.fix}\n"
    return told


async def test_a_sound_installation_has_nothing_but_what_was_not_looked_at(scene: Scene) -> None:
    findings = await examined(scene)
    assert failed(findings) == {}
    assert {(f.name, f.state) for f in findings if f.state != "ok"} == {("webhook", "unknown"), ("events", "unknown")}
    assert exit_code(findings) == 2, "what was not looked at is never green"


def wrong_app_id(scene: Scene) -> None:
    scene.env["FEISHU__APP_ID"] = "cli_other"


def wrong_secret(scene: Scene) -> None:
    scene.env["FEISHU__APP_SECRET"] = "not-it"


def not_released(scene: Scene) -> None:
    scene.platform = replace(scene.platform, activate_status=0)


def no_scopes(scene: Scene) -> None:
    scene.platform = replace(scene.platform, scopes=())


def no_card_scope(scene: Scene) -> None:
    scene.without_scopes("cardkit:card:write")


def no_private_scope(scene: Scene) -> None:
    scene.without_scopes("im:message.p2p_msg:readonly")


def no_group_scope(scene: Scene) -> None:
    scene.without_scopes("im:message.group_at_msg:readonly")


def no_reply_scope(scene: Scene) -> None:
    scene.without_scopes("im:message", "im:message:send_as_bot")


def no_scope_for_silent_chats(scene: Scene) -> None:
    scene.env["BOT__PEOPLE__SILENT_CHATS"] = "oc_product"


def no_document_scope(scene: Scene) -> None:
    scene.config = f"rag:\n  links: [{WIKI}]\n"
    scene.without_scopes("docx:document:readonly", "docx:document")
    scene.faults = {"endpoint": "wiki.*", "times": None, "code": 0}  # what the links lead to is another test's matter


def address_not_allowed(scene: Scene) -> None:
    scene.faults = {"endpoint": "token", "times": None, "code": 99991401}


def unreachable(scene: Scene) -> None:
    scene.env["FEISHU__BASE_URL"] = f"http://127.0.0.1:{scene.free_port()}"


def proxy_page(scene: Scene) -> None:
    scene.faults = {"endpoint": "token", "times": None, "html": "<h1>Log in to the guest network</h1>"}


def dead_proxy(scene: Scene) -> None:
    scene.env["FEISHU__BASE_URL"] = "https://open.feishu.cn"
    for name in ("HTTPS_PROXY", "https_proxy"):
        scene.patch.setenv(name, f"http://me:pw@127.0.0.1:{scene.free_port()}")
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        scene.patch.delenv(name, raising=False)


def wrong_clock(scene: Scene) -> None:
    scene.patch.setattr(SystemClock, "time", lambda _self: time.time() + 90_000)


def no_encrypt_key(scene: Scene) -> None:
    del scene.env["FEISHU__ENCRYPT_KEY"]


def own_url_is_something_else(scene: Scene) -> None:
    scene.env["FEISHU__PUBLIC_URL"] = scene.model.base_url


def unknown_key(scene: Scene) -> None:
    scene.config = "bot:\n  prot: 8000\n"


def bad_yaml(scene: Scene) -> None:
    scene.config = "bot:\n  port: [8000\n"


def secret_in_the_file(scene: Scene) -> None:
    scene.config = "feishu:\n  app_secret: hunter2\n"


def model_unknown(scene: Scene) -> None:
    scene.model.script(Reply(status=404, error={"message": "The model does not exist", "code": "model_not_found"}))


def model_without_credit(scene: Scene) -> None:
    scene.model.script(Reply(status=402, error={"message": "Insufficient Balance", "code": "invalid_request_error"}))


def model_key_wrong(scene: Scene) -> None:
    scene.model.script(Reply(status=401, error={"message": "Incorrect API key", "code": "invalid_api_key"}))


def model_down(scene: Scene) -> None:
    scene.env["RAG__LLM__BASE_URL"] = f"http://127.0.0.1:{scene.free_port()}/v1"


def model_window_smaller_than_set(scene: Scene) -> None:
    scene.env["RAG__LLM__CONTEXT_TOKENS"] = "131072"


def embedding_of_another_dimension(scene: Scene) -> None:
    scene.with_embeddings()
    scene.model.embedding.dimension = 32


def embedding_of_another_model(scene: Scene) -> None:
    scene.with_embeddings()
    scene.env["RAG__EMBEDDING__MODEL"] = "other-embedding"


def embedding_down(scene: Scene) -> None:
    scene.with_embeddings()
    scene.env["RAG__EMBEDDING__BASE_URL"] = f"http://127.0.0.1:{scene.free_port()}/v1"


def reranker_down(scene: Scene) -> None:
    address = f"http://127.0.0.1:{scene.free_port()}/v1"
    scene.env |= {"RAG__RETRIEVAL__RERANK": "endpoint", "RAG__RETRIEVAL__RERANK_BASE_URL": address}


def database_down(scene: Scene) -> None:
    scene.env["BOT__DATABASE_URL"] = f"postgresql://bot@127.0.0.1:{scene.free_port()}/bot"


def database_is_a_folder(scene: Scene) -> None:
    scene.env["BOT__DATABASE_URL"] = f"sqlite:///{scene.folder}"


def disk_full(scene: Scene) -> None:
    usage = shutil.disk_usage(scene.folder)._replace(free=1_000_000)
    scene.patch.setattr("bot.doctor.host.shutil.disk_usage", lambda _folder: usage)


def unreadable_file(scene: Scene) -> None:
    (scene.documents / "broken.docx").write_bytes(b"PK not an archive")
    ingest(scene.settings().rag)


def no_index(scene: Scene) -> None:
    scene.env["RAG__INDEX_DIR"] = str(scene.folder / "elsewhere")


def no_folder(scene: Scene) -> None:
    scene.env["RAG__KNOWLEDGE"] = str(scene.folder / "nowhere")


def port_in_use(scene: Scene) -> None:
    other = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    scene.env["BOT__PORT"] = str(other.getsockname()[1])


CASES: list[tuple[Any, str, tuple[str, ...]]] = [
    # what was set wrong, the part that is named, words of the finding and of its fix
    (wrong_app_id, "token", ("10003", "the App ID is not known: compare FEISHU__APP_ID", "open.larksuite.com")),
    (wrong_secret, "token", ("the App Secret is wrong", "copy FEISHU__APP_SECRET again", "/app/cli_sandbox/baseinfo")),
    (not_released, "bot", ("is not switched on", "create a version and release it", "/app/cli_sandbox/version")),
    (no_scopes, "scopes", ("no scope at all is granted", "/auth?q=im:message.p2p_msg:readonly,")),
    (no_card_scope, "scopes", ("cardkit:card:write: not granted", "/app/cli_sandbox/auth?q=cardkit:card:write&")),
    (no_private_scope, "scopes", ("im:message.p2p_msg:readonly: not granted", "no message of a private chat")),
    (no_group_scope, "scopes", ("im:message.group_at_msg:readonly: not granted", "no message of a group")),
    (no_reply_scope, "scopes", ("im:message:send_as_bot: not granted", "nothing can be answered")),
    (no_scope_for_silent_chats, "scopes", ("im:message.group_msg: not granted", "silent chats never")),
    (no_document_scope, "scopes", ("docx:document:readonly: not granted", "rag.links cannot be read")),
    (address_not_allowed, "token", ("99991401", "add it to the IP list", "/app/cli_sandbox/safe")),
    (unreachable, "token", ("tenant_token failed", "see that this machine reaches http://127.0.0.1:")),
    (proxy_page, "token", ("without the platform's JSON", "a proxy or a login page")),
    (dead_proxy, "token", ("goes through the proxy 127.0.0.1:", "HTTPS_PROXY")),
    (wrong_clock, "clock", ("behind this machine's clock", "NTP")),
    (no_encrypt_key, "settings", ("feishu.encrypt_key is missing", "set FEISHU__ENCRYPT_KEY", "Encryption Strategy")),
    (own_url_is_something_else, "webhook", ("answers HTTP 404 without the challenge", "pass /feishu/webhook on")),
    (unknown_key, "settings", ("config.yaml line 2 bot.prot is not a setting", "did you mean bot.port?")),
    (bad_yaml, "settings", ("config.yaml line", "is not YAML", "compare its indentation")),
    (secret_in_the_file, "settings", ("feishu.app_secret is a secret", "FEISHU__APP_SECRET")),
    (model_unknown, "model", ("knows no such model", "check RAG__LLM__MODEL")),
    (model_without_credit, "model", ("has no credit", "top it up")),
    (model_key_wrong, "model", ("refuses the key", "set RAG__LLM__API_KEY")),
    (model_down, "model", ("cannot be reached", "RAG__LLM__BASE_URL")),
    (model_window_smaller_than_set, "window", ("131072, but the model's server tells 32768", "CONTEXT_TOKENS=32768")),
    (embedding_of_another_dimension, "embedding", ("64 dimensions", "gives 32", "feishu-rag ingest")),
    (embedding_of_another_model, "index", ("other-embedding is configured", "feishu-rag ingest")),
    (embedding_down, "embedding", ("cannot be reached", "RAG__EMBEDDING__BASE_URL")),
    (reranker_down, "rerank", ("cannot be reached", "RAG__RETRIEVAL__RERANK_BASE_URL")),
    (database_down, "store", ("PostgreSQL at 127.0.0.1:", "does not take the connection", "start it, or correct host")),
    (database_is_a_folder, "store", ("unable to open database file", "let the user that runs the bot write")),
    (disk_full, "disk", ("0.0 GB free", "make room")),
    (unreadable_file, "documents", ("broken.docx", "put a readable copy in its place")),
    (no_index, "index", ("There is no index", "feishu-rag ingest")),
    (no_folder, "knowledge", ("nowhere is not there", "correct rag.knowledge")),
    (port_in_use, "public port", ("cannot listen on 127.0.0.1:", "set BOT__PORT to another port")),
]


@pytest.mark.parametrize(("mistake", "part", "words"), CASES, ids=[case[0].__name__ for case in CASES])
async def test_a_mistake_is_named_with_its_fix(scene: Scene, mistake: Any, part: str, words: tuple[str, ...]) -> None:
    mistake(scene)
    findings = await examined(scene)
    told = failed(findings)
    assert list(told) == [part], told
    assert [word for word in words if word not in told[part]] == [], told[part]
    assert exit_code(findings) == 1
    assert not any(secret in str(findings) for name, secret in scene.env.items() if name.endswith(("SECRET", "TOKEN")))


CONSOLE: dict[str, tuple[dict[str, Any], str]] = {
    "another Encrypt Key": ({"encrypt_key": "the-console-has-this-one"}, "does not decrypt under FEISHU__ENCRYPT_KEY"),
    "another token": ({"verification_token": "the-console-has-this-one"}, "copy it again from the console"),
    "no Encrypt Key": ({"encrypt_key": ""}, "the console has no Encrypt Key yet"),
    "event not subscribed": ({"subscriptions": ("card.action.trigger",)}, "subscribe im.message.receive_v1"),
    "not released": ({"activate_status": 0}, "create a version and release it"),
}


@pytest.mark.parametrize(("console", "words"), CONSOLE.values(), ids=CONSOLE.keys())
async def test_what_the_console_lacks_is_told_by_waiting_for_an_event(
    scene: Scene, console: dict[str, Any], words: str
) -> None:
    """Nobody runs a bot here: the doctor opens the door itself."""
    finding = await waited(scene, replace(scene.platform, **console), within_s=4.0)
    assert finding.state == "fail" and words in f"{finding.detail} → {finding.fix}"
    assert exit_code([finding]) == 1


async def test_an_event_that_comes_is_told(scene: Scene) -> None:
    finding = await waited(scene, scene.platform, within_s=PATIENT_S)
    assert (finding.state, finding.detail) == ("ok", "im.message.receive_v1 came")


async def test_an_event_that_comes_over_the_long_connection_is_told_and_comes_again(scene: Scene) -> None:
    """Nobody runs a bot here: the doctor connects itself, and acknowledges nothing."""
    sandbox = Sandbox(replace(scene.platform, transport="websocket"))
    async with running(sandbox) as url:
        scene.env |= {"FEISHU__BASE_URL": url, "FEISHU__TRANSPORT": "websocket"}
        waiting = asyncio.create_task(wait_for_event(scene.settings(), PATIENT_S))
        await sandbox.wait_for(lambda: sandbox.gateway.connections, PATIENT_S)
        await sandbox.say(GROUP, ALICE, "年假几天？", mention_bot=True)
        finding = await waiting
        assert (finding.state, finding.detail) == ("ok", "im.message.receive_v1 came")
        await sandbox.wait_for(lambda: sandbox.journal.of("event"), PATIENT_S)
        assert not sandbox.journal.of("event")[0].ok


async def test_a_long_connection_that_cannot_be_opened_is_told_instead_of_silence(scene: Scene) -> None:
    sandbox = Sandbox(replace(scene.platform, transport="websocket", app_secret="another"))
    async with running(sandbox) as url:
        scene.env |= {"FEISHU__BASE_URL": url, "FEISHU__TRANSPORT": "websocket"}
        finding = await wait_for_event(scene.settings(), PATIENT_S)
    assert finding.state == "fail" and "long connection is not open" in finding.detail


async def waited(scene: Scene, console: SandboxSettings, *, within_s: float) -> Finding:
    """What the doctor says after somebody wrote to the bot, with such a console."""
    sandbox = Sandbox(console)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with running(sandbox) as url:
        scene.env |= {"FEISHU__BASE_URL": url, "BOT__PORT": str(port)}
        sandbox.set_webhook(f"http://127.0.0.1:{port}/feishu/webhook")
        waiting = asyncio.create_task(wait_for_event(scene.settings(), within_s))
        await listens(port)
        await sandbox.say(GROUP, ALICE, "年假几天？", mention_bot=True)
        return await waiting


async def listens(port: int) -> None:
    """Once somebody does on the port."""
    async with asyncio.timeout(PATIENT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0)
            else:
                writer.close()
                return


@pytest.mark.parametrize("name", ["FEISHU__ENCRYPT_KEY", "FEISHU__VERIFICATION_TOKEN"])
async def test_a_bot_that_runs_with_other_keys_is_told_by_its_own_url(scene: Scene, name: str) -> None:
    scene.env[name] = "what the bot was started with"
    door = Door(listening_app(scene.settings(), Silent()), "127.0.0.1", 0, setting="")
    serving = asyncio.create_task(door.serve())
    try:
        same = {"FEISHU__PUBLIC_URL": door.url, "BOT__PORT": door.url.rpartition(":")[2]}
        scene.env |= same
        (well,) = [each for each in await examined(scene) if each.name == "webhook"]
        scene.env[name] = "what .env says now"
        told = failed(await examined(scene))
    finally:
        door.close()
        await serving
    assert well.state == "ok"
    assert "restart the bot with these settings, or correct FEISHU__ENCRYPT_KEY" in told["webhook"]


class Silent:
    """Takes nothing."""

    async def admit(self, _event: Any) -> Any:
        raise AssertionError("no event was sent")

    def refused(self, _reason: str) -> None:
        """Says nothing."""


def test_closed_files_and_folders_are_told_by_the_command(scene: Scene) -> None:
    """As the user of a service, for whom permissions count; by the real command, with its JSON and its exit code."""
    (scene.documents / "closed.md").write_text("# 密\n", "utf-8")
    (scene.documents / "closed.md").chmod(0)
    (scene.folder / "shut").mkdir(mode=0o555)
    scene.env |= {"FEISHU__BASE_URL": f"http://127.0.0.1:{scene.free_port()}", "PYTHONPATH": str(REPOSITORY)}
    scene.env["BOT__DATABASE_URL"] = f"sqlite:///{scene.folder}/shut/bot.db"
    (scene.folder / "config.yaml").write_text("", "utf-8")
    command = [*LIKE_OTHERS, sys.executable, "-m", "bot.cli", "doctor", "--json", "--timeout", "120"]
    done = subprocess.run(command, cwd=scene.folder, env=scene.env, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 1, done.stderr
    found = {(each["name"], each["state"]): f"{each['detail']} → {each['fix']}" for each in told["findings"]}
    assert "closed.md: cannot be read (Permission denied)" in found["knowledge", "fail"]
    assert f"{scene.folder}/shut cannot be written" in found["disk", "fail"]
    assert "let the user that runs the bot write" in found["store", "fail"]
    assert "reaches http://127.0.0.1" in found["token", "fail"]
