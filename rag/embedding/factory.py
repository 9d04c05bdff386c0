"""Which embedding provider the settings come to, decided without importing any runtime."""

import importlib.util
from dataclasses import dataclass, field
from typing import Protocol

from rag.embedding.backoff import Patience
from rag.embedding.families import Instructions, instructions
from rag.embedding.model_files import local_folder
from rag.embedding.protocol import Embedder
from rag.errors import SettingsMismatch
from rag.settings import EmbeddingSettings
from rag.urls import check_address, host_of

LEXICAL_ONLY = "search is by words only"


class Opener(Protocol):
    """Loads the model, without instructions; an ingest brings patience with an endpoint. Raises EmbeddingFailed."""

    def __call__(self, patience: Patience | None = None) -> Embedder: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, or none (`open` is None); `detail` says in one sentence which and why.

    `instructions` are what the settings and the model's family put before texts.
    """

    provider: str
    model: str
    detail: str
    open: Opener | None = None
    instructions: Instructions = field(default_factory=Instructions)


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
            f"The weights of {settings.model} are not on this machine; run feishu-rag ingest where {_hub(settings)} "
            "can be reached, or set RAG__EMBEDDING__MODEL to a folder that holds them"
        )

    def open_model(patience: Patience | None = None) -> Embedder:
        from rag.embedding.sentence_transformers import SentenceEmbedder

        return SentenceEmbedder(folder, settings)

    detail = f"{settings.model} by sentence-transformers."
    return Choice("sentence-transformers", settings.model, detail, open_model, instructions(settings, folder))


def _hub(settings: EmbeddingSettings) -> str:
    if settings.hub == "modelscope":
        return "ModelScope"
    return "the model hub (or a mirror, by HF_ENDPOINT, or ModelScope, by RAG__EMBEDDING__HUB)"


def _endpoint(settings: EmbeddingSettings) -> Choice:
    if not settings.base_url:
        raise SettingsMismatch("rag.embedding.provider is openai: set RAG__EMBEDDING__BASE_URL to the endpoint")
    check_address(settings.base_url, "RAG__EMBEDDING__BASE_URL")

    def open_endpoint(patience: Patience | None = None) -> Embedder:
        from rag.embedding.openai_compatible import EndpointEmbedder

        return EndpointEmbedder(settings, patience)

    detail = f"{settings.model} at {host_of(settings.base_url)}."
    return Choice("openai", settings.model, detail, open_endpoint, instructions(settings))


def _onnx(settings: EmbeddingSettings) -> Choice:
    if not _installed("onnxruntime", "tokenizers"):
        raise SettingsMismatch("rag.embedding.provider is onnx: pip install 'feishu-rag[onnx]'")
    folder = local_folder(settings.model)
    if folder is None or not list(folder.glob("*.onnx")) or not (folder / "tokenizer.json").is_file():
        raise SettingsMismatch(
            "rag.embedding.provider is onnx: set RAG__EMBEDDING__MODEL to a folder with tokenizer.json and a .onnx file"
        )

    def open_model(patience: Patience | None = None) -> Embedder:
        from rag.embedding.onnx import OnnxEmbedder

        return OnnxEmbedder(folder, settings)

    detail = f"{settings.model} by onnxruntime."
    return Choice("onnx", settings.model, detail, open_model, instructions(settings, folder))


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)
