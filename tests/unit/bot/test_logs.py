"""Log lines carry what happened and to which job, and never a secret or a person's words."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, SecretStr

from bot.observability.logs import configure_logs, hide

SECRET = "s3cr3t/with+odd=\"chars'"
PASSWORD = "p@ssw0rd-of-the-store"
WORDS = "我的工资是多少？please tell me"


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    configured = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


@pytest.fixture(params=["json", "console"])
def output(request: pytest.FixtureRequest) -> io.StringIO:
    stream = io.StringIO()
    configure_logs("DEBUG", request.param, secrets=[SECRET, PASSWORD], stream=stream)
    return stream


@pytest.fixture
def json_output() -> io.StringIO:
    stream = io.StringIO()
    configure_logs("INFO", "json", secrets=[SECRET], stream=stream)
    return stream


@pytest.fixture
def ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest's own handlers format each line, too, and raise where ours must not."""
    monkeypatch.setattr("_pytest.logging.LogCaptureHandler.emit", lambda *_: None)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@dataclass(frozen=True)
class Message:
    message_id: str
    content: str
    quiet: str = field(default="kept back", repr=False)


class Model(BaseModel):
    api_key: SecretStr = SecretStr(SECRET)
    answer: str = WORDS


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError(SECRET)


HOSTILE: dict[str, Any] = {
    "app_secret": "a-secret-nobody-registered",
    "Authorization": "a-secret-nobody-registered",
    "encrypt_key": "a-secret-nobody-registered",
    "tenant_access_token": b"a-secret-nobody-registered",
    "password": ["a-secret-nobody-registered"],
    "headers": {"authorization": "a-secret-nobody-registered", "X-Api-Key": "a-secret-nobody-registered"},
    "header": "Bearer a-secret-nobody-registered",
    "url": "https://user:a-secret-nobody-registered@proxy.example/path",
    "raw": '{"app_secret": "a-secret-nobody-registered"}',
    "platform": "t-g1044abcdefghijklmnopqrstuvwxyz",
    "model": "sk-abcdefghijklmnopqrstuvwxyz123456",
    "note": f"the key is {SECRET}!",
    "escaped": json.dumps({"x": SECRET}),
    "shown": repr(SECRET),
    "quoted": "https://h/?k=s3cr3t%2Fwith%2Bodd%3D%22chars%27",
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": SECRET}}}}}}},
    SECRET: 1,
    "question": WORDS,
    "text": WORDS,
    "content": {"zh": WORDS},
    "body": WORDS.encode(),
    "message": Message("om_1", WORDS),
    "settings": Model(),
    "plain": SecretStr(SECRET),
    "nothing": Unprintable(),
    "error": ValueError(f"refused: {SECRET}"),
    "set": {SECRET},
}
MUST_NOT_APPEAR = (
    "a-secret-nobody-registered",
    "g1044abcdefgh",
    "sk-abcdefgh",
    "s3cr3t",
    PASSWORD,
    "工资",
    "tell me",
    "kept back",
)


@pytest.mark.usefixtures("ours_alone")
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_comes_out(output: io.StringIO, name: str) -> None:
    structlog.get_logger("bot.test").info("happened", **{name: HOSTILE[name]})
    text = output.getvalue()
    assert "happened" in text
    assert not [secret for secret in MUST_NOT_APPEAR if secret in text]


def test_stdlib_loggers_are_masked_too(output: io.StringIO) -> None:
    logger = logging.getLogger("somebody.else")
    logger.warning("connecting with %s", SECRET)
    logger.warning("extra", extra={"password": "a-secret-nobody-registered", "text": WORDS})
    text = output.getvalue()
    assert len(text.splitlines()) == 2
    assert not [secret for secret in MUST_NOT_APPEAR if secret in text]


def test_exceptions_are_shown_without_secrets_and_without_local_variables(output: io.StringIO) -> None:
    local = "a-secret-nobody-registered"[:26]
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(f"postgresql://bot:{PASSWORD}@db/bot is gone, {len(local)}") from error
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("x").exception("failed as well")
    text = output.getvalue()
    assert "RuntimeError" in text
    assert "KeyError" in text
    assert "test_logs.py" in text
    assert not [secret for secret in MUST_NOT_APPEAR if secret in text]


@pytest.mark.usefixtures("ours_alone")
def test_a_line_that_cannot_be_formatted_says_so_without_its_arguments(
    output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("clumsy").warning("%d items", "a-secret-nobody-registered")
    text = output.getvalue() + capsys.readouterr().err
    assert "a line of logger clumsy could not be written" in text
    assert "a-secret-nobody-registered" not in text


def test_nobody_can_forge_a_second_line(output: io.StringIO) -> None:
    structlog.get_logger().info("name\n2026 [info] forged", chat="x\r\n\x1b[31mforged\u2028forged")
    assert len(output.getvalue().splitlines()) == 1
    assert "\x1b" not in output.getvalue()


@pytest.mark.parametrize("text", ["\ud800 lonely", "\x00", "零宽\u200b字", "x" * 100_000])
def test_odd_text_still_gives_one_line(output: io.StringIO, text: str) -> None:
    structlog.get_logger().info(text, chat=text)
    assert len(output.getvalue().splitlines()) == 1
    assert len(output.getvalue()) < 40_000
    output.getvalue().encode("utf-8")


def test_the_length_of_words_and_counts_of_tokens_are_kept(json_output: io.StringIO) -> None:
    structlog.get_logger().info("answered", answer="十二个字" * 3, first_token_s=0.25, prompt_tokens=12, note=None)
    (line,) = lines(json_output)
    assert line["answer"] == "<12 chars>"
    assert (line["first_token_s"], line["prompt_tokens"], line["note"]) == (0.25, 12, None)


def test_a_line_has_time_level_logger_and_event(json_output: io.StringIO) -> None:
    structlog.get_logger("bot.inbox.worker").warning("job %s released", 7)
    (line,) = lines(json_output)
    assert line["event"] == "job 7 released"
    assert (line["level"], line["logger"]) == ("warning", "bot.inbox.worker")
    assert line["timestamp"].endswith("Z")
    assert list(line) == ["timestamp", "level", "event", "logger"]


async def test_ids_follow_by_context(json_output: io.StringIO) -> None:
    async def work() -> None:
        structlog.get_logger().info("inside")
        logging.getLogger("library").info("inside as well")

    with structlog.contextvars.bound_contextvars(event_id="e1", job_id=7, turn_id="t1"):
        await asyncio.create_task(work())
    structlog.get_logger().info("outside")
    inside, as_well, outside = lines(json_output)
    assert (inside["event_id"], inside["job_id"], inside["turn_id"]) == ("e1", 7, "t1")
    assert as_well["job_id"] == 7
    assert "job_id" not in outside


def test_levels_are_kept_and_chatty_libraries_are_quiet(json_output: io.StringIO) -> None:
    structlog.get_logger("bot").debug("too fine")
    logging.getLogger("httpx").info("HTTP Request: GET http://h/?question=secret")
    logging.getLogger("uvicorn.access").info("GET /?question=secret")
    logging.getLogger("uvicorn.error").info("started")
    assert [line["event"] for line in lines(json_output)] == ["started"]


def test_a_server_that_set_its_own_level_and_handler_is_taken_over() -> None:
    elsewhere, stream = io.StringIO(), io.StringIO()
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler(elsewhere))
    server.setLevel(logging.ERROR)
    server.propagate = False
    configure_logs("INFO", "json", stream=stream)
    server.info("started")
    assert [line["event"] for line in lines(stream)] == ["started"]
    assert not elsewhere.getvalue()


def test_configuring_twice_writes_each_line_once(json_output: io.StringIO) -> None:
    again = io.StringIO()
    configure_logs("INFO", "json", stream=again)
    logging.getLogger("x").warning("once")
    assert len(lines(again)) == 1
    assert not json_output.getvalue()


def test_secrets_learnt_later_are_hidden_from_then_on(json_output: io.StringIO) -> None:
    hide(["learnt-at-run-time", ""])
    structlog.get_logger().info("x", note="it is learnt-at-run-time.")
    assert lines(json_output)[0]["note"] == "it is ***."


def test_auto_is_json_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    configure_logs("INFO", "auto", stream=stream)
    structlog.get_logger().info("x")
    assert lines(stream)[0]["event"] == "x"
