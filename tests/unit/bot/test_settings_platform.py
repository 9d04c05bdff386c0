"""`serve` does not start without what verifies an event, and says where to find it."""

import pytest

from bot.errors import SettingsError
from bot.settings import Settings, load_settings, require_platform

WHOLE = {
    "FEISHU__APP_ID": "cli_a",
    "FEISHU__APP_SECRET": "s",
    "FEISHU__ENCRYPT_KEY": "e",
    "FEISHU__VERIFICATION_TOKEN": "v",
}


def settings(**environ: str) -> Settings:
    return load_settings(None, environ=environ, env_file=None)


def test_a_whole_set_passes() -> None:
    require_platform(settings(**WHOLE), environ={})


@pytest.mark.parametrize("absent", list(WHOLE))
def test_each_missing_value_is_named_with_its_variable_and_place(absent: str) -> None:
    with pytest.raises(SettingsError) as caught:
        require_platform(settings(**{name: value for name, value in WHOLE.items() if name != absent}), environ={})
    message = str(caught.value)
    assert absent in message
    assert "https://open.feishu.cn/app" in message
    assert "\n" not in message


def test_all_missing_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        require_platform(Settings(), environ={})
    assert len(str(caught.value).splitlines()) == 4


def test_the_console_is_that_of_the_platform() -> None:
    with pytest.raises(SettingsError, match=r"https://open\.larksuite\.com/app"):
        require_platform(settings(FEISHU__BASE_URL="https://open.larksuite.com"), environ={})


def test_a_single_underscore_is_noticed() -> None:
    with pytest.raises(SettingsError, match="FEISHU_APP_ID is set, but the name has two underscores"):
        require_platform(Settings(), environ={"FEISHU_APP_ID": "cli_a"})


def test_the_long_connection_needs_neither_key_nor_token() -> None:
    few = {name: value for name, value in WHOLE.items() if name in ("FEISHU__APP_ID", "FEISHU__APP_SECRET")}
    require_platform(settings(**few, FEISHU__TRANSPORT="websocket"), environ={})
    with pytest.raises(SettingsError) as caught:
        require_platform(settings(FEISHU__TRANSPORT="websocket"), environ={})
    assert len(str(caught.value).splitlines()) == 2


def test_callbacks_of_the_old_kind_do_not_come_over_the_long_connection() -> None:
    both = settings(**WHOLE, FEISHU__TRANSPORT="websocket", FEISHU__LEGACY_CARD_CALLBACK="true")
    with pytest.raises(SettingsError, match=r"card\.action\.trigger"):
        require_platform(both, environ={})


def test_a_transport_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match="'webhook' or 'websocket'"):
        settings(FEISHU__TRANSPORT="polling")
