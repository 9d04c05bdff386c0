"""Embeddings from an OpenAI-compatible `/embeddings` endpoint. Blocking; called from search and ingest threads.

An ingest brings `Patience`: it waits while the endpoint is busy, finds the most texts that a request may hold, and does
without the texts that the endpoint refuses. A question has none of it: two quick tries more, then an error.
"""

import re
import time
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import openai
from numpy.typing import NDArray

from rag.embedding.backoff import Patience
from rag.embedding.protocol import PROBE_TEXT
from rag.embedding.vectors import unit
from rag.errors import EmbeddingFailed, TextsRefused
from rag.settings import EmbeddingSettings
from rag.urls import host_of

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
RETRIES = 2
RETRY_S = 0.5
_ABOUT_THE_TEXTS = frozenset({400, 413, 422})
_NO_CREDIT = re.compile(
    r"insufficient_?(quota|balance|user_quota)|arrearage|billing|out_?of_?credit|quota_?exhausted", re.I
)
_PLAIN_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
Row = list[float]


class _Refused(EmbeddingFailed):
    """The endpoint answers this request with an error of its own; `status` and `code` are what it says."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def may_be_a_text(self) -> bool:
        """Whether fewer texts, or other ones, may be taken."""
        return self.status in _ABOUT_THE_TEXTS

    @property
    def said(self) -> str:
        """The refusal in brackets."""
        return f"HTTP {self.status}, {self.code}" if self.code else f"HTTP {self.status}"


class EndpointEmbedder:
    """A model behind HTTP. Making one calls it once, to learn its dimension."""

    def __init__(self, settings: EmbeddingSettings, patience: Patience | None = None) -> None:
        self._model = settings.model
        self._host = host_of(settings.base_url)
        self._patience = patience
        self._sleep = time.sleep if patience is None else patience.sleep
        self._size = settings.batch_size
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=settings.trust_env)
        self._client = openai.OpenAI(
            base_url=settings.base_url.rstrip("/"),
            api_key=settings.api_key.get_secret_value() or "none",
            max_retries=0,
            http_client=self._http,  # type: ignore[arg-type]  # takes httpx clients too, untyped
        )
        try:
            self._dimension = int(unit(self._request([PROBE_TEXT])).shape[1])
        except BaseException:
            self.close()
            raise

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """The least window of the models served this way."""
        return 510

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension), in requests of at most `batch_size` texts.

        Raises TextsRefused, with the vectors of the others, when the endpoint takes all but some of the texts.
        """
        rows: list[Row] = []
        refused: dict[int, str] = {}
        at = 0
        while at < len(texts):
            some = list(texts[at : at + self._size])
            for place, made in enumerate(self._each(some)):
                if isinstance(made, _Refused):
                    refused[at + place] = f"refused by the embedding endpoint {self._host} ({made.said})"
                elif not _is_usable(made):
                    refused[at + place] = f"given no usable vector by the embedding endpoint {self._host}"
                else:
                    rows.append(made)
            at += len(some)
        vectors = unit(rows) if rows else np.empty((0, self._dimension), dtype=np.float32)
        if refused:
            raise TextsRefused(refused, vectors)
        return vectors

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a question."""
        vector: NDArray[np.float32] = unit(self._request([text]))[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """A safe estimate: a character is a token, an ASCII one half of one."""
        return len(text) - len(text.encode("ascii", "ignore")) // 2

    def unknown_share(self, text: str) -> float:
        """Not to be told without the tokenizer; `rag.embedding.language_check` finds out what can be."""
        return 0.0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _each(self, texts: list[str]) -> list[Row | _Refused]:
        """A vector or a refusal for each text. What is refused together is tried in halves; when all of them are taken
        then, it was their number, and no later request holds more than the largest that was taken."""
        try:
            return list(self._request(texts))
        except _Refused as error:
            if not error.may_be_a_text:
                raise
            if len(texts) == 1:
                self._check_that_others_are_taken(error)
                return [error]
        half = (len(texts) + 1) // 2
        made = [*self._each(texts[:half]), *self._each(texts[half:])]
        if not any(isinstance(each, _Refused) for each in made):
            self._size = min(self._size, half)
        return made

    def _check_that_others_are_taken(self, refusal: _Refused) -> None:
        """Raise the refusal when it is of any text, and so of the model or the account."""
        try:
            self._request([PROBE_TEXT])
        except _Refused:
            raise refusal from None

    def _request(self, texts: list[str]) -> list[Row]:
        """The vectors of one request, waiting and trying again as far as that may help."""
        tries_left = RETRIES
        while True:
            try:
                rows = self._once(texts)
            except openai.APIStatusError as error:
                if self._may_wait_for(error):
                    continue
                if (error.status_code < 500 and error.status_code != 408) or tries_left == 0:
                    raise self._refusal(error) from error
            except (openai.OpenAIError, httpx.HTTPError) as error:
                if tries_left == 0:
                    raise EmbeddingFailed(
                        f"The embedding endpoint {self._host} cannot be reached; check RAG__EMBEDDING__BASE_URL"
                    ) from error
            else:
                if self._patience is not None:
                    self._patience.succeeded()
                return rows
            self._sleep(RETRY_S * (RETRIES - tries_left + 1))
            tries_left -= 1

    def _may_wait_for(self, error: openai.APIStatusError) -> bool:
        """Whether the endpoint is busy, an ingest asks, and the wait is over."""
        headers = error.response.headers
        is_busy = error.status_code == 429 or (error.status_code == 503 and "retry-after" in headers)
        if not is_busy or self._patience is None or _NO_CREDIT.search(_codes(error)):
            return False
        if self._patience.wait(headers):
            return True
        raise EmbeddingFailed(
            f"The embedding endpoint {self._host} is busy (HTTP {error.status_code}) for longer than "
            f"{self._patience.limit_s:g} s; what it gave is kept: run feishu-rag ingest again later, or raise "
            "RAG__EMBEDDING__PATIENCE_S"
        ) from error

    def _once(self, texts: list[str]) -> list[Row]:
        try:
            reply = self._client.embeddings.create(model=self._model, input=texts, encoding_format="float")
            rows = [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]
        except (AttributeError, TypeError, ValueError) as error:
            raise EmbeddingFailed(
                f"The embedding endpoint {self._host} does not answer like OpenAI's; check RAG__EMBEDDING__BASE_URL"
            ) from error
        if len(rows) != len(texts):
            raise EmbeddingFailed(
                f"The embedding endpoint {self._host} gave {len(rows)} vectors for {len(texts)} texts"
            )
        return rows

    def _refusal(self, error: openai.APIStatusError) -> _Refused:
        codes = _codes(error)
        if error.status_code == 402 or _NO_CREDIT.search(codes):
            reason = f"has no credit left for this key (HTTP {error.status_code}); top it up, or set another key"
            return _Refused(f"The embedding endpoint {self._host} {reason}", 402, "")
        code = next(filter(_PLAIN_CODE.fullmatch, codes.split()), "")
        return _Refused(f"The embedding endpoint {self._host} {_reason(error.status_code)}", error.status_code, code)


def _is_usable(row: Row) -> bool:
    """Whether it can be made a unit vector; some endpoints give zeros or nulls for what they would not read."""
    length = float(np.linalg.norm(np.asarray(row, dtype=np.float32)))
    return bool(np.isfinite(length)) and length > 0


def _codes(error: openai.APIStatusError) -> str:
    """The short words by which the endpoint names its refusal; never its message, which may hold the text."""
    body: Any = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error") if isinstance(body.get("error"), dict) else body
    return " ".join(str(inner[key]) for key in ("code", "type") if isinstance(inner.get(key), str | int))


def _reason(status: int) -> str:
    match status:
        case 401 | 403:
            return f"refuses the key (HTTP {status}); set RAG__EMBEDDING__API_KEY"
        case 404:
            return "knows no such model or path (HTTP 404); check RAG__EMBEDDING__MODEL and RAG__EMBEDDING__BASE_URL"
        case 429:
            return "is busy (HTTP 429); try again later, or lower RAG__EMBEDDING__BATCH_SIZE"
        case _ if status >= 500:
            return f"fails (HTTP {status}); try again later, or look at its log"
        case _:
            return f"refuses the request (HTTP {status}); check RAG__EMBEDDING__MODEL and RAG__EMBEDDING__BATCH_SIZE"
