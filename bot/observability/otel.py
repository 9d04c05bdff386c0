"""OpenTelemetry by extra: each answer's trace as spans, made after the fact, so that nothing waits for a collector."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from bot.errors import SettingsError
from bot.observability.tracing import Trace

log = structlog.get_logger(__name__)

PARTS = {"retrieve": ("retriever.start", "retriever.end"), "generate": ("model.start", "model.end")}


def span_exporter(endpoint: str, *, processor: Any = None) -> tuple[Callable[[int, Trace], None], Callable[[], None]]:
    """A function that exports a trace, and one that flushes at the end. Raises `SettingsError` without the extra.

    `processor` replaces the exporter to `endpoint` (OTLP over HTTP).
    """
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
    except ModuleNotFoundError:
        fix = "pip install 'feishu-rag[otel]', or leave the setting empty"
        raise SettingsError("bot.otel_endpoint", "settings", fix, what="needs the extra otel") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "feishu-rag"}))
    provider.add_span_processor(processor or _to_collector(endpoint))
    tracer = provider.get_tracer("feishu-rag")

    def export(job_id: int, trace: Trace) -> None:
        began = time.time_ns() - _ns(trace.clock() - trace.started_at)
        last = max((event["at_s"] for event in trace.events), default=0.0)
        whole = tracer.start_span("answer", start_time=began, attributes=_facts(trace, job_id))
        for event in trace.events:
            whole.add_event(event["kind"], _attributes(event), began + _ns(event["at_s"]))
        parent = _context(whole)
        at = {event["kind"]: event["at_s"] for event in trace.events}
        for name, (start, end) in PARTS.items():
            if start in at:
                part = tracer.start_span(name, parent, start_time=began + _ns(at[start]))
                part.end(began + _ns(at.get(end, last)))
        for call in trace.calls:
            start_s = call["at_s"] - call["seconds"]
            span = tracer.start_span(f"platform {call['endpoint']}", parent, start_time=began + _ns(start_s))
            span.set_attribute("outcome", call["outcome"])
            span.end(began + _ns(call["at_s"]))
        whole.end(began + _ns(last))

    return export, provider.shutdown


def _to_collector(endpoint: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"))


def _context(span: Any) -> Any:
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)


def _facts(trace: Trace, job_id: int) -> dict[str, Any]:
    """No words of people: only what can be counted."""
    return {
        "job_id": job_id,
        "passages": len(trace.passages),
        "pieces": trace.pieces,
        "model": trace.model or "",
        "best_coverage": max((passage.coverage for passage in trace.passages), default=0.0),
    }


def _attributes(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if name not in ("kind", "error")}
    return {name: value for name, value in kept.items() if isinstance(value, bool | int | float | str)}


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
