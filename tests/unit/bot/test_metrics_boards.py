"""The dashboard and the alert rules ask for figures that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.observability.metrics import Metrics

DEPLOY = Path(__file__).parents[3] / "deploy"
NAME = re.compile(r"\bfeishu_rag_[a-z_]+")


def expressions() -> list[str]:
    board = json.loads((DEPLOY / "grafana" / "feishu-rag.json").read_text("utf-8"))
    rules = yaml.safe_load((DEPLOY / "alerts" / "feishu-rag.yml").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_every_figure_that_is_asked_for_exists(expression: str) -> None:
    metrics = Metrics()
    told = metrics.render().decode()
    known = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)", told, re.MULTILINE))
    for name in NAME.findall(expression):
        assert {name, name.removesuffix("_total"), name.removesuffix("_bucket")} & known, name


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((DEPLOY / "alerts" / "feishu-rag.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"] and rule["annotations"]["fix"], rule["alert"]


# What happens, minute by minute, and which alerts people then get.
SERIES = {
    "answers fail": (
        {'feishu_rag_turns_total{outcome="failed"}': "0+2x60", 'feishu_rag_turns_total{outcome="answered"}': "0+5x60"},
        {"FeishuRagAnswersFail"},
    ),
    "one of two failed": (
        {'feishu_rag_turns_total{outcome="failed"}': "0 1x59", 'feishu_rag_turns_total{outcome="answered"}': "0 1x59"},
        set(),
    ),
    "a question waits": ({"feishu_rag_oldest_job_seconds": "0+60x60"}, {"FeishuRagQuestionsWait"}),
    "first words are slow": (
        {
            'feishu_rag_first_token_seconds_bucket{le="10"}': "0+1x60",
            'feishu_rag_first_token_seconds_bucket{le="20"}': "0+5x60",
            'feishu_rag_first_token_seconds_bucket{le="+Inf"}': "0+5x60",
        },
        {"FeishuRagFirstWordsSlow"},
    ),
    "the first burial": (
        {'feishu_rag_jobs_ended_total{kind="answer",state="buried"}': "0x30 1x30"},
        {"FeishuRagGivesUp"},
    ),
    "no replica is connected": (
        {'feishu_rag_long_connection_up{app="cli_a",replica="a"}': "0x60"},
        {"FeishuRagLongConnectionDown"},
    ),
    "one of two replicas is connected": (
        {
            'feishu_rag_long_connection_up{app="cli_a",replica="a"}': "0x60",
            'feishu_rag_long_connection_up{app="cli_a",replica="b"}': "1x60",
        },
        set(),
    ),
    "the platform is down": ({"feishu_rag_platform_down_seconds": "0+60x60"}, {"FeishuRagPlatformDown"}),
    "the platform refuses": (
        {
            'feishu_rag_platform_calls_total{endpoint="cardkit.create",outcome="ok"}': "0+7x60",
            'feishu_rag_platform_calls_total{endpoint="cardkit.create",outcome="230020"}': "0+3x60",
        },
        {"FeishuRagPlatformRefuses"},
    ),
}

GROUPED_BY = {
    "FeishuRagGivesUp": {"kind": "answer", "state": "buried"},
    "FeishuRagLongConnectionDown": {"app": "cli_a"},
}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on this machine (Debian: prometheus)")
@pytest.mark.parametrize("what", SERIES)
def test_prometheus_itself_fires_what_should_fire(what: str, tmp_path: Path) -> None:
    given, fired = SERIES[what]
    rules = DEPLOY / "alerts" / "feishu-rag.yml"
    known = {
        rule["alert"]: rule for group in yaml.safe_load(rules.read_text("utf-8"))["groups"] for rule in group["rules"]
    }
    up = {'feishu_rag_build_info{version="1"}': "1x60"}
    expected: list[dict[str, Any]] = []
    for name, rule in known.items():
        labels = {**rule["labels"], **GROUPED_BY.get(name, {})}
        alerts = [{"exp_labels": labels, "exp_annotations": rule["annotations"]}] if name in fired else []
        expected.append({"eval_time": "55m", "alertname": name, "exp_alerts": alerts})
    test = {
        "rule_files": [str(rules)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in {**up, **given}.items()],
                "alert_rule_test": expected,
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test), "utf-8")
    for command in (["check", "rules", str(rules)], ["test", "rules", str(tmp_path / "test.yml")]):
        told = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
