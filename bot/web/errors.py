"""What the web door says when it cannot serve: one JSON shape, with a type for programs and a sentence that helps."""

from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.errors import BotError, StoreError
from bot.handlers.http import json_response
from feishu.errors import FeishuError
from rag.errors import (
    ContentRefused,
    ContextTooLong,
    EmbeddingFailed,
    GenerationFailed,
    IndexUnusable,
    ModelTimeout,
    RagError,
)

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 5


class Detail(BaseModel):
    """One field that was refused."""

    where: str = Field(examples=["body.question"])
    message: str = Field(examples=["String should have at least 1 character"])


class Problem(BaseModel):
    """What went wrong, for programs (`type`) and for people (`message`), and what to do about it."""

    type: str = Field(examples=["InvalidRequest"])
    message: str = Field(examples=["The request has fields that cannot be used."])
    what_to_do: str = Field(examples=["Correct the fields named in `details`."])
    details: list[Detail] | None = None


class ErrorReply(BaseModel):
    """The body of every error."""

    error: Problem


class Refused(BotError):
    """A request that is not served: its status, and what the body says."""

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        what_to_do: str,
        *,
        retry_after_s: float | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.what_to_do = what_to_do
        self.retry_after_s = retry_after_s
        self.details = details

    def body(self) -> dict[str, Any]:
        """The JSON object of the error."""
        problem: dict[str, Any] = {"type": self.type, "message": str(self), "what_to_do": self.what_to_do}
        if self.details is not None:
            problem["details"] = self.details
        return {"error": problem}

    def response(self) -> Response:
        """As an HTTP response."""
        response = json_response(self.body(), self.status)
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(max(1, round(self.retry_after_s)))
        if self.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


MEANINGS: dict[int, tuple[str, str]] = {
    400: (
        "BadRequest",
        "The body is not the JSON that the address expects, or the model's provider refused the content.",
    ),
    401: ("Unauthorized", "No API key, or one that is not known."),
    403: ("Forbidden", "The key may not see this collection or page, or the request came from another site."),
    404: ("NotFound", "There is no such address, answer or conversation (of yours)."),
    408: ("Timeout", "The model, or the body of the request, took too long."),
    409: ("Conflict", "The answer was not cut off where it can go on."),
    413: ("TooLarge", "The body exceeds 1 MB, or question and documents exceed what the model can read."),
    422: ("InvalidRequest", "A field is missing, too long or out of its range; `details` names it."),
    429: ("TooManyRequests", "Too many questions at the moment, or more than this key may ask."),
    500: ("InternalError", "A fault of the bot; its log has the details."),
    503: ("Unavailable", "The model, the index or the store cannot be used right now."),
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply, "description": meaning}
    for status, (_, meaning) in MEANINGS.items()
    if status not in (404, 409)
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorReply, "description": MEANINGS[404][1]}}
NOT_CUT: dict[int | str, dict[str, Any]] = {409: {"model": ErrorReply, "description": MEANINGS[409][1]}}


def refusal_of(error: Exception) -> Refused:
    """The HTTP side of an error that has a type of ours; anything else is an internal error."""
    kind = type(error).__name__
    if isinstance(error, Refused):
        return error
    if isinstance(error, ModelTimeout):
        return Refused(408, kind, str(error), "Try again later; if it stays so, raise RAG__LLM__TIMEOUTS.")
    if isinstance(error, ContextTooLong):
        return Refused(413, kind, str(error), "Shorten the question or the conversation.")
    if isinstance(error, ContentRefused):
        return Refused(400, kind, str(error), "Ask about something else, or put it in other words.")
    if isinstance(error, GenerationFailed | IndexUnusable | EmbeddingFailed):
        return Refused(503, kind, str(error), "Run `feishu-rag doctor`, then try again.", retry_after_s=RETRY_AFTER_S)
    if isinstance(error, FeishuError):
        message = "The platform does not tell what this key's person may see."
        what_to_do = "Try again; if it stays so, run `feishu-rag doctor`."
        return Refused(503, "Unavailable", message, what_to_do, retry_after_s=RETRY_AFTER_S)
    if isinstance(error, StoreError):
        return Refused(503, kind, str(error), "Repair the store, then try again.", retry_after_s=RETRY_AFTER_S)
    return Refused(500, "InternalError", "The bot has a fault.", "Try again; if it stays so, see the bot's log.")


def add_error_handlers(app: FastAPI) -> None:
    """Every error of the app comes out as `ErrorReply`."""

    async def ours(_request: Request, error: Exception) -> Response:
        if isinstance(error, FeishuError | RagError | StoreError):
            log.warning("request_failed", kind=type(error).__name__, reason=str(error))
        return refusal_of(error).response()

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return _invalid(error).response()

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        response = _http(error).response()
        response.headers.update(error.headers or {})
        return response

    for kind in (Refused, FeishuError, RagError, StoreError, Exception):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _invalid(error: RequestValidationError) -> Refused:
    found = error.errors()
    if any(problem["type"] == "json_invalid" for problem in found):
        return Refused(400, "BadRequest", "The body is not JSON.", "Send a JSON object; see /docs.")
    details = [
        {"where": ".".join(map(str, problem["loc"]))[:200], "message": str(problem["msg"])[:300]}
        for problem in found[:20]
    ]
    what_to_do = "Correct the fields named in `details`; see /docs."
    return Refused(422, "InvalidRequest", "The request has fields that cannot be used.", what_to_do, details=details)


def _http(error: HTTPException) -> Refused:
    if error.status_code == 404:
        return Refused(404, "NotFound", "There is nothing at this address.", "See /docs for the addresses.")
    if error.status_code == 405:
        return Refused(405, "MethodNotAllowed", "The address does not take this method.", "See /docs for the methods.")
    kind = MEANINGS.get(error.status_code, ("Refused", ""))[0]
    if error.status_code == 400:
        return Refused(400, kind, "The body cannot be read.", "Send a JSON object in UTF-8; see /docs.")
    return Refused(error.status_code, kind, str(error.detail), "See /docs.")
