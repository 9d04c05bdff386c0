"""What is in force is told with where it comes from, and no secret with it."""

from pathlib import Path

import pytest

from bot.settings import load_settings
from bot.settings.effective import DEFAULT, HIDDEN, PROGRAM, EffectiveSetting, effective
from bot.settings.models import BotSettings, Settings
from feishu.settings import FeishuSettings

SECRETS = ("s3cret-app", "s3cret-key", "s3cret-db", "s3cret-proxy")


@pytest.fixture
def told(tmp_path: Path) -> dict[str, EffectiveSetting]:
    (tmp_path / "config.yaml").write_text(
        "feishu:\n  app_id: cli_a\nrag:\n  collections:\n    hr:\n      folders: [hr]\n  llm:\n    model: qwen-plus\n",
        encoding="utf-8",
    )
    (tmp_path / ".env").write_text(f"FEISHU__APP_SECRET={SECRETS[0]}\nBOT__PORT=9000\n", encoding="utf-8")
    environ = {
        "BOT__PORT": "9001",
        "RAG__LLM__API_KEY": SECRETS[1],
        "BOT__DATABASE_URL": f"postgresql://bot:{SECRETS[2]}@db/bot",
        "RAG__LLM__BASE_URL": f"https://user:{SECRETS[3]}@models.example.com/v1",
        "BOT__API_KEYS": f'[{{"hash": "{"a" * 64}", "name": "wiki"}}]',
    }
    settings = load_settings(tmp_path / "config.yaml", environ=environ, env_file=tmp_path / ".env")
    return {each.key: each for each in effective(settings)}


def test_each_value_has_its_origin(told: dict[str, EffectiveSetting]) -> None:
    assert (told["feishu.app_id"].value, told["feishu.app_id"].origin) == ("cli_a", "config.yaml line 2")
    assert (told["bot.port"].value, told["bot.port"].origin) == ("9001", "environment variable BOT__PORT")
    assert told["feishu.app_secret"].origin == ".env line 1"
    assert told["rag.collections"].origin.startswith("config.yaml line") and '"hr"' in told["rag.collections"].value
    assert told["rag.index_dir"].origin == told["bot.workers"].origin == DEFAULT
    assert told["bot.workers"].variable == "BOT__WORKERS" and told["bot.workers"].description


def test_no_secret_is_told(told: dict[str, EffectiveSetting]) -> None:
    whole = repr(told)
    assert not [secret for secret in (*SECRETS, "a" * 64) if secret in whole]
    assert told["feishu.app_secret"].value == told["rag.llm.api_key"].value == told["bot.api_keys"].value == HIDDEN
    assert told["feishu.encrypt_key"].value == ""
    assert told["bot.database_url"].value == f"postgresql://bot:{HIDDEN}@db/bot"
    assert told["rag.llm.base_url"].value == f"https://user:{HIDDEN}@models.example.com/v1"


def test_what_a_program_chose_is_told_as_such() -> None:
    settings = Settings(feishu=FeishuSettings(app_id="cli_demo"), bot=BotSettings(workers=3))  # type: ignore[arg-type]
    told = {each.key: each.origin for each in effective(settings)}
    assert told["bot.workers"] == told["feishu.app_id"] == PROGRAM and told["bot.port"] == DEFAULT
