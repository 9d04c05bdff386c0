"""Files as people (and attackers) write them: each is read, or refused in one sentence with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SettingsError
from bot.settings import load_settings
from bot.settings.files import MAX_FILE_BYTES, read_env_file, read_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "config.yaml line 1: must hold keys with values"),
        (b"just text\n", "config.yaml line 1: must hold keys with values"),
        (b"bot:\n  port: 1\n  port: 2\n", "config.yaml line 3: bot.port repeats line 2"),
        (b"bot: {}\nbot: {}\n", "config.yaml line 2: bot repeats line 1"),
        (b"bot:\n\tport: 1\n", "config.yaml line 2: is indented with a tab"),
        (b"bot:\n  host: caf\xe9\n", "config.yaml line 2: is not UTF-8"),
        ("机器人: 1\n".encode("gb18030"), "config.yaml line 1: is not UTF-8"),
        (b"\xff\xfeb\x00o\x00t\x00", "config.yaml line 1: is not UTF-8"),
        (BOMB.encode(), "config.yaml line 2: holds an alias"),
        (b"bot: &b\n  <<: *b\n", "config.yaml line 2: holds an alias"),
        (b"bot: !!python/object/apply:os.system [id]\n", "config.yaml line 1: holds a tag"),
        (b"bot: {port: 1\n", "config.yaml line 2: is not YAML"),
        (b"bot: 'unclosed\n", "config.yaml line 2: is not YAML"),
        (b"a: b: c\n", "config.yaml line 1: is not YAML"),
        (b"bot: {}\n---\nbot: {}\n", "config.yaml line 2: starts a second document"),
        (b"? [a, b]\n: 1\n", "config.yaml line 1: has a key that is not a name"),
        (b"x: " + b"[" * 20_000, "config.yaml: is nested too deeply"),
        (b"bot: \x00\n", "config.yaml line 1: holds a character"),
        (b"#" * (MAX_FILE_BYTES + 1), "config.yaml: is larger than 1,048,576 bytes"),
        (b"bot: {port: 2026-13-45}\n", "config.yaml line 1: bot.port"),
    ],
)
def test_what_is_no_plain_file_of_keys_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={}, env_file=None)
    assert str(caught.value).startswith(message)


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("\ufeffbot:\r\n  port: 9000\r\n".encode())
    assert read_yaml(path).tree == {"bot": {"port": 9000}}


def test_lines_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("# top\nrag:\n  llm:\n    model: m\n")
    assert read_yaml(path).lines == {("rag",): 2, ("rag", "llm"): 3, ("rag", "llm", "model"): 4}


@pytest.mark.parametrize("text", ["BOT__PORT 8000\n", "\n= 5\n", 'A="unclosed\n'])
def test_a_line_that_is_no_assignment_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environ={}, env_file=path)
    assert "is not NAME=value" in str(caught.value)
    assert "unclosed" not in str(caught.value)


def test_values_of_an_env_file_are_taken_as_written(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=${HOME}x$y\nB='q #1'\nC=v # comment\n")
    assert [variable.value for variable in read_env_file(path)] == ["${HOME}x$y", "q #1", "v"]


def test_an_env_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nFEISHU__APP_SECRET=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env line 2: is not UTF-8"):
        load_settings(None, environ={}, env_file=path)


@given(st.binary(max_size=300) | st.text(alphabet="abot:rg{}[]&*!|>-#'\"\n\t 0?,%@`\\", max_size=120).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    try:
        load_settings(path, environ={}, env_file=path)
    except SettingsError as error:
        assert str(error)
