"""What openai, httpx and langchain raise, as this package's errors: each one sentence with the setting that fixes it.

Never the server's own words: they may repeat the key or the question.
"""

import re

import httpx
import httpx2
import openai
from langchain_core.exceptions import ContextOverflowError, LangChainException
from langchain_openai.chat_models.base import OpenAIRefusalError

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
from rag.generation.llm import base_url
from rag.generation.sse import NotAModelServer
from rag.settings import LlmSettings
from rag.urls import host_of

_TOO_LONG = re.compile(
    r"context[_ ]length|context[_ ]window|maximum context|prompt is too long|input tokens exceed|too many tokens"
    r"|exceeds? the (?:model'?s? )?max(?:imum)?|max_model_len|reduce the length|range of input length",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content[_ ]filter|content[_ ]policy|data_inspection_failed|content exists risk|inappropriate content"
    r"|sensitive (?:content|words?)|safety system|responsible ai",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)|balance (?:is |was )?(?:insufficient|not enough|too low)|billing"
    r"|arrearage|account[_ ]?overdue|credit balance|payment required"
    r"|(?:no|not enough|out of|more|insufficient) credits?\b"
    r"|余额不足|欠费",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[_ ]?not[_ ]?(?:found|exist|open)|no such model|unknown model|invalid model|not a valid model"
    r"|(?:model|endpoint)\b"
    r".{0,120}?(?:does not exist|doesn't exist|not exist|not found)"
    r"|model(?: \S{1,60})? is not (?:available|supported)\b"
    r"|模型.{0,60}?(?:不存在|未找到|未开通|无权)",
    re.IGNORECASE | re.DOTALL,
)
_WRONG_KEY = re.compile(
    r"invalid[_ ]?(?:api[_ ]?)?key|incorrect api key|api[_ ]key (?:is |was )?(?:invalid|expired|not valid)"
    r"|unauthori[sz]ed"
    r"|authentication|permission[_ ]denied|access[_ ]denied|invalid[_ ]token|(?:密钥|令牌).{0,12}(?:无效|过期|错误)",
    re.IGNORECASE,
)
_OVERLOADED = re.compile(
    r"overload|insufficient[_ ]system[_ ]resource|server (?:is )?(?:too )?busy|at capacity|no capacity"
    r"|queue (?:is )?full"
    r"|too many requests|rate[_ ]?limit|throttl|service[_ ]unavailable|负载|繁忙|限流|排队",
    re.IGNORECASE,
)
_BAD_REQUEST = re.compile(r"invalid[_ ]?(?:request|parameter|argument)|bad[_ ]?request|unsupported[_ ]", re.IGNORECASE)
_CODE = re.compile(r"'(?:code|status|status_code|http_code)': '?(\d{3})\b")
_STRANGE = "The model's server {where} does not answer as an OpenAI-compatible server should; check RAG__LLM__BASE_URL"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,40}")


def translated(error: Exception, settings: LlmSettings) -> GenerationFailed:
    """The matching GenerationFailed; the caller raises it `from error`."""
    said = _said(error)
    if isinstance(error, ContextOverflowError) or (_is_request_error(error) and _TOO_LONG.search(said)):
        return ContextTooLong(
            "Question, history and passages exceed the model's context; lower RAG__RETRIEVAL__PASSAGES or "
            "RAG__LLM__MAX_TOKENS, or use a model with a larger context"
        )
    refusals = (openai.ContentFilterFinishReasonError, OpenAIRefusalError)
    if isinstance(error, refusals) or (_is_request_error(error) and _REFUSED.search(said)):
        return content_refused()
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, settings, said)
    where = server(settings)
    if isinstance(error, NotAModelServer):
        return NotAModel(_STRANGE.format(where=where))
    if _is_request_error(error) and (failure := _by_words(said, f"The model's server {where}")):
        return failure
    timeouts = (openai.APITimeoutError, httpx.TimeoutException, httpx2.TimeoutException, TimeoutError)
    if isinstance(error, httpx.ConnectTimeout | httpx2.ConnectTimeout) or _was_connecting(error):
        return ModelUnavailable(f"The model's server {where} does not take the connection; check RAG__LLM__BASE_URL")
    if isinstance(error, timeouts):
        return ModelTimeout(f"The model's server {where} did not answer in time; see RAG__LLM__TIMEOUTS")
    if isinstance(error, openai.APIConnectionError | httpx.TransportError | httpx2.TransportError):
        return ModelUnavailable(
            f"The model's server {where} cannot be reached or hung up; check that it runs and RAG__LLM__BASE_URL"
        )
    if isinstance(error, openai.OpenAIError | httpx.HTTPError | httpx2.HTTPError | LangChainException):
        return ModelUnavailable(f"The model's server {where} reported a failure ({type(error).__name__}); try again")
    return ModelUnavailable(_STRANGE.format(where=where))


def overloaded(settings: LlmSettings) -> ModelOverloaded:
    """The model's server stopped for want of resources."""
    return ModelOverloaded(f"The model's server {server(settings)} says it is overloaded; try again in a while")


def broken_off(settings: LlmSettings) -> ModelUnavailable:
    """The answer ended before its first word, without a reason."""
    return ModelUnavailable(
        f"The model's server {server(settings)} broke the answer off; try again, or look at its log"
    )


def content_refused() -> ContentRefused:
    """The provider's content filter stopped the answer."""
    return ContentRefused("The model's provider refused the content (its content filter); ask in other words")


def server(settings: LlmSettings) -> str:
    """Host and port of the endpoint: never the user name or password that an address may hold."""
    return host_of(base_url(settings))


def _by_status(error: openai.APIStatusError, settings: LlmSettings, said: str) -> GenerationFailed:
    status = error.status_code
    where = f"The model's server {server(settings)}"
    if status == 402 or (status in (400, 403, 429) and _NO_CREDIT.search(said)):
        return NoCredit(f"{where} says the account has no credit (HTTP {status}); top it up or use another key")
    if status in (400, 403, 404, 422) and _NO_MODEL.search(said):
        return NoSuchModel(f"{where} knows no such model (HTTP {status}); check RAG__LLM__MODEL")
    if status == 401:
        return ModelRejected(f"{where} refuses the key (HTTP 401); set RAG__LLM__API_KEY")
    if status == 403:
        return ModelRejected(f"{where} refuses access (HTTP 403); check what the key in RAG__LLM__API_KEY may use")
    if status == 404:
        return ModelRejected(
            f"{where} knows no such model or path (HTTP 404); check RAG__LLM__MODEL and RAG__LLM__BASE_URL"
        )
    if status == 413:
        return ContextTooLong(f"{where} says the request is too large (HTTP 413); lower RAG__RETRIEVAL__PASSAGES")
    if status in (408, 504):
        return ModelTimeout(f"{where} did not answer in time (HTTP {status}); try again")
    if status == 429:
        return ModelUnavailable(f"{where} is busy or its rate limit is reached (HTTP 429); try again in a while")
    if status >= 500:
        return ModelUnavailable(f"{where} fails (HTTP {status}); try again, or look at its log")
    hint = f", about {error.param}" if isinstance(error.param, str) and _NAME.fullmatch(error.param) else ""
    return ModelRejected(
        f"{where} refuses the request (HTTP {status}{hint}); check RAG__LLM__MODEL, and set "
        "RAG__LLM__STREAM_USAGE=false if it does not know stream_options"
    )


def _by_words(said: str, where: str) -> GenerationFailed | None:
    """By what an error without a status says: one that comes as an answer, or within one."""
    code = (match := _CODE.search(said)) and match.group(1)
    if code == "402" or _NO_CREDIT.search(said):
        return NoCredit(f"{where} says the account has no credit; top it up or use another key")
    if _NO_MODEL.search(said):
        return NoSuchModel(f"{where} knows no such model; check RAG__LLM__MODEL")
    if code in ("401", "403") or _WRONG_KEY.search(said):
        return ModelRejected(f"{where} refuses the key; check RAG__LLM__API_KEY and what the key may use")
    if code in ("429", "503", "529") or _OVERLOADED.search(said):
        return ModelOverloaded(f"{where} says it is overloaded; try again in a while")
    if code in ("400", "404", "422") or _BAD_REQUEST.search(said):
        return ModelRejected(f"{where} refuses the request; check RAG__LLM__MODEL and RAG__LLM__BASE_URL")
    return None


def _is_request_error(error: Exception) -> bool:
    """Whether the request itself may be the fault: a 4xx, or an error sent inside the stream."""
    if isinstance(error, openai.APIStatusError):
        return 400 <= error.status_code < 500 and error.status_code not in (401, 403, 404, 429)
    return isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError)


def _was_connecting(error: Exception) -> bool:
    return isinstance(error.__cause__, httpx.ConnectTimeout | httpx2.ConnectTimeout)


def _said(error: Exception) -> str:
    """The server's words, to be searched and never shown."""
    return f"{error} {getattr(error, 'code', '')} {getattr(error, 'body', '')}"
