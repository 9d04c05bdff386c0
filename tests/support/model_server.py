"""A model's server for tests: real HTTP on a free port, OpenAI's chat stream and embeddings, misbehaving on request.

    with running() as server:
        server.script(Reply("出差结束后 15 个工作日内 [1]。"))
        ... RAG__LLM__BASE_URL = server.base_url ...
        server.requests[0].body["messages"]; await to_thread(server.requests[0].wait_until_closed)

Replies are taken in the order scripted; the last one is repeated. Nothing here is random or depends on the clock, apart
from the delays that a reply asks for.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import math
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rag.embedding.language_check import PAIRS

DIMENSION = 64
PARAPHRASES = {one: other for pairs in PAIRS.values() for one, other in (line.split("|") for line in pairs.split("\n"))}
End = str
"""A finish reason, or one of: disconnect, stall, error, none (only [DONE]), eof (not even that)."""


@dataclass(frozen=True)
class Reply:
    """One scripted answer.

    `text` is a string (sent `piece_chars` at a time) or the exact pieces. `end` says what comes after the last piece:
    a finish reason, a cut connection, silence until the client hangs up, an error event, nothing but [DONE], or just
    the end of the body. `raw` is a whole body instead, sent as it stands with `content_type`.
    What follows the first piece is sent `once` this is true.
    """

    text: str | Sequence[str] = ""
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    status: int = 200
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    piece_chars: int = 2
    delay_s: float = 0.0
    first_delay_s: float = 0.0
    end: End = "stop"
    usage: tuple[int, int] | None = (100, 20)
    once: Callable[[], bool] = lambda: True
    raw: bytes | None = None
    content_type: str = "text/event-stream"

    @property
    def pieces(self) -> list[str]:
        """The text as it is sent."""
        if not isinstance(self.text, str):
            return list(self.text)
        return [self.text[at : at + self.piece_chars] for at in range(0, len(self.text), self.piece_chars)]


@dataclass
class Recorded:
    """One request. `hung_up` is set when the client left before the reply was whole, `closed` when it is over."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    sent: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt(self) -> str:
        """All messages' texts."""
        return "\n".join(str(message["content"]) for message in self.body.get("messages", []))

    @property
    def pictures(self) -> list[bytes]:
        """The images in it, decoded; anything that is no `data:` URL of base64 raises."""
        parts = [part for message in self.body.get("messages", []) for part in _parts(message["content"])]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        heads = [url.partition(";base64,") for url in urls]
        assert all(head.startswith("data:image/") and comma for head, comma, _ in heads), urls
        return [base64.b64decode(content, validate=True) for _, _, content in heads]


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


@dataclass
class EmbeddingScript:
    """How the embeddings endpoint misbehaves; as made, it does not.

    A request with a text that holds `refused_word`, or with more than `most_texts`, is answered by `status` and `code`.
    The next `busy` requests are answered by `busy_status` with `busy_headers`. `zeros_for` gives a vector of zeros.
    """

    refused_word: str = ""
    most_texts: int = 10_000
    status: int = 400
    code: str = "data_inspection_failed"
    busy: int = 0
    busy_status: int = 429
    busy_headers: dict[str, str] = field(default_factory=dict)
    busy_code: str | None = None
    zeros_for: str = ""
    dimension: int = DIMENSION
    after: Callable[[int], None] = lambda count: None
    """Called with the number of requests so far, before each reply."""


PROPOSING = "questions\nthat this reader may well ask next"


class ModelServer:
    """The application, its script and its record. Safe to script and read from another thread.

    Requests for follow-up questions are answered by `proposal` and take nothing from the script.
    """

    def __init__(self) -> None:
        self._replies: list[Reply] = [Reply("好的。")]
        self._answer: Callable[[dict[str, Any]], Reply] | None = None
        self._taken = 0
        self.proposal = Reply("")
        self._lock = threading.Lock()
        self._arrived = threading.Condition()
        self.requests: list[Recorded] = []
        self.embedding_status = 200
        self.listed: list[dict[str, Any]] = [{"id": "test-model"}]
        self.embedding = EmbeddingScript()
        self.base_url = ""
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/embeddings", self._embeddings, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
        ]
        self.app = Starlette(routes=routes)

    def script(self, *replies: Reply, answer: Callable[[dict[str, Any]], Reply] | None = None) -> None:
        """Set what comes next: these replies in order, or what `answer` makes of each request's body."""
        with self._lock:
            self._replies, self._answer, self._taken = list(replies) or [Reply("好的。")], answer, 0

    def chats(self) -> list[Recorded]:
        """Recorded chat requests, but for those for follow-up questions."""
        return [each for each in self._asked() if PROPOSING not in each.prompt]

    def proposals(self) -> list[Recorded]:
        """Recorded requests for follow-up questions."""
        return [each for each in self._asked() if PROPOSING in each.prompt]

    def proposed(self, count: int, timeout_s: float) -> Recorded:
        """The newest request for follow-up questions, once there are so many; blocks the calling thread."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.proposals()) >= count, timeout_s), "nobody asked for them"
        return self.proposals()[-1]

    def _asked(self) -> list[Recorded]:
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    async def _chat(self, request: Request) -> Response:
        recorded = await self._record(request)
        reply = self.proposal if PROPOSING in recorded.prompt else self._next(recorded.body)
        if reply.status != 200:
            recorded.closed.set()
            error = reply.error or {"message": f"scripted failure {reply.status}", "type": "scripted", "code": None}
            return JSONResponse({"error": error}, status_code=reply.status, headers=reply.headers)
        if reply.raw is not None:
            recorded.closed.set()
            return Response(reply.raw, media_type=reply.content_type)
        if not recorded.body.get("stream"):
            recorded.closed.set()
            return JSONResponse(_whole(reply))
        return _WatchedStream(_events(reply, recorded), recorded)

    async def _embeddings(self, request: Request) -> Response:
        recorded = await self._record(request)
        recorded.closed.set()
        if self.embedding_status != 200:
            return JSONResponse({"error": {"message": "scripted failure"}}, status_code=self.embedding_status)
        given = recorded.body["input"]
        texts = [given] if isinstance(given, str) else given
        if refusal := self._embedding_refusal(texts):
            return refusal
        zeros, size = self.embedding.zeros_for, self.embedding.dimension
        vectors = [[0.0] * size if zeros and zeros in text else hash_vector(text, size) for text in texts]
        rows = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        usage = {"prompt_tokens": sum(map(len, texts)), "total_tokens": sum(map(len, texts))}
        return JSONResponse({"object": "list", "data": rows, "model": recorded.body["model"], "usage": usage})

    def _embedding_refusal(self, texts: list[str]) -> Response | None:
        script = self.embedding
        script.after(len(self.embeddings()))
        with self._lock:
            is_busy = script.busy > 0
            script.busy -= is_busy
        if is_busy:
            error = {"message": "scripted: busy", "code": script.busy_code}
            return JSONResponse({"error": error}, status_code=script.busy_status, headers=script.busy_headers)
        holds_word = bool(script.refused_word) and any(script.refused_word in text for text in texts)
        if holds_word or len(texts) > script.most_texts:
            error = {"message": f"scripted: {texts[0][:20]}", "code": script.code}
            return JSONResponse({"error": error}, status_code=script.status)
        return None

    def embeddings(self) -> list[Recorded]:
        """Recorded requests for embeddings."""
        return [request for request in self.requests if request.path.endswith("/embeddings")]

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"object": "model", **model} for model in self.listed]})

    async def _record(self, request: Request) -> Recorded:
        recorded = Recorded(request.url.path, dict(request.headers), json.loads(await request.body()))
        with self._lock:
            self.requests.append(recorded)
        with self._arrived:
            self._arrived.notify_all()
        return recorded

    def _next(self, body: dict[str, Any]) -> Reply:
        with self._lock:
            if self._answer is not None:
                return self._answer(body)
            reply = self._replies[min(self._taken, len(self._replies) - 1)]
            self._taken += 1
            return reply


class _WatchedStream(StreamingResponse):
    """An SSE response that notes whether the client stayed to the end."""

    def __init__(self, content: AsyncIterator[str], recorded: Recorded) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._recorded = recorded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = asyncio.ensure_future(self.stream_response(send))
        left = asyncio.ensure_future(_left(receive))
        done, _ = await asyncio.wait({stream, left}, return_when=asyncio.FIRST_COMPLETED)
        if stream not in done:
            self._recorded.hung_up.set()
        for task in (stream, left):
            task.cancel()
        await asyncio.gather(stream, left, return_exceptions=True)
        self._recorded.closed.set()
        if stream in done and isinstance(stream.exception(), _Cut):
            raise _Cut  # uvicorn closes the connection in the middle of the body


class _Cut(Exception):
    """The scripted end of the connection."""


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _events(reply: Reply, recorded: Recorded) -> AsyncIterator[str]:
    yield _chunk({"role": "assistant", "content": ""})
    recorded.started.set()
    await asyncio.sleep(reply.first_delay_s)
    thoughts = [
        reply.reasoning[at : at + reply.piece_chars] for at in range(0, len(reply.reasoning), reply.piece_chars)
    ]
    deltas = [{reply.reasoning_field: piece, "content": None} for piece in thoughts]
    deltas += [{"content": piece} for piece in reply.pieces]
    for delta in deltas:
        yield _chunk(delta)
        recorded.sent += 1
        await asyncio.sleep(reply.delay_s)
        while not reply.once():
            await asyncio.sleep(0.01)
    if reply.end == "disconnect":
        raise _Cut
    if reply.end == "stall":
        await asyncio.Event().wait()
    if reply.end == "error":
        yield _data({"error": reply.error or {"message": "scripted failure in the stream", "type": "server_error"}})
        return
    if reply.end == "eof":
        return
    if reply.end != "none":
        yield _chunk({}, finish_reason=reply.end)
    wants_usage = (recorded.body.get("stream_options") or {}).get("include_usage")
    if wants_usage and reply.usage is not None:
        yield _data({**_envelope(), "choices": [], "usage": _usage(reply.usage)})
    yield "data: [DONE]\n\n"


def _whole(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(reply.pieces)}
    choice = {"index": 0, "message": message, "finish_reason": reply.end}
    return {**_envelope("chat.completion"), "choices": [choice], "usage": _usage(reply.usage or (0, 0))}


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    return _data({**_envelope(), "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _envelope(kind: str = "chat.completion.chunk") -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 1_700_000_000, "model": "test-model"}


def _usage(tokens: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def _data(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def hash_vector(text: str, dimension: int = DIMENSION) -> list[float]:
    """A unit vector made from the text's character pairs: the same text the same vector, alike ones near.

    The paraphrases by which a model is asked whether it reads a language count as one text.
    """
    text = next((key for key, said in PARAPHRASES.items() if text.endswith(said)), text)
    vector = [0.0] * dimension
    for at in range(max(1, len(text) - 1)):
        digest = hashlib.blake2b(text[at : at + 2].encode("utf-8", "replace"), digest_size=4).digest()
        vector[int.from_bytes(digest[:2], "big") % dimension] += 1.0 if digest[2] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector] if any(vector) else [1.0] + [0.0] * (dimension - 1)


@contextlib.contextmanager
def running(host: str = "127.0.0.1") -> Iterator[ModelServer]:
    """A model server in a thread of its own, on a free port, until the block ends."""
    model = ModelServer()
    with socket.socket() as listener:
        listener.bind((host, 0))
        model.base_url = f"http://{host}:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(model.app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield model
        finally:
            server.should_exit = True
            thread.join(timeout=30)


@contextlib.contextmanager
def refused_address() -> Iterator[str]:
    """The base URL of a port that nobody listens on, and that nobody else can take until the block ends."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
