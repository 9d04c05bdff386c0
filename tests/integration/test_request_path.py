"""How much of the code one question and one click go through, and that docs/architecture.md lists those files."""

import json
import subprocess
import sys

import pytest

from tests.support.bot_process import REPOSITORY
from tests.support.request_path import RequestPath, documented

COMMAND = [sys.executable, "-m", "tests.support.request_path"]
QUESTION_FILES, QUESTION_FUNCTIONS = 107, 680
CLICK_FILES, CLICK_FUNCTIONS = 53, 267
"""A little more than were entered when this was last set (107 and 666, 53 and 262): on a busy machine some functions
that wait are entered, too. Lower them when the code gets shorter; the aim is 55 files for a question and 30 for a
click."""

Paths = tuple[RequestPath, RequestPath]


@pytest.fixture(scope="module")
def paths() -> Paths:
    """Of a question and of a click, measured in a process of its own, whose caches are empty."""
    done = subprocess.run([*COMMAND, "--json"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    question, click = json.loads(done.stdout.splitlines()[-1])
    return RequestPath(**question), RequestPath(**click)


def test_a_question_enters_no_more_files_and_functions_than_recorded(paths: Paths) -> None:
    question, _ = paths
    sys.stdout.write(f"one question: {question.files} files, {question.functions} functions\n")
    assert question.files <= QUESTION_FILES, question
    assert question.functions <= QUESTION_FUNCTIONS


def test_a_click_enters_no_more_files_and_functions_than_recorded(paths: Paths) -> None:
    _, click = paths
    sys.stdout.write(f"one click: {click.files} files, {click.functions} functions\n")
    assert click.files <= CLICK_FILES, click
    assert click.functions <= CLICK_FUNCTIONS


def test_the_whole_path_is_measured(paths: Paths) -> None:
    """Each package is among what is entered, and no loop that runs without a request is."""
    question, click = paths
    assert question.request[0] == click.request[0] == "bot/handlers/http.py"
    of_question, of_click = {*question.request, *question.job}, {*click.request, *click.job}
    assert {"bot/inbox/claim.py", "rag/index/local/bm25.py", "feishu/streaming/stream.py"} <= of_question
    assert {"bot/repositories/votes.py", "bot/cards/final_view.py", "feishu/api/client.py"} <= of_click
    loops = {"bot/inbox/replicas.py", "bot/inbox/notify.py", "bot/web/chat/turns.py", "bot/repositories/erasure.py"}
    assert not loops & of_question


def test_the_architecture_page_lists_the_files_that_are_entered(paths: Paths) -> None:
    """Which files, by request and job; their order within a stage may differ by a frame that comes sooner or later."""
    entered = [set(names) for path in paths for names in (path.request, path.job)]
    assert [set(names) for names in documented()] == entered, "run `python -m tests.support.request_path` and commit it"
