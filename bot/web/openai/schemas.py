"""OpenAI's chat protocol in types: what `/v1` takes and gives, as the schema shows it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.web.chat.schemas import ChatSource, VerifiedBody
from rag.events import Ending, Grounding, Level

MODEL = "feishu-rag"
MAX_MESSAGES = 200


class Part(BaseModel):
    """A piece of a message; only text is read."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = Field("", max_length=100_000)


class Message(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=100_000)] | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type in ("text", "input_text"))
        return self.content or ""


class StreamOptions(BaseModel):
    """How to stream."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """As OpenAI documents it; parameters that do not apply (temperature, tools, …) are accepted and ignored."""

    model_config = ConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"model": MODEL, "messages": [{"role": "user", "content": "出差回来多久内要报销？"}]}]
        },
    )

    model: str = Field(
        MODEL, max_length=200, description=f"`{MODEL}`, or `{MODEL}:collection` to search one collection"
    )
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None


class ModelEntry(BaseModel):
    """A name that `model` may have."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All names that `model` may have."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


class CompletionMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str = Field(
        description="The answer, then the cited sources as Markdown",
        examples=["请在出差结束后 10 个工作日内提交报销 [1]。\n\n📎 来源（1）\n[1] 差旅报销制度 › 三、时限"],
    )


class CompletionChoice(BaseModel):
    """There is always one."""

    index: Literal[0] = 0
    message: CompletionMessage
    finish_reason: Literal["stop", "length", "content_filter"] = Field(
        "stop",
        description='"stop" for a whole answer; "length" for one that is not whole: cut at the limit of '
        'tokens, with the connection, or for want of resources (`ending` tells which); "content_filter"',
    )
    logprobs: None = None


class CompletionUsage(BaseModel):
    """Tokens as the model's server counted them; 0 where it does not."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """A whole completion. `sources` and what follows it are ours: clients that do not know them find the sources, or
    that there is none, below the answer."""

    id: str = Field(examples=["chatcmpl-a1f…"])
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: Literal["feishu-rag"] = "feishu-rag"
    choices: list[CompletionChoice]
    usage: CompletionUsage
    sources: list[ChatSource]
    outcome: Grounding
    confidence: float
    confidence_level: Level | None
    verified: VerifiedBody | None
    calibrated: bool
    ending: Ending


CHUNKS = """With `stream`, server-sent events without names: `data:` with a `chat.completion.chunk` whose
`choices[0].delta` holds `role`, `content` or `reasoning_content`; the last of them has `finish_reason`, `sources`,
`outcome`, `confidence`, `confidence_level`, `calibrated`, `ending` and `verified`; with
`stream_options.include_usage` one without choices has `usage`; then `data: [DONE]`. A failure is
`data: {"error": …}` and the end."""

_CHUNK = '{"id":"chatcmpl-a1f","object":"chat.completion.chunk","created":1760000000,"model":"feishu-rag",'
CHUNKS_EXAMPLE = (
    f'data: {_CHUNK}"choices":[{{"index":0,"delta":{{"role":"assistant","content":""}},"finish_reason":null}}]}}\n\n'
    f'data: {_CHUNK}"choices":[{{"index":0,"delta":{{"content":"十个工作日 [1]。"}},"finish_reason":null}}]}}\n\n'
    f'data: {_CHUNK}"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],"sources":[],'
    '"outcome":"answered","confidence":0.9,"confidence_level":"high","calibrated":false,"ending":"","verified":null}\n\n'
    "data: [DONE]\n\n"
)
COMPLETION: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Completion,
        "description": "The completion, whole or as it is written",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": CHUNKS_EXAMPLE}},
    }
}
