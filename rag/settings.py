"""What retrieval and answering need to know. Read from configuration by `bot.settings`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddingSettings(_Frozen):
    """How text becomes vectors."""

    provider: Literal["auto", "sentence-transformers", "onnx", "openai", "none"] = "auto"
    model: str = Field("BAAI/bge-small-zh-v1.5", description="A hub name, or a folder that holds the model")
    base_url: str = Field("", description="OpenAI-compatible endpoint, for provider openai")
    api_key: SecretStr = SecretStr("")
    query_instruction: str = Field("为这个句子生成表示以用于检索相关文章：", description="Put before queries, not passages")
    batch_size: int = Field(8, ge=1, le=256)


class TimeoutSettings(_Frozen):
    """Seconds."""

    connect_s: float = Field(5.0, gt=0)
    first_token_s: float = Field(30.0, gt=0, description="From request to first token")
    stall_s: float = Field(30.0, gt=0, description="Between two tokens")
    total_s: float = Field(180.0, gt=0, description="The whole answer")


class LlmSettings(_Frozen):
    """The model that writes answers."""

    provider: Literal["auto", "openai", "extractive"] = "auto"
    base_url: str = Field("", description="OpenAI-compatible endpoint, like http://127.0.0.1:11434/v1")
    model: str = Field("", description="Model name, like deepseek-chat")
    api_key: SecretStr = Field(SecretStr(""), description="May be empty for a local base_url")
    temperature: float = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(2048, ge=1)
    stream_usage: bool = Field(True, description="Ask for token usage; off for servers that refuse stream_options")
    timeouts: TimeoutSettings = TimeoutSettings()


class RetrievalSettings(_Frozen):
    """How passages are found."""

    candidates: int = Field(30, ge=1, le=500, description="Taken from each of the two lists")
    passages: int = Field(5, ge=1, le=50, description="Given to the model")
    rrf_k: int = Field(60, ge=1)
    evidence_threshold: float = Field(
        0.45, ge=0, le=1, description="Least IDF-weighted share of the question's terms in the best passage"
    )


class PromptSettings(_Frozen):
    """Texts the team may write; an empty one means the built-in text."""

    system: str = ""
    answer: str = Field("", description="Must contain {question} and {passages}")
    condense: str = Field("", description="Must contain {question} and {history}")


class RagSettings(_Frozen):
    """The retrieval side."""

    knowledge: list[Path] = Field(default_factory=lambda: [Path("knowledge")], description="Folders with documents")
    index_dir: Path = Path("data/index")
    embedding: EmbeddingSettings = EmbeddingSettings()
    llm: LlmSettings = LlmSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    prompts: PromptSettings = PromptSettings()
