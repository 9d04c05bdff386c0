"""Rerankers for real: a cross-encoder of random weights through sentence-transformers, and an endpoint over HTTP."""

import contextlib
import importlib.util
import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rag.errors import EmbeddingFailed
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.reranking.reranker import RerankerHandle
from rag.scope import EVERYTHING
from rag.settings import RagSettings, RetrievalSettings
from tests.support.clock import HandClock
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.proxy import forwarding_to
from tests.support.tiny_bert import make_tiny_cross_encoder

HAS_TORCH = all(importlib.util.find_spec(name) is not None for name in ("torch", "sentence_transformers"))
QUESTION = "年假病假报销"
Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


@pytest.fixture
def settings(tmp_path: Path) -> RagSettings:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path)
    ingest(settings)
    return settings


async def order(settings: RagSettings) -> list[int]:
    library = await KnowledgeBase.open(settings)
    try:
        return [passage.chunk.id for passage in (await library.search(QUESTION, EVERYTHING)).passages]
    finally:
        await library.aclose()


def reranked(settings: RagSettings, **values: object) -> RagSettings:
    return settings.model_copy(update={"retrieval": RetrievalSettings(**values)})  # type: ignore[arg-type]


@pytest.mark.skipif(not HAS_TORCH, reason="torch and sentence-transformers are not installed (extra bge)")
@pytest.mark.filterwarnings("ignore")
async def test_a_cross_encoder_orders_what_is_found(settings: RagSettings, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    folder = make_tiny_cross_encoder(tmp_path / "tiny-reranker")
    library = await KnowledgeBase.open(reranked(settings, rerank="cross-encoder", rerank_model=str(folder)))
    found = (await library.search(QUESTION, EVERYTHING)).passages
    status = library.status().rerank
    await library.aclose()
    assert status is not None and status.ok
    scores = [passage.rerank_score for passage in found]
    assert len(found) > 2 and None not in scores and scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    alone = CrossEncoder(str(folder), local_files_only=True)
    expected = alone.predict([(QUESTION, passage.chunk.embedded_text) for passage in found if not passage.joined])
    assert [passage.rerank_score for passage in found if not passage.joined] == pytest.approx(expected, abs=1e-4)
    assert all(0 <= score <= 1 for score in scores if score is not None)
    assert set(await order(settings)) == {passage.chunk.id for passage in found}
    assert "reranked: 0." in found[0].why


@pytest.mark.skipif(not HAS_TORCH, reason="torch and sentence-transformers are not installed (extra bge)")
@pytest.mark.filterwarnings("ignore")
async def test_a_damaged_cross_encoder_leaves_the_order_and_says_so(settings: RagSettings, tmp_path: Path) -> None:
    folder = make_tiny_cross_encoder(tmp_path / "tiny-reranker")
    for file in folder.glob("*.safetensors"):
        file.write_bytes(b"nothing of the kind")
    library = await KnowledgeBase.open(reranked(settings, rerank="cross-encoder", rerank_model=str(folder)))
    found = [passage.chunk.id for passage in (await library.search(QUESTION, EVERYTHING)).passages]
    status = library.status().rerank
    await library.aclose()
    assert found == await order(settings)
    assert status is not None and not status.ok and "could not be loaded" in status.detail


@contextlib.contextmanager
def endpoint(answer: Answer) -> Iterator[str]:
    """A server on a free port; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, content = answer({**body, "path": self.path})
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def last_first(body: dict[str, Any]) -> tuple[int, bytes]:
    count = len(body["documents"])
    rows = [{"index": at, "relevance_score": at / count} for at in range(count)]
    return 200, json.dumps({"results": rows}).encode()


async def test_an_endpoint_orders_what_is_found(settings: RagSettings) -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        asked.append(body)
        return last_first(body)

    before = await order(settings)
    with endpoint(answer) as address:
        after = await order(reranked(settings, rerank="endpoint", rerank_base_url=address, rerank_model="m"))
    assert after == before[::-1] and len(after) > 2
    assert (asked[0]["path"], asked[0]["model"], asked[0]["query"]) == ("/v1/rerank", "m", QUESTION)


async def test_an_endpoint_behind_a_proxy_is_reached_when_the_environment_may_say_so(
    settings: RagSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await order(settings)
    far = {"rerank": "endpoint", "rerank_base_url": "http://rerank.corp.invalid/v1"}
    with endpoint(last_first) as address, forwarding_to(address.removesuffix("/v1")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert await order(reranked(settings, **far)) == before
        assert await order(reranked(settings, **far, rerank_trust_env=True)) == before[::-1]
    assert proxy.asked == ["http://rerank.corp.invalid/v1/rerank"]


WRONG: dict[str, tuple[int, bytes]] = {
    "refuses the request (HTTP 500)": (500, b"{}"),
    "refuses the request (HTTP 401)": (401, b"no key"),
    "does not answer as one should": (200, b"<html>"),
    "does not answer as one should ": (200, b'{"results": [{"index": 0, "relevance_score": 1}]}'),
    "does not answer as one should  ": (200, b'{"results": [{"index": "x", "relevance_score": 1}]}'),
    "does not answer as one should   ": (
        200,
        b"[" + b",".join(b'{"index": %d, "score": NaN}' % at for at in range(40)) + b"]",
    ),
}


@pytest.mark.parametrize("said", WRONG)
async def test_an_endpoint_that_fails_leaves_the_order_and_the_reason_is_told(
    settings: RagSettings, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await order(settings)
    with endpoint(lambda _: WRONG[said]) as address, caplog.at_level(logging.WARNING):
        library = await KnowledgeBase.open(reranked(settings, rerank="endpoint", rerank_base_url=address))
        found = [passage.chunk.id for passage in (await library.search(QUESTION, EVERYTHING)).passages]
        status = library.status().rerank
        await library.aclose()
    assert found == before
    assert status is not None and not status.ok and said.strip() in status.detail
    assert "Passages keep the order of the search" in caplog.text


async def test_a_silent_endpoint_costs_its_timeout_once(settings: RagSettings) -> None:
    before, may_end, asked = await order(settings), threading.Event(), 0

    def silent(_: dict[str, Any]) -> tuple[int, bytes]:
        nonlocal asked
        asked += 1
        may_end.wait(60)
        return 200, b"[]"

    with endpoint(silent) as address:
        slow = reranked(settings, rerank="endpoint", rerank_base_url=address, rerank_timeout_s=0.3)
        library = await KnowledgeBase.open(slow)
        for _ in range(3):
            assert [passage.chunk.id for passage in (await library.search(QUESTION, EVERYTHING)).passages] == before
        status = library.status().rerank
        await library.aclose()
        may_end.set()
    assert asked == 1, "it rests after a failure, so that not every question waits"
    assert status is not None and "took longer than 0.3 s" in status.detail


async def test_an_endpoint_that_is_back_is_used_again(settings: RagSettings) -> None:
    is_well = False
    clock = HandClock()

    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        return last_first(body) if is_well else (503, b"")

    with endpoint(answer) as address:
        leg = RerankerHandle(RetrievalSettings(rerank="endpoint", rerank_base_url=address), clock)
        reranker = leg.reranker()
        assert reranker is not None
        with pytest.raises(EmbeddingFailed):
            reranker.scores("q", ["a", "b"])
        assert leg.reranker() is None
        is_well = True
        await clock.advance(31)
        again = leg.reranker()
        assert again is not None and again.scores("q", ["a", "b"]) == [0.0, 0.5]
        part = leg.part()
        assert part is not None and part.ok
        leg.close()
    reranker = RerankerHandle(RetrievalSettings(rerank="endpoint", rerank_base_url=address), clock).reranker()
    assert reranker is not None
    with pytest.raises(EmbeddingFailed, match="cannot be reached"):
        reranker.scores("q", ["a"])
    reranker.close()
