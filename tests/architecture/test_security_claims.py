"""docs/security.md: every claim names a test, and every test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py)(?:::(\w+)…?)?`", PAGE)))
FURTHER = re.findall(r"`([\w/]*test_\w+\.py)::\w+…?`, `::(\w+)…?`", PAGE)
"""A second test of the file named before it."""


def files(name: str) -> list[Path]:
    """A whole path, or the name of a file of which there is one."""
    return [ROOT / name] if name.startswith("tests/") else sorted((ROOT / "tests").rglob(name.rpartition("/")[2]))


@pytest.mark.parametrize(("name", "test"), [*NAMED, *FURTHER])
def test_a_named_test_is_there(name: str, test: str) -> None:
    found = files(name)
    assert len(found) == 1 and found[0].is_file(), f"{name}: {found}"
    assert not test or re.search(rf"def {test}\w*\(", found[0].read_text("utf-8")), f"{name} has no {test}"


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("| Against", "|---"))]
    assert len(rows) > 30
    assert [row for row in rows if "test_" not in row.split("|")[-2] and "benchmarks/" not in row.split("|")[-2]] == []
