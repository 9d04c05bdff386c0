"""Who writes, by the settings."""

import pytest

from rag.errors import SettingsMismatch
from rag.generation.factory import uses_model
from rag.settings import LlmSettings


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (LlmSettings(), False),
        (LlmSettings(model="m"), False),
        (LlmSettings(base_url="http://127.0.0.1:1/v1"), False),
        (LlmSettings(base_url="http://127.0.0.1:1/v1", model="m"), True),
        (LlmSettings(api_key="k", model="m"), True),
        (LlmSettings(provider="extractive", api_key="k", model="m"), False),
        (LlmSettings(provider="openai", api_key="k", model="m"), True),
    ],
)
def test_auto_uses_a_model_when_it_is_complete(settings: LlmSettings, expected: bool) -> None:
    assert uses_model(settings) is expected


@pytest.mark.parametrize("address", ["localhost:11434", "ftp://h/v1", "http://", "http://h:99999/v1", "http://[::1/v1"])
def test_an_address_nobody_can_call_names_the_setting(address: str) -> None:
    with pytest.raises(SettingsMismatch, match="RAG__LLM__BASE_URL"):
        uses_model(LlmSettings(base_url=address, model="m"))


def test_an_explicit_model_that_is_incomplete_names_the_setting() -> None:
    with pytest.raises(SettingsMismatch, match="RAG__LLM__MODEL"):
        uses_model(LlmSettings(provider="openai"))
    with pytest.raises(SettingsMismatch, match="RAG__LLM__BASE_URL"):
        uses_model(LlmSettings(provider="openai", model="m"))
