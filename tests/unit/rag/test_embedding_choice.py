"""Which embedding provider the settings come to, and the fix when one cannot work."""

import importlib.util
from pathlib import Path

import pytest

from rag.embedding import choose
from rag.embedding import factory as choice_module
from rag.embedding.families import BGE_ZH
from rag.embedding.model_files import hub_is_reachable, local_folder
from rag.errors import IndexMismatch, SettingsMismatch
from rag.index.base.manifest import EmbeddingFingerprint
from rag.index.compatibility import check_probe, dense_problem, outdated
from rag.settings import EmbeddingSettings

BGE = "BAAI/bge-small-zh-v1.5"


def settings(**values: object) -> EmbeddingSettings:
    return EmbeddingSettings.model_validate(values)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and every runtime installed as far as the choice can see."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(choice_module, "_installed", lambda *packages: True)
    return tmp_path


def cached(hub: Path, *files: str) -> Path:
    folder = hub / "models--BAAI--bge-small-zh-v1.5" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("{}")
    return folder


def test_auto_without_weights_is_words_only_and_says_why(hub: Path) -> None:
    choice = choose(settings())
    assert choice.open is None
    assert "search is by words only" in choice.detail and BGE in choice.detail


def test_auto_takes_weights_from_the_hubs_cache(hub: Path) -> None:
    folder = cached(hub, "config.json", "model.safetensors")
    assert local_folder(BGE) == folder
    assert choose(settings()).provider == "sentence-transformers"


def test_a_half_downloaded_model_is_none(hub: Path) -> None:
    cached(hub, "config.json")
    assert local_folder(BGE) is None


def test_auto_without_the_package_is_words_only(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(hub, "config.json", "model.safetensors")
    monkeypatch.setattr(choice_module, "_installed", lambda *packages: False)
    assert "feishu-rag[bge]" in choose(settings()).detail


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"provider": "sentence-transformers"}, "RAG__EMBEDDING__MODEL"),
        ({"provider": "openai"}, "RAG__EMBEDDING__BASE_URL"),
        ({"provider": "onnx"}, r"tokenizer\.json"),
    ],
)
def test_an_explicit_provider_that_cannot_work_names_the_fix(hub: Path, values: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsMismatch, match=words):
        choose(settings(**values))


def test_onnx_without_its_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice_module, "_installed", lambda *packages: False)
    with pytest.raises(SettingsMismatch, match=r"feishu-rag\[onnx\]"):
        choose(settings(provider="onnx"))


def test_the_hub_is_left_alone_when_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub_is_reachable() is False


def test_the_hub_that_refuses_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert hub_is_reachable() is False


def mark(**values: object) -> EmbeddingFingerprint:
    known = {
        "provider": "sentence-transformers",
        "model": BGE,
        "dimension": 2,
        "instruction": BGE_ZH,
    }
    return EmbeddingFingerprint(**{**known, "probe": (1.0, 0.0), **values})  # type: ignore[arg-type]


def test_an_index_of_the_same_model_serves_even_from_a_folder(hub: Path) -> None:
    cached(hub, "config.json", "model.safetensors")
    moved = mark(model="/models/bge-small-zh-v1.5")
    assert dense_problem(moved, choose(settings()), settings()) is None


@pytest.mark.parametrize(
    ("change", "given"),
    [
        ({"model": "other"}, {}),
        ({"instruction": "query: "}, {"query_instruction": "Frage: "}),
        ({"passage_instruction": "passage: "}, {"passage_instruction": "none"}),
    ],
)
def test_an_index_of_another_model_or_set_prompt_is_refused(
    hub: Path, change: dict[str, str], given: dict[str, str]
) -> None:
    cached(hub, "config.json", "model.safetensors")
    with pytest.raises(IndexMismatch, match="feishu-rag ingest"):
        dense_problem(mark(**change), choose(settings(**given)), settings(**given))


def test_an_index_of_another_familys_prompts_serves_and_says_so(hub: Path) -> None:
    cached(hub, "config.json", "model.safetensors")
    other = mark(instruction="query: ", passage_instruction="passage: ")
    assert dense_problem(other, choose(settings()), settings()) is None
    assert "feishu-rag ingest" in outdated(other, choose(settings()))
    assert outdated(mark(), choose(settings())) == ""


def test_an_index_without_vectors_serves_auto_and_is_refused_by_an_explicit_model(hub: Path) -> None:
    cached(hub, "config.json", "model.safetensors")
    assert "no vectors" in (dense_problem(None, choose(settings()), settings()) or "")
    explicit = settings(provider="sentence-transformers")
    with pytest.raises(IndexMismatch, match="without embeddings"):
        dense_problem(None, choose(explicit), explicit)


def test_the_probe_tells_swapped_weights_and_dimensions() -> None:
    check_probe(mark(), [0.999, 0.04], BGE)
    with pytest.raises(IndexMismatch, match="other weights"):
        check_probe(mark(), [0.0, 1.0], BGE)
    with pytest.raises(IndexMismatch, match="dimensions"):
        check_probe(mark(), [1.0, 0.0, 0.0], BGE)


def test_runtimes_are_looked_for_without_importing_them() -> None:
    assert choice_module._installed("json") is True
    assert choice_module._installed("no_such_package_anywhere") is False
    assert importlib.util.find_spec("json") is not None
