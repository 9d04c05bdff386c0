"""Embeddings from an OpenAI-compatible `/embeddings` endpoint. Blocking; called from search and ingest threads."""

from collections.abc import Sequence

import httpx
import numpy as np
import openai
from numpy.typing import NDArray

from rag.addresses import host_of
from rag.embedding.instruction import instruction
from rag.embedding.protocol import PROBE_TEXT
from rag.embedding.vectors import unit
from rag.errors import EmbeddingFailed
from rag.settings import EmbeddingSettings

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
RETRIES = 2


class EndpointEmbedder:
    """A model behind HTTP. Making one calls it once, to learn its dimension."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._host = host_of(settings.base_url)
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=False)
        self._client = openai.OpenAI(
            base_url=settings.base_url.rstrip("/"),
            api_key=settings.api_key.get_secret_value() or "none",
            max_retries=RETRIES,
            http_client=self._http,  # type: ignore[arg-type]  # takes httpx clients too, untyped
        )
        self._instruction = instruction(settings)
        try:
            self._dimension = int(self.embed_passages([PROBE_TEXT]).shape[1])
        except EmbeddingFailed:
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
        """Unit vectors, shape (len(texts), dimension), in requests of `batch_size` texts."""
        size = self._settings.batch_size
        rows = [row for at in range(0, len(texts), size) for row in self._request(list(texts[at : at + size]))]
        return unit(rows)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a question."""
        vector: NDArray[np.float32] = unit(self._request([self._instruction + text]))[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """A safe estimate: a character is a token, an ASCII one half of one."""
        return len(text) - len(text.encode("ascii", "ignore")) // 2

    def unknown_share(self, text: str) -> float:
        """Not to be told without the tokenizer; `rag.embedding.reading` finds out what can be."""
        return 0.0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _request(self, texts: list[str]) -> list[list[float]]:
        try:
            reply = self._client.embeddings.create(model=self._settings.model, input=texts, encoding_format="float")
            rows = [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]
        except openai.APIStatusError as error:
            raise EmbeddingFailed(f"The embedding endpoint {self._host} {_reason(error.status_code)}") from error
        except (openai.OpenAIError, httpx.HTTPError) as error:
            raise EmbeddingFailed(
                f"The embedding endpoint {self._host} cannot be reached; check RAG__EMBEDDING__BASE_URL"
            ) from error
        except (AttributeError, TypeError, ValueError) as error:
            raise EmbeddingFailed(
                f"The embedding endpoint {self._host} does not answer like OpenAI's; check RAG__EMBEDDING__BASE_URL"
            ) from error
        if len(rows) != len(texts):
            raise EmbeddingFailed(
                f"The embedding endpoint {self._host} gave {len(rows)} vectors for {len(texts)} texts"
            )
        return rows


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
