"""Which embedding provider the settings come to, decided without importing any runtime."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from rag.addresses import check_address, host_of
from rag.embedding.protocol import Embedder
from rag.embedding.weights import local_folder
from rag.errors import SettingsMismatch
from rag.settings import EmbeddingSettings

LEXICAL_ONLY = "search is by words only"


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, or none (`open` is None); `detail` says in one sentence which and why."""

    provider: str
    model: str
    detail: str
    open: Callable[[], Embedder] | None = None


def choose(settings: EmbeddingSettings) -> Choice:
    """The provider of the settings. Raises SettingsMismatch when an explicit one cannot work."""
    match settings.provider:
        case "none":
            return Choice("none", "", f"Embeddings are switched off (rag.embedding.provider: none); {LEXICAL_ONLY}.")
        case "sentence-transformers":
            return _sentence_transformers(settings)
        case "openai":
            return _endpoint(settings)
        case "onnx":
            return _onnx(settings)
        case "auto":
            return _auto(settings)


def _auto(settings: EmbeddingSettings) -> Choice:
    try:
        return _sentence_transformers(settings)
    except SettingsMismatch as error:
        return Choice("none", "", f"No embedding model, {LEXICAL_ONLY}: {error}")


def _sentence_transformers(settings: EmbeddingSettings) -> Choice:
    if not _installed("sentence_transformers", "torch"):
        raise SettingsMismatch("sentence-transformers is not installed; pip install 'feishu-rag[bge]'")
    folder = local_folder(settings.model)
    if folder is None:
        raise SettingsMismatch(
            f"The weights of {settings.model} are not on this machine; run feishu-rag ingest where the model hub "
            "can be reached, or set RAG__EMBEDDING__MODEL to a folder that holds them"
        )

    def open_model() -> Embedder:
        from rag.embedding.sentence_transformers import SentenceEmbedder

        return SentenceEmbedder(folder, settings)

    return Choice("sentence-transformers", settings.model, f"{settings.model} by sentence-transformers.", open_model)


def _endpoint(settings: EmbeddingSettings) -> Choice:
    if not settings.base_url:
        raise SettingsMismatch("rag.embedding.provider is openai: set RAG__EMBEDDING__BASE_URL to the endpoint")
    check_address(settings.base_url, "RAG__EMBEDDING__BASE_URL")

    def open_endpoint() -> Embedder:
        from rag.embedding.endpoint import EndpointEmbedder

        return EndpointEmbedder(settings)

    return Choice("openai", settings.model, f"{settings.model} at {host_of(settings.base_url)}.", open_endpoint)


def _onnx(settings: EmbeddingSettings) -> Choice:
    if not _installed("onnxruntime", "tokenizers"):
        raise SettingsMismatch("rag.embedding.provider is onnx: pip install 'feishu-rag[onnx]'")
    folder = local_folder(settings.model)
    if folder is None or not list(folder.glob("*.onnx")) or not (folder / "tokenizer.json").is_file():
        raise SettingsMismatch(
            "rag.embedding.provider is onnx: set RAG__EMBEDDING__MODEL to a folder with tokenizer.json and a .onnx file"
        )

    def open_model() -> Embedder:
        from rag.embedding.onnx import OnnxEmbedder

        return OnnxEmbedder(folder, settings)

    return Choice("onnx", settings.model, f"{settings.model} by onnxruntime.", open_model)


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)
