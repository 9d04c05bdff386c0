"""What can be configured, from where, and what the person reads when it is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import BotSettings, Settings, load_settings, secret_values

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, "utf-8")
        return path

    return _write


def load(path: Path | None, env_file: Path | None = None, **environ: str) -> Settings:
    return load_settings(path, environ=environ, env_file=env_file)


def refusal(path: Path | None, env_file: Path | None = None, **environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(path, env_file, **environ)
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "   \n", "# only a comment\n", "feishu:\nrag:\nbot:\n", "null\n", "{}\n", "---\n"]
)
def test_a_file_that_says_nothing_gives_the_defaults(write: Write, text: str) -> None:
    settings = load(write(text))
    assert settings.bot.port == 8000
    assert settings.bot.web_host == "127.0.0.1"
    assert settings.feishu.base_url == "https://open.feishu.cn"


def test_no_file_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None).bot.web_port == 8001


def test_the_file_of_the_current_folder_is_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("bot: {port: 9000}").parent)
    assert load(None).bot.port == 9000


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    assert "nowhere.yaml" in str(refusal(tmp_path / "nowhere.yaml"))
    assert "is not a file" in str(refusal(tmp_path))


def test_environment_wins_over_env_file_and_env_file_over_yaml(write: Write, tmp_path: Path) -> None:
    path = write("bot: {port: 1, web_port: 2, workers: 3}")
    env_file = tmp_path / ".env"
    env_file.write_text("BOT__PORT=11\nexport BOT__WEB_PORT='12'\n# BOT__WORKERS=99\n", "utf-8")
    bot = load(path, env_file, BOT__PORT="21").bot
    assert (bot.port, bot.web_port, bot.workers) == (21, 12, 3)


def test_an_empty_variable_counts_as_not_set(write: Write) -> None:
    assert load(write("bot: {port: 9000}"), BOT__PORT="", FEISHU__APP_SECRET="  ").bot.port == 9000


def test_names_of_variables_may_be_written_small_and_values_are_trimmed() -> None:
    settings = load(None, feishu__app_secret=" s3cr3t-value \n", FEISHU__APP_ID="cli_a")
    assert settings.feishu.app_secret.get_secret_value() == "s3cr3t-value"
    assert settings.feishu.app_id == "cli_a"


@pytest.mark.parametrize("text", ["a, b", '["a", "b"]'])
def test_a_list_in_a_variable_is_json_or_separated_by_commas(tmp_path: Path, write: Write, text: str) -> None:
    assert load(write(""), RAG__KNOWLEDGE=text).rag.knowledge == [tmp_path / "a", tmp_path / "b"]


def test_nested_sections_merge_key_by_key(write: Write) -> None:
    timeouts = load(write("rag: {llm: {model: m, timeouts: {stall_s: 7}}}"), RAG__LLM__TIMEOUTS__TOTAL_S="99").rag.llm
    assert (timeouts.model, timeouts.timeouts.stall_s, timeouts.timeouts.total_s) == ("m", 7, 99)


def test_variables_of_others_do_not_matter() -> None:
    assert load(None, BOT="renovate", BOT_PORT="tcp://10.0.0.1", RAG="{", FEISHU_X="1").bot.port == 8000


@pytest.mark.parametrize(
    ("text", "line", "wrong", "right"),
    [
        ("feishu:\n  app_idd: x\n", 2, "feishu.app_idd", "feishu.app_id"),
        ("port: 1\n", 1, "port", "bot.port"),
        ("bott:\n  port: 1\n", 1, "bott", "bot"),
        ("rag:\n  llm:\n    modle: m\n", 3, "rag.llm.modle", "rag.llm.model"),
        ("bot:\n  app_id: x\n", 2, "bot.app_id", "feishu.app_id"),
        ("rag:\n  temperatur: 1\n", 2, "rag.temperatur", "rag.llm.temperature"),
        ("Bot:\n  port: 1\n", 1, "Bot", "bot"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(write: Write, text: str, line: int, wrong: str, right: str) -> None:
    assert str(refusal(write(text))) == f"config.yaml line {line}: {wrong} is not a setting; did you mean {right}?"


def test_a_key_like_no_other_points_to_the_documentation(write: Write) -> None:
    assert "docs/configuration.md" in str(refusal(write("zzzzqqqq: 1\n")))


def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean FEISHU__APP_SECRET?" in str(refusal(None, FEISHU__APPSECRET="x"))
    assert "did you mean RAG__LLM__API_KEY?" in str(refusal(None, RAG__LLM_API_KEY="x"))
    assert "one by one, like RAG__LLM__PROVIDER" in str(refusal(None, RAG__LLM='{"model": "x"}'))
    env_file = tmp_path / ".env"
    env_file.write_text("A=1\n\nBOT__PROT=1\n", "utf-8")
    assert str(refusal(None, env_file)) == ".env line 3: BOT__PROT is not a setting; did you mean BOT__PORT?"


def test_all_problems_are_told_at_once(write: Write) -> None:
    error = refusal(write("bot:\n  prot: 1\n  hots: x\nfeishu: {app_secret: abcdef}\n"), BOT__WORKER="1")
    assert len(str(error).splitlines()) == 4
    assert [problem.key for problem in (error, *error.others)] == [
        "bot.prot",
        "bot.hots",
        "feishu.app_secret",
        "BOT__WORKER",
    ]


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        ("feishu: {app_secret: hunter22}", "feishu.app_secret", "FEISHU__APP_SECRET"),
        ("feishu: {encrypt_key: hunter22}", "feishu.encrypt_key", "FEISHU__ENCRYPT_KEY"),
        ("feishu: {verification_token: hunter22}", "feishu.verification_token", "FEISHU__VERIFICATION_TOKEN"),
        ("rag: {llm: {api_key: hunter22}}", "rag.llm.api_key", "RAG__LLM__API_KEY"),
        ("rag: {embedding: {api_key: [hunter22]}}", "rag.embedding.api_key", "RAG__EMBEDDING__API_KEY"),
        ("bot: {api_keys: [hunter22]}", "bot.api_keys", "BOT__API_KEYS"),
        ("bot: {database_url: 'postgresql://u:hunter22@db/x'}", "bot.database_url", "BOT__DATABASE_URL"),
        ("bot: {database_url: 'postgresql://u:hun/ter22@db/x'}", "bot.database_url", "BOT__DATABASE_URL"),
        ("bot: {database_url: 'postgresql://db/x?user=u&password=hunter22'}", "bot.database_url", "BOT__DATABASE_URL"),
        ("rag: {llm: {base_url: 'https://u:hunter22@proxy/v1'}}", "rag.llm.base_url", "RAG__LLM__BASE_URL"),
    ],
)
def test_a_secret_in_the_file_is_refused_with_its_variable(write: Write, text: str, key: str, variable: str) -> None:
    error = refusal(write(text))
    assert error.key == key
    assert variable in error.fix
    assert "hunter22" not in f"{error} {error!r}"


def test_an_address_without_password_may_stand_in_the_file(write: Write) -> None:
    assert load(write("bot: {database_url: 'postgresql://user@db/x'}")).bot.database_url == "postgresql://user@db/x"
    assert load(write("rag: {llm: {base_url: 'http://127.0.0.1:11434/v1@x'}}")).rag.llm.base_url


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bot:\n  port: ten\n", "config.yaml line 2: bot.port must be a whole number"),
        ("bot:\n  port: 70000\n", "config.yaml line 2: bot.port must be 65535 or less"),
        ("bot:\n  workers: yes\n", "config.yaml line 2: bot.workers must be a number"),
        ("bot:\n  retention_h: 24\n", "config.yaml line 2: bot.retention_h must be 48.0 or more"),
        ("bot:\n  retention_h: .inf\n", "config.yaml line 2: bot.retention_h must be a finite number"),
        ("bot:\n  language: fr\n", "config.yaml line 2: bot.language must be one of 'auto', 'zh' or 'en'"),
        ("bot: 5\n", "config.yaml line 1: bot must hold keys"),
        ("bot:\n  port: {a: 1}\n", "config.yaml line 2: bot.port must be a whole number"),
        ("feishu:\n  app_id: 1234\n", "config.yaml line 2: feishu.app_id must be text; put the value in quotes"),
        (
            "feishu:\n  base_url: https://evil.example\n",
            "config.yaml line 2: feishu.base_url must be https://open.feishu.cn",
        ),
        ("rag:\n  knowledge: docs\n", "config.yaml line 2: rag.knowledge must be a list"),
        ("rag:\n  knowledge:\n    - 5\n", "config.yaml line 2: rag.knowledge.0 must be a path"),
        ("bot:\n  database_url: mysql://db/x\n", "config.yaml line 2: bot.database_url must begin with sqlite:///"),
        ("bot:\n  database_url: 'sqlite://'\n", "config.yaml line 2: bot.database_url must name a file"),
        ("bot:\n  database_url: sqlite://data/bot.db\n", "config.yaml line 2: bot.database_url needs three slashes"),
        ("bot:\n  web_host: 0.0.0.0\n", "config.yaml line 2: bot.web_host would open the web door to the network"),
        ("bot:\n  port: 8001\n", "default: bot.web_port must differ from bot.port"),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence_with_its_place(write: Write, text: str, sentence: str) -> None:
    message = str(refusal(write(text)))
    assert message.startswith(sentence)
    assert "\n" not in message


def test_a_wrong_variable_is_named_and_its_value_is_not(write: Write) -> None:
    error = refusal(write("bot: {port: 1}"), BOT__PORT="sk-slipped-into-the-wrong-place")
    assert str(error).startswith("environment variable BOT__PORT: bot.port must be a whole number")
    assert "sk-slipped" not in f"{error} {error!r}"


def test_no_error_shows_a_value(write: Write) -> None:
    error = refusal(
        None, BOT__API_KEYS="hunter2222", BOT__DATABASE_URL="mysql://u:hunter2222@h/d", BOT__LANGUAGE="hunter2222"
    )
    assert len(error.others) == 2
    assert "hunter2222" not in f"{error} {error!r} {error.__cause__}"


def test_the_web_door_opens_to_the_network_only_with_keys() -> None:
    key = "a" * 64
    assert load(None, BOT__WEB_HOST="0.0.0.0", BOT__API_KEYS=key).bot.web_host == "0.0.0.0"
    assert load(None, BOT__WEB_HOST="127.8.8.8").bot.web_host == "127.8.8.8"
    with pytest.raises(ValueError, match="without keys"):
        BotSettings(web_host="::")


def test_places_are_seen_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = tmp_path / "etc", tmp_path / "elsewhere"
    (folder / "models" / "bge").mkdir(parents=True)
    elsewhere.mkdir()
    file = folder / "config.yaml"
    file.write_text(
        "rag:\n  knowledge: [../docs, /srv/docs]\n  embedding: {model: models/bge}\nbot: {database_url: 'sqlite:///d/b.db?x=1'}\n"
    )
    monkeypatch.chdir(elsewhere)
    settings = load(Path("../etc/config.yaml"))
    assert settings.rag.knowledge == [tmp_path / "docs", Path("/srv/docs")]
    assert settings.rag.index_dir == folder / "data" / "index"
    assert settings.rag.embedding.model == str(folder / "models" / "bge")
    assert settings.bot.database_url == f"sqlite:///{folder}/d/b.db?x=1"


def test_a_model_name_stays_a_name_and_an_absolute_file_stays(write: Write) -> None:
    settings = load(write("bot: {database_url: 'sqlite:////var/lib/b.db'}"))
    assert settings.rag.embedding.model == "BAAI/bge-small-zh-v1.5"
    assert settings.bot.database_url == "sqlite:////var/lib/b.db"


def test_settings_show_no_secret_and_tell_them_to_the_logs() -> None:
    settings = load(
        None,
        FEISHU__APP_SECRET="hunter2222",
        RAG__LLM__API_KEY="sk-hunter2222",
        BOT__DATABASE_URL="postgresql://u:p%40ssw0rd-hunter@db/x",
    )
    assert "hunter" not in f"{settings} {settings!r} {settings.bot}"
    assert secret_values(settings) == {"hunter2222", "sk-hunter2222", "p%40ssw0rd-hunter", "p@ssw0rd-hunter"}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(None).bot.port = 1  # type: ignore[misc]


def test_settings_built_directly_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT__PORT", "1")
    assert Settings().bot.port == 8000


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [("evidence_threshold", "0.5", ["floor_words", "floor_match"]), ("dense_evidence", "0.65", ["floor_standing"])],
)
def test_a_setting_of_an_earlier_version_names_what_took_its_place(
    write: Write, tmp_path: Path, name: str, value: str, instead: list[str]
) -> None:
    place, variable = f"rag.retrieval.{name}", f"RAG__RETRIEVAL__{name.upper()}"
    env_file = tmp_path / ".env"
    env_file.write_text(f"{variable}={value}\n", "utf-8")
    told = {
        place: refusal(write(f"rag:\n  retrieval:\n    {name}: {value}\n")),
        variable: refusal(None, **{variable: value}),
        f"{variable} ": refusal(None, env_file),
    }
    for where, error in told.items():
        text = str(error)
        assert where.strip() in text and "is no setting any more" in text
        assert all(f"rag.retrieval.{instead[0]}" in text and each in text for each in instead)
        assert "did you mean" not in text
    assert "line 3" in str(told[place])
