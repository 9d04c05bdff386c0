"""Which model the demo's bot writes with: the person's own, the scripted one, or none."""

from pathlib import Path

import pytest

from bot.demo import (
    HANDBOOK,
    SCRIPTED,
    demo_settings,
    wants_scripted_model,
    with_model,
    with_own_handbook,
    without_model,
)
from bot.settings import Settings
from rag.generation.factory import uses_model


def settings(folder: Path, **environ: str) -> Settings:
    return demo_settings(None, folder, environ=environ)


def test_without_a_model_of_ones_own_the_scripted_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = settings(tmp_path, RAG__LLM__MAX_TOKENS="60")
    assert wants_scripted_model(chosen)
    llm = with_model(chosen, "http://127.0.0.1:1/v1").rag.llm
    assert uses_model(llm) and llm.model == SCRIPTED and llm.max_tokens == 60
    assert "scripted" in SCRIPTED


@pytest.mark.parametrize(
    "own",
    [
        {"RAG__LLM__BASE_URL": "http://127.0.0.1:11434/v1", "RAG__LLM__MODEL": "qwen3"},
        {"RAG__LLM__API_KEY": "key", "RAG__LLM__MODEL": "gpt"},
        {"RAG__LLM__MODEL": "qwen3"},
        {"RAG__LLM__PROVIDER": "extractive"},
    ],
)
def test_what_somebody_chose_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert not wants_scripted_model(settings(tmp_path, **own))


def test_the_handbook_that_an_admin_may_change_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [own] = with_own_handbook(settings(tmp_path / "data")).rag.knowledge
    assert own == tmp_path / "data" / "handbook"
    assert {each.name for each in own.iterdir()} == {each.name for each in HANDBOOK.iterdir()}
    (own / "travel.md").unlink()
    assert with_own_handbook(settings(tmp_path / "data")).rag.knowledge == [own] and not (own / "travel.md").exists()
    chosen = settings(tmp_path / "data", RAG__KNOWLEDGE=str(tmp_path))
    assert with_own_handbook(chosen).rag.knowledge == [tmp_path]


def test_no_model_at_all_goes_before_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = {"RAG__LLM__BASE_URL": "http://127.0.0.1:11434/v1", "RAG__LLM__MODEL": "qwen3"}
    quoting = without_model(settings(tmp_path, **own))
    assert not uses_model(quoting.rag.llm) and not wants_scripted_model(quoting)
