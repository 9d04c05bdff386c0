"""What the schema promises, tried with whatever a generator thinks of: nothing is a 5xx, and every error is typed."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.generation import GenerationMode

from tests.support.caller import caller
from tests.support.scripted_library import ScriptedLibrary, telling
from tests.support.web_door import web_door

DEADLINE_S = 30.0
HEALTH = list(HealthCheck)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web door in a thread of its own: the generator is not asynchronous."""
    opened, done, urls = threading.Event(), threading.Event(), []

    async def serve() -> None:
        library = ScriptedLibrary()
        library.otherwise = telling("好 [1]", citations=(1,))
        async with web_door(library, tmp_path_factory.mktemp("door")) as door:
            urls.append(door.url)
            opened.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert opened.wait(DEADLINE_S)
    yield urls[0]
    done.set()
    thread.join()


def test_no_request_makes_the_door_fail(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=HEALTH)
            @given(case=operation.as_strategy(generation_mode=mode))
            def attempt(case: schemathesis.Case) -> None:
                nonlocal tried
                tried += 1
                answer = case.call(timeout=DEADLINE_S)
                case.validate_response(answer, checks=[checks.not_a_server_error])
                if answer.status_code >= 400:
                    assert set(answer.json()["error"]) >= {"type", "message", "what_to_do"}

            with contextlib.suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
                attempt()
    assert tried > 200


async def test_every_operation_has_examples_and_typed_errors(address: str) -> None:
    async with caller() as http:
        told = (await http.get(f"{address}/openapi.json")).json()
    assert len(told["paths"]) >= 9
    for path, operations in told["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            for status in ("401", "408", "413", "422", "429", "500", "503"):
                content = operation["responses"][status]["content"]["application/json"]
                assert content["schema"]["$ref"].endswith("/ErrorReply"), (path, status)


async def test_every_answer_that_is_json_or_a_stream_has_a_schema(address: str) -> None:
    async with caller() as http:
        told = (await http.get(f"{address}/openapi.json")).json()
    for path, operations in told["paths"].items():
        for operation in operations.values():
            content = operation["responses"]["200"]["content"]
            assert all(shape.get("schema") for shape in content.values()), path
    completion = told["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert completion["application/json"]["schema"]["$ref"].endswith("/Completion")
    assert completion["text/event-stream"]["example"].endswith("data: [DONE]\n\n")


async def test_what_is_given_is_what_the_schema_says(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    asked: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/chat"): {"question": "好吗"},
        ("POST", "/generate"): {"prompt": "好吗"},
        ("POST", "/v1/chat/completions"): {"messages": [{"role": "user", "content": "好吗"}]},
        ("GET", "/v1/models"): {},
    }
    for (method, path), body in asked.items():
        given_body = {"body": body, "media_type": "application/json"} if body else {}
        case = schema[path][method].Case(**given_body)
        answer = await asyncio.to_thread(case.call, timeout=DEADLINE_S)
        case.validate_response(answer, checks=[checks.response_schema_conformance, checks.status_code_conformance])
        assert answer.status_code == 200, path
