"""Every setting is described in the models, and the three written files say what the models say."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings, load_settings
from bot.settings.fields import Leaf, leaves
from bot.settings.files import read_env_file
from bot.settings.reference import written_files

ROOT = Path(__file__).parents[2]
LEAVES = {leaf.key: leaf for leaf in leaves(Settings)}


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_every_setting_is_described(leaf: Leaf) -> None:
    assert leaf.field.description, f"{leaf.key} has no description"
    assert leaf.field.description[0].isupper() or leaf.field.description.startswith(("auto", "sqlite"))


@pytest.mark.parametrize("path", written_files())
def test_the_written_files_are_current(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == written_files()[path], "run `make docs` and commit what it writes"


def test_the_file_has_exactly_the_three_sections() -> None:
    assert list(yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))) == ["feishu", "rag", "bot"]


def test_the_file_holds_every_key_with_its_default(tmp_path: Path) -> None:
    bare = tmp_path / "config.yaml"
    bare.write_text((ROOT / "config.yaml").read_text("utf-8"), "utf-8")
    nothing = tmp_path / "nothing.yaml"
    nothing.write_text("")
    assert load_settings(bare, environ={}, env_file=None) == load_settings(nothing, environ={}, env_file=None)
    written = yaml.safe_load(bare.read_text("utf-8"))
    keys = {key for key, leaf in LEAVES.items() if _holds(written, leaf.path)}
    assert keys == {key for key, leaf in LEAVES.items() if not leaf.is_secret}


def test_every_key_has_a_comment_above_it() -> None:
    lines = (ROOT / "config.yaml").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"\s*\w+:", line):
            assert before.lstrip().startswith("#"), f"{line.strip()} has no comment"


def test_secrets_are_named_with_their_variable_in_all_three_files() -> None:
    for leaf in LEAVES.values():
        if leaf.is_secret:
            for path in written_files():
                assert leaf.variable in (ROOT / path).read_text("utf-8"), f"{leaf.variable} is missing in {path}"


def test_the_example_of_an_env_file_can_be_copied_as_it_is() -> None:
    variables = read_env_file(ROOT / ".env.example")
    assert {variable.name for variable in variables} <= {leaf.variable for leaf in LEAVES.values()}
    assert load_settings(None, environ={}, env_file=ROOT / ".env.example")


def _holds(tree: object, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return False
        tree = tree[name]
    return True
