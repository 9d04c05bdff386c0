"""The figures on /metrics: right names, right counts, no endless series."""

import re
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bot.observability.metrics import MOST_LABELS, Metrics


@dataclass
class Call:
    endpoint: str = "cardkit.create"
    seconds: float = 0.1
    outcome: str = "ok"


# As the code gives them; the parser sorts by name.
ORDER = ["version", "python", "le", "type", "action", "endpoint", "kind", "result", "outcome", "ending", "state"]


def figures(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """(name, label value, …) → value; without buckets and the process's own figures."""
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            if family.name.startswith("feishu_rag"):
                labels = sorted(sample.labels.items(), key=lambda label: ORDER.index(label[0]))
                found[sample.name, *(value for _, value in labels)] = sample.value
    return found


def test_what_is_told_is_what_is_shown() -> None:
    metrics = Metrics()
    metrics.event_received("im.message.receive_v1", "accepted", 0.004)
    metrics.event_received("im.message.receive_v1", "duplicate")
    metrics.callback("vote", "stored")
    metrics.job_claimed(-0.5, resumed=False, taken_over=False)
    metrics.job_ended("answer", "done")
    metrics.retrieved(0.03)
    metrics.first_token(0.4)
    metrics.turn_ended("answered", 2.0)
    metrics.turn_ended("hedged", 1.0, "length")
    metrics.voted("up")
    metrics.platform_called(Call(outcome="code 230020"))
    metrics.card_frame()
    found = figures(metrics)
    assert found["feishu_rag_events_total", "im.message.receive_v1", "accepted"] == 1
    assert found["feishu_rag_events_total", "im.message.receive_v1", "duplicate"] == 1
    assert found["feishu_rag_accept_seconds_count",] == 1
    assert found["feishu_rag_callbacks_total", "vote", "stored"] == 1
    assert found["feishu_rag_queue_wait_seconds_sum",] == 0
    assert found["feishu_rag_jobs_ended_total", "answer", "done"] == 1
    assert found["feishu_rag_retrieval_seconds_count",] == 1
    assert found["feishu_rag_first_token_seconds_sum",] == 0.4
    assert found["feishu_rag_turns_total", "answered"] == 1
    assert found["feishu_rag_answer_seconds_sum", "answered"] == 2
    assert found["feishu_rag_turns_total", "hedged"] == 1
    assert found["feishu_rag_answer_endings_total", "length"] == 1
    assert found["feishu_rag_answer_endings_total", "broken"] == 0
    assert found["feishu_rag_votes_total", "up"] == 1
    assert found["feishu_rag_platform_calls_total", "cardkit.create", "code 230020"] == 1
    assert found["feishu_rag_platform_call_seconds_count", "cardkit.create"] == 1
    assert found["feishu_rag_card_frames_total", "shown"] == 1
    assert any(name == "feishu_rag_build_info" for name, *_ in found)


def test_a_state_without_jobs_is_zero_again() -> None:
    metrics = Metrics()
    metrics.jobs_by_state({"queued": 3, "running": 1})
    metrics.jobs_by_state({"running": 2})
    found = figures(metrics)
    assert found["feishu_rag_jobs", "queued"] == 0
    assert found["feishu_rag_jobs", "running"] == 2
    assert found["feishu_rag_jobs", "buried"] == 0


def test_names_follow_the_convention() -> None:
    """https://prometheus.io/docs/practices/naming/: a prefix, base units, `_total` for what only rises."""
    metrics = Metrics()
    for family in text_string_to_metric_families(metrics.render().decode()):
        if family.name.startswith("feishu_rag"):
            assert re.fullmatch(r"feishu_rag_[a-z][a-z_]+", family.name)
            assert family.documentation
            assert family.type != "histogram" or family.name.endswith("_seconds")


def test_two_bots_in_one_process_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.voted("up")
    assert figures(other)["feishu_rag_votes_total", "up"] == 0


def test_names_from_outside_cannot_make_endless_series() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_LABELS):
        metrics.event_received(f"made.up.{number}", "ignored")
    types = {labels[0] for name, *labels in figures(metrics) if name == "feishu_rag_events_total"}
    assert len(types) == MOST_LABELS + 1
    assert "other" in types


def test_any_label_can_be_shown() -> None:
    metrics = Metrics()
    metrics.event_received('odd"\n\\类型\ud800', "ignored")
    assert b"feishu_rag_events_total" in metrics.render()
