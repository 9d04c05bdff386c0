"""What the board and the alerts ask for is what a bot that has worked tells: names, labels and their values."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.conftest import Stage
from tests.support.caller import caller
from tests.support.promql import groupings, selectors
from tests.unit.bot.test_metrics_boards import expressions

QUESTION = "出差回来多久内要报销？"
ADDED_BY_PROMETHEUS = {"instance", "job"}


@pytest.fixture
def transport() -> str:
    """The one that has figures of its own."""
    return "websocket"


async def scrape(stage: Stage) -> dict[str, list[dict[str, str]]]:
    """Sample name → the labels of its series, after a question in the group, a vote, and questions on the web."""
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    await stage.click(card, "up")
    async with caller(bot.web) as http:
        for path in ("/chat", "/chat/stream"):
            (await http.post(path, json={"question": QUESTION})).raise_for_status()
        assert (await http.post("/chat", json={})).status_code == 422
        told = (await http.get("/metrics")).text
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def test_every_series_of_the_board_and_the_alerts_is_there_with_its_labels(stage: Stage) -> None:
    told = await scrape(stage)
    asked = expressions()
    assert len(asked) > 15
    for expression in asked:
        wanted = selectors(expression)
        assert wanted, expression
        for selector in wanted:
            series = told.get(selector.name)
            assert series, f"{selector.name} in {expression}"
            for label, how, value in selector.matchers:
                known = {labels[label] for labels in series}
                pattern = re.compile(value)
                assert how in ("!=", "!~") or any(pattern.fullmatch(each) for each in known), (expression, known)
        labels = {label for selector in wanted for each in told.get(selector.name, ()) for label in each}
        if labels:
            assert groupings(expression) <= labels | ADDED_BY_PROMETHEUS, expression
