"""The suites of crashes, faults and load that were written for the webhook, unchanged, over the long connection."""

import os
import subprocess
import sys

import pytest

from tests.support.bot_process import REPOSITORY

SUITES = (
    "fault_matrix",
    "test_bad_luck.py",
    "test_crash.py",
    "test_crash_at_random.py",
    "test_outage.py",
    "test_people_conversation.py",
    "test_question_to_card.py",
    "test_restart_storm.py",
    "test_ten_turns.py",
)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_of_the_webhook_passes(suite: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", f"tests/integration/{suite}"]
    given = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**given, "TEST_TRANSPORT": "websocket"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
