"""The dashboard and the alert rules ask for figures that exist."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bot.metrics import Metrics

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
