"""An answer's trace as OpenTelemetry spans: what took how long, and none of anybody's words."""

import pytest

from bot.errors import SettingsError
from bot.observability.otel import span_exporter
from bot.observability.tracing import Trace
from feishu.api.client import CallRecord
from rag.events import Delta, Finished, Question, Retrieved
from rag.scope import EVERYTHING
from rag.settings import PromptSettings
from tests.support.scripted_library import PASSAGES, passages


def test_an_answer_has_its_parts_as_spans() -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    simple = pytest.importorskip("opentelemetry.sdk.trace.export").SimpleSpanProcessor(memory)
    now = [0.0]
    trace = Trace(Question("秘密问题", EVERYTHING), PromptSettings(), lambda: now[0])
    retrieved = passages(*PASSAGES)
    assert isinstance(retrieved, Retrieved)
    for at, event in ((0.5, retrieved), (1.5, Delta("秘密回答")), (2.0, Finished("秘密回答", "answered", (1,), "m"))):
        now[0] = at
        trace.note(event)
    now[0] = 2.5
    trace.called(CallRecord("update_card", 0.25, "ok", 1))
    export, flush = span_exporter("http://127.0.0.1:1", processor=simple)
    export(7, trace)
    spans = {span.name: span for span in memory.get_finished_spans()}
    flush()
    assert set(spans) == {"answer", "retrieve", "generate", "platform update_card"}
    lasted = {name: round((span.end_time - span.start_time) / 1e9, 3) for name, span in spans.items()}
    assert lasted == {"answer": 2.0, "retrieve": 0.5, "generate": 1.5, "platform update_card": 0.25}
    assert {span.parent.span_id for name, span in spans.items() if name != "answer"} == {
        spans["answer"].context.span_id
    }
    assert "秘密" not in "".join(span.to_json() for span in spans.values())


def test_without_the_extra_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("opentelemetry.sdk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(SettingsError, match=r"feishu-rag\[otel\]"):
        span_exporter("http://127.0.0.1:4318")
