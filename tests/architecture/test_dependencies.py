"""What is installed: every dependency has a lower bound, and the pin that the tests run with lies within it."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = "feishu-rag"
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    return [each for each in map(Requirement, lines) if each.name != OURS]


def pins(file: str) -> dict[str, str]:
    lines = (line.partition("==") for line in (ROOT / file).read_text("utf-8").splitlines() if "==" in line)
    return {canonicalize_name(name): version.split()[0] for name, _, version in lines}


def locked() -> dict[str, list[str]]:
    """Package → hashes of `deploy/requirements.lock`."""
    text = (ROOT / "deploy" / "requirements.lock").read_text("utf-8").replace("\\\n", " ")
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def test_the_image_installs_the_pinned_versions_by_hash() -> None:
    found = locked()
    assert all(hashes and all(HASH.fullmatch(each) for each in hashes) for hashes in found.values())
    versions = dict(line.split("==") for line in found)
    known = pins("constraints.txt")
    assert {name: known[name] for name in versions} == versions


def test_the_image_installs_all_that_it_needs_by_hash() -> None:
    file = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = file["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["docs"], *extras["postgres"], *file["build-system"]["requires"]]
    names = {canonicalize_name(Requirement(line).name) for line in lines}
    assert names <= {line.partition("==")[0] for line in locked()}
    recipe = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in recipe and "requirements.lock" in recipe and "ARG EXTRAS=docs,mcp,postgres\n" in recipe


def test_the_images_install_torch_by_the_version_of_the_constraints() -> None:
    version = pins("constraints.txt")["torch"]
    assert f"ARG TORCH={version}\n" in (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert f"TORCH := torch=={version}\n" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_a_dependency_has_a_lower_bound_that_its_pin_keeps(requirement: Requirement) -> None:
    assert any(each.operator == ">=" for each in requirement.specifier), "an older one was never tried"
    assert requirement.specifier.contains(pins("constraints.txt")[canonicalize_name(requirement.name)])
