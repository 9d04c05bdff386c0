"""Every error of openai, httpx and langchain becomes one of ours, and none shows a key or the server's words."""

import importlib
from typing import Any

import pytest

from rag.errors import (
    ContentRefused,
    ContextTooLong,
    GenerationFailed,
    ModelOverloaded,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    NoCredit,
    NoSuchModel,
    NotAModel,
)
from rag.generation.sse import NotAModelServer
from rag.settings import LlmSettings

SETTINGS = LlmSettings(base_url="http://user:secret@models.example.com:8080/v1", model="m")
SECRET = "sk-very-secret and the question"


def subclasses(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in subclasses(child))]


def made(kind: type[BaseException], status: int = 400, said: str = SECRET) -> Exception:
    """An error of this class without its constructor, whose arguments differ from class to class."""
    error = kind.__new__(kind)
    error.args = (said,)
    for name, value in {"status_code": status, "code": None, "param": None, "body": {"message": said}}.items():
        setattr(error, name, value)
    assert isinstance(error, Exception)
    return error


def translated(error: Exception) -> GenerationFailed:
    """What the error becomes. The module is imported here for the same reason as `openai` below."""
    from rag.generation import llm_errors

    return llm_errors.translated(error, SETTINGS)


@pytest.fixture(scope="module")
def openai() -> Any:
    """The library, imported where a test needs it: that takes seconds, which would pass in all who collect tests."""
    return importlib.import_module("openai")


@pytest.mark.parametrize(
    ("module", "root"),
    [
        ("openai", "OpenAIError"),
        ("httpx", "HTTPError"),
        ("httpx2", "HTTPError"),
        ("langchain_core.exceptions", "LangChainException"),
    ],
)
def test_no_foreign_error_is_unmapped(module: str, root: str) -> None:
    importlib.import_module("langchain_openai.chat_models.base")  # it makes more kinds of openai's and its own
    kinds = subclasses(getattr(importlib.import_module(module), root))
    assert len(kinds) > 3
    for kind in filter(lambda kind: issubclass(kind, Exception), kinds):
        ours = translated(made(kind))
        assert isinstance(ours, GenerationFailed), kind
        assert "does not answer as an OpenAI-compatible server" not in str(ours), kind
        assert "secret" not in str(ours), kind
        assert ours.partial is False, kind


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, ModelRejected, "RAG__LLM__STREAM_USAGE"),
        (401, ModelRejected, "RAG__LLM__API_KEY"),
        (402, NoCredit, "credit"),
        (403, ModelRejected, "RAG__LLM__API_KEY"),
        (404, ModelRejected, "RAG__LLM__MODEL"),
        (408, ModelTimeout, "in time"),
        (413, ContextTooLong, "RAG__RETRIEVAL__PASSAGES"),
        (422, ModelRejected, "RAG__LLM__MODEL"),
        (429, ModelUnavailable, "rate limit"),
        (500, ModelUnavailable, "HTTP 500"),
        (503, ModelUnavailable, "HTTP 503"),
        (504, ModelTimeout, "in time"),
    ],
)
def test_a_status_names_its_fix(openai: Any, status: int, kind: type[GenerationFailed], words: str) -> None:
    ours = translated(made(openai.APIStatusError, status))
    assert type(ours) is kind
    assert words in str(ours)


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 4096 tokens",
        "context_length_exceeded",
        "prompt is too long: 9000 tokens",
        "the request exceeds the model's max_model_len",
        "Range of input length should be [1, 6000]",
    ],
)
def test_too_long_a_context_is_known_by_many_words(openai: Any, said: str) -> None:
    assert type(translated(made(openai.BadRequestError, 400, said))) is ContextTooLong


@pytest.mark.parametrize("said", ["content_filter", "Content Exists Risk", "data_inspection_failed"])
def test_a_content_filter_is_known_by_many_words(openai: Any, said: str) -> None:
    assert type(translated(made(openai.BadRequestError, 400, said))) is ContentRefused
    assert type(translated(made(openai.APIError, 0, said))) is ContentRefused


def test_a_refusal_object_is_a_refusal() -> None:
    base = importlib.import_module("langchain_openai.chat_models.base")
    assert type(translated(made(base.OpenAIRefusalError))) is ContentRefused


def test_an_account_without_credit_is_not_a_busy_server(openai: Any) -> None:
    assert type(translated(made(openai.RateLimitError, 429, "insufficient_quota"))) is NoCredit


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("{'code': 'insufficient_quota'}", NoCredit),
        ("{'code': 402, 'message': 'Insufficient Balance'}", NoCredit),
        ("您的账户已欠费，请充值后重试", NoCredit),
        (
            "{'code': 'Arrearage', 'message': 'Access denied, please make sure your account is in good standing.'}",
            NoCredit,
        ),
        ("The model `gpt-9` does not exist or you do not have access to it.", NoSuchModel),
        ('model "qwen9:8b" not found, try pulling it first', NoSuchModel),
        ("Model Not Exist", NoSuchModel),
        ("模型不存在，请检查模型代码", NoSuchModel),
        ("{'code': 'invalid_api_key'}", ModelRejected),
        ("{'code': 401}", ModelRejected),
        ("{'type': 'invalid_request_error', 'message': 'x'}", ModelRejected),
        ("The engine is currently overloaded, please try again later", ModelOverloaded),
        ("{'code': 503, 'message': 'x'}", ModelOverloaded),
        ("该模型当前负载较高，请稍后再试", ModelOverloaded),
        ("{'type': 'server_error', 'message': 'upstream failed'}", ModelUnavailable),
        ("This model's maximum context length is 4096 tokens", ContextTooLong),
        ("{'code': 'data_inspection_failed'}", ContentRefused),
    ],
)
def test_an_error_within_an_answer_keeps_its_cause(openai: Any, said: str, kind: type[GenerationFailed]) -> None:
    ours = translated(made(openai.APIError, 0, said))
    assert type(ours) is kind
    assert said not in str(ours)


def test_a_model_that_a_server_refuses_by_name_is_told_from_a_wrong_path(openai: Any) -> None:
    said = "The model `m` does not exist"
    assert type(translated(made(openai.NotFoundError, 404, said))) is NoSuchModel
    assert type(translated(made(openai.BadRequestError, 400, "Model Not Exist"))) is NoSuchModel


def test_a_page_instead_of_an_answer_names_the_address() -> None:
    ours = translated(NotAModelServer("a page"))
    assert type(ours) is NotAModel and "RAG__LLM__BASE_URL" in str(ours)


@pytest.mark.parametrize("error", [ValueError("no chunks"), KeyError("choices"), TypeError("null")])
def test_a_server_that_speaks_something_else_is_unavailable(error: Exception) -> None:
    ours = translated(error)
    assert type(ours) is ModelUnavailable
    assert "OpenAI-compatible" in str(ours)


def test_the_server_is_named_without_its_password() -> None:
    from rag.generation.llm_errors import server

    assert server(SETTINGS) == "models.example.com:8080"
    assert server(LlmSettings(base_url="http://h:99999/v1")) == "h"
    assert server(LlmSettings()) == "api.openai.com"
