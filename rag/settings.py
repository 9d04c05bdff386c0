"""What retrieval and answering need to know. Read from configuration by `bot.settings`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EmbeddingSettings(_Frozen):
    """How text becomes vectors."""

    provider: Literal["auto", "sentence-transformers", "onnx", "openai", "none"] = Field(
        "auto", description="auto: bge when its extra and weights are there, else none (words only)"
    )
    model: str = Field("BAAI/bge-small-zh-v1.5", description="A hub name, or a folder that holds the model")
    base_url: str = Field("", description="OpenAI-compatible endpoint, for provider openai")
    api_key: SecretStr = Field(SecretStr(""), description="For provider openai; may be empty for a local base_url")
    query_instruction: str = Field(
        "为这个句子生成表示以用于检索相关文章：", description="Put before queries, not passages"
    )
    batch_size: int = Field(8, ge=1, le=256, description="Texts encoded together")
    download: bool = Field(
        True, description="Let ingest fetch missing weights from the model hub; answering never does"
    )


class TimeoutSettings(_Frozen):
    """How long the model may take, seconds."""

    connect_s: float = Field(5.0, gt=0, description="Until the model's server takes the connection, seconds")
    first_token_s: float = Field(30.0, gt=0, description="From request to first token, seconds")
    stall_s: float = Field(30.0, gt=0, description="Between two tokens, seconds")
    total_s: float = Field(180.0, gt=0, description="The whole answer, seconds")


class LlmSettings(_Frozen):
    """The model that writes answers."""

    provider: Literal["auto", "openai", "extractive"] = Field(
        "auto",
        description="auto: openai when model and base_url or api_key are set, else extractive (quotes the documents)",
    )
    base_url: str = Field("", description="OpenAI-compatible endpoint, like http://127.0.0.1:11434/v1")
    model: str = Field("", description="Model name, like deepseek-chat")
    api_key: SecretStr = Field(SecretStr(""), description="May be empty for a local base_url")
    temperature: float = Field(0.2, ge=0, le=2, description="Freedom of wording; 0 is the most literal")
    max_tokens: int = Field(2048, ge=1, description="Longest answer, tokens")
    stream_usage: bool = Field(True, description="Ask for token usage; off for servers that refuse stream_options")
    trust_env: bool = Field(False, description="Use HTTPS_PROXY and the like of the environment to reach the model")
    typing_pause_s: float = Field(0.02, ge=0, le=1, description="Between two pieces of an extractive answer, seconds")
    timeouts: TimeoutSettings = TimeoutSettings()


class RetrievalSettings(_Frozen):
    """How passages are found."""

    candidates: int = Field(30, ge=1, le=500, description="Taken from each of the two lists")
    passages: int = Field(5, ge=1, le=50, description="Given to the model")
    rrf_k: int = Field(
        60, ge=1, description="Reciprocal rank fusion: a higher one favours passages that both lists hold"
    )
    evidence_threshold: float = Field(
        0.5, ge=0, le=1, description="Least IDF-weighted share of the question's terms in the best passage"
    )
    dense_evidence: float = Field(
        0.65, ge=0, le=1, description="Least cosine that counts as evidence where the terms alone do not"
    )


class PromptSettings(_Frozen):
    """Texts the team may write; an empty one means the built-in text."""

    system: str = Field("", description="What the model is told about its task; no variables")
    answer: str = Field("", description="Must contain {question} and {passages}")
    condense: str = Field("", description="Must contain {question} and {history}")


class RagSettings(_Frozen):
    """Documents, retrieval and the model."""

    knowledge: list[Path] = Field(default_factory=lambda: [Path("knowledge")], description="Folders with documents")
    index_dir: Path = Field(Path("data/index"), description="Folder that ingest writes and the bot reads")
    embedding: EmbeddingSettings = EmbeddingSettings()
    llm: LlmSettings = LlmSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    prompts: PromptSettings = PromptSettings()
