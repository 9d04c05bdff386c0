"""Figures for `/metrics`, named after questions people ask. Each `Metrics` has its own registry."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from bot.job import ENDED_STATES, JobKind
from rag.events import Ending, ModelCall

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "buried")
OUTCOMES = ("answered", "hedged", "no_evidence", "stopped", "failed")
MOST_LABELS = 100
LONGEST_LABEL = 80

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
_START_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_CALL_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)
_ANSWER_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)


class Call(Protocol):
    """One call to the platform, as `feishu.api.client.CallRecord` tells it."""

    @property
    def endpoint(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def outcome(self) -> str: ...


class Metrics:
    """Every method is cheap, never waits and never raises."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._labels: dict[str, set[str]] = {}
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._set_up_inbox()
        self._set_up_answers()
        self._set_up_platform()
        self._set_up_web()
        self._gauge("build_info", "Version that runs", "version", "python").labels(
            _version(), platform.python_version()
        ).set(1)

        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A series that first appears with 1 never grew, as Prometheus sees it: what alerts watch begins with 0."""
        for outcome in OUTCOMES:
            self._turns.labels(outcome)
        for ending in filter(None, get_args(Ending)):
            self._endings.labels(ending)
        for kind in get_args(JobKind):
            for state in ENDED_STATES:
                self._ended.labels(kind, state)
        for vote in ("up", "down"):
            self._votes.labels(vote)

    def _set_up_inbox(self) -> None:
        self._events = self._counter("events", "Events received", "type", "result")
        self._accept = self._histogram("accept_seconds", "From request to durable acceptance", _FAST_S)
        self._callbacks = self._counter("callbacks", "Clicks on cards", "action", "result")
        self._jobs = self._gauge("jobs", "Jobs by state", "state")
        self._waits = self._gauge("jobs_waiting", "Jobs that wait for the platform, or to give notice", "reason")
        self._ended = self._counter("jobs_ended", "Jobs that ended", "kind", "state")
        self._replicas = self._gauge("replicas", "Replicas that are alive, as this one sees them")
        self._share = self._gauge("budget_share", "Part of the app's call budget that this process uses")
        self._oldest = self._gauge("oldest_job_seconds", "Age of the oldest job that has not ended")
        self._wait = self._histogram("queue_wait_seconds", "From acceptance to start of a job", _START_S)
        self._resumed = self._counter("jobs_resumed", "Jobs that started again")
        self._taken_over = self._counter("jobs_taken_over", "Jobs whose lease ran out under another worker")

        self._refused = self._counter("refused", "What people did that came to nothing", "deed", "why")

    def _set_up_answers(self) -> None:
        self._turns = self._counter("turns", "Answers by outcome", "outcome")
        self._retrieval = self._histogram("retrieval_seconds", "Finding passages", _CALL_S)
        self._first_token = self._histogram("first_token_seconds", "From question to first words", _ANSWER_S)
        self._answer = self._histogram("answer_seconds", "From question to closed card", _ANSWER_S, "outcome")
        self._endings = self._counter("answer_endings", "Answers whose text was cut off", "ending")
        self._votes = self._counter("votes", "Votes on answers", "kind")
        self._tokens = self._counter("model_tokens", "Tokens of the language model", "purpose", "kind")

    def _set_up_platform(self) -> None:
        self._calls = self._counter("platform_calls", "Calls to the open platform", "endpoint", "outcome")
        self._call = self._histogram("platform_call_seconds", "One call to the open platform", _CALL_S, "endpoint")
        self._down = self._gauge("platform_down_seconds", "For how long an API of the platform has been down, 0: up")
        self._frames = self._counter("card_frames", "Updates of streaming cards", "result")
        self._fallbacks = self._counter("fallbacks", "Answers that had to go another way", "way")

        self._up = self._gauge("long_connection_up", "Whether the long connection is open, 1 or 0", "app")
        self._up_since = self._gauge(
            "long_connection_since_seconds", "When the long connection was opened or lost last, epoch seconds", "app"
        )
        self._lost = self._counter("long_connection_lost", "Long connections that ended", "reason")
        self._refusals = self._counter("long_connection_refused", "Long connections that could not be opened", "error")
        self._ack = self._histogram(
            "long_connection_ack_seconds", "From an event's last frame to its acknowledgement", _FAST_S, "code"
        )
        self._dropped = self._counter("long_connection_frames_dropped", "Frames that came to nothing", "reason")

    def _set_up_web(self) -> None:
        self._open_streams = 0
        self._streams = self._gauge("web_streams_open", "Answers being streamed to the web now")
        self._connections = self._gauge("connections_open", "Connections of clients", "door")
        self._closed = self._counter("connections_closed", "Connections closed or refused by a limit", "door", "reason")
        self._requests = self._counter("web_requests", "Requests on the web door", "route", "method", "status")
        self._request = self._histogram(
            "web_request_seconds", "Requests on the web door, streams whole", _ANSWER_S, "route"
        )

    def connections(self, door: str, reason: str | None, now_open: int) -> None:
        """One more or less is open; `reason`: why one was closed or refused (`bot.connections.Reason`)."""
        self._connections.labels(door).set(now_open)
        if reason:
            self._closed.labels(door, reason).inc()

    def stream_opened(self) -> int:
        """Gives how many streams are open now, this one included."""
        self._open_streams += 1
        self._streams.set(self._open_streams)
        return self._open_streams

    def stream_closed(self) -> int:
        """Gives how many streams are left."""
        self._open_streams -= 1
        self._streams.set(self._open_streams)
        return self._open_streams

    def web_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """`route` is the pattern of the address, never the address."""
        self._requests.labels(self._bounded("route", route), self._bounded("method", method), str(status)).inc()
        self._request.labels(self._bounded("route", route)).observe(seconds)

    def event_received(self, type: str, result: str, seconds: float | None = None) -> None:
        """`result`: accepted, duplicate, ignored, refused, …; `seconds` when the event was stored."""
        self._events.labels(self._bounded("event", type), result).inc()
        if seconds is not None:
            self._accept.observe(seconds)

    def refused(self, deed: str, why: str) -> None:
        """`deed` and `why` as in `bot.intake.policy`: what somebody did, and which rule or bound it met."""
        self._refused.labels(deed, why).inc()

    def callback(self, action: str, result: str) -> None:
        self._callbacks.labels(self._bounded("action", action), result).inc()

    def jobs_by_state(self, counts: Mapping[str, int]) -> None:
        """Counts from the store; a state that is absent has none."""
        for state in {*JOB_STATES, *counts}:
            self._jobs.labels(state).set(counts.get(state, 0))

    def inbox(self, survey: Mapping[str, tuple[int, float]]) -> None:
        """State → number of jobs and the age of the oldest, as `Jobs.survey` gives them."""
        self.jobs_by_state({state: count for state, (count, _) in survey.items()})
        self._oldest.set(max((age for _, age in survey.values()), default=0.0))

    def waiting(self, waits: Mapping[str, int], down: Mapping[str, float]) -> None:
        """What jobs wait for → how many (`Jobs.waits`); API → seconds that it has been down (`Availability.down`)."""
        for reason, count in waits.items():
            self._waits.labels(reason).set(count)
        self._down.set(max(down.values(), default=0.0))

    def budget_shared(self, share: float, replicas: int) -> None:
        """The part of the call budget that this process uses, and among how many it is divided."""
        self._share.set(share)
        self._replicas.set(replicas)

    def job_claimed(self, waited_s: float, *, resumed: bool, taken_over: bool) -> None:
        """A job starts: for the first time `waited_s` after it was accepted, or again."""
        if not resumed:
            self._wait.observe(max(0.0, waited_s))
        else:
            self._resumed.inc()
        if taken_over:
            self._taken_over.inc()

    def job_ended(self, kind: str, state: str) -> None:
        self._ended.labels(kind, state).inc()

    def retrieved(self, seconds: float) -> None:
        self._retrieval.observe(seconds)

    def model_called(self, call: ModelCall) -> None:
        """What a whole call of the language model cost."""
        self._tokens.labels(call.purpose, "prompt").inc(call.usage.prompt_tokens)
        self._tokens.labels(call.purpose, "completion").inc(call.usage.completion_tokens)

    def first_token(self, seconds: float) -> None:
        self._first_token.observe(seconds)

    def turn_ended(self, outcome: str, seconds: float, ending: str = "") -> None:
        """`ending`: how the model's text was cut off (`rag.events.Ending`), "" for a whole one."""
        self._turns.labels(outcome).inc()
        self._answer.labels(outcome).observe(seconds)
        if ending:
            self._endings.labels(ending).inc()

    def voted(self, kind: str) -> None:
        self._votes.labels(kind).inc()

    def platform_called(self, call: Call) -> None:
        """Fits `FeishuClient(observe=metrics.platform_called)`."""
        endpoint = self._bounded("endpoint", call.endpoint)
        self._calls.labels(endpoint, self._bounded("outcome", call.outcome)).inc()
        self._call.labels(endpoint).observe(call.seconds)

    def connection_up(self, app_id: str, is_up: bool, at: float) -> None:
        """The long connection was opened or lost; `at` in epoch seconds. Where there is none, there is no figure."""
        self._up.labels(app_id).set(is_up)
        self._up_since.labels(app_id).set(at)

    def connection_lost(self, reason: str) -> None:
        """`reason`: one of `feishu.long_connection.socket.Lost`, or `stopped`."""
        self._lost.labels(reason).inc()

    def connection_refused(self, error: str) -> None:
        """`error`: the error's name in docs/errors.md."""
        self._refusals.labels(error).inc()

    def frame_acknowledged(self, seconds: float, code: int) -> None:
        self._ack.labels(str(code)).observe(seconds)

    def frames_dropped(self, reason: str, count: int) -> None:
        """`reason` as in `feishu.long_connection.session.FrameObserver`."""
        self._dropped.labels(reason).inc(count)

    def card_frame(self, result: str = "shown") -> None:
        """`result`: shown, dropped, refused."""
        self._frames.labels(result).inc()

    def ways_to_fall_back(self, ways: Iterable[str]) -> None:
        """Begins each at 0, so that the first one is seen as a change."""
        for way in ways:
            self._fallbacks.labels(way)

    def fallback_used(self, way: str) -> None:
        """`way`: one of `bot.repositories.fallbacks.WAYS`."""
        self._fallbacks.labels(way).inc()

    def render(self) -> bytes:
        """The text that Prometheus reads; its type is `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _bounded(self, label: str, value: str) -> str:
        """What comes from outside must not make endless series: past the limit all new values are `other`."""
        value = value[:LONGEST_LABEL].encode("utf-8", "replace").decode()
        seen = self._labels.setdefault(label, set())
        if value in seen or len(seen) < MOST_LABELS:
            seen.add(value)
            return value
        return "other"

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"feishu_rag_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"feishu_rag_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"feishu_rag_{name}", text, labels, buckets=buckets, registry=self.registry)


def _version() -> str:
    try:
        return version("feishu-rag")
    except PackageNotFoundError:
        return "unknown"
