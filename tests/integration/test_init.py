"""`feishu-rag init` against the sandbox: what it checks, writes, lists and leaves alone; nobody is asked in a pipe."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli.init import variables_in
from bot.errors import SettingsError
from bot.permissions import CALLBACKS, EVENTS, FEATURES
from bot.settings import Settings, load_settings
from bot.settings.console import grant_page
from bot.setup.app import scanned_app
from bot.setup.checklist import checklist, needed_scopes
from bot.setup.files import set_keys, set_variables
from feishu.errors import RegistrationFailed
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.clients.people import confirm_app, refuse_app
from feishu.sandbox.settings import DEFAULT_SCOPES
from feishu.settings import FeishuSettings
from tests.support.bot_process import OURS, REPOSITORY, SECRETS

SECRET, TOKEN = SECRETS["FEISHU__APP_SECRET"], SECRETS["FEISHU__VERIFICATION_TOKEN"]
DEADLINE_S = 120


@pytest.fixture
async def sandbox() -> Sandbox:
    return Sandbox(SandboxSettings())


async def init(
    folder: Path, url: str, *flags: str, given: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """By the real command, in a pipe."""
    import asyncio

    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    env = {**inherited, "PYTHONPATH": str(REPOSITORY), "FEISHU__BASE_URL": url, "RAG__EMBEDDING__PROVIDER": "none"}
    command = [sys.executable, "-m", "bot.cli", "init", *flags]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env={**env, **environment},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


async def test_it_sets_a_bot_up_and_may_be_repeated(tmp_path: Path, sandbox: Sandbox) -> None:
    flags = ("--yes", "--app-id", "cli_sandbox", "--public-url", "https://bot.example.com/", "--stdin")
    given = f"FEISHU__APP_SECRET={SECRET}\nFEISHU__VERIFICATION_TOKEN='{TOKEN}'\n"
    (tmp_path / ".env").write_text("# ours\nRAG__LLM__MODEL=qwen\nFEISHU__APP_SECRET=old\n", "utf-8")
    async with running(sandbox) as url:
        first = await init(tmp_path, url, *flags, given=given)
        written = {name: (tmp_path / name).read_text("utf-8") for name in (".env", "config.yaml")}
        again = await init(tmp_path, url, *flags, given=given)
        settings = load_settings(tmp_path / "config.yaml", environ={}, env_file=tmp_path / ".env")
        commands = [each["command"] for each in sandbox.world.slash_commands["cli_sandbox"].values()]
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert {name: (tmp_path / name).read_text("utf-8") for name in written} == written, "a second run changes nothing"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert written[".env"].startswith("# ours\nRAG__LLM__MODEL=qwen\n") and "old" not in written[".env"]
    assert written["config.yaml"] == 'feishu:\n  public_url: "https://bot.example.com"\n'
    assert settings.feishu.app_id == "cli_sandbox" and settings.rag.llm.model == "qwen"
    assert settings.feishu.app_secret.get_secret_value() == SECRET
    assert settings.feishu.verification_token.get_secret_value() == TOKEN
    assert len(settings.feishu.encrypt_key.get_secret_value()) >= 32, "made up, to be saved in the console"
    assert commands == ["help", "new", "summary", "sources", "why", "feedback", "stop", "forget"]
    for words in (
        "knows cli_sandbox",
        "/app/cli_sandbox/event",
        "https://bot.example.com/feishu/webhook",
        "feishu-rag ingest",
    ):
        assert words in first.stdout
    assert "in the / list already" in again.stdout and "nothing new" in again.stdout
    for secret in (SECRET, TOKEN, settings.feishu.encrypt_key.get_secret_value()):
        assert secret not in first.stdout + first.stderr


@pytest.mark.parametrize(
    ("app_id", "secret", "words"),
    [("cli_sandbox", "wrong", "copy FEISHU__APP_SECRET again"), ("cli_other", SECRET, "compare FEISHU__APP_ID")],
)
async def test_credentials_that_the_platform_refuses_write_nothing(
    tmp_path: Path, sandbox: Sandbox, app_id: str, secret: str, words: str
) -> None:
    env = {"FEISHU__APP_SECRET": secret, "FEISHU__VERIFICATION_TOKEN": TOKEN}
    async with running(sandbox) as url:
        done = await init(tmp_path, url, "--yes", "--app-id", app_id, **env)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


async def test_an_app_is_made_by_a_link(sandbox: Sandbox) -> None:
    shown: list[str] = []
    async with running(sandbox) as url:
        settings = Settings(feishu=FeishuSettings(base_url=url))

        def confirm(link: str, _lives_s: float) -> None:
            shown.append(link)
            confirm_app(sandbox.world, link)

        made = await scanned_app(settings, confirm)
        app = sandbox.world.apps[made.app_id]
        assert app.settings.app_secret == made.app_secret and made.app_secret not in repr(made)
        assert app.scopes >= set(needed_scopes(settings)) and app.hears("im.message.receive_v1")
        assert app.hears("card.action.trigger") and app.name == "知识库助手"
        with pytest.raises(RegistrationFailed, match="opened and refused"):
            await scanned_app(settings, lambda link, _lives_s: refuse_app(sandbox.world, link))
    assert shown[0].startswith(f"{url}/page/launcher?user_code=")


async def test_the_official_client_makes_an_app_by_the_same_link(sandbox: Sandbox) -> None:
    """The sandbox speaks as the official SDK expects, and reads its link."""
    registration = pytest.importorskip("lark_oapi.scene.registration")
    addons = {"scopes": {"tenant": ["im:message"]}, "events": {"items": {"tenant": ["im.message.receive_v1"]}}}
    addons["callbacks"] = {"items": ["card.action.trigger"]}
    async with running(sandbox) as url:
        result = await registration.aregister_app(
            lambda shown: confirm_app(sandbox.world, shown["url"]), domain=url, app_preset={"name": "甲"}, addons=addons
        )
        app = sandbox.world.apps[result["client_id"]]
    assert app.settings.app_secret == result["client_secret"] and app.scopes == {"im:message"}


async def test_what_is_missing_in_a_pipe_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    for env, words in (({}, "FEISHU__APP_ID"), ({"FEISHU__APP_ID": "cli_a"}, "FEISHU__APP_SECRET")):
        done = await init(tmp_path, "http://127.0.0.1:1", **env)
        assert done.returncode == 1 and words in done.stderr, done
    assert list(tmp_path.iterdir()) == []


async def test_a_platform_that_cannot_be_reached_is_told_and_may_be_left_out(tmp_path: Path) -> None:
    env = {"FEISHU__APP_ID": "cli_a", "FEISHU__APP_SECRET": "s", "FEISHU__VERIFICATION_TOKEN": "t"}
    told = await init(tmp_path, "http://127.0.0.1:1", "--yes", **env)
    assert told.returncode == 1 and "see that this machine reaches" in told.stderr and "--offline" in told.stderr
    done = await init(tmp_path, "http://127.0.0.1:1", "--yes", "--offline", **env)
    assert done.returncode == 0 and "FEISHU__APP_SECRET=s" in (tmp_path / ".env").read_text("utf-8")


async def test_commands_without_their_scope_are_told_and_break_nothing(tmp_path: Path) -> None:
    scopes = tuple(each for each in DEFAULT_SCOPES if "slash" not in each)
    env = {"FEISHU__APP_ID": "cli_sandbox", "FEISHU__APP_SECRET": SECRET, "FEISHU__VERIFICATION_TOKEN": TOKEN}
    async with running(Sandbox(replace(SandboxSettings(), scopes=scopes))) as url:
        done = await init(tmp_path, url, "--yes", **env)
    assert done.returncode == 0 and "application:app_slash_command:read and :write are not granted" in done.stdout


def test_the_list_has_every_scope_event_and_callback_with_its_page() -> None:
    for base_url, host in (
        ("https://open.feishu.cn", "open.feishu.cn"),
        ("https://open.larksuite.com", "open.larksuite.com"),
    ):
        settings = Settings(feishu=FeishuSettings(app_id="cli_a", base_url=base_url))
        text = "\n".join(checklist(settings))
        assert [name for feature in FEATURES for name in feature.least if name not in text] == []
        assert [each.name for each in (*EVENTS, *CALLBACKS) if each.name not in text] == []
        assert f"https://{host}/app/cli_a/auth?q=im:message.p2p_msg:readonly," in text
        assert f"https://{host}/app/cli_a/version" in text
    assert grant_page(settings.feishu, needed_scopes(settings)) in text


def test_a_secret_alone_and_lines_of_variables_are_read() -> None:
    assert variables_in("s3cret\n") == {"FEISHU__APP_SECRET": "s3cret"}
    assert variables_in("# a\nA=1\nB='x=y'\n") == {"A": "1", "B": "x=y"}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "config.yaml"


def test_keys_are_set_in_place_and_comments_stay(file: Path) -> None:
    file.write_text('# top\nfeishu:\n  # the app\n  public_url: ""\n\nbot:\n  port: 9000 # ours\n', "utf-8")
    assert set_keys(file, {("feishu", "public_url"): "https://a.example", ("rag", "llm", "model"): "m: #1"}) == [
        "feishu.public_url",
        "rag.llm.model",
    ]
    assert file.read_text("utf-8") == (
        '# top\nfeishu:\n  # the app\n  public_url: "https://a.example"\n\nbot:\n  port: 9000 # ours\n'
        'rag:\n  llm:\n    model: "m: #1"\n'
    )
    assert set_keys(file, {("feishu", "public_url"): "https://a.example"}) == []


def test_the_whole_reference_file_can_be_changed(file: Path) -> None:
    file.write_bytes((REPOSITORY / "config.yaml").read_bytes())
    before = file.read_text("utf-8").splitlines()
    set_keys(file, {("feishu", "base_url"): "https://open.larksuite.com"})
    changed = [line for line in file.read_text("utf-8").splitlines() if line not in before]
    assert changed == ['  base_url: "https://open.larksuite.com"']


def test_a_file_written_in_another_way_is_left_alone(file: Path) -> None:
    file.write_text("feishu: {app_id: cli_a}\n", "utf-8")
    with pytest.raises(SettingsError, match=r"write this into it yourself: feishu\.public_url"):
        set_keys(file, {("feishu", "public_url"): "https://a.example"})
    assert file.read_text("utf-8") == "feishu: {app_id: cli_a}\n"


@pytest.mark.parametrize(
    "value", ["plain", "with space", "it's", 'say "hi"', "a#b", "back\\slash", "密钥", "$HOME", "a=b"]
)
def test_a_variable_is_read_back_as_it_was(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    assert set_variables(path, {"FEISHU__APP_SECRET": value}) == ["FEISHU__APP_SECRET"]
    assert set_variables(path, {"FEISHU__APP_SECRET": value}) == []
    read = load_settings(environ={}, env_file=path).feishu.app_secret.get_secret_value()
    assert read == value
