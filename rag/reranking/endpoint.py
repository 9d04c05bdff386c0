"""Reranking by a `/rerank` endpoint, as Jina, Cohere, TEI, vLLM and Xinference have it."""

import math
from collections.abc import Sequence
from typing import Any

import httpx

from rag.errors import EmbeddingFailed
from rag.settings import RetrievalSettings
from rag.urls import host_of

CONNECT_S = 5.0


class EndpointReranker:
    """A model behind HTTP."""

    def __init__(self, settings: RetrievalSettings) -> None:
        self._address = settings.rerank_base_url.rstrip("/").removesuffix("/rerank") + "/rerank"
        self._model = settings.rerank_model
        self._host = host_of(settings.rerank_base_url)
        key = settings.rerank_api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = settings.rerank_timeout_s
        timeout = httpx.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s))
        self._http = httpx.Client(timeout=timeout, trust_env=settings.rerank_trust_env, headers=headers)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """In the order of the texts."""
        body = {"model": self._model, "query": question, "documents": list(texts), "texts": list(texts)}
        try:
            reply = self._http.post(self._address, json=body)
            reply.raise_for_status()
            return _scores(reply.json(), len(texts))
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise EmbeddingFailed(
                f"The rerank endpoint {self._host} refuses the request (HTTP {status}); check RAG__RETRIEVAL__RERANK_*"
            ) from error
        except httpx.TimeoutException as error:
            raise EmbeddingFailed(
                f"The rerank endpoint {self._host} took longer than {self._timeout_s:g} s; check "
                "RAG__RETRIEVAL__RERANK_TIMEOUT_S and _RERANK_CANDIDATES"
            ) from error
        except httpx.HTTPError as error:
            raise EmbeddingFailed(
                f"The rerank endpoint {self._host} cannot be reached; check RAG__RETRIEVAL__RERANK_BASE_URL"
            ) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise EmbeddingFailed(f"The rerank endpoint {self._host} does not answer as one should") from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _scores(body: Any, count: int) -> list[float]:
    """Entries of `index` and `relevance_score` (Jina, Cohere) or `score` (TEI), whatever their order."""
    entries = body if isinstance(body, list) else body["results"]
    scores = {int(entry["index"]): float(entry.get("relevance_score", entry.get("score"))) for entry in entries}
    if not all(map(math.isfinite, scores.values())):
        raise ValueError("a score that is no number")
    return [scores[at] for at in range(count)]
