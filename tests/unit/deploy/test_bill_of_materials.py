"""The bill of materials: it keeps to CycloneDX, says what the lock says, and tells nothing of where it was made."""

import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT7

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "deploy"))  # lock.py is a script, and sbom.py lies beside it

from sbom import Package, bill  # noqa: E402

LINUX = {"platform_system": "Linux", "python_version": "3.12", "python_full_version": "3.12.0"}


def stored() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((ROOT / "deploy" / "sbom.cdx.json").read_text("utf-8"))
    return whole


def package(name: str, *needs: str, **metadata: Any) -> Package:
    return Package(name, "1.0", ("a" * 64,), {"requires_dist": list(needs), **metadata})


def made(needs: list[str], *packages: Package) -> dict[str, Any]:
    return bill("ours", "1", needs, packages, LINUX)


def needed(told: dict[str, Any]) -> dict[str, list[str]]:
    """Who needs whom, by names alone."""
    short = {each["ref"]: each["ref"].removeprefix("pkg:pypi/").partition("@")[0] for each in told["dependencies"]}
    return {short[each["ref"]]: [short[below] for below in each["dependsOn"]] for each in told["dependencies"]}


def test_it_keeps_to_the_schema_of_cyclonedx() -> None:
    pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed")
    folder = files("cyclonedx.schema") / "_res"
    names = {"spdx.schema.json": "spdx.SNAPSHOT.schema.json", "jsf-0.82.schema.json": "jsf-0.82.SNAPSHOT.schema.json"}
    registry: Any = referencing.Registry()
    for stem, file in names.items():
        content = json.loads((folder / file).read_text("utf-8"))
        resource = DRAFT7.create_resource(content)
        for address in (stem, f"http://cyclonedx.org/schema/{stem}", content.get("$id", stem)):
            registry = registry.with_resource(address, resource)
    schema = json.loads((folder / "bom-1.6.SNAPSHOT.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema, registry=registry).validate(stored())


def test_it_holds_what_the_lock_holds() -> None:
    locked: dict[str, set[str]] = {}
    for row in (ROOT / "deploy" / "requirements.lock").read_text("utf-8").replace("\\\n", " ").splitlines():
        if row and not row.startswith("#"):
            pin, *hashes = row.split()
            locked[pin] = {each.removeprefix("--hash=sha256:") for each in hashes}
    told = {f"{each['name']}=={each['version']}": each["hashes"] for each in stored()["components"]}
    assert {pin: {each["content"] for each in hashes} for pin, hashes in told.items()} == locked


def test_all_but_the_build_tool_is_there_because_something_needs_it() -> None:
    graph = needed(stored())
    reached, waiting = set(), ["feishu-rag"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    assert set(graph) - reached == {"setuptools"}


def test_it_tells_neither_time_nor_place() -> None:
    text = (ROOT / "deploy" / "sbom.cdx.json").read_text("utf-8")
    assert "://" not in text and "timestamp" not in text
    assert not re.search(r'"[^"]*(?:/home/|/tmp/|/opt/|file:)', text)


def test_the_same_packages_give_the_same_bill() -> None:
    one, other = package("one", "other"), package("other")
    assert made(["one"], one, other) == made(["one"], other, one)
    assert made(["one"], one)["serialNumber"] != made(["one"], one, other)["serialNumber"]


def test_needs_follow_markers_and_the_extras_that_are_asked_for() -> None:
    driver = package(
        "driver", "binary; extra == 'binary'", "docs; extra == 'docs'", "win; platform_system == 'Windows'"
    )
    told = made(["Driver[binary]>=1"], driver, package("binary"), package("docs"), package("win"))
    assert needed(told) == {"ours": ["driver"], "driver": ["binary"], "binary": [], "docs": [], "win": []}


def test_packages_that_need_each_other_end() -> None:
    told = made(["one"], package("one", "other"), package("other", "one"))
    assert needed(told) == {"ours": ["one"], "one": ["other"], "other": ["one"]}


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"license_expression": "MIT", "license": "ignored"}, [{"expression": "MIT"}]),
        ({"classifier": ["License :: OSI Approved :: MIT License"]}, [{"license": {"name": "MIT License"}}]),
        ({"classifier": ["License :: OSI Approved"], "license": "MIT"}, [{"license": {"name": "MIT"}}]),
        ({"license": "A whole text\nof many lines"}, None),
        ({}, None),
    ],
    ids=["expression", "classifier", "name", "text", "none"],
)
def test_a_licence_is_told_as_the_package_tells_it(metadata: dict[str, Any], wanted: Any) -> None:
    [component] = made(["one"], package("one", **metadata))["components"]
    assert component.get("licenses") == wanted
