"""What retrieval and answering need to know. Read from configuration by `bot.settings`."""

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_NAME = re.compile(r"[^@\s].{0,99}")


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
        "auto", description="Put before questions: auto is what the model was trained with, none nothing, else the text"
    )
    passage_instruction: str = Field("auto", description="Put before passages; auto, none, or the text")
    batch_size: int = Field(8, ge=1, le=256, description="Texts encoded together")
    trust_env: bool = Field(False, description="Use HTTPS_PROXY and the like of the environment to reach the endpoint")
    patience_s: float = Field(
        900.0,
        ge=0,
        le=86_400,
        description="Longest that ingest waits for a busy endpoint without one vector in between, seconds",
    )
    download: bool = Field(
        True, description="Let ingest fetch missing weights from the model hub; answering never does"
    )
    hub: Literal["huggingface", "modelscope"] = Field(
        "huggingface", description="Where weights come from: HF_ENDPOINT names a mirror; modelscope needs its extra"
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
    context_tokens: int = Field(
        0,
        ge=0,
        description="The model's context window, tokens; a small one lowers what passages may take. 0: large enough, "
        "or found out when it is not",
    )
    max_tokens: int = Field(2048, ge=1, description="Longest answer, tokens")
    stream_usage: bool = Field(True, description="Ask for token usage; off for servers that refuse stream_options")
    trust_env: bool = Field(False, description="Use HTTPS_PROXY and the like of the environment to reach the model")
    vision: bool = Field(
        False, description="Show pictures to this model (it has to understand images); off: the extra ocr reads them"
    )
    typing_pause_s: float = Field(
        0.02, ge=0, le=1, description="Between two pieces of an extractive answer (60 at most), seconds"
    )
    timeouts: TimeoutSettings = TimeoutSettings()


class RetrievalSettings(_Frozen):
    """How passages are found."""

    candidates: int = Field(30, ge=1, le=500, description="Taken from each of the two lists")
    passages: int = Field(8, ge=1, le=50, description="Given to the model")
    budget_tokens: int = Field(
        6000, ge=200, description="Most tokens of all passages together; the first is given whatever its size"
    )
    rrf_k: int = Field(
        3, ge=1, description="Reciprocal rank fusion: a higher one favours passages that both lists hold"
    )
    floor_standing: float = Field(
        1.5,
        description="Refused without asking the model: the nearest vector is fewer standard deviations than this above "
        "questions that no document is about, and the match of words is below floor_match; a calibration replaces it",
    )
    floor_match: float = Field(
        0.4, ge=0, le=3, description="How well the words of the best passage match: about 1 for half of the question's"
    )
    floor_words: float = Field(
        0.18,
        ge=0,
        le=3,
        description="The same where search is by words only: refused below 0.6 to 2.9 times as much, the more the "
        "stranger the question's words are to the documents",
    )
    rerank: Literal["none", "cross-encoder", "endpoint"] = Field(
        "none", description="Reads question and passage together; slow without a GPU (1 s a passage)"
    )
    rerank_model: str = Field("", description="A folder that holds a cross-encoder, or the endpoint's model name")
    rerank_base_url: str = Field("", description="Address above /rerank (Jina, Cohere, TEI, Xinference), for endpoint")
    rerank_api_key: SecretStr = Field(SecretStr(""), description="For rerank endpoint; may be empty for a local one")
    rerank_trust_env: bool = Field(False, description="Use HTTPS_PROXY and the like to reach the rerank endpoint")
    rerank_candidates: int = Field(20, ge=1, le=200, description="Passages the reranker reads")
    rerank_timeout_s: float = Field(
        10.0, gt=0, le=120, description="Longest wait for the endpoint, seconds; then the order of the search stays"
    )


class ReadingSettings(_Frozen):
    """How files are read: in a process of their own, which can reach little else."""

    timeout_s: float = Field(120.0, gt=0, le=3600, description="Longest that one file may take, seconds")
    memory_mb: int = Field(4096, ge=512, description="Most memory that reading may take, MB")
    max_file_mb: int = Field(20, ge=1, le=1000, description="Larger files in knowledge folders are left out, MB")
    follow_links_to: list[Path] = Field(
        default_factory=list,
        description="Folders and files that symbolic links in knowledge folders may lead to; other links are left out",
    )
    include_hidden: bool = Field(False, description="Also read hidden sheets, rows, columns, slides and text")
    isolate: bool = Field(
        True,
        description="Take network, files and privileges from the reading process, as far as the system lets it; off "
        "only where a library cannot work like that",
    )


class CollectionSettings(_Frozen):
    """Documents that belong together, for rules about who may see them."""

    folders: list[Path] = Field(default_factory=list, description="Folders with documents")
    links: list[str] = Field(default_factory=list, description="Feishu wiki spaces, folders and documents")
    public: bool = Field(False, description="Seen where no rule of bot.access speaks")


class MilvusSettings(_Frozen):
    """A Milvus server, for store milvus."""

    uri: str = Field(
        "http://127.0.0.1:19530", description="Address of the server (or a file, for milvus-lite in tests)"
    )
    token: SecretStr = Field(SecretStr(""), description="As user:password, or an API key")
    collection: str = Field(
        "feishu_rag",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        description="What the names of its collections begin with",
    )
    index: str = Field("FLAT", description="Its index of the vectors; FLAT is exact (FLAT, HNSW, IVF_SQ8, AUTOINDEX)")
    timeout_s: float = Field(10.0, gt=0, le=300, description="Longest that one call may take, seconds")


class PromptSettings(_Frozen):
    """Texts the team may write; an empty one means the built-in text."""

    system: str = Field(
        "",
        description="What the model is told about its task; no variables. What answers are read by is appended: cite "
        "as [n], a mark where the passages do not answer, passages are data",
    )
    answer: str = Field(
        "", description="Must contain {question} and {passages}; the same is appended to it as to rag.prompts.system"
    )
    condense: str = Field("", description="Must contain {question} and {history}")
    picture: str = Field("", description="What to tell of a picture (rag.llm.vision); no variables")
    suggest: str = Field("", description="Must contain {question} and {passages}")
    summary: str = Field("", description="For /summary of a conversation. Must contain {question} and {messages}")


class RagSettings(_Frozen):
    """Documents, retrieval and the model."""

    knowledge: list[Path] = Field(default_factory=lambda: [Path("knowledge")], description="Folders with documents")
    links: list[str] = Field(
        default_factory=list, description="Links to Feishu wiki spaces, folders and documents that are read too"
    )
    collections: dict[str, CollectionSettings] = Field(
        default_factory=dict,
        description="Name → {folders: […], links: […], public: true}; knowledge and links above are named default",
    )
    index_dir: Path = Field(Path("data/index"), description="Folder that ingest writes and the bot reads")
    embedding: EmbeddingSettings = EmbeddingSettings()
    llm: LlmSettings = LlmSettings()
    store: Literal["faiss", "milvus"] = Field("faiss", description="Where chunks and vectors are kept")
    milvus: MilvusSettings = MilvusSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    reading: ReadingSettings = ReadingSettings()
    prompts: PromptSettings = PromptSettings()

    @field_validator("collections")
    @classmethod
    def _named(cls, collections: dict[str, CollectionSettings]) -> dict[str, CollectionSettings]:
        if not all(_NAME.fullmatch(name) for name in collections):
            raise ValueError("must have names of at most 100 characters that do not begin with @")
        return collections
